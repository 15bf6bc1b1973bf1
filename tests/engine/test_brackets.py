"""Whether an object that comes in pieces is closed: as its JSON says, wherever it is cut."""

from __future__ import annotations

import json

import pytest

from trueline.wire.brackets import ObjectBrackets


def closed(*pieces: str) -> bool:
    brackets = ObjectBrackets()
    for piece in pieces:
        brackets.feed(piece)
    return brackets.closed


@pytest.mark.parametrize("text", ["{}", ' {"a": [1, {}]}\n', r'{"a": "}\"", "b": "\\"}', '{"[": "{"}'])
def test_an_object(text: str) -> None:
    json.loads(text)
    assert closed(text)
    assert closed(*text)
    assert not any(closed(text[:cut]) for cut in range(len(text.rstrip())))


@pytest.mark.parametrize("text", ["", "[]", "{}{}", "x{}", "{} x", '{"a": "}', "1", '"{}"'])
def test_no_object(text: str) -> None:
    assert not closed(text)
    assert not closed(*text)
