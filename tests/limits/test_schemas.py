"""Answers against the schemas of clients: what is wrong is found, and what is not judged is kept."""

from __future__ import annotations

from typing import Any

import pytest

from trueline.repairs.limits.json_schema import problem_of

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
