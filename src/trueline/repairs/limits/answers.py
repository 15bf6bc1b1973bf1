"""Answers that do not keep to `response_format` or `tool_choice`: counted, or refused where the settings say so.

An answer that was cut, filtered or refused is none of these, and neither is one that calls a tool in place of it.
What takes long to judge is judged beside the event loop, and the end of the reply waits for it.
"""

from __future__ import annotations

from typing import Any

from ...context import ReplyContext
from ...errors import InvalidAnswerError
from ...events import (
    ChoiceStart,
    Event,
    Failure,
    Finish,
    Opaque,
    ReasoningDelta,
    RefusalDelta,
    ReplyEnd,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from ...wire import jsonio
from ..base import Result, Rule
from .asked import CALLS, FORMAT, asks, json_format
from .json_schema import AT_ONCE, TooMuchError, judged, problem_of

__all__ = ["Answers"]

MAX_ANSWER = 4 * 1024 * 1024
"""Characters of an answer that is looked at as JSON."""

LARGE = 64 * 1024
"""Characters of an answer that is not looked at on an event loop."""

Problem = tuple[str, str, str]
"""The fault of an answer, what it is in words, and the parameter that asked for something else."""

_COMPLETE = ("stop", "tool_calls", "function_call")


class _Answer:
    """What one choice says."""

    __slots__ = ("calls", "refused", "size", "text")

    def __init__(self) -> None:
        self.text: list[str] = []
        self.size = 0
        self.calls: list[Any] = []
        self.refused = False


class Answers(Rule):
    """Check that an answer is the JSON that was asked for, and that tools are called, or not, as was asked."""

    sees = (
        ChoiceStart,
        TextDelta,
        ReasoningDelta,
        RefusalDelta,
        ToolCallStart,
        ToolCallDelta,
        Finish,
        Opaque,
        Usage,
        ReplyEnd,
    )
    mends = (
        "json-mode-broken",
        "json-schema-not-kept",
        "tool_choice-none-ignored",
        "tool_choice-required-ignored",
        "tool_choice-named-ignored",
    )

    @classmethod
    def wanted(cls, context: ReplyContext) -> bool:
        return bool(asks(context) & (FORMAT | CALLS))

    def __init__(self, context: ReplyContext) -> None:
        super().__init__(context)
        asked, body = asks(context), context.request.body
        self._format = json_format(body) if asked & FORMAT else None
        self._schema = _schema(body) if self._format == "json_schema" else None
        self._choice = _Wanted(body) if asked & CALLS else None
        self._answers: dict[int, _Answer] = {}
        self._passes = context.options.enforce.on_invalid == "pass"
        self._waiting: list[Any] = []
        """A finish whose answer is being judged, and what came behind it."""
        self._found: Problem | None = None

    def settled(self, kind: type) -> bool:
        return kind is not TextDelta or self._format is None

    def see(self, event: Any) -> Result:
        if self._waiting:
            self._waiting.append(event)
            return None
        kind = type(event)
        if kind not in _SAYS:
            return event  # type: ignore[no-any-return]  # one of `sees`
        answer = self._answers.get(event.choice)
        if answer is None:
            answer = self._answers[event.choice] = _Answer()
        if kind is TextDelta:
            if self._format is not None and answer.size <= MAX_ANSWER:
                answer.text.append(event.text)
                answer.size += len(event.text)
        elif kind is RefusalDelta:
            answer.refused = True
        elif kind is ToolCallStart:
            answer.calls.append(event.name)
            if not self._passes and self._choice is not None:
                return self._told(event, self._choice.forbids(answer.calls))
        elif event.reason in _COMPLETE and not answer.refused:
            return self._finish(event, answer)
        return event  # type: ignore[no-any-return]  # one of `sees`

    def resume(self) -> Result:
        """See Rule: the answer is judged, or there was no time for that."""
        if not self._waiting or self.context.owed is not None:
            return None
        (finish, *behind), self._waiting = self._waiting, []
        found, self._found = self._found, None
        out: list[Event] = [self._told(finish, found)]
        for event in behind:
            result = self.see(event)  # kept again, where another finish has to wait
            out += result if isinstance(result, list) else [] if result is None else [result]
        return out

    def _told(self, event: Event, problem: Problem | None) -> Event:
        """The event, or the failure that stands for it."""
        if problem is None:
            return event
        fault, what, param = problem
        self.note(fault)
        if self._passes:
            return event
        return Failure(InvalidAnswerError(f"The upstream's answer is not what was asked for: {what}.", param=param))

    def _finish(self, event: Finish, answer: _Answer) -> Result:
        problem = self._choice.problem(answer.calls) if self._choice is not None else None
        if problem is not None or self._format is None or answer.calls or answer.size > MAX_ANSWER:
            return self._told(event, problem)
        if answer.size <= LARGE or not self.context.defers:
            try:
                return self._told(event, self._judge(answer, AT_ONCE if self.context.defers else None))
            except TooMuchError:
                pass
        found: list[Problem | None] = []

        def work() -> None:
            found.append(self._judge(answer, None))

        def then() -> None:
            self._found = found[0]

        self._waiting = [event]
        self.context.owe(work, then, answer.size, waits=not self._passes)
        return None

    def _judge(self, answer: _Answer, steps: int | None) -> Problem | None:
        """What is wrong with the form of an answer.  Raises TooMuchError where it takes more than so many steps."""
        try:
            value = jsonio.decode_strict("".join(answer.text).encode("utf-8", "replace"))
        except jsonio.JSONError:
            return "json-mode-broken", "it is no JSON", "response_format"
        if self._format == "json_object" and not isinstance(value, dict):
            return "json-mode-broken", "it is no JSON object", "response_format"
        if self._schema is None:
            return None
        wrong = problem_of(value, self._schema) if steps is None else judged(value, self._schema, steps)
        return None if wrong is None else ("json-schema-not-kept", f"by the schema, {wrong}", "response_format")


_SAYS = frozenset((TextDelta, RefusalDelta, ToolCallStart, Finish))


class _Wanted:
    """Which calls were asked for."""

    def __init__(self, body: dict[str, Any]) -> None:
        self._param = "tool_choice" if body.get("tool_choice") is not None else "function_call"
        asked = body.get(self._param)
        kind = asked if isinstance(asked, str) else asked.get("type", "function") if isinstance(asked, dict) else None
        inner = asked.get(kind, asked) if isinstance(asked, dict) and isinstance(kind, str) else None
        self._none = kind == "none"
        self._required = kind in ("required", "any")
        self._names: set[str] | None = None
        if isinstance(inner, dict) and kind == "allowed_tools":
            self._required = inner.get("mode") == "required"
            self._names = {name for tool in inner.get("tools") or () if (name := _name(tool))} or None
        elif isinstance(inner, dict) and isinstance(inner.get("name"), str):
            self._required, self._names = True, {inner["name"]}

    def forbids(self, calls: list[Any]) -> Problem | None:
        """What is wrong with one of these calls, whatever follows."""
        if self._none and calls:
            return "tool_choice-none-ignored", "it calls a tool, and none was to be called", self._param
        others = [name for name in calls if self._names is not None and name not in self._names]
        if not others:
            return None
        what = f"it calls '{str(others[0])[:64]}', and another tool was to be called"
        return "tool_choice-named-ignored", what, self._param

    def problem(self, calls: list[Any]) -> Problem | None:
        """What is wrong with the calls of an answer that is complete."""
        problem = self.forbids(calls)
        if problem is not None or calls or not self._required:
            return problem
        fault = "tool_choice-named-ignored" if self._names else "tool_choice-required-ignored"
        return fault, "it calls no tool, and one was to be called", self._param


def _name(tool: Any) -> str | None:
    inner = tool.get("function") or tool.get("custom") or tool if isinstance(tool, dict) else None
    name = inner.get("name") if isinstance(inner, dict) else None
    return name if isinstance(name, str) else None


def _schema(body: dict[str, Any]) -> Any:
    asked = body["response_format"].get("json_schema")
    return asked.get("schema") if isinstance(asked, dict) else None
