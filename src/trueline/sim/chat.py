"""Chat replies as OpenAI gives them, whole and streamed (spec/rules.md, sections C, N, R, U).

`ChatAnswer` is what the model says; `whole()` and `chunks()` are its two forms, as plain objects, for the planters.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import msgspec

from trueline.sim.ids import Ids
from trueline.sim.options import SimOptions
from trueline.sim.requests import REASONING_MODEL, check_chat
from trueline.sim.schema import example
from trueline.sim.text import answer_text, count, pieces, pieces_of_length, prompt_of, text_of

__all__ = ["Call", "ChatAnswer", "Choice", "answer_chat", "before_stop", "usage_of"]

Json = dict[str, Any]

_SNAPSHOTS = {
    "gpt-4o": "gpt-4o-2024-08-06",
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "gpt-4.1": "gpt-4.1-2025-04-14",
    "gpt-4.1-mini": "gpt-4.1-mini-2025-04-14",
    "gpt-4.1-nano": "gpt-4.1-nano-2025-04-14",
    "gpt-5": "gpt-5-2025-08-07",
    "gpt-5.4": "gpt-5.4-2026-03-05",
}
_ARGUMENT_PIECE = 8


@dataclass
class Call:
    """One tool call."""

    id: str
    name: str
    arguments: str

    def pieces(self) -> list[str]:
        """The arguments as they are streamed."""
        text = self.arguments
        return [text[at : at + _ARGUMENT_PIECE] for at in range(0, len(text), _ARGUMENT_PIECE)]


@dataclass
class Choice:
    """What one choice says: text, calls or a refusal, and why it ended."""

    index: int
    pieces: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    legacy_call: bool = False
    refusal: str | None = None
    finish: str = "stop"

    @property
    def text(self) -> str | None:
        return None if self.calls or self.refusal is not None else "".join(self.pieces)

    def tokens(self) -> int:
        """The completion tokens of this choice, as rules.md T5 counts calls."""
        if self.refusal is not None:
            return count(self.refusal) + 1
        return sum(count(call.name) + count(call.arguments) + 7 for call in self.calls) or len(self.pieces)


@dataclass
class ChatAnswer:
    """A reply before it has a form."""

    request: Json
    id: str
    created: int
    model: str
    fingerprint: str | None
    choices: list[Choice]
    usage: Json
    obfuscated: bool = False

    @property
    def reasoning(self) -> bool:
        """Reasoning models omit `logprobs` (rules.md C12)."""
        return REASONING_MODEL.match(self.model) is not None

    @property
    def include_usage(self) -> bool:
        return bool((self.request.get("stream_options") or {}).get("include_usage"))

    def whole(self) -> Json:
        """The `chat.completion` object."""
        return {
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": [self._whole_choice(choice) for choice in self.choices],
            "usage": msgspec.to_builtins(self.usage),
            "service_tier": "default",
            "system_fingerprint": self.fingerprint,
        }

    def _whole_choice(self, choice: Choice) -> Json:
        message: Json = {"role": "assistant", "content": choice.text}
        if choice.legacy_call:
            message["function_call"] = _function(choice.calls[0])
        elif choice.calls:
            message["tool_calls"] = [
                {"id": call.id, "type": "function", "function": _function(call)} for call in choice.calls
            ]
        message["refusal"] = choice.refusal
        message["annotations"] = []
        made: Json = {"index": choice.index, "message": message}
        if not self.reasoning:
            made["logprobs"] = self._logprobs(choice.pieces) if choice.text is not None else None
        made["finish_reason"] = choice.finish
        return made

    def chunks(self) -> list[Json]:
        """The `chat.completion.chunk` objects; choices interleave piece by piece (C4)."""
        made: list[Json] = []
        for row in zip_longest(*(self._deltas(choice) for choice in self.choices)):
            for choice, step in zip(self.choices, row, strict=True):
                if step is not None:
                    made.append(self.chunk([self._chunk_choice(choice.index, *step)]))
        made += [self.chunk([self._chunk_choice(choice.index, {}, None, choice.finish)]) for choice in self.choices]
        if self.include_usage:
            made.append(self.usage_chunk())
        return made

    def chunk(self, choices: list[Json], usage: Json | None = None) -> Json:
        """One chunk in this reply's envelope."""
        made: Json = {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "service_tier": "default",
            "system_fingerprint": self.fingerprint,
            "choices": choices,
        }
        if self.include_usage:
            made["usage"] = usage
        if self.obfuscated:
            made["obfuscation"] = ""
        return made

    def usage_chunk(self) -> Json:
        """The chunk with the usage and no choices (C8), asked for or not."""
        made = self.chunk([])
        made.pop("obfuscation", None)
        made["usage"] = msgspec.to_builtins(self.usage)
        if self.obfuscated:
            made["obfuscation"] = ""
        return made

    def _chunk_choice(self, index: int, delta: Json, logprobs: Json | None = None, finish: str | None = None) -> Json:
        if self.reasoning:
            return {"index": index, "delta": delta, "finish_reason": finish}
        return {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}

    def _deltas(self, choice: Choice) -> Iterator[tuple[Json, Json | None]]:
        """The deltas of one choice with their logprobs, up to the finish (C5, C6, C9, C10)."""
        if choice.refusal is not None:
            yield {"role": "assistant", "content": None, "refusal": ""}, None
            for piece in pieces(choice.refusal):
                yield {"refusal": piece}, None
        elif choice.legacy_call:
            call = choice.calls[0]
            start = {"name": call.name, "arguments": ""}
            yield {"role": "assistant", "content": None, "function_call": start, "refusal": None}, None
            for piece in call.pieces():
                yield {"function_call": {"arguments": piece}}, None
        elif choice.calls:
            yield from ((delta, None) for delta in _call_deltas(choice.calls))
        else:
            yield {"role": "assistant", "content": "", "refusal": None}, self._logprobs([])
            for piece in choice.pieces:
                yield {"content": piece}, self._logprobs([piece])

    def _logprobs(self, words: list[str]) -> Json | None:
        if not self.request.get("logprobs"):
            return None
        top = self.request.get("top_logprobs") or 0
        return {"content": [_logprob(word, top) for word in words], "refusal": None}


def _call_deltas(calls: list[Call]) -> Iterator[Json]:
    """One call starts in the role chunk, several follow it in chunks of their own (C5)."""
    if len(calls) > 1:
        yield {"role": "assistant", "content": None}
    for index, call in enumerate(calls):
        start = {"index": index, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
        if len(calls) == 1:
            yield {"role": "assistant", "content": None, "tool_calls": [start], "refusal": None}
        else:
            yield {"tool_calls": [start]}
        for piece in call.pieces():
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _function(call: Call) -> Json:
    return {"name": call.name, "arguments": call.arguments}


def _logprob(word: str, top: int) -> Json:
    def entry(token: str, value: float) -> Json:
        return {"token": token, "logprob": value, "bytes": list(token.encode("utf-8", "replace"))}

    others = [entry(word if rank == 0 else f"{word}{rank}", -0.01 - rank) for rank in range(top)]
    return entry(word, -0.01) | {"top_logprobs": others}


def usage_of(prompt: int, completion: int) -> Json:
    """OpenAI's usage object with all its details (U1)."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def answer_chat(request: Json, options: SimOptions, ids: Ids) -> ChatAnswer:
    """What the model answers.  Raises SimError for a request that OpenAI refuses."""
    check_chat(request)
    model: str = _SNAPSHOTS.get(request["model"]) or request["model"]
    choices = [_choice(request, index, options, ids) for index in range(request.get("n") or 1)]
    prompt = 3 + sum(3 + count(str(m.get("role"))) + count(text_of(m.get("content"))) for m in request["messages"])
    digest = hashlib.sha256(model.encode()).hexdigest()[:10]
    wanted = (request.get("stream_options") or {}).get("include_obfuscation", True)
    return ChatAnswer(
        request=request,
        id="chatcmpl-" + ids.token(29),
        created=ids.now,
        model=model,
        fingerprint=None if model.startswith(("gpt-5", "gpt-3.5")) else "fp_" + digest,
        choices=choices,
        usage=usage_of(prompt, sum(choice.tokens() for choice in choices)),
        obfuscated=options.obfuscation and options.like is None and wanted is not False,
    )


def _choice(request: Json, index: int, options: SimOptions, ids: Ids) -> Choice:
    if options.refusal is not None:
        return Choice(index, refusal=options.refusal)
    functions = _functions_to_call(request, options)
    if functions:
        return _calling_choice(request, index, functions, ids)
    text = options.text
    if text is None:
        text = _formatted(request, answer_text(prompt_of(request["messages"]), index))
    words = pieces(text) if options.tokens is None else pieces_of_length(text, options.tokens)
    limit = request.get("max_completion_tokens") or request.get("max_tokens")
    stopped = before_stop("".join(words), request.get("stop"))
    if stopped is not None:
        words = pieces(stopped)
    if limit is not None and limit < len(words):
        return Choice(index, words[:limit], finish="length")
    return Choice(index, words)


def before_stop(text: str, stop: Any) -> str | None:
    """The text before the first stop string, or None if there is none in it."""
    words = [stop] if isinstance(stop, str) else stop or []
    places = [text.find(word) for word in words if isinstance(word, str) and word and word in text]
    return text[: min(places)] if places else None


def _formatted(request: Json, text: str) -> str:
    """The text in the format that was asked for; an answer that is JSON already stays."""
    wanted = request.get("response_format") or {}
    if wanted.get("type") not in ("json_object", "json_schema"):
        return text
    if text.lstrip().startswith("{"):
        return text
    if wanted["type"] == "json_object":
        return msgspec.json.encode({"answer": text}).decode()
    return msgspec.json.encode(example((wanted.get("json_schema") or {}).get("schema") or {}, "answer")).decode()


def _functions_to_call(request: Json, options: SimOptions) -> list[Json]:
    """Which tools are called: the named one; else those that the prompt names; else the first, unless it is answered.

    `tool_choice: auto` gives text for an `echo: ` prompt and after a tool's result, as a model would.
    """
    legacy = not request.get("tools")
    known = request.get("functions") or [] if legacy else [tool.get("function") for tool in request["tools"]]
    known = [function for function in known if isinstance(function, dict) and function.get("name")]
    choice = request.get("function_call" if legacy else "tool_choice")
    if not known or choice == "none" or options.calls == 0:
        return []
    if isinstance(choice, dict):
        name = choice.get("name") or (choice.get("function") or {}).get("name")
        return [function for function in known if function["name"] == name][:1] or known[:1]
    prompt = prompt_of(request["messages"])
    answered = request["messages"][-1].get("role") in ("tool", "function") or "echo: " in prompt
    if choice != "required" and answered and not options.calls:
        return []
    if options.calls:
        called = [known[place % len(known)] for place in range(options.calls)]
    else:
        called = [function for function in known if function["name"] in prompt] or known[:1]
    return called[:1] if legacy or request.get("parallel_tool_calls") is False else called


def _calling_choice(request: Json, index: int, functions: list[Json], ids: Ids) -> Choice:
    calls = []
    for function in functions:
        arguments = example(function.get("parameters") or {"type": "object"})
        calls.append(Call("call_" + ids.token(24), function["name"], msgspec.json.encode(arguments).decode()))
    legacy = not request.get("tools")
    named = isinstance(request.get("tool_choice"), dict) and not REASONING_MODEL.match(request["model"])
    # A named function ends with "stop" at gpt-4o and with "tool_calls" at gpt-5 (rules.md R1).
    finish = "function_call" if legacy else "stop" if named else "tool_calls"
    return Choice(index, calls=calls, legacy_call=legacy, finish=finish)
