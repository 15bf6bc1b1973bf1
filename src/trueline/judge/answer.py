"""What a choice says once it is complete, whole or folded: its text, its calls, and whether it kept to the request."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from ..wire import jsonio
from .chat import Json, wanted_choices
from .findings import Docket

__all__ = ["Answer", "Call", "judge_answer", "judge_finish"]

_TAGS = "thinking|reasoning|thought|seed:think"
_OTHER_TAG = re.compile(rf"\s*(<({_TAGS})>|<\|channel\|>analysis)")
_MARKUP = re.compile(
    r"<tool_call>|\[TOOL_CALLS\]|<\|python_tag\|>|<function=\w|<\|tool_calls?_(?:section_)?begin\|>|<｜tool▁calls?▁begin｜>"
)
_SPECIAL = re.compile(
    r"<\|(?:im_end|im_start|eot_id|endoftext|end_of_text|end|eom_id|return)\|>|(?:</s>|<eos>|<end_of_turn>)\s*$"
)
_IMAGE = re.compile(r"!\[[^\]]*\]\(data:image/")
_CALL_ID = re.compile(r"call_[A-Za-z0-9]{24}")
_CHARACTERS_PER_TOKEN = 16
"""More characters than this per token is no answer that kept to a limit of tokens."""
_PREFILL = 4


@dataclass
class Call:
    """A tool call."""

    where: str
    id: Any = None
    name: Any = None
    arguments: Any = ""


@dataclass
class Answer:
    """One choice of a reply."""

    where: str
    content: str = ""
    reasoning: str = ""
    refusal: str = ""
    calls: list[Call] = field(default_factory=list)
    function_call: bool = False
    finish: Any = None
    custom: bool = False
    """It calls a custom tool, whose input is no JSON."""


def judge_finish(docket: Docket, request: Json, answer: Answer, where: str) -> None:
    """Whether the finish fits what was said (rules.md R1); other words than OpenAI's are judged with the schema."""
    called = bool(answer.calls) or answer.custom
    if called and answer.finish == "stop" and not isinstance(request.get("tool_choice"), dict):
        docket.note("finish-stop-with-tools", where, answer.finish)
    if not called and answer.finish == "tool_calls":
        key = "finish-function_call-for-tools" if answer.function_call else "finish-tool_calls-without-tools"
        docket.note(key, where, answer.finish)
    if answer.finish == "function_call" and not request.get("functions"):
        docket.note("finish-function_call-for-tools", where, answer.finish)


def judge_answer(docket: Docket, request: Json, answer: Answer, completion_tokens: Any = None) -> None:
    """Everything about a complete choice but its finish."""
    if answer.content:
        _judge_thoughts(docket, answer)
        _judge_leaks(docket, answer)
        _judge_request(docket, request, answer)
    elif answer.reasoning.strip() and answer.finish == "stop" and not (answer.calls or answer.refusal):
        docket.note("reasoning-holds-answer", answer.where, answer.reasoning)
    if answer.content and answer.refusal:
        docket.note("text-and-refusal", answer.where)
    if answer.function_call and not request.get("functions"):
        docket.note("legacy-function_call", answer.where)
    _judge_limit(docket, request, answer, completion_tokens)
    _judge_calls(docket, request, answer)
    _judge_choice(docket, request.get("tool_choice"), answer)


def _judge_thoughts(docket: Docket, answer: Answer) -> None:
    text = answer.content
    if text.lstrip().startswith("<think>"):
        docket.note("think-in-content" if "</think>" in text else "think-unclosed", answer.where, text)
    elif _OTHER_TAG.match(text):
        docket.note("reasoning-tag-variants", answer.where, text)
    elif "</think>" in text and "<think>" not in text:
        docket.note("think-open-missing", answer.where, text)


def _judge_leaks(docket: Docket, answer: Answer) -> None:
    text = answer.content
    if found := _MARKUP.search(text):
        docket.note("tool-markup-leak", answer.where, text[found.start() :])
    if found := _SPECIAL.search(text):
        docket.note("special-token-leak", answer.where, found[0])
    if text.startswith(("\n", "\r")):
        docket.note("whitespace-around", answer.where, text)
    if "\ufffd" in text:
        what = "the text holds U+FFFD, the mark of bytes that were lost"
        seen = text[max(0, text.index("\ufffd") - 20) :]
        docket.note("replacement-chars", answer.where, seen, level="exact", what=what)
    if _IMAGE.search(text):
        docket.note("img-in-chat", answer.where, text)


def _judge_request(docket: Docket, request: Json, answer: Answer) -> None:
    text = answer.content
    stop = request.get("stop")
    for word in [stop] if isinstance(stop, str) else stop if isinstance(stop, list) else []:
        if isinstance(word, str) and word and word in text:
            at_end = text.index(word) == len(text) - len(word)
            docket.note("stop-echoed" if at_end else "stop-ignored", answer.where, text[text.index(word) :])
    messages = request.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    if isinstance(last, dict) and last.get("role") == "assistant" and isinstance(last.get("content"), str):
        prefill = last["content"].strip()
        if len(prefill) >= _PREFILL and text.lstrip().startswith(prefill):
            docket.note("prefill-echo", answer.where, text)
    wanted = request.get("response_format")
    if isinstance(wanted, dict) and wanted.get("type") in ("json_object", "json_schema") and answer.finish == "stop":
        if text.lstrip().startswith("```"):
            docket.note("json-mode-fenced", answer.where, text)
        elif not _parses(text):
            docket.note("json-mode-broken", answer.where, text)


def _judge_limit(docket: Docket, request: Json, answer: Answer, completion_tokens: Any) -> None:
    limit = request.get("max_completion_tokens") or request.get("max_tokens")
    if not isinstance(limit, int) or answer.finish == "length":
        return
    counted = isinstance(completion_tokens, int) and completion_tokens > limit * wanted_choices(request)
    if counted or len(answer.content) > limit * _CHARACTERS_PER_TOKEN:
        seen = f"{completion_tokens if counted else len(answer.content)} {'tokens' if counted else 'characters'}"
        docket.note("max_completion_tokens-ignored", answer.where, f"{seen}, max_tokens {limit}")


def _judge_calls(docket: Docket, request: Json, answer: Answer) -> None:
    seen: set[str] = set()
    offered = _offered(request)
    for call in answer.calls:
        if isinstance(call.id, str) and call.id:
            if call.id in seen:
                docket.note("tool-id-duplicate", f"{call.where}.id", call.id)
            elif not _CALL_ID.fullmatch(call.id):
                docket.note("tool-id-format", f"{call.where}.id", call.id)
            seen.add(call.id)
        elif call.id == "" and not docket.has("tool-id-missing"):
            docket.note("tool-id-missing", f"{call.where}.id", call.id, level="exact")
        if call.name == "multi_tool_use.parallel":
            docket.note("multi_tool_use-parallel", call.where, call.arguments)
        elif isinstance(call.name, str) and call.name not in offered and _decorated(call.name, offered):
            docket.note("tool-name-decorated", f"{call.where}.function.name", call.name)
        if isinstance(call.arguments, str):
            _judge_arguments(docket, call, answer)


def _judge_choice(docket: Docket, choice: Any, answer: Answer) -> None:
    """Whether tools are called as `tool_choice` says."""
    named = choice.get("function") if isinstance(choice, dict) else None
    wanted = named.get("name") if isinstance(named, dict) else None
    if choice == "none" and answer.calls:
        docket.note("tool_choice-none-ignored", answer.calls[0].where, answer.calls[0].name)
    if not isinstance(wanted, str) and choice != "required":
        return
    fault = "tool_choice-required-ignored" if choice == "required" else "tool_choice-named-ignored"
    called = bool(answer.calls) or answer.custom or answer.function_call
    if not called and answer.finish in ("stop", "tool_calls") and not answer.refusal:
        docket.note(fault, answer.where, answer.content)
    names = [call.name for call in answer.calls if isinstance(call.name, str) and isinstance(wanted, str)]
    others = [name for name in names if name != wanted and not _decorated(name, {str(wanted)})]
    if others:
        docket.note(fault, answer.where, others[0])


def _judge_arguments(docket: Docket, call: Call, answer: Answer) -> None:
    text, spot = call.arguments, f"{call.where}.function.arguments"
    if text == "":
        if answer.finish != "length" and not docket.has("tool-args-object"):
            docket.note("tool-args-empty", spot, text)
    elif not _parses(text):
        known = docket.has("tool-args-dup-full", "tool-args-cumulative", "tool-index-all-zero", "tool-args-object")
        if answer.finish != "length" and not known:
            docket.note("tool-args-invalid-json", spot, text)
    elif isinstance(inner := jsonio.decode(text.encode("utf-8", "replace")), str) and _parses(inner):
        docket.note("tool-args-double-encoded", spot, text)


def _offered(request: Json) -> set[str]:
    tools = request.get("tools")
    functions = [t.get("function") for t in tools if isinstance(t, dict)] if isinstance(tools, list) else []
    return {f["name"] for f in functions if isinstance(f, dict) and isinstance(f.get("name"), str)}


def _decorated(name: str, offered: set[str]) -> bool:
    return any(re.fullmatch(rf"(.*[.:/])?{re.escape(bare)}(:\d+)?", name) for bare in offered)


def _parses(text: str) -> bool:
    try:
        jsonio.decode_strict(text.encode("utf-8", "replace"))
    except jsonio.JSONError:
        return False
    return True
