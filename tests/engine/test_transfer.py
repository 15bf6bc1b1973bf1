"""Content types against the bodies that they come with."""

from __future__ import annotations

import pytest

from trueline.wire.transfer import content_type_faults

JSON = b'{"id":"chatcmpl-1"}'
EVENTS = b'data: {"id":"chatcmpl-1"}\n\n'

TABLE: list[tuple[bytes | None, bytes, tuple[str, ...]]] = [
    (b"application/json", JSON, ()),
    (b"application/json; charset=utf-8", JSON, ()),
    (b'application/json;charset="UTF-8"', JSON, ()),
    (b"application/problem+json", JSON, ()),
    (b"application/x-ndjson", JSON, ()),
    (b"text/event-stream; charset=utf-8", EVENTS, ()),
    (b"Text/Event-Stream", b": ping\n\n", ()),
    (b"text/event-stream", b"\n\n" + EVENTS, ()),
    (None, JSON, ("ctype-missing",)),
    (b"text/plain", JSON, ("ctype-missing",)),
    (None, EVENTS, ("ctype-missing",)),
    (b"application/json", EVENTS, ("ctype-missing",)),
    (b"text/event-stream", JSON, ("ctype-missing",)),
    (b"application/json; charset=iso-8859-1", JSON, ("ctype-charset",)),
    (b"text/event-stream;charset=latin-1", EVENTS, ("ctype-charset",)),
    (b"text/plain; charset=ISO-8859-1", JSON, ("ctype-missing", "ctype-charset")),
    (None, b"", ()),
    (b"text/html", b"<html>", ()),
    (b"image/png", b"\x89PNG", ()),
]


@pytest.mark.parametrize(("content_type", "start", "faults"), TABLE)
def test_content_type(content_type: bytes | None, start: bytes, faults: tuple[str, ...]) -> None:
    assert content_type_faults(content_type, start) == faults
