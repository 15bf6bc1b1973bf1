"""Answers against the schemas of clients: what is wrong is found, and what is not judged is kept."""

from __future__ import annotations

from typing import Any

import pytest

from trueline.repairs.limits.json_schema import AT_ONCE, MAX_STEPS, TooMuchError, judged, problem_of

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "minLength": 1}, "age": {"type": ["integer", "null"]}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
TREE = {"$ref": "#/$defs/n", "$defs": {"n": {"type": "array", "items": {"$ref": "#/$defs/n"}}}}

CASES: list[tuple[Any, Any, str | None]] = [
    (PERSON, {"name": "A", "age": 1.0}, None),
    (PERSON, {"name": "A", "age": None}, None),
    (PERSON, {"name": "A"}, "'age' is missing"),
    (PERSON, {"name": "", "age": 1}, "'name' has fewer characters than 1"),
    (PERSON, {"name": "A", "age": True}, "'age' is not of the type integer or null"),
    (PERSON, {"name": "A", "age": 1, "b": 2}, "'b' is not allowed"),
    (PERSON, [], "the answer is not of the type object"),
    (TREE, [[], [[]]], None),
    (TREE, [[], [1]], "'[1][0]' is not of the type array"),
    ({"enum": [1, "a"]}, 1.0, None),
    ({"enum": [1, "a"]}, True, "the answer is none of the values that are allowed"),
    ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 1, "the answer is none of the alternatives that are allowed"),
    (
        {"oneOf": [{"type": "integer"}, {"minimum": 2}]},
        3,
        "the answer is more than one of the alternatives, of which one is allowed",
    ),
    ({"oneOf": [{"type": "string"}, {"pattern": "^a"}]}, "b", None),
    ({"not": {"type": "string"}}, "b", "the answer is what is not allowed"),
    ({"not": {"pattern": "b"}}, "b", None),
    ({"if": {"type": "string"}, "then": {"maxLength": 1}}, "ab", "the answer has more characters than 1"),
    ({"prefixItems": [{"type": "string"}], "items": False}, ["a", 1], "'[1]' is not allowed"),
    ({"uniqueItems": True}, [1, 1.0], "the answer holds an item twice"),
    ({"uniqueItems": True}, [1, True, "1"], None),
    ({"uniqueItems": True}, [[1, [2]], [[1], 2], {"a": 1, "b": 2}, {"b": 2, "a": [1]}, "1:a", "a", None, 0.5], None),
    ({"uniqueItems": True}, [{"a": 1, "b": [2.0]}, {"b": [2], "a": 1.0}], "the answer holds an item twice"),
    ({"enum": [{"a": [1, None]}]}, {"a": [1.0, None]}, None),
    ({"const": [False]}, [0], "the answer is not the one value that is allowed"),
    ({"type": ["string"] * 3}, 1, "the answer is not of the type string"),
    ({"multipleOf": 0.1}, 0.3, None),
    ({"pattern": "(a+)+$"}, "a" * 200 + "b", None),
    ({"$ref": "https://example.com/schema"}, 1, None),
    ({"$ref": "#"}, 1, None),
    ({"allOf": [{"$ref": "#"}, {"$ref": "#"}]}, 1, None),
    (True, 1, None),
    (None, 1, None),
    ({"type": 7, "required": "x", "properties": [], "enum": {}, "items": 3, "anyOf": None}, {"a": [1]}, None),
]


@pytest.mark.parametrize(("schema", "value", "problem"), CASES, ids=range(len(CASES)))
def test_problem(schema: Any, value: Any, problem: str | None) -> None:
    assert problem_of(value, schema) == problem


def test_the_work_is_bounded() -> None:
    schema: Any = {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}
    assert problem_of(1, schema) is None

    deep: Any = 1
    for _ in range(90):
        deep = [deep]
    assert problem_of(deep, TREE) is not None


MANY = [f"{number:05}" for number in range(10_000)]
DEAR: dict[str, tuple[Any, Any]] = {
    "enum": ({"items": {"enum": list(range(3000))}}, [2999] * 60_000),
    "enum of large values": ({"items": {"enum": [list(range(1000))] * 100}}, [list(range(1000))] * 100),
    "const": ({"items": {"const": list(range(1000))}}, [list(range(1000))] * 200),
    "required": ({"items": {"required": ["a"] * 3000}}, [{"a": 1}] * 20_000),
    "dependentRequired": ({"items": {"dependentRequired": {"a": ["a"] * 3000}}}, [{"a": 1}] * 20_000),
    "properties": ({"items": {"properties": dict.fromkeys(MANY, True)}}, [dict.fromkeys(MANY)] * 20),
    "properties that are absent": ({"allOf": [{"properties": {"x": 1}}] * 110_000}, {"a": 1}),
    "additionalProperties": ({"items": {"additionalProperties": True}}, [dict.fromkeys(MANY)] * 20),
    "propertyNames": ({"propertyNames": {"type": "string"}}, dict.fromkeys(map(str, range(110_000)))),
    "type": ({"items": {"type": ["number"] * 3000}}, [1] * 30_000),
    "keywords that say nothing": ({"items": [dict.fromkeys(MANY) for _ in range(200)]}, [1] * 200),
    "uniqueItems": ({"allOf": [{"uniqueItems": True}] * 20}, list(range(10_000))),
    "long texts": ({"allOf": [{"uniqueItems": True}] * 20}, ["a" * 4_000_000]),
    "$ref": ({"items": {"$ref": "#" + "/items" * 10_000}}, [1] * 110_000),
    "contains": ({"contains": True}, list(range(110_000))),
    "prefixItems": ({"prefixItems": [True] * 110_000}, list(range(110_000))),
    "anyOf": ({"anyOf": [False] * 110_000}, 1),
    "oneOf": ({"oneOf": [False] * 110_000}, 1),
    "not": ({"items": {"not": False}}, [1] * 60_000),
    "if": ({"items": {"if": True, "then": True}}, [1] * 40_000),
}


@pytest.mark.parametrize(("schema", "value"), DEAR.values(), ids=DEAR)
def test_every_keyword_costs_steps(schema: Any, value: Any) -> None:
    with pytest.raises(TooMuchError):
        judged(value, schema, MAX_STEPS)

    assert problem_of(value, schema) is None


class Counted(list[Any]):
    """A list of a schema that knows how often it was gone through."""

    def __init__(self, values: Any) -> None:
        super().__init__(values)
        self.read = 0

    def __iter__(self) -> Any:
        self.read += 1
        return super().__iter__()


def test_what_is_allowed_is_looked_up() -> None:
    allowed = Counted(range(3000))

    assert problem_of([2999] * 30_000, {"items": {"enum": allowed}}) is None
    assert allowed.read == 1


def test_what_people_ask_for_is_judged_at_once() -> None:
    people = {"type": "array", "items": PERSON}
    assert judged([{"name": "A", "age": 1}] * 200, people, AT_ONCE) is None
