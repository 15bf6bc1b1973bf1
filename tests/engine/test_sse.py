"""The grammar of server-sent events, in every way that servers write it and networks cut it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.kit import pieces, ways_to_cut
from trueline.errors import UpstreamReplyTooLargeError
from trueline.wire import sse
from trueline.wire.sse import Frame, SSEReader, looks_like_sse

BOM = b"\xef\xbb\xbf"
A, B = b'{"a":1}', b'{"b":2}'


def read(parts: list[bytes], max_event: int = sse.MAX_EVENT) -> tuple[list[Frame], dict[str, int]]:
    """The frames of a stream that came in these parts, and the faults that were noted."""
    faults: Counter[str] = Counter()
    reader = SSEReader(lambda fault: faults.update([fault]), max_event)
    frames = [frame for part in parts for frame in reader.feed(part)]
    return [*frames, *reader.close()], dict(faults)


def events(*datas: bytes) -> list[Frame]:
    return [Frame(data) for data in datas]


PRETTY = b'{\n  "a": {\n    "b": 1\n  }\n}'

GRAMMAR: list[tuple[str, bytes, list[Frame], set[str]]] = [
    ("exact", b'data: {"a":1}\n\ndata: {"b":2}\n\n', events(A, B), set()),
    ("nothing", b"", [], set()),
    ("only blanks", b"\n\n\n", [], set()),
    ("CRLF", b'data: {"a":1}\r\n\r\ndata: {"b":2}\r\n\r\n', events(A, B), {"sse-crlf"}),
    ("CR", b'data: {"a":1}\r\rdata: {"b":2}\r\r', events(A, B), {"sse-crlf"}),
    ("mixed", b'data: {"a":1}\r\n\ndata: {"b":2}\n\r\n', events(A, B), {"sse-crlf"}),
    ("mixed, text", b"data: x\r\n\ndata: y\r\rdata: z\n\n", events(b"x", b"y", b"z"), {"sse-crlf"}),
    ("single newlines", b'data: {"a":1}\ndata: {"b":2}\n', events(A, B), {"sse-single-newline"}),
    ("single newlines, [DONE]", b'data: {"a":1}\ndata: [DONE]\n', events(A, b"[DONE]"), {"sse-single-newline"}),
    ("single CRLF", b'data: {"a":1}\r\ndata: {"b":2}\r\n', events(A, B), {"sse-crlf", "sse-single-newline"}),
    ("one newline at the end", b'data: {"a":1}\n\ndata: {"b":2}\n', events(A, B), {"done-no-blank-line"}),
    ("single newlines, text", b"data: oops\ndata: ouch\n\n", events(b"oops", b"ouch"), {"sse-single-newline"}),
    ("extra newlines", b'\n\ndata: {"a":1}\n\n\n\n\ndata: {"b":2}\n\n\n', events(A, B), set()),
    ("no space", b'data:{"a":1}\n\ndata:{"b":2}\n\n', events(A, B), {"sse-no-space"}),
    ("no space, text", b"data:x\n\n", events(b"x"), {"sse-no-space"}),
    ("two spaces", b"data:  x\n\n", events(b" x"), set()),
    ("a tab", b"data:\tx\n\n", events(b"\tx"), {"sse-no-space"}),
    ("space before the colon", b'data : {"a":1}\n\n', events(A), set()),
    ("indented", b'  data: {"a":1}\n\n', events(A), set()),
    ("comment", b': OPENROUTER PROCESSING\n\ndata: {"a":1}\n\n', events(A), {"sse-comment"}),
    ("comment without blank line", b':\ndata: {"a":1}\n:x\n\n', events(A), {"sse-comment"}),
    ("comment inside", b"data: [1,\n: ping\ndata: 2]\n\n", events(b"[1,\n2]"), {"sse-comment", "sse-multiline-data"}),
    ("event", b'event: message\ndata: {"a":1}\n\n', [Frame(A, b"message")], {"sse-event-line"}),
    (
        "event after the data",
        b'data: x\nevent: e\n\ndata: {"a":1}\n\n',
        events(b"x", A),
        {"sse-event-line", "sse-event-only-frame"},
    ),
    (
        "event for one frame only",
        b"event: e\ndata: x\n\ndata: y\n\n",
        [Frame(b"x", b"e"), Frame(b"y")],
        {"sse-event-line"},
    ),
    ("event only", b'event: ping\n\ndata: {"a":1}\n\n', events(A), {"sse-event-line", "sse-event-only-frame"}),
    (
        "events, single newlines",
        b'event: e\ndata: {"a":1}\nevent: f\ndata: {"b":2}\n',
        [Frame(A, b"e"), Frame(B, b"f")],
        {"sse-event-line", "sse-single-newline"},
    ),
    ("id and retry", b'id: 5\nretry: 3000\ndata: {"a":1}\n\nid: 6\n\n', events(A), {"sse-id-retry"}),
    ("id alone", b"id: 5\n\n", [], {"sse-id-retry"}),
    ("several lines of data", b"data: [1,\ndata: 2]\n\n", events(b"[1,\n2]"), {"sse-multiline-data"}),
    (
        "pretty-printed",
        b"".join(b"data: " + line + b"\n" for line in PRETTY.split(b"\n")) + b"\n",
        events(PRETTY),
        set(),
    ),
    (
        "pretty-printed, single newlines",
        b"".join(b"data: " + line + b"\n" for line in (PRETTY + b"\n" + PRETTY).split(b"\n")),
        events(PRETTY, PRETTY),
        set(),
    ),
    ("pretty-printed without data:", PRETTY + b"\n\n" + PRETTY + b"\n", events(PRETTY, PRETTY), {"ndjson-stream"}),
    ("brackets of strings", b'data: ["}",\ndata: "]"\ndata: ]\n\n', events(b'["}",\n"]"\n]'), set()),
    ("BOM", BOM + b'data: {"a":1}\n\n', events(A), {"bom"}),
    ("BOM alone", BOM, [], {"bom"}),
    ("half a BOM", BOM[:2], [Frame(BOM[:2], b"text")], {"sse-non-json-data", "done-no-blank-line"}),
    ("UTF-8", 'data: {"é€😀":1}\n\n'.encode(), events('{"é€😀":1}'.encode()), set()),
    ("[DONE]", b'data: {"a":1}\n\ndata: [DONE]\n\n', events(A, b"[DONE]"), set()),
    ("[DONE] without data:", b'data: {"a":1}\n\n[DONE]\n', events(A, b"[DONE]"), {"done-variants"}),
    ("[DONE] with blanks", b"data: [DONE]  \n\n", events(b"[DONE]  "), set()),
    ("no blank line at the end", b'data: {"a":1}\n\ndata: {"b":2}', events(A, B), {"done-no-blank-line"}),
    ("no blank line after text", b"data: x\n", events(b"x"), {"done-no-blank-line"}),
    ("no blank line after CR", b"data: x\r", events(b"x"), {"done-no-blank-line", "sse-crlf"}),
    ("cut inside", b'data: {"a":1}\n\ndata: {"b"', events(A, b'{"b"'), {"done-no-blank-line"}),
    ("empty data", b"data:\n\ndata: \n\ndata\n\n", events(b"", b"", b""), set()),
    ("bare JSON", b'{"a":1}\n{"b":2}\n', events(A, B), {"ndjson-stream"}),
    ("bare JSON, blank lines", b'{"a":1}\n\n{"b":2}\n\n', events(A, B), {"ndjson-stream"}),
    ("text", b"Internal error\n\n", [Frame(b"Internal error", b"text")], {"sse-non-json-data"}),
    (
        "unknown field",
        b'x-vendor: 1\ndata: {"a":1}\n\n',
        [Frame(b"x-vendor: 1", b"text"), Frame(A)],
        {"sse-non-json-data"},
    ),
]


@pytest.mark.parametrize(("stream", "frames", "faults"), [row[1:] for row in GRAMMAR], ids=[row[0] for row in GRAMMAR])
def test_grammar(stream: bytes, frames: list[Frame], faults: set[str]) -> None:
    found, noted = read([stream])

    assert found == frames
    assert noted.keys() >= faults
    assert noted.keys() - faults <= {"sse-multiline-data", "ndjson-stream", "sse-single-newline"}


@pytest.mark.parametrize("stream", [row[1] for row in GRAMMAR], ids=[row[0] for row in GRAMMAR])
def test_cuts_change_nothing(stream: bytes) -> None:
    expected = read([stream])

    for parts in ways_to_cut(stream):
        assert read(parts) == expected


PIECES = st.sampled_from(
    [
        *(b"data: ", b"data:", b"data", b"event: e", b"id: 1", b":", b": c", b" "),
        *(b"\n", b"\n\n", b"\r", b"\r\n", b"\r\n\r\n"),
        *(A, b"[", b"]", b"}", b"x", b"[DONE]", BOM, BOM[:1], "é".encode(), b"\x00", b'"', b"\\"),
    ]
)


@given(st.lists(PIECES, max_size=14).map(b"".join), st.lists(st.integers(0, 60), max_size=8))
def test_cuts_change_nothing_whatever_comes(stream: bytes, cuts: list[int]) -> None:
    assert read(pieces(stream, cuts)) == read([stream])
    assert read(pieces(stream, range(len(stream)))) == read([stream])


@given(st.lists(st.binary(max_size=12), max_size=8))
def test_any_bytes_are_read(parts: list[bytes]) -> None:
    assert read(parts) == read([b"".join(parts)])


# -- size -------------------------------------------------------------------------------------------------------------


class Counting(bytes):
    """Bytes that count how many of them are looked through or copied."""

    seen = 0

    def _count(self, name: str, *args: Any) -> Any:
        Counting.seen += len(self)
        return getattr(bytes, name)(self, *args)

    def __contains__(self, key: Any) -> bool:
        return bool(self._count("__contains__", key))

    def split(self, *args: Any) -> Any:
        return self._count("split", *args)

    def replace(self, *args: Any) -> Any:
        return self._count("replace", *args)


def held(reader: SSEReader) -> int:
    return sum(map(len, reader._tail)) + sum(map(len, reader._lines))


def test_a_huge_line_is_looked_through_once() -> None:
    """What waits is joined once, when its line ends; no read looks at more than what it brought."""
    size, step = 4 * 1024 * 1024, 1024
    Counting.seen = 0
    reader = SSEReader(lambda fault: None)
    line = b'data: "' + b"x" * size + b'"'
    for start in range(0, len(line), step):
        assert reader.feed(Counting(line[start : start + step])) == []
    assert len(reader._tail) == len(range(0, len(line), step)), "the pieces wait as they came"
    assert Counting.seen <= 3 * len(line)

    [frame] = reader.feed(b"\n\n")
    assert frame.data == line[6:]
    assert held(reader) == 0


@pytest.mark.parametrize("line", [b"data: x\n", b"data: }\n", b'data: "a",\n'])
def test_an_event_of_many_lines_is_joined_a_few_times_at_most(line: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0

    def look(payload: bytes) -> bool:
        nonlocal looks
        looks += 1
        return False

    monkeypatch.setattr(sse, "_is_complete", look)
    reader = SSEReader(lambda fault: None)
    for _ in range(2000):
        reader.feed(line)

    assert looks <= 1 + sse.MAX_LOOKS


@pytest.mark.parametrize("part", [b"x" * 10, b"data: x\n", b'data: {"a":\n', b"{\n", b"data: x\nda"])
def test_an_event_has_a_limit(part: bytes) -> None:
    reader = SSEReader(lambda fault: None, max_event=1000)

    with pytest.raises(UpstreamReplyTooLargeError):
        for _ in range(1500):
            reader.feed(part)
    assert held(reader) <= 1000 + len(part)


def test_a_stream_has_none() -> None:
    data = b'data: {"a":1}\n\ndata:\n\n: x\nevent: e\n\n'

    frames, _ = read([data] * 200, max_event=50)

    assert len(frames) == 400


# -- the rest ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "is_sse"),
    [
        (b"data: x", True),
        (b"data:", True),
        (b"\n\n data: x", True),
        (BOM + b"data: x", True),
        (b": ping", True),
        (b":", True),
        (b"event: error\n", True),
        (b"id: 1", True),
        (b"retry: 1", True),
        (b"[DONE]", True),
        (b'{"data": 1}', False),
        (b"[1]", False),
        (b"<html>", False),
        (b"database: x", False),
        (b"", False),
        (b"\n", False),
    ],
)
def test_what_looks_like_a_stream(start: bytes, is_sse: bool) -> None:
    assert looks_like_sse(start) is is_sse


def test_what_is_written_is_exact() -> None:
    payload = json.dumps({"a": "x\n\ny"}).encode()

    assert sse.write(payload) == b"data: " + payload + b"\n\n"
    assert read([sse.write(payload), sse.DONE]) == (events(payload, b"[DONE]"), {})
