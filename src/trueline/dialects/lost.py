"""What an API has no place for in a conversation and its tools: members of messages, parts, calls and tools, by name.

Losing them changes no request into another one, as losing a parameter does: they are named, and the request goes on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final, TypeAlias

from .provider import Asked

__all__ = ["name_lost"]

Fields: TypeAlias = dict[str, Any]

_TOLD: Final = frozenset(("role", "content", "tool_calls", "tool_call_id", "function_call", "refusal", "annotations"))
"""Members of a message that every writer reads, and one that says nothing to a model."""
_PARTS: Final = {"text": ("text",), "refusal": ("refusal", "text"), "image_url": ("image_url",)}
_CALL: Final = frozenset(("id", "type", "function", "custom", "index"))
_TOOL: Final = frozenset(("type", "function", "custom"))
_THOUGHTS: Final = frozenset(("reasoning_content", "reasoning"))


def name_lost(body: Fields, keeps: Collection[str], asked: Asked) -> None:
    """Name what is set and not kept.

    `keeps`: members that the API's writer reads, or names itself where it loses them; `text.cache_control` is that of
    a part with text, `tool.cache_control` that of a tool, and `cache_control` is it everywhere.
    """
    for where, place, name in _members(body):
        if name not in keeps and f"{place}.{name}" not in keeps:
            asked.note(f"{where}.{name} dropped")


def _members(body: Fields) -> Iterator[tuple[str, str, str]]:
    """Where, the kind of the place, and the name of each member that not every API has."""
    for position, message in enumerate(body["messages"]):
        where = f"messages[{position}]"
        yield from _of_message(message, where)
        parts = message.get("content")
        for number, part in enumerate(parts if isinstance(parts, list) else ()):
            if isinstance(part, dict):
                yield from _of_part(part, f"{where}.content[{number}]")
        calls = message.get("tool_calls")
        for number, call in enumerate(calls if isinstance(calls, list) else ()):
            if isinstance(call, dict):
                yield from _set(call, f"{where}.tool_calls[{number}]", "call", _CALL)
    tools = body.get("tools")
    for number, tool in enumerate(tools if isinstance(tools, list) else ()):
        if isinstance(tool, dict) and isinstance(tool.get("function"), dict):
            yield from _set(tool, f"tools[{number}]", "tool", _TOOL)
            if tool["function"].get("strict"):
                yield f"tools[{number}].function", "function", "strict"


def _of_message(message: Fields, where: str) -> Iterator[tuple[str, str, str]]:
    sealed = bool(message.get("reasoning_details"))
    for found in _set(message, where, "message", _TOLD):
        name = found[2]
        if name == "name" and message["role"] in ("tool", "function"):
            continue  # the function that answers
        if name in _THOUGHTS and (sealed or (name == "reasoning" and message.get("reasoning_content"))):
            continue  # the same thoughts in another form
        yield found


def _of_part(part: Fields, where: str) -> Iterator[tuple[str, str, str]]:
    kind = str(part.get("type"))
    yield from _set(part, where, kind, ("type", *_PARTS.get(kind, (kind,))))
    image = part.get("image_url")
    if isinstance(image, dict) and image.get("detail") not in (None, "auto"):
        yield f"{where}.image_url", "image_url", "detail"


def _set(owner: Fields, where: str, place: str, known: Collection[str]) -> Iterator[tuple[str, str, str]]:
    for name, value in owner.items():
        if name not in known and value not in (None, False, "", [], {}):
            yield where, place, name
