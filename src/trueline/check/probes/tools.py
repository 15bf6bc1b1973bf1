"""Probes of tool calls, whole and streamed."""

from __future__ import annotations

from typing import Any, Final

from ..checks import called, calls_at_most_one, calls_named, calls_parse, calls_something, no_calls, says_something
from ..model import Call, Probe
from .build import TIME, WEATHER, ask_tool, chat, named, tool

__all__ = ["PROBES"]

_FEATURE = "tools"
_PARALLEL = "What is the weather in Paris, and what is the time there? Call get_weather and get_time, both at once."
_NOTHING = tool("list_cities", "All cities that there are.")
_EMPTY = "Which cities are there? Use the list_cities tool."
_CALL_ID = "call_" + "trueline" * 3


def _turn(stream: bool) -> Call:
    """The turn in which the model gets the result of its call."""
    function = {"name": "get_weather", "arguments": '{"location":"Paris"}'}
    return chat(
        messages=[
            {"role": "user", "content": "How is it outside in Paris?"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": _CALL_ID, "type": "function", "function": function}],
            },
            {"role": "tool", "tool_call_id": _CALL_ID, "content": '{"sky":"clear","degrees":21}'},
        ],
        tools=[WEATHER],
        stream=stream or None,
        max_tokens=200,
    )


def _two(**fields: Any) -> Call:
    return chat(_PARALLEL, tools=[WEATHER, TIME], max_tokens=300, **fields)


PROBES: Final = (
    Probe(
        "tools.auto", "a tool, if the model likes", (ask_tool(),), (called, calls_parse), feature=_FEATURE, tokens=200
    ),
    Probe(
        "tools.auto-stream",
        "a tool, streamed",
        (ask_tool(stream=True),),
        (called, calls_parse),
        feature=_FEATURE,
        tokens=200,
    ),
    Probe(
        "tools.required",
        "a tool is required",
        (ask_tool(tool_choice="required"),),
        (calls_something, calls_parse),
        feature="tool_choice: required",
        tokens=200,
    ),
    Probe(
        "tools.required-stream",
        "a tool is required, streamed",
        (ask_tool(tool_choice="required", stream=True),),
        (calls_something, calls_parse),
        feature="tool_choice: required",
        tokens=200,
    ),
    Probe(
        "tools.named",
        "one tool is named",
        (ask_tool(WEATHER, TIME, tool_choice=named("get_time")),),
        (calls_named, calls_parse),
        feature="tool_choice by name",
        tokens=220,
    ),
    Probe(
        "tools.named-stream",
        "one tool is named, streamed",
        (ask_tool(WEATHER, TIME, tool_choice=named("get_time"), stream=True),),
        (calls_named, calls_parse),
        feature="tool_choice by name",
        tokens=220,
    ),
    Probe(
        "tools.none",
        "tools, and none may be called",
        (ask_tool(tool_choice="none", max_tokens=64),),
        (no_calls,),
        feature=_FEATURE,
        tokens=150,
    ),
    Probe("tools.parallel", "two calls at once", (_two(),), (calls_parse,), feature=_FEATURE, tokens=300),
    Probe(
        "tools.parallel-stream",
        "two calls at once, streamed",
        (_two(stream=True),),
        (calls_parse,),
        feature=_FEATURE,
        tokens=300,
    ),
    Probe(
        "tools.one-at-a-time",
        "parallel calls are forbidden",
        (_two(parallel_tool_calls=False),),
        (calls_at_most_one, calls_parse),
        feature="parallel_tool_calls",
        tokens=300,
    ),
    Probe(
        "tools.empty",
        "a tool without parameters",
        (chat(_EMPTY, tools=[_NOTHING], max_tokens=200),),
        (calls_parse,),
        feature=_FEATURE,
        tokens=160,
    ),
    Probe(
        "tools.empty-stream",
        "a tool without parameters, streamed",
        (chat(_EMPTY, tools=[_NOTHING], max_tokens=200, stream=True),),
        (calls_parse,),
        feature=_FEATURE,
        tokens=160,
    ),
    Probe(
        "tools.result",
        "the turn after a tool's result",
        (_turn(False),),
        (says_something,),
        feature=_FEATURE,
        tokens=220,
    ),
    Probe(
        "tools.result-stream",
        "the turn after a tool's result, streamed",
        (_turn(True),),
        (says_something,),
        feature=_FEATURE,
        tokens=220,
    ),
)
