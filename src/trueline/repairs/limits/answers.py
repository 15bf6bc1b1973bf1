"""Answers that do not keep to `response_format` or `tool_choice`: counted, or refused where the settings say so.

An answer that was cut, filtered or refused is none of these, and neither is one that calls a tool in place of it.
"""

from __future__ import annotations

from typing import Any

from ...context import ReplyContext
from ...errors import InvalidAnswerError
from ...events import Event, Failure, Finish, RefusalDelta, TextDelta, ToolCallStart
from ...wire import jsonio
from ..base import Result, Rule
from .asked import CALLS, FORMAT, asks, json_format
from .json_schema import problem_of

__all__ = ["Answers"]

MAX_ANSWER = 4 * 1024 * 1024
"""Characters of an answer that is looked at as JSON."""

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

    sees = (TextDelta, RefusalDelta, ToolCallStart, Finish)
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

    def settled(self, kind: type) -> bool:
        return kind is not TextDelta or self._format is None

    def see(self, event: TextDelta | RefusalDelta | ToolCallStart | Finish) -> Result:
        answer = self._answers.get(event.choice)
        if answer is None:
            answer = self._answers[event.choice] = _Answer()
        if isinstance(event, TextDelta):
            if self._format is not None and answer.size <= MAX_ANSWER:
                answer.text.append(event.text)
                answer.size += len(event.text)
        elif isinstance(event, RefusalDelta):
            answer.refused = True
        elif isinstance(event, ToolCallStart):
            answer.calls.append(event.name)
        elif event.reason in _COMPLETE and not answer.refused:
            return self._finish(event, answer)
        return event

    def _finish(self, event: Finish, answer: _Answer) -> Result:
        problem = self._problem(answer)
        if problem is None:
            return event
        fault, what, param = problem
        self.note(fault)
        if self.context.options.enforce.on_invalid == "pass":
            return event
        failure: Event = Failure(
            InvalidAnswerError(f"The upstream's answer is not what was asked for: {what}.", param=param)
        )
        return failure

    def _problem(self, answer: _Answer) -> tuple[str, str, str] | None:
        """The fault of an answer, what it is in words, and the parameter that asked for something else."""
        if self._choice is not None:
            found = self._choice.problem(answer.calls)
            if found is not None:
                return (*found, self._choice.param)
        if self._format is None or answer.calls or answer.size > MAX_ANSWER:
            return None
        try:
            value = jsonio.decode_strict("".join(answer.text).encode("utf-8", "replace"))
        except jsonio.JSONError:
            return "json-mode-broken", "it is no JSON", "response_format"
        if self._format == "json_object" and not isinstance(value, dict):
            return "json-mode-broken", "it is no JSON object", "response_format"
        wrong = problem_of(value, self._schema) if self._schema is not None else None
        return None if wrong is None else ("json-schema-not-kept", f"by the schema, {wrong}", "response_format")


class _Wanted:
    """Which calls were asked for."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.param = "tool_choice" if body.get("tool_choice") is not None else "function_call"
        asked = body.get(self.param)
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

    def problem(self, calls: list[Any]) -> tuple[str, str] | None:
        """The fault of such calls, and what it is in words."""
        if self._none and calls:
            return "tool_choice-none-ignored", "it calls a tool, and none was to be called"
        others = [name for name in calls if self._names is not None and name not in self._names]
        if others:
            return "tool_choice-named-ignored", f"it calls '{str(others[0])[:64]}', and another tool was to be called"
        if self._required and not calls:
            fault = "tool_choice-named-ignored" if self._names else "tool_choice-required-ignored"
            return fault, "it calls no tool, and one was to be called"
        return None


def _name(tool: Any) -> str | None:
    inner = tool.get("function") or tool.get("custom") or tool if isinstance(tool, dict) else None
    name = inner.get("name") if isinstance(inner, dict) else None
    return name if isinstance(name, str) else None


def _schema(body: dict[str, Any]) -> Any:
    asked = body["response_format"].get("json_schema")
    return asked.get("schema") if isinstance(asked, dict) else None
