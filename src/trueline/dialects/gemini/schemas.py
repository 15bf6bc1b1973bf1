"""JSON schemas as Gemini takes them.

There are two places for a schema.  `responseJsonSchema` and `parametersJsonSchema` take JSON Schema, with `$ref`,
`$defs` and `additionalProperties`, from Gemini 2.5 on; `responseSchema` and `parameters` take a subset of OpenAPI's, at
every model.  A schema that keeps to the subset goes there; another one goes to the first place, or is rewritten for a
model that has none: what `$ref` names stands in its place, and what the subset cannot say is left out by name.
https://ai.google.dev/gemini-api/docs/structured-output#json_schema_support (seen 2026-11-22)
https://ai.google.dev/api/caching#Schema (seen 2026-11-22)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from ...wire import jsonio

__all__ = ["as_openapi", "is_openapi", "ordered"]

Fields: TypeAlias = dict[str, Any]
Note: TypeAlias = Callable[[str], None]

_TYPES: Final = ("string", "number", "integer", "boolean", "array", "object", "null")
_TEXTS: Final = ("description", "title", "format", "pattern")
_NUMBERS: Final = (
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "minProperties",
    "maxProperties",
    "minimum",
    "maximum",
)
_FORMATS: Final = {
    "string": ("enum", "date-time"),
    "number": ("float", "double"),
    "integer": ("int32", "int64"),
}
_PLAIN: Final = frozenset((*_TEXTS, *_NUMBERS, "type", "enum", "default", "example", "nullable", "propertyOrdering"))
_MAX_DEPTH: Final = 32


def is_openapi(schema: Any, depth: int = 0) -> bool:
    """Whether a schema says nothing that the subset cannot."""
    if not isinstance(schema, dict) or depth > _MAX_DEPTH:
        return False
    kind = schema.get("type")
    if not schema.keys() <= _PLAIN | {"properties", "required", "items", "anyOf"}:
        return False
    if not _is_plain(schema, kind):
        return False
    properties = schema.get("properties")
    if kind == "object" and not (isinstance(properties, dict) and properties):
        return False  # an object without properties is refused
    if kind == "array" and "items" not in schema:
        return False
    if not set(schema.get("required", ())) <= (properties or {}).keys():
        return False
    inner = [
        *(properties.values() if isinstance(properties, dict) else ()),
        *(schema["anyOf"] if isinstance(schema.get("anyOf"), list) else ()),
        *([schema["items"]] if "items" in schema else ()),
    ]
    return all(is_openapi(one, depth + 1) for one in inner)


def _is_plain(schema: Fields, kind: Any) -> bool:
    if isinstance(kind, str):
        if kind.lower() not in _TYPES[:-1]:
            return False
    elif "anyOf" not in schema:
        return False
    form = schema.get("format")
    if form is not None and form not in _FORMATS.get(str(kind).lower(), ()):
        return False
    enum = schema.get("enum")
    if enum is not None and not (str(kind).lower() == "string" and _texts(enum) and "" not in enum):
        return False
    numbers = all(type(schema[name]) in (int, float) for name in _NUMBERS if name in schema)
    texts = all(isinstance(schema[name], str) for name in _TEXTS if name in schema)
    return numbers and texts and ("required" not in schema or _texts(schema["required"]))


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def ordered(schema: Fields) -> Fields:
    """A schema of the subset whose answers have their properties in the order in which it names them, as OpenAI's."""
    made = dict(schema)
    properties = schema.get("properties")
    if isinstance(properties, dict):
        made["properties"] = {name: ordered(one) for name, one in properties.items()}
        if len(properties) > 1:
            made.setdefault("propertyOrdering", list(properties))
    if "items" in schema:
        made["items"] = ordered(schema["items"])
    if "anyOf" in schema:
        made["anyOf"] = [ordered(one) for one in schema["anyOf"]]
    return made


def as_openapi(schema: Fields, note: Note, where: str) -> Fields:
    """The schema in the subset; `note` names what it cannot say."""
    return _Rewriter(schema, note, where).rewrite(schema, ())


class _Rewriter:
    def __init__(self, root: Fields, note: Note, where: str) -> None:
        self._root = root
        self._note = note
        self._where = where
        self._noted: set[str] = set()

    def rewrite(self, schema: Any, seen: tuple[str, ...]) -> Fields:
        if not isinstance(schema, dict) or len(seen) > _MAX_DEPTH:
            return {"type": "string"} if schema is not True else {}
        reference = schema.get("$ref")
        if isinstance(reference, str):
            if reference in seen:
                self._drop("$ref")  # it goes on without end
                return {"type": "object"}
            target = self._find(reference)
            beside = {name: value for name, value in schema.items() if name != "$ref"}
            return self.rewrite({**target, **beside}, (*seen, reference))
        made: Fields = {name: schema[name] for name in _PLAIN if name in schema}
        self._rewrite_type(schema, made)
        self._rewrite_values(schema, made)
        for name in schema.keys() - _PLAIN - _HANDLED:
            self._drop(name)
        properties = schema.get("properties")
        if isinstance(properties, dict):
            made["properties"] = {name: self.rewrite(one, (*seen, "")) for name, one in properties.items()}
            if _texts(schema.get("required")):
                made["required"] = [name for name in schema["required"] if name in properties]
        if "items" in schema:
            made["items"] = self.rewrite(schema["items"], (*seen, ""))
        elif made.get("type") == "array":
            made["items"] = {"type": "string"}
        self._rewrite_choices(schema, made, seen)
        return made

    def _find(self, reference: str) -> Fields:
        found: Any = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else {}

    def _rewrite_type(self, schema: Fields, made: Fields) -> None:
        kind = schema.get("type")
        if isinstance(kind, list):
            kinds = [one for one in kind if one != "null"]
            if len(kinds) < len(kind):
                made["nullable"] = True
            if len(kinds) == 1:
                made["type"] = kinds[0]
            else:
                made.pop("type")
                made["anyOf"] = [{"type": one} for one in kinds]
        elif kind is None and "properties" in schema:
            made["type"] = "object"
        form = made.get("format")
        if form is not None and form not in _FORMATS.get(str(made.get("type")).lower(), ()):
            self._drop("format")
            del made["format"]

    def _rewrite_values(self, schema: Fields, made: Fields) -> None:
        enum = schema.get("enum", [schema["const"]] if "const" in schema else None)
        if enum is None:
            return
        values = [one for one in enum if one is not None] if isinstance(enum, list) else []
        if len(values) < len(enum if isinstance(enum, list) else []):
            made["nullable"] = True
        made["enum"] = [one if isinstance(one, str) else jsonio.encode(one).decode() for one in values if one != ""]
        if not all(isinstance(one, str) for one in values):
            self._drop("enum of numbers")
            made.pop("enum")
        elif not made["enum"]:
            made.pop("enum")
        made.setdefault("type", "string")

    def _rewrite_choices(self, schema: Fields, made: Fields, seen: tuple[str, ...]) -> None:
        for name in ("anyOf", "oneOf"):
            given = schema.get(name)
            if not isinstance(given, list):
                continue
            choices = [one for one in given if not (isinstance(one, dict) and one.get("type") == "null")]
            if len(choices) < len(given):
                made["nullable"] = True
            written = [self.rewrite(one, (*seen, "")) for one in choices]
            if len(written) == 1:
                made.update({key: value for key, value in written[0].items() if key not in made})
            elif written:
                made["anyOf"] = written
        together = schema.get("allOf")
        for one in together if isinstance(together, list) else []:
            _join(made, self.rewrite(one, (*seen, "")))

    def _drop(self, name: str) -> None:
        if name not in self._noted:
            self._noted.add(name)
            self._note(f"{self._where}: {name} dropped")


def _join(made: Fields, more: Fields) -> None:
    for key, value in more.items():
        held = made.get(key)
        if isinstance(value, dict) and isinstance(held, dict):
            held.update(value)
        elif isinstance(value, list) and isinstance(held, list):
            made[key] = [*held, *(one for one in value if one not in held)]
        else:
            made.setdefault(key, value)


_HANDLED: Final = frozenset(
    (
        *("$ref", "$defs", "definitions", "$schema", "$id", "properties", "required"),
        *("items", "anyOf", "oneOf", "allOf", "const"),
    )
)
