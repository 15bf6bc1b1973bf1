"""Tool calls that were printed as text, read as calls where an option asks for it (`tool-markup-leak`).

From the first mark on the text is held until it is over.  All of it has to parse, and every call has to name a tool of
the request, or else the text leaves as it came.
"""

from __future__ import annotations

from typing import Any

from ..context import ReplyContext
from ..events import ChoiceStart, Event, Finish, Opaque, RefusalDelta, ReplyEnd, TextDelta, ToolFragment
from .base import Result, Rule
from .printed import MARKS, read_calls

__all__ = ["PrintedCalls"]

_LONGEST = max(map(len, MARKS))


class PrintedCalls(Rule):
    """Read `<tool_call>{…}</tool_call>` and the like in the text as calls of the tools that were offered."""

    sees = (ChoiceStart, TextDelta, ToolFragment, RefusalDelta, Finish, ReplyEnd)
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
        self._unsaid: dict[int, ChoiceStart] = {}  # of a whole reply, whose text may turn out to be none

    def see(self, event: ChoiceStart | TextDelta | ToolFragment | RefusalDelta | Finish | ReplyEnd) -> Result:
        if isinstance(event, TextDelta):
            return self._text(event)
        if isinstance(event, ChoiceStart):
            if not self.context.request.stream:
                self._unsaid[event.choice] = event
            return event
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
            if text.startswith(MARKS, at):
                self._marked[choice] = [text[at:]]
            elif at < len(text):
                self._held[choice] = text[at:]
            text = text[:at]
        if not text and not isinstance(event.logprobs, dict):
            return None if event.extras is None else Opaque(event.extras, choice)
        event.text = text
        if text.strip():
            self._unsaid.pop(choice, None)
        return event

    def _release(self, choice: int) -> list[Event]:
        marked = self._marked.pop(choice, None)
        text = self._held.pop(choice, "") if marked is None else "".join(marked)
        if not text:
            return []
        calls = read_calls(text, self._schemas()) if marked is not None else []
        names = self.context.request.tool_names
        if not calls or not all(name in names for name, _ in calls):
            return [TextDelta(choice, text)]
        self.note("tool-markup-leak")
        start = self._unsaid.get(choice)
        if start is not None:
            start.content = None
        mint = self.context.mint
        return [
            ToolFragment(
                choice, id="call_" + mint.token(24), name=name, kind="function", arguments=arguments, whole=True
            )
            for name, arguments in calls
        ]

    def _schemas(self) -> dict[str, Any]:
        """The parameters of each tool that was offered."""
        tools = self.context.request.body.get("tools")
        offered = [tool.get("function") for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
        return {str(tool.get("name")): tool.get("parameters") for tool in offered if isinstance(tool, dict)}


def _mark(text: str) -> int:
    """Where the first mark stands, or may begin at the end of the text; the length of the text where nowhere."""
    found = [at for at in (text.find(mark) for mark in MARKS) if at >= 0]
    if found:
        return min(found)
    for length in range(min(_LONGEST - 1, len(text)), 0, -1):
        if any(mark.startswith(text[-length:]) for mark in MARKS):
            return len(text) - length
    return len(text)
