"""Whether a value keeps to a JSON Schema that a client sent (draft 2020-12, and what is usual of older ones).

Schemas and values come from strangers, so the work is bounded: nothing is fetched, no regular expression of theirs is
run, and what is too deep or too long is not judged.  What is not judged counts as kept: `pattern`, `format`, remote
and dynamic references, `unevaluated…`, and every keyword that is not known here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

__all__ = ["MAX_DEPTH", "MAX_STEPS", "problem_of"]

MAX_STEPS: Final = 100_000
"""Schemas applied to values, for one answer."""
MAX_DEPTH: Final = 200
_SHOWN: Final = 60

Json = dict[str, Any]
Path = tuple[str | int, ...]


def problem_of(value: Any, schema: Any) -> str | None:
    """What is wrong with a value, in words; None where it keeps to the schema as far as that is judged."""
    try:
        _Judge(schema).check(value, schema, ())
    except _Broken as broken:
        return f"{_where(broken.path)} {broken.problem}"
    except (_Unjudged, RecursionError):
        pass
    return None


class _Broken(Exception):
    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(problem)
        self.path, self.problem = path, problem


class _Unjudged(Exception):
    """Too much work."""


class _Judge:
    def __init__(self, root: Any) -> None:
        self._root = root
        self._steps = 0
        self._depth = 0
        self.unsure = 0
        """How often something was not judged."""

    def check(self, value: Any, schema: Any, path: Path) -> None:
        """Raises _Broken, or _Unjudged."""
        self._steps += 1
        if self._steps > MAX_STEPS or self._depth > MAX_DEPTH:
            raise _Unjudged
        if schema is False:
            raise _Broken(path, "is not allowed")
        if not isinstance(schema, dict):
            return
        self._depth += 1
        for keyword, checker in _KEYWORDS.items():
            if keyword in schema:
                checker(self, value, schema, path)
        self.unsure += not schema.keys().isdisjoint(_NOT_JUDGED)
        self._depth -= 1

    def keeps(self, value: Any, schema: Any, path: Path) -> tuple[bool, bool]:
        """Whether a value keeps to a schema, and whether that is sure."""
        depth, unsure = self._depth, self.unsure
        try:
            self.check(value, schema, path)
        except _Broken:
            self._depth = depth
            return False, True
        return True, self.unsure == unsure

    def resolved(self, reference: Any) -> Any:
        """What a reference within the schema points at; True, which allows everything, for any other one."""
        target = self._root
        if not isinstance(reference, str) or (reference != "#" and not reference.startswith("#/")):
            self.unsure += 1
            return True
        for name in reference[2:].split("/") if len(reference) > 1 else ():
            name = name.replace("~1", "/").replace("~0", "~")
            if isinstance(target, dict) and name in target:
                target = target[name]
            elif isinstance(target, list) and name.isdecimal() and int(name) < len(target):
                target = target[int(name)]
            else:
                self.unsure += 1
                return True
        return target


# -- keywords ---------------------------------------------------------------------------------------------------------


def _ref(judge: _Judge, value: Any, schema: Json, path: Path) -> None:
    judge.check(value, judge.resolved(schema["$ref"]), path)


def _type(judge: _Judge, value: Any, schema: Json, path: Path) -> None:
    wanted = schema["type"]
    names = [name for name in (wanted if isinstance(wanted, list) else [wanted]) if name in _TYPES]
    if names and not any(_TYPES[name](value) for name in names):
        raise _Broken(path, f"is not of the type {' or '.join(names)}")


def _enum(judge: _Judge, value: Any, schema: Json, path: Path) -> None:
    allowed = schema["enum"]
    if isinstance(allowed, list) and not any(_same(value, one) for one in allowed):
        raise _Broken(path, "is none of the values that are allowed")


def _const(judge: _Judge, value: Any, schema: Json, path: Path) -> None:
    if not _same(value, schema["const"]):
        raise _Broken(path, "is not the one value that is allowed")


def _all_of(judge: _Judge, value: Any, schema: Json, path: Path) -> None:
    for one in _list(schema["allOf"]):
        judge.check(value, one, path)


def _any_of(judge: _Judge, value: Any, schema: Json, path: Path) -> None:
    ways = _list(schema["anyOf"])
    if ways and not any(judge.keeps(value, one, path)[0] for one in ways):
        raise _Broken(path, "is none of the alternatives that are allowed")


def _one_of(judge: _Judge, value: Any, schema: Json, path: Path) -> None:
    ways = [judge.keeps(value, one, path) for one in _list(schema["oneOf"])]
    if ways and not any(kept for kept, _ in ways):
        raise _Broken(path, "is none of the alternatives that are allowed")
    if sum(kept and sure for kept, sure in ways) > 1:
        raise _Broken(path, "is more than one of the alternatives, of which one is allowed")


def _not(judge: _Judge, value: Any, schema: Json, path: Path) -> None:
    if judge.keeps(value, schema["not"], path) == (True, True):
        raise _Broken(path, "is what is not allowed")


def _if(judge: _Judge, value: Any, schema: Json, path: Path) -> None:
    kept, sure = judge.keeps(value, schema["if"], path)
    way = "then" if kept else "else"
    if sure and way in schema:
        judge.check(value, schema[way], path)


def _properties(judge: _Judge, value: Any, schema: Json, path: Path) -> None:
    known = schema["properties"]
    if isinstance(value, dict) and isinstance(known, dict):
        for name in known.keys() & value.keys():
            judge.check(value[name], known[name], (*path, name))


def _required(judge: _Judge, value: Any, schema: Json, path: Path) -> None:
    if isinstance(value, dict):
        for name in _list(schema["required"]):
            if isinstance(name, str) and name not in value:
                raise _Broken((*path, name), "is missing")


def _additional(judge: _Judge, value: Any, schema: Json, path: Path) -> None:
    if not isinstance(value, dict) or "patternProperties" in schema:
        return
    known = schema.get("properties")
    for name in value.keys() - (known.keys() if isinstance(known, dict) else set()):
        judge.check(value[name], schema["additionalProperties"], (*path, name))


def _property_names(judge: _Judge, value: Any, schema: Json, path: Path) -> None:
    for name in value if isinstance(value, dict) else ():
        judge.check(name, schema["propertyNames"], (*path, name))


def _dependent(judge: _Judge, value: Any, schema: Json, path: Path) -> None:
    needs = schema["dependentRequired"]
    if isinstance(value, dict) and isinstance(needs, dict):
        for name in needs.keys() & value.keys():
            _required(judge, value, {"required": needs[name]}, path)


def _prefix_items(judge: _Judge, value: Any, schema: Json, path: Path) -> None:
    for at, (item, one) in enumerate(zip(_list(value), _list(schema["prefixItems"]), strict=False)):
        judge.check(item, one, (*path, at))


def _items(judge: _Judge, value: Any, schema: Json, path: Path) -> None:
    rule = schema["items"]
    if isinstance(rule, list):  # as older drafts have it
        _prefix_items(judge, value, {"prefixItems": rule}, path)
        return
    for at, item in enumerate(_list(value)):
        if at >= len(_list(schema.get("prefixItems"))):
            judge.check(item, rule, (*path, at))


def _contains(judge: _Judge, value: Any, schema: Json, path: Path) -> None:
    if not isinstance(value, list):
        return
    ways = [judge.keeps(item, schema["contains"], (*path, at)) for at, item in enumerate(value)]
    least, most = schema.get("minContains", 1), schema.get("maxContains")
    if _number(least) and sum(kept for kept, _ in ways) < least:
        raise _Broken(path, "holds too few of the items that it must hold")
    if most is not None and _number(most) and sum(kept and sure for kept, sure in ways) > most:
        raise _Broken(path, "holds too many of the items that it may hold")


def _unique(judge: _Judge, value: Any, schema: Json, path: Path) -> None:
    if schema["uniqueItems"] is True and isinstance(value, list):
        seen = {_key(item) for item in value}
        if len(seen) < len(value):
            raise _Broken(path, "holds an item twice")


def _bound(keyword: str, kind: type | tuple[type, ...], broken: Callable[[Any, Any], bool], words: str) -> Any:
    """A keyword that compares a value, or its length, with a number."""

    def check(judge: _Judge, value: Any, schema: Json, path: Path) -> None:
        limit = schema[keyword]
        if _number(limit) and isinstance(value, kind) and not isinstance(value, bool) and broken(value, limit):
            raise _Broken(path, f"{words} {limit}")

    return check


def _no_multiple(value: float, step: float) -> bool:
    if step <= 0:
        return False
    if isinstance(value, int) and isinstance(step, int):
        return value % step != 0
    try:
        ratio = value / step
        return abs(ratio - round(ratio)) > 1e-9 * max(1.0, abs(ratio))
    except (OverflowError, ValueError):
        return False


_NUMBERS = (int, float)
_KEYWORDS: Final[dict[str, Callable[[_Judge, Any, Json, Path], None]]] = {
    "$ref": _ref,
    "type": _type,
    "enum": _enum,
    "const": _const,
    "required": _required,
    "properties": _properties,
    "additionalProperties": _additional,
    "propertyNames": _property_names,
    "dependentRequired": _dependent,
    "minProperties": _bound("minProperties", dict, lambda v, n: len(v) < n, "has fewer properties than"),
    "maxProperties": _bound("maxProperties", dict, lambda v, n: len(v) > n, "has more properties than"),
    "prefixItems": _prefix_items,
    "items": _items,
    "contains": _contains,
    "uniqueItems": _unique,
    "minItems": _bound("minItems", list, lambda v, n: len(v) < n, "has fewer items than"),
    "maxItems": _bound("maxItems", list, lambda v, n: len(v) > n, "has more items than"),
    "minLength": _bound("minLength", str, lambda v, n: len(v) < n, "has fewer characters than"),
    "maxLength": _bound("maxLength", str, lambda v, n: len(v) > n, "has more characters than"),
    "minimum": _bound("minimum", _NUMBERS, lambda v, n: v < n, "is less than"),
    "maximum": _bound("maximum", _NUMBERS, lambda v, n: v > n, "is greater than"),
    "exclusiveMinimum": _bound("exclusiveMinimum", _NUMBERS, lambda v, n: v <= n, "is not greater than"),
    "exclusiveMaximum": _bound("exclusiveMaximum", _NUMBERS, lambda v, n: v >= n, "is not less than"),
    "multipleOf": _bound("multipleOf", _NUMBERS, _no_multiple, "is no multiple of"),
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "not": _not,
    "if": _if,
}

_NOT_JUDGED: Final = frozenset(
    (
        "pattern", "format", "patternProperties", "dependentSchemas", "dependencies", "unevaluatedProperties",
        "unevaluatedItems", "additionalItems", "$dynamicRef", "$recursiveRef",
    )
)  # fmt: skip

_TYPES: Final[dict[Any, Callable[[Any], bool]]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: _number(value),
    "integer": lambda value: _number(value) and (isinstance(value, int) or value.is_integer()),
}


# -- values -----------------------------------------------------------------------------------------------------------


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _key(value: Any) -> Any:
    """Something that is the same for values that JSON Schema calls equal: 1 and 1.0 are, 1 and true are not."""
    if isinstance(value, bool) or value is None:
        return (type(value).__name__, value)
    if isinstance(value, list):
        return ("list", tuple(map(_key, value)))
    if isinstance(value, dict):
        return ("dict", frozenset((name, _key(one)) for name, one in value.items()))
    return value


def _same(one: Any, other: Any) -> bool:
    return (type(one) is type(other) is str and one == other) or bool(_key(one) == _key(other))


def _where(path: Path) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
    return f"'{text[:_SHOWN]}'" if text else "the answer"
