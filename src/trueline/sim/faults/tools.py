"""Faults of tool calls: index, id, type and name (faults.md section 7); `calls.py` has the rest."""

from __future__ import annotations

from typing import Any

from trueline.sim.faults.base import (
    Ctx,
    Json,
    Planter,
    calls,
    choices_of,
    each_call,
    each_choice,
    fragments,
    function_of,
    like_chunk,
    part_of,
)

__all__ = ["INDEXES", "PLANTERS", "on_calls", "whole_calls"]

_ONE: Any = {"needs": ("tools",)}
_TWO: Any = {"needs": ("two_tools",)}


def on_calls(change: Any) -> Any:
    """A stream planter from `change(fragment, ctx)`; fragments know whether they are their call's first."""

    def chunks(made: list[Any], ctx: Ctx) -> list[Any]:
        for fragment in list(fragments(made)):
            change(fragment, ctx)
        return made

    return chunks


def _bad_index(call: Json, ctx: Ctx) -> None:
    index = call.get("index")
    if isinstance(index, int):
        call["index"] = ctx.pick((index + 1, str(index), None, -1, index * 2))


def _id_against_arguments(fragment: Any, ctx: Ctx) -> None:
    fragment.call["index"] = 1 if fragment.first else 0


def _twice_in_chunk(chunks: list[Any], ctx: Ctx) -> list[Any]:
    """Two fragments of the same call share a chunk, as two entries."""
    made: list[Any] = []
    for chunk in chunks:
        now = [call for choice in choices_of(chunk) for call in calls(part_of(choice))]
        before = [call for choice in choices_of(made[-1]) for call in calls(part_of(choice))] if made else []
        alike = now and len(before) == 1 and before[0].get("index") == now[0].get("index") and "id" not in before[0]
        if alike and choices_of(chunk)[0].get("index") == choices_of(made[-1])[0].get("index"):
            part_of(choices_of(made[-1])[0])["tool_calls"] = before + now
        else:
            made.append(chunk)
    return made


def _index_in_whole(choice: Json, ctx: Ctx) -> None:
    for index, call in enumerate(calls(part_of(choice))):
        call["index"] = index


def _next_without_id(fragment: Any, ctx: Ctx) -> None:
    if fragment.call.get("index"):
        fragment.call["index"] = 0
        fragment.call.pop("id", None)


def _no_id(call: Json, ctx: Ctx) -> None:
    if "id" in call:
        forms: tuple[Json, ...] = ({}, {"id": ""}, {"id": None})
        del call["id"]
        call.update(ctx.pick(forms))


def _later(fields: Any) -> Any:
    def change(fragment: Any, ctx: Ctx) -> None:
        if not fragment.first:
            fields(fragment, ctx)

    return on_calls(change)


def _repeated_ids(chunks: list[Any], ctx: Ctx) -> list[Any]:
    known: dict[str, Json] = {}
    for fragment in list(fragments(chunks)):
        key = repr(fragment.call.get("index"))
        known.setdefault(key, fragment.call)
        fragment.call.setdefault("id", known[key].get("id"))
        fragment.call.setdefault("type", "function")
    return chunks


def _repeated_names(chunks: list[Any], ctx: Ctx) -> list[Any]:
    known: dict[str, Json] = {}
    for fragment in list(fragments(chunks)):
        key = repr(fragment.call.get("index"))
        known.setdefault(key, fragment.function)
        if "name" in known[key]:
            fragment.function.setdefault("name", known[key]["name"])
    return chunks


def _same_id(call: Json, ctx: Ctx) -> None:
    if call.get("id"):
        name = (call.get("function") or {}).get("name") if isinstance(call.get("function"), dict) else "f"
        call["id"] = ctx.pick(("call_0", "call_function_same_1", f"{name}:0"))


def _odd_id(call: Json, ctx: Ctx) -> None:
    if call.get("id"):
        call["id"] = ctx.pick(("toolu_bdrk_01:" + "x" * 60, "chatcmpl-tool-" + ctx.ids.hex(32), "a b|c"))


def _no_type(call: Json, ctx: Ctx) -> None:
    if "type" in call:
        del call["type"]
        forms: tuple[Json, ...] = ({}, {"type": ""}, {"type": None})
        call.update(ctx.pick(forms))


def _late_names(chunks: list[Any], ctx: Ctx) -> list[Any]:
    """The first fragment has no name; it comes with the next one, beside arguments."""
    names: dict[str, str] = {}
    for fragment in list(fragments(chunks)):
        key = repr(fragment.call.get("index"))
        if fragment.first and "name" in fragment.function:
            names[key] = fragment.function["name"]
            fragment.function["name"] = ""
        elif key in names:
            fragment.function["name"] = names.pop(key)
    return chunks


def _no_name(call: Json, ctx: Ctx) -> None:
    if isinstance(call.get("function"), dict):
        call["function"].pop("name", None)


def _decorated(call: Json, ctx: Ctx) -> None:
    function = call.get("function")
    if isinstance(function, dict) and function.get("name"):
        name = function["name"]
        function["name"] = ctx.pick((f"functions.{name}:0", f"default_api:{name}", f"functions.{name}"))


def _empty_array(choice: Json, ctx: Ctx) -> None:
    part_of(choice).setdefault("tool_calls", [])


def _null(choice: Json, ctx: Ctx) -> None:
    part_of(choice).setdefault("tool_calls", None)
    part_of(choice).setdefault("function_call", None)


def _one_chunk(chunks: list[Any], ctx: Ctx) -> list[Any]:
    """All calls of a choice, complete, in its first chunk with calls."""
    made: list[Any] = []
    opened: dict[tuple[Any, Any], Json] = {}
    holders: dict[Any, Json] = {}
    for chunk in chunks:
        found = [(choice, call) for choice in choices_of(chunk) for call in calls(part_of(choice))]
        if not found:
            made.append(chunk)
        for choice, call in found:
            key = (choice.get("index"), repr(call.get("index")))
            function = function_of(call)
            if key in opened:
                before = opened[key].get("function")
                if isinstance(before, dict):
                    before["arguments"] = str(before.get("arguments") or "") + str(function.get("arguments") or "")
                continue
            opened[key] = call
            if choice.get("index") in holders:
                holders[choice.get("index")]["tool_calls"].append(call)
            else:
                part_of(choice)["tool_calls"] = [call]
                holders[choice.get("index")] = part_of(choice)
                made.append(chunk)
    return made


def whole_calls(chunks: list[Any], ctx: Ctx) -> list[Any]:
    """Each call complete in one chunk, one chunk per call."""
    made: list[Any] = []
    for chunk in _one_chunk(chunks, ctx):
        parts = [part_of(choice) for choice in choices_of(chunk)]
        many = parts[0]["tool_calls"] if parts and len(calls(parts[0])) > 1 else []
        made.append(chunk)
        if many:
            parts[0]["tool_calls"] = many[:1]
            choice = choices_of(chunk)[0]
            made += [like_chunk([chunk], [{**choice, "delta": {"tool_calls": [call]}}]) for call in many[1:]]
    return made


PLANTERS: dict[str, Planter] = {
    "tool-multi-calls-one-chunk": Planter(chunks=_one_chunk, **_TWO),
    "tool-whole-call-one-chunk": Planter(chunks=whole_calls, **_ONE),
    "tool-id-missing": each_call(_no_id, **_ONE),
    "tool-id-empty-later": Planter(
        chunks=_later(lambda fragment, ctx: fragment.call.update(id=ctx.pick(("", None)))), **_ONE
    ),
    "tool-id-repeated": Planter(chunks=_repeated_ids, **_ONE),
    "tool-id-duplicate": each_call(_same_id, **_TWO),
    "tool-id-format": each_call(_odd_id, **_ONE),
    "tool-type-missing": each_call(_no_type, **_ONE),
    "tool-name-empty-later": Planter(
        chunks=_later(lambda fragment, ctx: fragment.function.update(name=ctx.pick(("", None)))), **_ONE
    ),
    "tool-name-late": Planter(chunks=_late_names, **_ONE),
    "tool-name-repeated": Planter(chunks=_repeated_names, **_ONE),
    "tool-name-never": each_call(_no_name, **_ONE),
    "tool-name-decorated": each_call(_decorated, **_ONE),
    "tool-calls-empty-array": each_choice(_empty_array),
    "tool-calls-null": each_choice(_null),
}

INDEXES: dict[str, Planter] = {
    "tool-index-dup-in-chunk": Planter(chunks=_twice_in_chunk, **_ONE),
    "tool-index-missing": Planter(chunks=each_call(lambda call, ctx: call.pop("index", None)).chunks, **_TWO),
    "tool-index-all-zero": Planter(chunks=each_call(lambda call, ctx: call.update(index=0)).chunks, **_TWO),
    "tool-index-bad": Planter(chunks=each_call(_bad_index).chunks, **_TWO),
    "tool-index-id-vs-args": Planter(chunks=on_calls(_id_against_arguments), **_ONE),
    "tool-index-in-nonstream": Planter(whole=each_choice(_index_in_whole).whole, **_ONE),
    "tool-args-next-call-no-id": Planter(chunks=on_calls(_next_without_id), **_TWO),
}
"""Committed after all other faults of tool calls, which tell calls apart by the index while it is good."""
