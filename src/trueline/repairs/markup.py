"""Tool calls that were printed as text, read as calls where an option asks for it (`tool-markup-leak`).

From the first mark on the text is held until it is over.  All of it has to parse, and every call has to name a tool of
the request, or else the text leaves as it came.
"""

from __future__ import annotations

import re
from typing import Any

from ..context import ReplyContext
from ..events import Event, Finish, Opaque, RefusalDelta, ReplyEnd, TextDelta, ToolFragment
from ..wire import jsonio
from .base import Result, Rule

__all__ = ["PrintedCalls"]

_MARKS = ("<tool_call>", "[TOOL_CALLS]", "<|python_tag|>", "<function=")
_LONGEST = max(map(len, _MARKS))
_TAGGED = re.compile(r"\s*<tool_call>\s*(\{.*?\})\s*</tool_call>\s*", re.S)
_FUNCTION = re.compile(r"\s*<function=([\w.:-]+)>\s*(\{.*?\})\s*</function>\s*", re.S)
_LISTED = re.compile(r"\s*\[TOOL_CALLS\]\s*(\[.*\]|\{.*\})\s*\Z", re.S)
_NAMED = re.compile(r"\s*\[TOOL_CALLS\]\s*([\w.-]+)\s*(?:\[ARGS\])?\s*(\{.*?\})\s*(?=\[TOOL_CALLS\]|\Z)", re.S)
_PYTHON = re.compile(r"\s*<\|python_tag\|>\s*(\{.*\})\s*(?:<\|eom_id\|>|<\|eot_id\|>)?\s*\Z", re.S)

_Calls = list[tuple[str, str]]


class PrintedCalls(Rule):
    """Read `<tool_call>{…}</tool_call>` and the like in the text as calls of the tools that were offered."""

    sees = (TextDelta, ToolFragment, RefusalDelta, Finish, ReplyEnd)
    mends = ("tool-markup-leak",)

    @classmethod
    def wanted(cls, context: ReplyContext) -> bool:
        if not (context.chat and context.opted("tool-markup-leak")):
            return False
        return bool(context.request.tool_names) and context.request.body.get("tool_choice") != "none"

    def __init__(self, context: ReplyContext) -> None:
        super().__init__(context)
        self._held: dict[int, str] = {}  # what may be the beginning of a mark
        self._marked: dict[int, list[str]] = {}  # all that came since a mark

    def see(self, event: TextDelta | ToolFragment | RefusalDelta | Finish | ReplyEnd) -> Result:
        if isinstance(event, TextDelta):
            return self._text(event)
        choices = [*self._held, *self._marked] if isinstance(event, ReplyEnd) else [event.choice]
        released = [e for choice in choices for e in self._release(choice)]
        return [*released, event] if released else event

    def _text(self, event: TextDelta) -> Result:
        choice, text = event.choice, event.text
        if choice in self._marked:
            self._marked[choice].append(text)
            text = ""
        else:
            text = self._held.pop(choice, "") + text
            at = _mark(text)
            if text.startswith(_MARKS, at):
                self._marked[choice] = [text[at:]]
            elif at < len(text):
                self._held[choice] = text[at:]
            text = text[:at]
        if not text and not isinstance(event.logprobs, dict):
            return None if event.extras is None else Opaque(event.extras, choice)
        event.text = text
        return event

    def _release(self, choice: int) -> list[Event]:
        marked = self._marked.pop(choice, None)
        text = self._held.pop(choice, "") if marked is None else "".join(marked)
        if not text:
            return []
        calls = _calls(text) if marked is not None else []
        names = self.context.request.tool_names
        if not calls or not all(name in names for name, _ in calls):
            return [TextDelta(choice, text)]
        self.note("tool-markup-leak")
        mint = self.context.mint
        return [
            ToolFragment(
                choice, id="call_" + mint.token(24), name=name, kind="function", arguments=arguments, whole=True
            )
            for name, arguments in calls
        ]


def _mark(text: str) -> int:
    """Where the first mark stands, or may begin at the end of the text; the length of the text where nowhere."""
    found = [at for at in (text.find(mark) for mark in _MARKS) if at >= 0]
    if found:
        return min(found)
    for length in range(min(_LONGEST - 1, len(text)), 0, -1):
        if any(mark.startswith(text[-length:]) for mark in _MARKS):
            return len(text) - length
    return len(text)


def _calls(text: str) -> _Calls:
    """The calls of a text that is nothing but calls; none where a part of it is anything else."""
    for pattern in (_LISTED, _PYTHON):
        whole = pattern.match(text)
        if whole is not None:
            value = _json(whole[1])
            return _named(value if isinstance(value, list) else [value])
    calls: _Calls = []
    at = 0
    while at < len(text):
        tagged = _TAGGED.match(text, at)
        named = _FUNCTION.match(text, at) or _NAMED.match(text, at)
        if tagged is not None:
            found = _named([_json(tagged[1])])
        elif named is not None:
            value = _json(named[2])
            found = [(named[1], named[2])] if isinstance(value, dict) else []
        else:
            found = []
        if not found:
            return []
        calls += found
        at = (tagged or named).end()  # type: ignore[union-attr]  # one of them was found
    return calls


def _named(values: list[Any]) -> _Calls:
    calls: _Calls = []
    for value in values:
        fields = value.get("function", value) if isinstance(value, dict) else None
        if not isinstance(fields, dict) or not isinstance(fields.get("name"), str):
            return []
        given = fields.get("arguments", fields.get("parameters", {}))
        arguments = given if isinstance(given, str) else jsonio.encode(given).decode()
        if not isinstance(_json(arguments), dict):
            return []
        calls.append((fields["name"], arguments))
    return calls


def _json(text: str) -> Any:
    try:
        return jsonio.decode_strict(text.encode("utf-8", "replace"))
    except jsonio.JSONError:
        return None
