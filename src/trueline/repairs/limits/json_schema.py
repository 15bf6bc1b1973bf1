"""Whether a value keeps to a JSON Schema that a client sent (draft 2020-12, and what is usual of older ones).

Schemas and values come from strangers, so the work is bounded: nothing is fetched, no regular expression of theirs is
run, and what is too deep or too long is not judged.  What is not judged counts as kept: `pattern`, `format`, remote
and dynamic references, `unevaluated…`, and every keyword that is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Sized
from typing import Any, Final

__all__ = ["AT_ONCE", "MAX_DEPTH", "MAX_STEPS", "TooMuchError", "judged", "problem_of"]

MAX_STEPS: Final = 100_000
"""For one answer: a schema applied to a value is a step, and so is a value that is compared, or a few names."""
AT_ONCE: Final = 2_000
"""Steps that take no more than about 5 ms: as many as an event loop may do."""
MAX_DEPTH: Final = 200
_NAMES: Final = 16
"""Names, or keywords, that are looked up in the time of a step."""
_CHARACTERS: Final = 256
"""Characters that are compared in that time."""
_SHOWN: Final = 60

Json = dict[str, Any]
Path = tuple[str | int, ...]


def problem_of(value: Any, schema: Any) -> str | None:
    """What is wrong with a value, in words; None where it keeps to the schema as far as that is judged."""
    try:
        return judged(value, schema, MAX_STEPS)
    except TooMuchError:
        return None


def judged(value: Any, schema: Any, steps: int) -> str | None:
    """As `problem_of`, in so many steps.  Raises TooMuchError."""
    try:
        _Judge(schema, steps).check(value, schema, ())
    except _Broken as broken:
        return f"{_where(broken.path)} {broken.problem}"
    except RecursionError:
        pass
    return None


class TooMuchError(Exception):
    """More steps are needed than were given, or more depth than there is."""


class _Broken(Exception):
    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(problem)
        self.path, self.problem = path, problem


class _Judge:
    """One answer and its schema: what is worked out of a part of that is kept, by its identity."""

    def __init__(self, root: Any, steps: int) -> None:
        self._root = root
        self._left = steps
        self._depth = 0
        self._checkers: dict[int, tuple[list[_Checker], bool]] = {}
        self._allowed: dict[int, frozenset[str]] = {}
        self._targets: dict[str, Any] = {}
        self.unsure = 0
        """How often something was not judged."""

    def spend(self, steps: int) -> None:
        """Before the work.  Raises TooMuchError."""
        self._left -= steps
        if self._left < 0:
            raise TooMuchError

    def spend_on(self, names: Sized) -> None:
        """Before something is done with each of these names."""
        self.spend(len(names) // _NAMES)

    def check(self, value: Any, schema: Any, path: Path) -> None:
        """Raises _Broken, or TooMuchError."""
        self.spend(1)
        if self._depth > MAX_DEPTH:
            raise TooMuchError
        if schema is False:
            raise _Broken(path, "is not allowed")
        if not isinstance(schema, dict):
            return
        known = self._checkers.get(id(schema))
        if known is None:
            self.spend_on(schema)
            checkers = [checker for keyword, checker in _KEYWORDS.items() if keyword in schema]
            known = self._checkers[id(schema)] = (checkers, not schema.keys().isdisjoint(_NOT_JUDGED))
        self._depth += 1
        for checker in known[0]:
            checker(self, value, schema, path)
        self.unsure += known[1]
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

    def allowed(self, values: Any) -> frozenset[str]:
        """The keys of the values of a schema's list."""
        known = self._allowed.get(id(values))
        if known is None:
            known = self._allowed[id(values)] = frozenset([self.key(value) for value in values])
        return known

    def key(self, value: Any) -> str:
        """Something that is the same for values that JSON Schema calls equal: 1 and 1.0 are, 1 and true are not.

        It is text, since nobody can choose texts of the same hash.
        """
        parts: list[str] = []
        self._write_key(value, parts, 0)
        return "".join(parts)

    def _write_key(self, value: Any, parts: list[str], depth: int) -> None:
        self.spend(1)
        if depth > MAX_DEPTH:
            raise TooMuchError
        if isinstance(value, str):
            self.spend(len(value) // _CHARACTERS)
            parts.append(f"{len(value)}:{value}")
        elif isinstance(value, list):
            parts.append(f"[{len(value)}")
            for item in value:
                parts.append(" ")
                self._write_key(item, parts, depth + 1)
        elif isinstance(value, dict):
            self.spend_on(value)
            parts.append(f"{{{len(value)}")
            for name in sorted(value):
                self.spend(len(name) // _CHARACTERS)
                parts.append(f" {len(name)}:{name}")
                self._write_key(value[name], parts, depth + 1)
        elif _number(value) and (isinstance(value, int) or value.is_integer()):
            parts.append(f"n{int(value):x}")
        else:
            parts.append(repr(value))

    def resolved(self, reference: Any) -> Any:
        """What a reference within the schema points at; True, which allows everything, for any other one."""
        if not isinstance(reference, str) or (reference != "#" and not reference.startswith("#/")):
            self.unsure += 1
            return True
        if reference not in self._targets:
            self.spend(len(reference) // _NAMES)
            self._targets[reference] = self._found(reference)
        target = self._targets[reference]
        if target is _NOWHERE:
            self.unsure += 1
            return True
        return target

    def _found(self, reference: str) -> Any:
        target = self._root
        for name in reference[2:].split("/") if len(reference) > 1 else ():
            name = name.replace("~1", "/").replace("~0", "~")
            if isinstance(target, dict) and name in target:
                target = target[name]
            elif isinstance(target, list) and name.isdecimal() and int(name) < len(target):
                target = target[int(name)]
            else:
                return _NOWHERE
        return target


_Checker = Callable[[_Judge, Any, Json, Path], None]
_NOWHERE: Final = object()


# -- keywords ---------------------------------------------------------------------------------------------------------


def _ref(judge: _Judge, value: Any, schema: Json, path: Path) -> None:
    judge.check(value, judge.resolved(schema["$ref"]), path)


def _type(judge: _Judge, value: Any, schema: Json, path: Path) -> None:
    wanted = schema["type"]
    given = wanted if isinstance(wanted, list) else [wanted]
    judge.spend_on(given)
    names = dict.fromkeys(name for name in given if isinstance(name, str) and name in _TYPES)
    if names and not any(_TYPES[name](value) for name in names):
        raise _Broken(path, f"is not of the type {' or '.join(names)}")


def _enum(judge: _Judge, value: Any, schema: Json, path: Path) -> None:
    allowed = schema["enum"]
    if isinstance(allowed, list) and judge.key(value) not in judge.allowed(allowed):
        raise _Broken(path, "is none of the values that are allowed")


def _const(judge: _Judge, value: Any, schema: Json, path: Path) -> None:
    wanted = schema["const"]
    if judge.key(value) != judge.key(wanted):
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
        few, many = (known, value) if len(known) < len(value) else (value, known)
        judge.spend_on(few)
        for name in few:
            if name in many:
                judge.check(value[name], known[name], (*path, name))


def _required(judge: _Judge, value: Any, schema: Json, path: Path) -> None:
    if isinstance(value, dict):
        names = _list(schema["required"])
        judge.spend_on(names)
        for name in names:
            if isinstance(name, str) and name not in value:
                raise _Broken((*path, name), "is missing")


def _additional(judge: _Judge, value: Any, schema: Json, path: Path) -> None:
    if not isinstance(value, dict) or "patternProperties" in schema:
        return
    known, rule = schema.get("properties"), schema["additionalProperties"]
    judge.spend_on(value)
    for name in value:
        if not isinstance(known, dict) or name not in known:
            judge.check(value[name], rule, (*path, name))


def _property_names(judge: _Judge, value: Any, schema: Json, path: Path) -> None:
    for name in value if isinstance(value, dict) else ():
        judge.check(name, schema["propertyNames"], (*path, name))


def _dependent(judge: _Judge, value: Any, schema: Json, path: Path) -> None:
    needs = schema["dependentRequired"]
    if isinstance(value, dict) and isinstance(needs, dict):
        few, many = (needs, value) if len(needs) < len(value) else (value, needs)
        judge.spend_on(few)
        for name in few:
            if name in many:
                _required(judge, value, {"required": needs[name]}, path)


def _prefix_items(judge: _Judge, value: Any, schema: Json, path: Path) -> None:
    for at, (item, one) in enumerate(zip(_list(value), _list(schema["prefixItems"]), strict=False)):
        judge.check(item, one, (*path, at))


def _items(judge: _Judge, value: Any, schema: Json, path: Path) -> None:
    rule = schema["items"]
    if isinstance(rule, list):  # as older drafts have it
        _prefix_items(judge, value, {"prefixItems": rule}, path)
        return
    items, first = _list(value), len(_list(schema.get("prefixItems")))
    for at in range(first, len(items)):
        judge.check(items[at], rule, (*path, at))


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
        seen = {judge.key(item) for item in value}
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
_KEYWORDS: Final[dict[str, _Checker]] = {
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


def _where(path: Path) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
    return f"'{text[:_SHOWN]}'" if text else "the answer"
