"""JSON: lenient where servers send it, strict where clients do, limited everywhere."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.wire import jsonio
from trueline.wire.jsonio import MAX_DEPTH, JSONError

LENIENT: list[tuple[bytes, Any, set[str]]] = [
    (b'{"a": 1}', {"a": 1}, set()),
    (b" \t\r\n[1, 2.5, null, true] ", [1, 2.5, None, True], set()),
    (b'"x"', "x", set()),
    (b'{"a":1,"a":2}', {"a": 2}, set()),
    (b'{"a":NaN,"a":3}', {"a": 3}, {"nan-infinity"}),
    (b"[NaN, Infinity, -Infinity]", [None, None, -9999.0], {"nan-infinity"}),
    (b"[1e999, -1e999]", [None, -9999.0], {"nan-infinity"}),
    (b"[1e308, 5e-324]", [1e308, 5e-324], set()),
    (b"[123456789012345678901234567890]", [123456789012345678901234567890], set()),
    (b'"\\ud83d\\ude00"', "😀", set()),
    (b'{"a\x01":["\t"]}', {"a\x01": ["\t"]}, {"control-characters"}),
    (b'"\\ud83d"', "\ud83d", {"lone-surrogate"}),
    (b'"a\\ude00b"', "a\ude00b", {"lone-surrogate"}),
    (b'["\\ud83d", "\\uD83D\\uDE00"]', ["\ud83d", "😀"], {"lone-surrogate"}),
    (b'"\xed\xa0\xbd"', "\ud83d", {"lone-surrogate"}),
    (b'"\xff"', "\ufffd", {"replacement-chars"}),
    (b'"a\xc3"', "a\ufffd", {"replacement-chars"}),
    (b'"a\tb\nc\x01"', "a\tb\nc\x01", {"control-characters"}),
    (b'"\\u0000"', "\x00", set()),
    (b'\xef\xbb\xbf{"a":1}', {"a": 1}, {"bom"}),
    (b'{"a":1}\0', {"a": 1}, {"control-characters"}),
    (b'{"a":1} and a tail', {"a": 1}, {"done-glued-on-json"}),
    (b'{"a":1}[DONE]', {"a": 1}, {"done-glued-on-json"}),
    (b'{"a":1}{"b":2}', {"a": 1}, {"two-json-per-line"}),
]


@pytest.mark.parametrize(("data", "value", "faults"), LENIENT)
def test_lenient(data: bytes, value: Any, faults: set[str]) -> None:
    noted: Counter[str] = Counter()

    assert jsonio.decode(data, lambda fault: noted.update([fault])) == value
    assert noted.keys() == faults


@pytest.mark.parametrize(
    ("data", "values"),
    [
        (b'{"a":1}', [{"a": 1}]),
        (b'{"a":1}{"b":2}', [{"a": 1}, {"b": 2}]),
        (b'{"a":1}\n\n[2] "x"', [{"a": 1}, [2], "x"]),
        (b'{"a":1}{"b":', [{"a": 1}]),
    ],
)
def test_several_values(data: bytes, values: list[Any]) -> None:
    assert jsonio.decode_all(data) == values


NOT_JSON = [
    b"",
    b" ",
    b"\0",
    b"{",
    b'{"a":',
    b"[1,]",
    b"{'a':1}",
    b"hello",
    b"<html>",
    b'"',
    b"nul",
    b"\xef\xbb\xbf",
    b"[" + b"9" * 5000 + b"]",
]


@pytest.mark.parametrize("data", NOT_JSON)
def test_what_is_no_json(data: bytes) -> None:
    for decode in (jsonio.decode, jsonio.decode_all, jsonio.decode_strict):
        with pytest.raises(JSONError):
            decode(data)


STRICT = [
    b'["\\ud83d", NaN]',
    b'["\\ud83d", 1e999]',
    b'{"a":"\\ud83d"}x',
    b"[NaN]",
    b"[Infinity]",
    b"[1e999]",
    b'{"a":1}x',
    b'{"a":1}{}',
    b'"\xff"',
    b'"a\nb"',
    b'{"a":1}\0',
]


@pytest.mark.parametrize("data", STRICT)
def test_what_a_client_may_not_send(data: bytes) -> None:
    with pytest.raises(JSONError):
        jsonio.decode_strict(data)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        (b'{"a":"\\ud83d x"}', {"a": "\ud83d x"}),
        (b'{"a":"\\ud83d"}', {"a": "\ud83d"}),
        (b'{"a":"\\ude00"}', {"a": "\ude00"}),
    ],
)
def test_what_a_client_may_send(data: bytes, value: Any) -> None:
    assert jsonio.decode_strict(data) == value


def nested(depth: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    return opening * depth + b"1" + closing * depth


BROKEN = b'{"x":NaN,"a":'  # the tolerant way


@pytest.mark.parametrize("decode", [jsonio.decode, jsonio.decode_all, jsonio.decode_strict])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]")])
def test_depth(decode: Any, opening: bytes, closing: bytes) -> None:
    levels = MAX_DEPTH // opening.count(b"[") if b"{" not in opening else MAX_DEPTH // (opening.count(b"[") + 1)

    assert decode(nested(levels, opening, closing))
    for deep in (levels + 1, 5_000, 200_000):
        with pytest.raises(JSONError):
            decode(nested(deep, opening, closing))


def test_depth_of_tolerated_json() -> None:
    assert jsonio.decode(BROKEN + nested(MAX_DEPTH - 1) + b"}")
    for deep in (MAX_DEPTH, 100_000):
        with pytest.raises(JSONError):
            jsonio.decode(BROKEN + nested(deep) + b"}")


@pytest.mark.parametrize("text", ["[" * 5000, '\\"' + "{" * 5000, "\\\\", "[{" * 300 + '"', "\\" * 7 + "[" * 400])
def test_brackets_of_strings_are_no_depth(text: str) -> None:
    for value in ({"a": text}, [text, [text]], {text: 1}):
        data = json.dumps(value).encode()
        assert jsonio.decode(data) == jsonio.decode_strict(data) == value


@pytest.mark.parametrize("closing", ["]" * 300, "]" * 10_000, '"' + "]" * 300 + '"', "\\" + "}" * 300])
@pytest.mark.parametrize("deep", [MAX_DEPTH // 2, 300, 900])
def test_brackets_of_strings_hide_no_depth(closing: str, deep: int) -> None:
    outer, inner = deep // 2, deep - deep // 2
    data = b"[" * outer + b'{"a":%b,"b":%b}' % (json.dumps(closing).encode(), nested(inner)) + b"]" * outer
    for decode in (jsonio.decode, jsonio.decode_strict):
        if deep < MAX_DEPTH:
            assert decode(data)
            continue
        with pytest.raises(JSONError):
            decode(data)


def test_depth_after_many_brackets_side_by_side() -> None:
    assert len(jsonio.decode(b"[" + b"[]," * 5000 + b"[]]")) == 5001


@pytest.mark.parametrize(
    ("value", "mended"),
    [
        ("a", "a"),
        ("😀", "😀"),
        ("\ud83d\ude00", "😀"),
        ("\ud83d", "\ufffd"),
        ("\ude00\ud83dx", "\ufffd\ufffdx"),
        (["\ud83d", {"\ud83d": ["\ude00"]}], ["\ufffd", {"\ufffd": ["\ufffd"]}]),
        (None, None),
        (1.5, 1.5),
    ],
)
def test_surrogates(value: Any, mended: Any) -> None:
    assert jsonio.mend_surrogates(value) == mended
    assert jsonio.encode(value) == json.dumps(mended, ensure_ascii=False, separators=(",", ":")).encode()


def test_has_surrogates() -> None:
    assert [jsonio.has_surrogates(t) for t in ("", "a", "é😀", "\ud83d", "x\ude00")] == [
        False,
        False,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("0", 0), ("-1", -1), (" 42 ", 42), ("9" * 18, 10**18 - 1), ("9" * 19, None), ("", None), ("1.5", None)),
        *(("²", None), ("٣", None), ("0x1", None), ("--1", None), ("1_0", None)),
    ],
)
def test_integer(text: str, number: int | None) -> None:
    assert jsonio.integer(text) == number


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_written_is_read_again(value: Any) -> None:
    assert jsonio.decode(jsonio.encode(value)) == jsonio.decode_strict(jsonio.encode(value)) == value


@given(st.binary(max_size=60) | st.text(alphabet='[]{}",:\\ude01n-eE.NaInfity', max_size=40).map(str.encode))
def test_any_bytes_are_json_or_not(data: bytes) -> None:
    try:
        value = jsonio.decode(data)
    except JSONError:
        return
    jsonio.encode(value)
    assert not (isinstance(value, float) and not math.isfinite(value))


PAIRS: list[tuple[Any, Any, bool]] = [
    ({"a": 1, "b": [None, "é"]}, {"b": [None, "é"], "a": 1}, True),
    ({"a": 1}, {"a": 1.0}, False),
    ({"a": 1}, {"a": True}, False),
    ([0.0, -0.0], [0.0, -0.0], True),
    ([0.0], [-0.0], False),
    ([1, 2], [2, 1], False),
    ({"a": "x"}, {"a": "y"}, False),
    ({"a": "\ud800"}, {"a": "\ud800"}, False),  # which cannot be written
    ({"\ud800": 1}, {"\ud800": 1}, False),
]


@pytest.mark.parametrize(("one", "two", "same"), PAIRS)
@pytest.mark.parametrize("size", [0, 1_000_000])
def test_whether_values_are_the_same(one: Any, two: Any, same: bool, size: int) -> None:
    assert jsonio.same(one, two, size) is same
    assert jsonio.same({"x": [one]}, {"x": [two]}, size) is same


@pytest.mark.parametrize("bracket", ["[", "{"])
@pytest.mark.parametrize("filler", ["x" * 10_000, "[{" * 10_000])
def test_brackets_of_long_values_are_counted_outside_strings(bracket: str, filler: str) -> None:
    opening, closing = ("[", "]") if bracket == "[" else ('{"a":', "}")
    for levels in (MAX_DEPTH, MAX_DEPTH + 1):
        data = (opening * levels + json.dumps(filler) + closing * levels).encode()
        if levels <= MAX_DEPTH:
            assert jsonio.decode(data) and jsonio.decode_strict(data)
            continue
        with pytest.raises(JSONError):
            jsonio.decode(data)
        with pytest.raises(JSONError):
            jsonio.decode_strict(data)
