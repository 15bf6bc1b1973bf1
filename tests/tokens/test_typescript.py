"""The TypeScript in which functions are shown: one row per form, as recorded counts and public renderings have it."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import pytest

from trueline.tokens.families import Count
from trueline.tokens.prompt import count_prompt
from trueline.tokens.tools import functions_of, namespace_of
from trueline.tokens.typescript import DEPTH, WORK, comment_lines, typescript_of

STRING = {"type": "string"}
NULL = {"type": "null"}


def of(**properties: Any) -> dict[str, Any]:
    """An object with all of its members required."""
    return {"type": "object", "properties": properties, "required": list(properties)}


FORMS: list[tuple[str, dict[str, Any], str, bool]] = [
    ("no comment: one line", of(a={"type": "integer"}, b=STRING), "{ a: integer, b: string }", True),
    ("optional", {"properties": {"a": STRING}}, "{ a?: string }", True),
    ("nested", of(a=of(b={"type": "boolean"})), "{ a: { b: boolean } }", True),
    ("no members", of(a={"type": "object"}), "{ a: object }", True),
    ("list", of(a={"type": "array", "items": STRING}), "{ a: string[] }", True),
    ("list of anything", of(a={"type": "array"}), "{ a: any[] }", True),
    ("anything", of(a={}), "{ a: any }", True),
    ("enum", of(a={"enum": ["x", 1, None]}), '{ a: "x" | 1 | null }', True),
    ("const", of(a={"const": "x"}), '{ a: "x" }', False),
    ("or null", of(a={"anyOf": [STRING, NULL]}), "{ a: string | null }", True),
    ("two types", of(a={"type": ["string", "null"]}), "{ a: string | null }", True),
    ("either", of(a={"anyOf": [STRING, {"type": "number"}]}), "{ a: string | number }", False),
    ("described", of(a={**STRING, "description": "An a."}, b=STRING), "{\n// An a.\na: string,\nb: string,\n}", True),
    ("titled", of(a={**STRING, "title": "A"}), "{\n// A\na: string,\n}", True),
    (
        "titled and described",
        of(a={**STRING, "title": "A", "description": "An a."}),
        "{\n// A\n//\n// An a.\na: string,\n}",
        True,
    ),
    ("root", {**of(a=STRING), "title": "Args"}, "// Args\n{ a: string }", True),
    ("default", of(a={**STRING, "default": "x"}), '{\na: string, // default: "x"\n}', True),
    ("no default", of(a={**STRING, "default": None}), "{\na: string, // default: null\n}", True),
    (
        "default of an object",
        of(a={**of(b=STRING), "default": None}),
        "{\n// default: null\na: { b: string },\n}",
        True,
    ),
    (
        "bounds",
        of(a={"type": "integer", "minimum": 1, "maximum": 9}),
        "{\na: integer, // minimum: 1, maximum: 9\n}",
        True,
    ),
    ("a number's format", of(a={"type": "number", "format": "double"}), "{ a: number }", True),
    (
        "format in a union",
        of(a={"anyOf": [{**STRING, "format": "date"}, NULL], "default": None}),
        '{\n// default: null\na:\n | string // format: "date"\n | null\n,\n}',
        True,
    ),
    (
        "a list of types repeats the description",
        of(a={"type": ["string", "null"], "description": "An a."}),
        "{\n// An a.\na:\n// An a.\n | string\n// An a.\n | null\n,\n}",
        True,
    ),
    (
        "list of described objects",
        of(a={"type": "array", "items": {**of(b={**STRING, "title": "B"}), "title": "Item"}}),
        "{\na: Array<\n// Item\n{\n// B\nb: string,\n}\n>,\n}",
        True,
    ),
]


@pytest.mark.parametrize(("schema", "text", "settled"), [row[1:] for row in FORMS], ids=[row[0] for row in FORMS])
def test_forms(schema: dict[str, Any], text: str, settled: bool) -> None:
    assert typescript_of(schema) == (text, settled)


def test_references() -> None:
    schema = {**of(a={"$ref": "#/$defs/A", "description": "An a."}), "$defs": {"A": {**STRING, "description": "Any."}}}
    assert typescript_of(schema)[0] == "{\n// An a.\na: string,\n}"
    assert typescript_of(of(a={"$ref": "#/nowhere"}))[0] == "{ a: any }"
    assert typescript_of({"$ref": "#"})[0] == "any"


def test_the_first_models_are_not_shown_bounds() -> None:
    assert typescript_of(of(a={"type": "integer", "minimum": 1}), bounds=False)[0] == "{ a: integer }"


def test_comments_lose_their_empty_lines() -> None:
    assert comment_lines("One.\n\n    Two.  \n") == ["// One.", "// Two."]
    assert comment_lines("\nOne.") == ["// ", "// One."]


def test_namespace() -> None:
    body = {
        "tools": [
            {"type": "function", "function": {"name": "none", "parameters": {"type": "object", "properties": {}}}},
            {"type": "function", "function": {"name": "one", "description": "One.", "parameters": of(a=STRING)}},
            {"type": "custom", "custom": {"name": "free", "description": "Any text."}},
            "noise",
        ]
    }
    functions, known = functions_of(body)
    assert not known
    assert namespace_of(functions)[0] == dedent(
        """\
        namespace functions {

        type none = () => any;

        // One.
        type one = (_: { a: string }) => any;

        // Any text.
        type free = () => any;

        } // namespace functions"""
    )


def test_cycles_and_depth_end() -> None:
    node: dict[str, Any] = {"type": "object", "properties": {name: {"$ref": "#"} for name in "abcd"}}
    assert len(typescript_of(node)[0]) < 40 * WORK
    deep: dict[str, Any] = STRING
    for _ in range(4 * DEPTH):
        deep = {"type": "array", "items": deep}
    assert typescript_of({"properties": {"a": deep}})[0].startswith("{ a?: any[]")
    union: dict[str, Any] = STRING
    for _ in range(4 * DEPTH):
        union = {"anyOf": [union, union]}
    assert typescript_of({"properties": {"a": union}})[0].startswith("{ a?: any")


def test_long_descriptions_are_not_repeated_without_end() -> None:
    node = {"description": "x" * 10_000, "type": "object", "properties": {name: {"$ref": "#"} for name in "abcdefgh"}}
    assert len(typescript_of(node)[0]) < 40 * 64 * WORK


def test_a_wide_cycle_takes_no_more_than_its_budget() -> None:
    wide = {"type": "object", "properties": {f"k{at}": {"$ref": "#"} for at in range(10_000)}}
    assert typescript_of(wide)[0].count("k7?") <= WORK // 10_000
    functions = [{"name": "a", "parameters": wide}] * 10
    assert namespace_of(functions)[0].count("k7?") <= WORK // 10_000
    assert namespace_of(functions)[0].count("type a = ") == 10


def nested(levels: int) -> dict[str, object]:
    schema: dict[str, object] = {"type": "object", "properties": {"z": {"type": "string"}}}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


def test_what_is_not_shown_in_full_is_not_settled() -> None:
    assert typescript_of(nested(DEPTH - 1))[1]
    assert not typescript_of(nested(DEPTH))[1]
    assert not typescript_of(of(**{f"p{at}": {"type": "string"} for at in range(WORK)}))[1]
    assert not typescript_of(of(next={"$ref": "#"}))[1], "it has no end"
    assert not typescript_of({"$ref": "#"})[1]


@pytest.mark.parametrize("names", [20_000, 50_000])
def test_what_is_not_shown_is_estimated(names: int) -> None:
    def count(many: int) -> Count:
        function = {"name": "f", "parameters": of(**{f"p{at}": {"type": "string"} for at in range(many)})}
        return count_prompt({"model": "gpt-4o", "messages": [], "tools": [{"type": "function", "function": function}]})

    one, found = count(10_000), count(names)
    assert one.exact and not found.exact
    assert 0.75 < found.tokens / (one.tokens * names / 10_000) < 1.25


def test_levels_that_are_not_shown_are_estimated() -> None:
    def count(levels: int) -> Count:
        function = {"name": "f", "parameters": nested(levels)}
        return count_prompt({"model": "gpt-4o", "messages": [], "tools": [{"type": "function", "function": function}]})

    one, found = count(20), count(80)
    assert one.exact and not found.exact
    assert 2 < found.tokens / one.tokens < 4
