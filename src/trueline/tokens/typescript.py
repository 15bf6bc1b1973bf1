"""JSON Schema as the TypeScript type that OpenAI shows to its models.

The form is public: open-source renderings of the same prompt (openai/harmony) and what models repeat of their own tool
definitions.  Details are settled by recorded counts: comments carry the title, the description and, above a type of
several lines, the default; bounds and formats of strings follow a member; an object none of whose members has a comment
is written on one line.  Reading never fails: what is not a schema is `any`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

__all__ = ["Budget", "Schema", "comment_lines", "literal", "typescript_of"]

Schema = dict[str, Any]

DEPTH = 24
"""Nested types deeper than this are `any`: it ends the cycles of `$ref`."""
WORK = 30_000
"""Members, types or pieces of 64 characters in the schemas of one request, however often they refer to each other."""

BOUNDS: dict[str, tuple[str, ...]] = {
    "string": ("format", "pattern", "minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "integer": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
"""Keywords that are said in a comment, by type; a number's format is not."""

_UNTOLD = frozenset(
    (
        "oneOf", "allOf", "const", "pattern", "minLength", "maxLength", "minItems", "maxItems",
        "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "prefixItems", "patternProperties", "examples",
    )
)  # fmt: skip
"""Keywords of which no recording tells."""


def literal(value: Any) -> str:
    """A value as JSON; what JSON cannot say, as text."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return str(type(value).__name__)


def comment_lines(text: str) -> list[str]:
    """A text as comment lines: each line trimmed, empty ones left out, but for the first."""
    return [f"// {line.strip()}" for at, line in enumerate(text.split("\n")) if at == 0 or line.strip()]


@dataclass(slots=True)
class Budget:
    """What is left of WORK; what is beyond it is shown as `any` or `object`."""

    left: int = WORK
    cut: bool = False
    """A schema was not shown in full, for this or for its DEPTH."""


def typescript_of(schema: Any, bounds: bool = True, budget: Budget | None = None) -> tuple[str, bool]:
    """The type of a schema, with its own comments before it where it has any; `bounds`: its members show theirs.

    False beside it: the schema has something for whose form there is no evidence, or not enough.
    """
    root = schema if isinstance(schema, dict) else {}
    renderer = _Renderer(root, bounds, budget or Budget())
    text = "\n".join((*_comments(root), renderer.type_of(root, 0)))
    return text, renderer.settled


def _text(schema: Schema, key: str) -> str:
    value = schema.get(key)
    return value if isinstance(value, str) else ""


def _comments(schema: Schema) -> list[str]:
    """The title, and under it the description."""
    title, description = _text(schema, "title"), _text(schema, "description")
    lines = [f"// {title}"] if title else []
    if title and description:
        lines.append("//")
    return lines + comment_lines(description) if description else lines


def _bounds(schema: Schema) -> list[str]:
    kind = schema.get("type")
    keys = BOUNDS.get(kind, ()) if isinstance(kind, str) else ()
    return [f"{key}: {literal(schema[key])}" for key in keys if schema.get(key) is not None]


def _no_bounds(_: Schema) -> list[str]:
    return []


def _alternatives(schema: Schema) -> list[Any] | None:
    """The members of a union; a list of types repeats the schema for each of them."""
    for key in ("anyOf", "oneOf"):
        if isinstance(found := schema.get(key), list) and found:
            return found
    kinds = schema.get("type")
    if isinstance(kinds, list) and kinds:
        rest = {key: value for key, value in schema.items() if key not in {"title", "default"}}
        return [{**rest, "type": kind} for kind in kinds]
    return None


@dataclass(slots=True)
class _Member:
    """A member of an object, rendered: its type on one line, or the lines of a union."""

    name: str
    schema: Schema
    type: str
    union: list[str] | None
    bounds: list[str]

    def has_comment(self) -> bool:
        schema = self.schema
        return bool(self.union or _comments(schema) or "default" in schema or self.bounds or "\n" in self.type)

    def lines(self) -> list[str]:
        """The member in an object of several lines."""
        schema = self.schema
        default = f"default: {literal(schema['default'])}" if "default" in schema else ""
        lines = _comments(schema)
        if self.union:
            return [*lines, *([f"// {default}"] if default else []), f"{self.name}:", *self.union, ","]
        if default and self.type.startswith("{"):
            lines.append(f"// {default}")
            default = ""
        notes = ", ".join((*([default] if default else []), *self.bounds))
        return [*lines, f"{self.name}: {self.type}," + (f" // {notes}" if notes else "")]


class _Renderer:
    """One rendering of one schema."""

    def __init__(self, root: Schema, bounds: bool, budget: Budget) -> None:
        self._root = root
        self._bounds = _bounds if bounds else _no_bounds
        self._budget = budget
        self.settled = True

    def _judge(self, alternatives: list[Any]) -> None:
        """What is known of unions is that of something and null."""
        kinds = [each.get("type") if isinstance(each, dict) else None for each in alternatives]
        numbers = any(key in each for each in alternatives if isinstance(each, dict) for key in BOUNDS["number"])
        self.settled = self.settled and len(kinds) == 2 and "null" in kinds and not numbers

    def _resolved(self, schema: Any) -> Schema:
        """What a reference refers to, with the keywords beside it; an empty schema where there is none."""
        for _ in range(DEPTH):
            if not isinstance(schema, dict):
                return {}
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                break
            target = self._target(reference)
            if not self._affords(1 + (len(target) + len(schema) >> 4)):
                return {}
            schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
        if isinstance(schema, dict) and isinstance(schema.get("$ref"), str):
            self._ends()
            return {}
        return schema if isinstance(schema, dict) else {}

    def _target(self, reference: str) -> Schema:
        found: Any = self._root
        for key in reference.lstrip("#").split("/"):
            if key:
                found = found.get(key.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else {}

    def _charged(self, text: str) -> str:
        self._affords(len(text) >> 6)
        return text

    def _affords(self, work: int) -> bool:
        self._budget.left -= work
        return self._budget.left >= 0 or self._ends()

    def _ends(self) -> bool:
        """What follows is not shown."""
        self.settled = False
        self._budget.cut = True
        return False

    def type_of(self, schema: Any, depth: int) -> str:
        """A type, without comments of its own."""
        if not (self._affords(1) if depth <= DEPTH else self._ends()):
            return "any"
        schema = self._resolved(schema)
        self.settled = self.settled and _UNTOLD.isdisjoint(schema)
        if alternatives := _alternatives(schema):
            self._judge(alternatives)
            return " | ".join(self.type_of(each, depth + 1) for each in alternatives)
        if isinstance(values := schema.get("enum"), list) and values:
            return self._charged(" | ".join(map(literal, values)))
        if "const" in schema:
            return self._charged(literal(schema["const"]))
        kind = schema.get("type")
        if kind == "object" or isinstance(schema.get("properties"), dict):
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, depth)
        return kind if isinstance(kind, str) and kind else "any"

    def _array(self, schema: Schema, depth: int) -> str:
        items = schema.get("items")
        if not isinstance(items, dict) or not items:
            return "any[]"
        items = self._resolved(items)
        item = self.type_of(items, depth + 1)
        return "\n".join(("Array<", *_comments(items), item, ">")) if "\n" in item else f"{item}[]"

    def _object(self, schema: Schema, depth: int) -> str:
        properties = schema.get("properties")
        if not isinstance(properties, dict) or not properties or not self._affords(len(properties)):
            return "object"
        required = schema.get("required")
        names = set(filter(lambda name: isinstance(name, str), required)) if isinstance(required, list) else set()
        members = [
            self._member(str(name) if name in names else f"{name}?", each, depth) for name, each in properties.items()
        ]
        if any(member.has_comment() for member in members):
            return "\n".join(("{", *_chained(member.lines() for member in members), "}"))
        return "{ " + ", ".join(f"{member.name}: {member.type}" for member in members) + " }"

    def _member(self, name: str, schema: Any, depth: int) -> _Member:
        schema = self._resolved(schema)
        self._charged(_text(schema, "description"))
        alternatives = _alternatives(schema)
        if alternatives is None or depth > DEPTH or self._budget.left < 0:
            return _Member(name, schema, self.type_of(schema, depth + 1), None, self._bounds(schema))
        union, several = self._union(alternatives, depth)
        return _Member(name, schema, "".join(union)[3:], union if several else None, self._bounds(schema))

    def _union(self, alternatives: list[Any], depth: int) -> tuple[list[str], bool]:
        """A union with a line per alternative; True: one of them has a comment, or several lines."""
        self._judge(alternatives)
        lines: list[str] = []
        several = False
        for alternative in map(self._resolved, alternatives):
            body = self.type_of(alternative, depth + 1)
            description = self._charged(_text(alternative, "description"))
            comments = comment_lines(description) if description else []
            if "\n" in body:
                comments = _comments(alternative)
            notes = self._bounds(alternative)
            if "default" in alternative:
                notes.append(f"default: {literal(alternative['default'])}")
            several = several or bool(comments or notes or "\n" in body)
            lines += [*comments, f" | {body}" + (f" // {', '.join(notes)}" if notes else "")]
        return lines, several


def _chained(parts: Iterable[list[str]]) -> list[str]:
    return [line for part in parts for line in part]
