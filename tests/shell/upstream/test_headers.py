from __future__ import annotations

import pytest

from trueline.shell.upstream.headers import read_head, render_head

Pairs = list[tuple[bytes, bytes]]


def render(
    headers: Pairs, *, method: str = "POST", path: str = "/v1", length: int | None = 2, streamed: bool = False
) -> bytes:
    return render_head(method, "", path, "host:1", headers, length, streamed=streamed).data


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], b"host: host:1\r\naccept-encoding: gzip, deflate, br, zstd\r\ncontent-length: 2"),
        (
            [(b"Authorization", b"Bearer k"), (b"Accept-Encoding", b"identity")],
            b"host: host:1\r\nAuthorization: Bearer k\r\nAccept-Encoding: identity\r\ncontent-length: 2",
        ),
        (
            [(b"Host", b"other"), (b"accept-encoding", b"br")],
            b"host: other\r\naccept-encoding: br\r\ncontent-length: 2",
        ),
        (
            [
                (b"Connection", b"keep-alive, X-Hop"),
                (b"Keep-Alive", b"5"),
                (b"x-hop", b"1"),
                (b"Proxy-Authorization", b"Basic x"),
                (b"TE", b"trailers"),
                (b"Trailer", b"x"),
                (b"Transfer-Encoding", b"chunked"),
                (b"Upgrade", b"h2c"),
                (b"Expect", b"100-continue"),
                (b"Content-Length", b"999"),
                (b"accept-encoding", b"br"),
                (b"x-stay", b""),
            ],
            b"host: host:1\r\naccept-encoding: br\r\nx-stay: \r\ncontent-length: 2",
        ),
    ],
)
def test_head(headers: Pairs, expected: bytes) -> None:
    assert render(headers) == b"POST /v1 HTTP/1.1\r\n" + expected + b"\r\n\r\n"


@pytest.mark.parametrize(
    ("method", "length", "streamed", "headers", "expected"),
    [
        ("GET", None, False, [], None),
        ("DELETE", None, False, [], None),
        ("POST", None, False, [], b"content-length: 0"),
        ("GET", 3, False, [], b"content-length: 3"),
        ("POST", None, True, [], b"transfer-encoding: chunked"),
        ("POST", None, True, [(b"content-length", b"7")], b"content-length: 7"),
    ],
)
def test_framing(method: str, length: int | None, streamed: bool, headers: Pairs, expected: bytes | None) -> None:
    lines = render(headers, method=method, length=length, streamed=streamed).split(b"\r\n")

    assert [line for line in lines if line.startswith((b"content-length", b"transfer"))] == (
        [] if expected is None else [expected]
    )


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "/", [(b"x", b"a\r\nevil: s3cret")]),
        ("POST", "/", [(b"x", b"a\ns3cret")]),
        ("POST", "/", [(b"x", b"s3cret\r")]),
        ("POST", "/", [(b"x", b"s3cret\0")]),
        ("POST", "/", [(b"host", b"s3cret\r\nx: y")]),
        ("POST", "/", [(b"x\r\ny", b"s3cret")]),
        ("POST", "/", [(b"x y", b"")]),
        ("POST", "/", [(b"", b"")]),
        ("POST", "/a\r\nevil: 1", []),
        ("POST", "/a b", []),
        ("POST", "/a\0", []),
        ("POST", "/ü", []),
        ("POST", "v1", []),
        ("PO ST", "/", []),
        ("POST\r\n", "/", []),
        ("CONNECT", "/", []),
        ("", "/", []),
    ],
)
def test_injection_is_refused_without_repeating_it(method: str, path: str, headers: Pairs) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        render(headers, method=method, path=path)

    assert "s3cret" not in str(caught.value)
    assert "evil" not in str(caught.value)


def test_content_length_of_a_stream_must_be_a_number() -> None:
    with pytest.raises(ValueError, match="content-length"):
        render([(b"content-length", b"-1")], length=None, streamed=True)


@pytest.mark.parametrize(
    ("raw", "kept", "codings", "until_close", "ambiguous"),
    [
        ([(b"content-length", b"2")], ["content-length"], [], False, False),
        ([(b"x", b"1")], ["x"], [], True, False),
        ([(b"transfer-encoding", b"Chunked")], [], [], False, False),
        ([(b"transfer-encoding", b"gzip, chunked")], [], [b"gzip"], False, False),
        ([(b"transfer-encoding", b"identity"), (b"content-length", b"2")], ["content-length"], [], True, True),
        ([(b"transfer-encoding", b"chunked"), (b"content-length", b"2")], ["content-length"], [], False, True),
        ([(b"content-encoding", b"gzip, BR"), (b"x", b"")], ["content-encoding", "x"], [b"gzip", b"br"], True, False),
        ([(b"content-encoding", b"gzip"), (b"content-encoding", b"br")], None, [b"gzip", b"br"], True, False),
        ([(b"content-encoding", b"identity")], None, [], True, False),
        ([(b"connection", b"close, x-a"), (b"x-a", b"1"), (b"keep-alive", b"5"), (b"b", b"2")], ["b"], [], True, False),
        ([(b"proxy-authenticate", b"x"), (b"upgrade", b"h2"), (b"te", b""), (b"trailer", b"y")], [], [], True, False),
    ],
)
def test_response_head(
    raw: Pairs, kept: list[str] | None, codings: list[bytes], until_close: bool, ambiguous: bool
) -> None:
    head = read_head(raw)

    assert kept is None or [name.decode() for name, _ in head.headers] == kept
    assert (head.codings, head.until_close, head.ambiguous) == (codings, until_close, ambiguous)
