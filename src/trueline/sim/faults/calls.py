"""Faults of tool calls: arguments, and calls in another shape (faults.md section 7)."""

from __future__ import annotations

import json
from typing import Any

from trueline.sim.faults.base import (
    Ctx,
    Json,
    Planter,
    calls,
    choices_of,
    delta_chunk,
    each_call,
    each_choice,
    finish_place,
    fragments,
    function_of,
    part_of,
)
from trueline.sim.faults.tools import whole_calls

__all__ = ["PLANTERS"]

_ONE: Any = {"needs": ("tools",)}
_TWO: Any = {"needs": ("two_tools",)}


def _on_arguments(change: Any) -> Any:
    """A planter for the whole arguments of every call, which a stream then sends in one chunk."""

    def whole(call: Json, ctx: Ctx) -> None:
        function = call.get("function")
        if isinstance(function, dict) and isinstance(function.get("arguments"), str):
            function["arguments"] = change(function["arguments"], ctx)

    planter = each_call(whole)

    def chunks(made: list[Any], ctx: Ctx) -> list[Any]:
        return planter.chunks(whole_calls(made, ctx), ctx)  # type: ignore[misc]

    return Planter(whole=planter.whole, chunks=chunks, **_ONE)


def _parsed(arguments: str, ctx: Ctx) -> Any:
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def _empty(call: Json, ctx: Ctx) -> None:
    function = call.get("function")
    if isinstance(function, dict):
        function["arguments"] = ctx.pick(("", None))


def _empty_chunks(chunks: list[Any], ctx: Ctx) -> list[Any]:
    planter = each_call(_empty)
    return planter.chunks(whole_calls(chunks, ctx), ctx)  # type: ignore[misc]


def _invalid(arguments: str, ctx: Ctx) -> str:
    return str(ctx.pick((arguments.replace('"', "'"), arguments[:-1] + ",}", arguments[:-1])))


def _arguments_of(chunks: list[Any]) -> dict[str, tuple[Any, str]]:
    """Per call: its last fragment and all its arguments."""
    found: dict[str, tuple[Any, str]] = {}
    for fragment in fragments(chunks):
        key = repr(fragment.call.get("index"))
        text = found[key][1] if key in found else ""
        found[key] = (fragment, text + str(fragment.function.get("arguments") or ""))
    return found


def _full_again(chunks: list[Any], ctx: Ctx) -> list[Any]:
    """The complete arguments come once more after the deltas."""
    for fragment, arguments in reversed(list(_arguments_of(chunks).values())):
        again = {"tool_calls": [{"index": fragment.call.get("index"), "function": {"arguments": arguments}}]}
        chunks.insert(fragment.place + 1, delta_chunk(chunks, again))
    return chunks


def _cumulative(chunks: list[Any], ctx: Ctx) -> list[Any]:
    said: dict[str, str] = {}
    for fragment in list(fragments(chunks)):
        key = repr(fragment.call.get("index"))
        if isinstance(fragment.function.get("arguments"), str):
            said[key] = said.get(key, "") + fragment.function["arguments"]
            fragment.function["arguments"] = said[key]
    return chunks


def _markup(call: Json, ctx: Ctx) -> str:
    function = call.get("function") or {}
    name, arguments = function.get("name"), function.get("arguments")
    forms = (
        f'<tool_call>\n{{"name": "{name}", "arguments": {arguments}}}\n</tool_call>',
        f'[TOOL_CALLS][{{"name": "{name}", "arguments": {arguments}}}]',
        f'<|python_tag|>{{"name": "{name}", "parameters": {arguments}}}',
    )
    return ctx.pick(forms)


def _leak(choice: Json, ctx: Ctx) -> None:
    part = part_of(choice)
    if calls(part):
        part["content"] = "".join(_markup(call, ctx) for call in calls(part))
        del part["tool_calls"]
    if choice.get("finish_reason") == "tool_calls":
        choice["finish_reason"] = "stop"


def _legacy(choice: Json, ctx: Ctx) -> None:
    part = part_of(choice)
    if calls(part):
        function = calls(part)[0].get("function")
        part["function_call"] = dict(function) if isinstance(function, dict) else function
        if not ctx.options.variant % 2:
            del part["tool_calls"]
    if choice.get("finish_reason") == "tool_calls":
        choice["finish_reason"] = "function_call"


def _parallel(choice: Json, ctx: Ctx) -> None:
    """All calls of a message become one call of `multi_tool_use.parallel`."""
    part = part_of(choice)
    mine = calls(part)
    if not mine:
        return
    uses = []
    for call in mine:
        function = function_of(call)
        parameters = _parsed(str(function.get("arguments")), ctx)
        uses.append({"recipient_name": f"functions.{function.get('name')}", "parameters": parameters})
    arguments = json.dumps({"tool_uses": uses})
    part["tool_calls"] = [{**mine[0], "function": {"name": "multi_tool_use.parallel", "arguments": arguments}}]


def _bare(choice: Json, ctx: Ctx) -> None:
    """`{"name", "arguments"}` with no wrapper."""
    part = part_of(choice)
    if calls(part):
        functions = [call.get("function") for call in calls(part)]
        part["tool_calls"] = [
            {"name": function.get("name"), "arguments": _parsed(str(function.get("arguments")), ctx)}
            for function in functions
            if isinstance(function, dict)
        ]


def _in_one_chunk(change: Any, **fields: Any) -> Planter:
    """A planter for the messages with calls; in a stream each choice's calls first come together in one chunk."""
    planter = each_choice(change)

    def chunks(made: list[Any], ctx: Ctx) -> list[Any]:
        return planter.chunks(_together(made, ctx), ctx)  # type: ignore[misc]

    return Planter(whole=planter.whole, chunks=chunks, **fields)


def _together(chunks: list[Any], ctx: Ctx) -> list[Any]:
    from_one = whole_calls(chunks, ctx)
    made: list[Any] = []
    for chunk in from_one:
        mine = [call for choice in choices_of(chunk) for call in calls(part_of(choice))]
        before = choices_of(made[-1]) if made else []
        same = mine and before and before[0].get("index") == choices_of(chunk)[0].get("index")
        if same and calls(part_of(before[0])):
            part_of(before[0])["tool_calls"] += mine
        else:
            made.append(chunk)
    return made


def _legacy_chunks(chunks: list[Any], ctx: Ctx) -> list[Any]:
    """`function_call` deltas: a name first, then arguments."""
    planter = each_choice(_legacy)
    finish = finish_place(chunks)
    kept = [
        chunk
        for chunk in chunks[:finish]
        if all(not call.get("index") for choice in choices_of(chunk) for call in calls(part_of(choice)))
    ]
    return planter.chunks([*kept, *chunks[finish:]], ctx)  # type: ignore[misc]


def _arguments_last(made: list[Any], ctx: Ctx) -> list[Any]:
    """All calls begin, then their arguments come."""
    pieces = list(fragments(made))
    first = [piece.place for piece in pieces if piece.first]
    later = [piece.place for piece in pieces if not piece.first]
    if len(first) < 2 or len({*first, *later}) < len(first) + len(later):
        return made
    order = iter([*first, *later])
    places = {*first, *later}
    return [made[next(order)] if place in places else chunk for place, chunk in enumerate(made)]


PLANTERS: dict[str, Planter] = {
    "tool-index-back": Planter(chunks=_arguments_last, **_TWO),
    "tool-args-object": _on_arguments(_parsed),
    "tool-args-empty": Planter(whole=each_call(_empty).whole, chunks=_empty_chunks, needs=("empty_tool",)),
    "tool-args-double-encoded": _on_arguments(lambda arguments, ctx: json.dumps(arguments)),
    "tool-args-invalid-json": _on_arguments(_invalid),
    "tool-args-dup-full": Planter(chunks=_full_again, **_ONE),
    "tool-args-cumulative": Planter(chunks=_cumulative, **_ONE),
    "tool-markup-leak": _in_one_chunk(_leak, **_ONE),
    "legacy-function_call": Planter(whole=each_choice(_legacy).whole, chunks=_legacy_chunks, **_ONE),
    "multi_tool_use-parallel": _in_one_chunk(_parallel, **_TWO),
    "tool-calls-other-shape": _in_one_chunk(_bare, **_ONE),
}
