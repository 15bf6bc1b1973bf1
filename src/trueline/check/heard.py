"""What a reply says, however wrongly it is written: texts, calls, finishes and usage, for the checks of meaning.

The judge looks at the form; here the form is read over as a forgiving client would.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from ..judge.pieces import Pieces
from ..wire import jsonio, sse

__all__ = ["Heard", "HeardCall", "HeardChoice", "hear", "hear_payload"]

_MAX_CHOICES = 128
_REASONING = ("reasoning_content", "reasoning", "thinking", "reasoning_text")


@dataclass(slots=True)
class HeardCall:
    """A tool call."""

    name: str = ""
    pieces: Pieces = field(default_factory=Pieces)

    @property
    def arguments(self) -> str:
        """Its arguments, as text."""
        return str(self.pieces)


@dataclass(slots=True)
class HeardChoice:
    """One choice, all its chunks together."""

    texts: dict[str, Pieces] = field(default_factory=lambda: defaultdict(Pieces))
    calls: dict[Any, HeardCall] = field(default_factory=dict)
    finish: str | None = None
    logprobs: int = 0

    @property
    def text(self) -> str:
        """What it answers."""
        return str(self.texts["content"])

    @property
    def reasoning(self) -> str:
        """What it thought."""
        return str(self.texts["reasoning"])

    @property
    def refusal(self) -> str:
        """Why it does not answer."""
        return str(self.texts["refusal"])


@dataclass(slots=True)
class Heard:
    """A whole reply or a stream, read leniently."""

    payloads: list[Any] = field(default_factory=list)
    """The JSON values of the body, in order."""
    streamed: bool = False
    choices: dict[Any, HeardChoice] = field(default_factory=dict)
    usage: dict[str, Any] = field(default_factory=dict)
    model: str | None = None

    @property
    def first(self) -> HeardChoice:
        """The first choice; an empty one where there is none."""
        return next(iter(self.choices.values()), HeardChoice())

    @property
    def calls(self) -> list[HeardCall]:
        """The tool calls of the first choice."""
        return list(self.first.calls.values())

    def tokens(self, name: str) -> int | None:
        """A number of the usage, where it is one."""
        value = self.usage.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None


def hear(body: bytes) -> Heard:
    """Read a reply; never raises."""
    heard = Heard(streamed=sse.looks_like_sse(body[:1024]))
    for text in _texts(body, heard.streamed):
        try:
            heard.payloads += jsonio.decode_all(text)
        except jsonio.JSONError:
            continue
    for payload in heard.payloads:
        if isinstance(payload, dict):
            _take(payload, heard)
    return heard


def hear_payload(payload: Any) -> Heard:
    """One chunk by itself."""
    heard = Heard(payloads=[payload])
    if isinstance(payload, dict):
        _take(payload, heard)
    return heard


def _texts(body: bytes, streamed: bool) -> list[bytes]:
    if not streamed:
        return [body.strip()]
    reader = sse.SSEReader(lambda fault: None)
    return [frame.data.strip() for frame in (*reader.feed(body), *reader.close())]


def _take(payload: dict[str, Any], heard: Heard) -> None:
    if heard.model is None and isinstance(payload.get("model"), str):
        heard.model = payload["model"]
    if isinstance(payload.get("usage"), dict) and payload["usage"]:
        heard.usage = payload["usage"]
    choices = payload.get("choices")
    for position, choice in enumerate(choices if isinstance(choices, list) else ()):
        if isinstance(choice, dict) and len(heard.choices) < _MAX_CHOICES:
            index = choice.get("index", position)
            _take_choice(choice, heard.choices.setdefault(repr(index), HeardChoice()))


def _take_choice(choice: dict[str, Any], into: HeardChoice) -> None:
    part = choice.get("delta") or choice.get("message")
    part = part if isinstance(part, dict) else {}
    text = part.get("content", choice.get("text"))
    if isinstance(text, str):
        into.texts["content"].add(text)
    if isinstance(part.get("refusal"), str):
        into.texts["refusal"].add(part["refusal"])
    into.texts["reasoning"].add(next((part[name] for name in _REASONING if isinstance(part.get(name), str)), ""))
    if isinstance(choice.get("finish_reason"), str) and choice["finish_reason"]:
        into.finish = choice["finish_reason"]
    logprobs = choice.get("logprobs")
    if isinstance(logprobs, dict):
        into.logprobs += sum(len(value) for value in logprobs.values() if isinstance(value, list))
    calls = part.get("tool_calls")
    for position, call in enumerate(calls if isinstance(calls, list) else ()):
        if isinstance(call, dict):
            _take_call(call, position, into)


def _take_call(call: dict[str, Any], position: int, into: HeardChoice) -> None:
    function = call.get("function")
    function = function if isinstance(function, dict) else call
    known = into.calls.setdefault(repr(call.get("index", position)), HeardCall())
    if isinstance(function.get("name"), str) and not known.name:
        known.name = function["name"]
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        known.pieces.add(arguments)
