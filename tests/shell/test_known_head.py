"""What is taken without the parser is what the parser would have taken, and means the same."""

from __future__ import annotations

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.shell.known_head import KnownHead, only_chunk

HEADS = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nContent-Length: %b\r\nauthorization: Bearer k\r\n\r\n",
    b"POST /v1/embeddings HTTP/1.1\r\ncontent-length:%b\r\nhost: a\r\n\r\n",
)


class Parsed:
    """A request as llhttp reads it."""

    def __init__(self, data: bytes) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.body, self.done = b"", 0
        try:
            httptools.HttpRequestParser(self).feed_data(data)
        except httptools.HttpParserError:
            self.done = -1

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() != b"content-length":
            self.headers.append((name, value))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.done += 1


def message(head: bytes, body: bytes) -> bytes:
    return head % (b"%d" % len(body)) + body


@pytest.mark.parametrize("head", HEADS)
@given(data=st.data())
def test_what_is_known_is_what_the_parser_reads(head: bytes, data: st.DataObject) -> None:
    first = message(head, b'{"a":1}')
    known = KnownHead.of(first, None)
    assert known is not None
    next_one = bytearray(message(head, data.draw(st.binary(max_size=120))))
    for _ in range(data.draw(st.integers(0, 2))):
        at = data.draw(st.integers(0, len(next_one) - 1))
        next_one[at : at + data.draw(st.integers(0, 1))] = data.draw(
            st.sampled_from([b"", b"0", b"+", b" ", b"\r\n", b"x"])
        )

    body = known.body_in(bytes(next_one))

    if body is not None:
        parsed = Parsed(bytes(next_one))
        assert (parsed.done, parsed.body) == (1, body)
        assert parsed.headers == Parsed(first).headers


@pytest.mark.parametrize("body", [b"", b"{}", b"x" * 100_000])
def test_a_body_of_another_length_is_known(body: bytes) -> None:
    known = KnownHead.of(message(HEADS[0], b"{}"), "what it meant")
    assert known is not None and known.meaning == "what it meant"
    assert known.body_in(message(HEADS[0], body)) == body


NOT_LEARNED = {
    "cut": message(HEADS[0], b"{}")[:-1],
    "two": message(HEADS[0], b"{}") * 2,
    "no length": b"GET / HTTP/1.1\r\nhost: a\r\n\r\n",
    "blank lines first": b"\r\n\r\n" + message(HEADS[0], b"{}"),
    "an interim response first": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
}


@pytest.mark.parametrize("name", NOT_LEARNED)
def test_what_is_no_whole_message_is_not_learned(name: str) -> None:
    assert KnownHead.of(NOT_LEARNED[name], None) is None


class Chunks:
    """A response as llhttp reads it, given to it from its first chunk on."""

    def __init__(self, data: bytes) -> None:
        self.bodies: list[bytes] = []
        self.chunks = 0
        parser = httptools.HttpResponseParser(self)
        parser.feed_data(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        try:
            parser.feed_data(data)
        except httptools.HttpParserError:
            self.chunks = -1

    def on_body(self, body: bytes) -> None:
        self.bodies.append(body)

    def on_chunk_complete(self) -> None:
        self.chunks += 1


@given(
    st.binary(min_size=1, max_size=40),
    st.sampled_from(["%x", "%X", "0%x", "%x;a=b", " %x", "%x ", "0x%x", "+%x", "%d"]),
    st.sampled_from([b"", b"\r\n", b"1\r\nx\r\n", b"0\r\n\r\n"]),
)
def test_a_chunk_alone_is_what_the_parser_reads(said: bytes, size: str, more: bytes) -> None:
    data = (size % len(said)).encode() + b"\r\n" + said + b"\r\n" + more

    taken = only_chunk(data)

    if taken is not None:
        parsed = Chunks(data)
        assert (parsed.chunks, b"".join(parsed.bodies)) == (1, taken)
    elif size == "%x" and not more:
        raise AssertionError("a plain chunk goes to the parser")


@pytest.mark.parametrize(
    "data", [b"0\r\n\r\n", b"1\r\nx", b"1\r\nxy\r\n", b"1_0\r\n" + b"x" * 16 + b"\r\n", b"\r\n\r\n"]
)
def test_what_is_no_chunk_alone(data: bytes) -> None:
    assert only_chunk(data) is None
