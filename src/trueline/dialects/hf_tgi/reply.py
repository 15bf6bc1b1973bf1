"""Generated text as events: a whole reply is an object or a list of one, a stream is a token a payload.

The last token comes with the whole text (`generated_text`) and, where they were asked for, with `details`.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import UNSET, UnsetType

from ...context import ReplyContext
from ...errors import UpstreamFormatError
from ...events import ChoiceStart, Event, Extras, Failure, Finish, ReplyEnd, ReplyStart, TextDelta, Usage
from .. import error_bodies
from ..parameters import max_tokens, read_stop
from .errors import failure

__all__ = ["GenerateReader", "read_whole"]

Fields = dict[str, Any]

_FINISH: Final = {"length": "length", "eos_token": "stop", "stop_sequence": "stop"}


class GenerateReader:
    """One stream's events, one payload at a time; never raises."""

    def __init__(self, context: ReplyContext) -> None:
        self._context = context
        self._logprobs = context.request.logprobs is True
        self._started = False
        self._ended = False
        self._tokens = 0
        self._said: list[str] = []
        self._entries: list[Fields] = []
        """Of tokens that had no text yet: a character may need several."""

    def read(self, payload: Any, event: bytes | None = None) -> list[Event]:
        """See Reader."""
        if isinstance(payload, list):
            return [one for item in payload for one in self.read(item, event)]
        error = failure(payload, event)
        if error is not None:
            return [Failure(error)]
        if not isinstance(payload, dict) or self._ended:
            return []
        token, text = payload.get("token"), payload.get("generated_text")
        if not isinstance(token, dict) and not isinstance(text, str):
            return []
        events: list[Event] = []
        if not self._started:
            self._started = True
            events += (ReplyStart(), ChoiceStart(0))
        special = isinstance(token, dict) and token.get("special") is True
        if isinstance(token, dict):
            self._tokens += 1
            events += self._token(token, payload.get("top_tokens"), special)
        if isinstance(text, str):
            events += self._end(payload, text, special)
        return events

    def _token(self, token: Fields, top: Any, special: bool) -> list[Event]:
        text = token.get("text")
        if special or not isinstance(text, str):
            return []
        if self._logprobs:
            self._entries += _entries([token], [top])
        if not text:
            return []
        self._said.append(text)
        entries, self._entries = self._entries, []
        return [TextDelta(0, text, _logprobs(entries) if self._logprobs else UNSET)]

    def _end(self, payload: Fields, text: str, special: bool) -> list[Event]:
        self._ended = True
        said = "".join(self._said)
        events: list[Event] = []
        if not said and text and self._tokens == 0:
            events.append(TextDelta(0, text))
            said = text
        elif said and len(text) > len(said) and text.startswith(said):
            events.append(TextDelta(0, text[len(said) :]))  # half a character, which no token completed
        given = payload.get("details")
        details: Fields = given if isinstance(given, dict) else {}
        reason = _FINISH.get(str(details.get("finish_reason")))
        if reason is None:
            reason = "stop" if special else self._unsaid(said)
        events.append(Finish(0, reason, extras=_kept(details)))
        counts = _usage(details) or (_counts(0, self._tokens) if self._tokens else None)
        if counts is not None:
            events.append(Usage(counts))
        return events

    def _unsaid(self, said: str) -> str:
        """Why a text ended that says nothing of it, nor ends with an end token: a stop sequence, or the limit."""
        stopped = any(said.endswith(stop) for stop in read_stop(self._context.request.body))
        return "stop" if stopped or not self._tokens else "length"


def read_whole(payload: Any, context: ReplyContext) -> list[Event]:
    """The events of a whole reply; a Failure for what is none."""
    error = failure(payload)
    if error is not None:
        return [Failure(error)]
    found = payload[0] if isinstance(payload, list) and payload else payload
    if isinstance(found, list) and found:
        found = found[0]  # of a batch with one prompt
    if not isinstance(found, dict) or not isinstance(found.get("generated_text"), str):
        said = error_bodies.error_in(payload) or failure(found)
        return [Failure(said or UpstreamFormatError("The upstream's reply is no generated text."))]
    details = found.get("details")
    details = details if isinstance(details, dict) else {}
    text, tokens = found["generated_text"], details.get("tokens")
    logprobs: Fields | UnsetType = UNSET
    if context.request.logprobs is True and isinstance(tokens, list):
        logprobs = _logprobs(_entries(tokens, details.get("top_tokens")))
    start = ChoiceStart(0, extras=_kept(details))
    if not text:
        start.logprobs = logprobs
    reason = _FINISH.get(str(details.get("finish_reason")))
    if reason is None:
        generated, limit = details.get("generated_tokens"), max_tokens(context.request.body)
        reason = "length" if limit is not None and generated == limit else "stop"
    events: list[Event] = [ReplyStart(), start, *([TextDelta(0, text, logprobs)] if text else []), Finish(0, reason)]
    counts = _usage(details)
    if counts is not None:
        events.append(Usage(counts))
    return [*events, ReplyEnd(True)]


def _kept(details: Fields) -> Extras | None:
    """The seed of the sampling: with it, the same can be had again."""
    seed = details.get("seed")
    return Extras(choice={"seed": seed}) if type(seed) is int else None


def _usage(details: Fields) -> Fields | None:
    """OpenAI's usage, as far as it is known: whole replies do not say how long the prompt was, so it is counted."""
    generated, prompt, prefill = (details.get(name) for name in ("generated_tokens", "input_length", "prefill"))
    if type(generated) is not int:
        return None
    if type(prompt) is not int:
        prompt = len(prefill) if isinstance(prefill, list) else 0
    return _counts(prompt, generated)


def _counts(prompt: int, completion: int) -> Fields:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


# -- log probabilities ------------------------------------------------------------------------------------------------


def _logprobs(entries: list[Fields]) -> Fields:
    return {"content": entries, "refusal": None}


def _entries(tokens: list[Any], tops: Any) -> list[Fields]:
    """OpenAI's entries for tokens that are text; `tops`: for each token, the likeliest in its place."""
    entries: list[Fields] = []
    for position, token in enumerate(tokens):
        if not isinstance(token, dict) or token.get("special") is True:
            continue
        entry = _entry(token)
        if entry is None:
            continue
        top = tops[position] if isinstance(tops, list) and position < len(tops) else None
        entry["top_logprobs"] = [one for other in (top if isinstance(top, list) else []) if (one := _entry(other))]
        entries.append(entry)
    return entries


def _entry(token: Any) -> Fields | None:
    text, logprob = (token.get("text"), token.get("logprob")) if isinstance(token, dict) else (None, None)
    if not isinstance(text, str) or not isinstance(logprob, (int, float)) or isinstance(logprob, bool):
        return None
    return {"token": text, "logprob": logprob, "bytes": list(text.encode("utf-8", "replace"))}
