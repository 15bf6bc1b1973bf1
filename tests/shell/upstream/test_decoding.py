from __future__ import annotations

import gzip
import random
import zlib
from collections.abc import Callable, Iterator

import brotli
import pytest
import zstandard

from trueline.errors import UpstreamCutError, UpstreamFormatError, UpstreamReplyTooLargeError
from trueline.shell.upstream import Limits
from trueline.shell.upstream.decoding import BodyDecoder


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


def brotli_flushed(pieces: list[bytes]) -> list[bytes]:
    compressor = brotli.Compressor()
    return [compressor.process(piece) + compressor.flush() for piece in pieces] + [compressor.finish()]


def zlib_flushed(wbits: int) -> Callable[[list[bytes]], list[bytes]]:
    def flushed(pieces: list[bytes]) -> list[bytes]:
        compressor = zlib.compressobj(wbits=wbits)
        made = [compressor.compress(piece) + compressor.flush(zlib.Z_SYNC_FLUSH) for piece in pieces]
        return [*made, compressor.flush()]

    return flushed


def zstd_flushed(pieces: list[bytes]) -> list[bytes]:
    compressor = zstandard.ZstdCompressor().compressobj()
    made = [compressor.compress(piece) + compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK) for piece in pieces]
    return [*made, compressor.flush()]


TEXT = b"".join(b"data: %d %d\n\n" % (n, n * 7919 % 1009) for n in range(3000))
NOISE = random.Random(5).randbytes(150_000)

ENCODED: list[tuple[str, list[bytes], bytes, bytes]] = [
    ("gzip", [b"gzip"], gzip.compress(TEXT), TEXT),
    ("x-gzip", [b"x-gzip"], gzip.compress(TEXT), TEXT),
    ("gzip members", [b"gzip"], gzip.compress(TEXT) + gzip.compress(b"") + gzip.compress(b"end"), TEXT + b"end"),
    ("gzip padded", [b"gzip"], gzip.compress(TEXT) + b"\0" * 512, TEXT),
    ("gzip noise", [b"gzip"], gzip.compress(NOISE), NOISE),
    ("zlib", [b"deflate"], zlib.compress(TEXT), TEXT),
    ("raw deflate", [b"deflate"], raw_deflate(TEXT), TEXT),
    ("br", [b"br"], brotli.compress(TEXT), TEXT),
    ("br noise", [b"br"], brotli.compress(NOISE), NOISE),
    ("zstd", [b"zstd"], zstandard.compress(TEXT), TEXT),
    ("zstd noise", [b"zstd"], zstandard.compress(NOISE), NOISE),
    ("zstd frames", [b"zstd"], zstandard.compress(TEXT) + zstandard.compress(b"end"), TEXT + b"end"),
    ("zstd skippable", [b"zstd"], b"\x50\x2a\x4d\x18\x02\0\0\0ab" + zstandard.compress(b"x"), b"x"),
    ("gzip, br", [b"gzip", b"br"], brotli.compress(gzip.compress(TEXT)), TEXT),
    ("zstd, deflate", [b"zstd", b"deflate"], zlib.compress(zstandard.compress(TEXT)), TEXT),
    ("empty gzip", [b"gzip"], gzip.compress(b""), b""),
    ("nothing as gzip", [b"gzip"], b"", b""),
    ("nothing as br", [b"br"], b"", b""),
    ("nothing as zstd", [b"zstd"], b"", b""),
]
NAMES = [name for name, *_ in ENCODED]


def whole(data: bytes) -> Iterator[bytes]:
    yield data


def bytewise(data: bytes) -> Iterator[bytes]:
    for n in range(len(data)):
        yield data[n : n + 1]


def at_random(data: bytes) -> Iterator[bytes]:
    chance = random.Random(len(data))
    while data:
        size = chance.choice([1, 2, 3, 10, 100, 5000])
        yield data[:size]
        data = data[size:]


def decoder(codings: list[bytes], limits: Limits | None = None) -> BodyDecoder:
    return BodyDecoder(codings, limits or Limits(), "host:1")


def run(made: BodyDecoder, pieces: Iterator[bytes], limit: int = 65536) -> bytes:
    out = []
    for piece in pieces:
        made.feed(piece)
        while data := made.pull(limit):
            out.append(data)
    return b"".join(out)


@pytest.mark.parametrize("cut", [whole, bytewise, at_random])
@pytest.mark.parametrize(("codings", "encoded", "plain"), [row[1:] for row in ENCODED], ids=NAMES)
def test_decodes(codings: list[bytes], encoded: bytes, plain: bytes, cut: Callable[[bytes], Iterator[bytes]]) -> None:
    made = decoder(codings)

    assert run(made, cut(encoded)) == plain
    made.close()
    assert not made.mislabelled


@pytest.mark.parametrize(("codings", "encoded", "plain"), [row[1:] for row in ENCODED], ids=NAMES)
def test_small_pulls(codings: list[bytes], encoded: bytes, plain: bytes) -> None:
    assert run(decoder(codings), whole(encoded), limit=100) == plain


@pytest.mark.parametrize(
    ("codings", "encoded"),
    [
        (codings, encoded[:keep])
        for name, codings, encoded, _ in ENCODED
        if name in ("gzip", "zlib", "raw deflate", "br", "zstd", "gzip, br", "zstd, deflate")
        for keep in (1, len(encoded) // 2, len(encoded) - 1)
    ],
)
def test_a_cut_is_not_an_end(codings: list[bytes], encoded: bytes) -> None:
    made = decoder(codings)
    run(made, whole(encoded))

    with pytest.raises(UpstreamCutError, match="host:1 ended its reply in the middle"):
        made.close()


@pytest.mark.parametrize(
    ("coding", "flushed"),
    [
        (b"gzip", zlib_flushed(31)),
        (b"deflate", zlib_flushed(15)),
        (b"deflate", zlib_flushed(-15)),
        (b"br", brotli_flushed),
        (b"zstd", zstd_flushed),
    ],
)
def test_no_token_waits(coding: bytes, flushed: Callable[[list[bytes]], list[bytes]]) -> None:
    events = [b"data: one\n\n", b"data: two\n\n", b"data: three\n\n"]
    made = decoder([coding])

    for event, encoded in zip(events, flushed(events), strict=False):
        assert run(made, whole(encoded)) == event


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd"])
def test_nonsense_is_told_apart(coding: bytes) -> None:
    first = {b"gzip": b"\x1f\x8b", b"deflate": b"\x78\x9c", b"br": b"", b"zstd": b"\x28\xb5"}[coding]
    with pytest.raises(UpstreamFormatError, match="not valid"):
        run(decoder([coding]), whole(first + b"\xff" * 400))


@pytest.mark.parametrize("coding", [b"gzip", b"zstd"])
@pytest.mark.parametrize("cut", [whole, bytewise])
def test_a_plain_body_under_a_wrong_label_is_given_out(coding: bytes, cut: Callable[[bytes], Iterator[bytes]]) -> None:
    made = decoder([coding])

    assert run(made, cut(b'{"id":1}')) == b'{"id":1}'
    made.close()
    assert made.mislabelled


@pytest.mark.parametrize("coding", [b"deflate", b"br"])
@pytest.mark.parametrize(
    "body",
    [
        b'{"id":"chatcmpl-1"}',
        b'{\n  "id": 1}',
        b'[{"id":1}, 2]',
        b'data: {"id":1}\n\n',
        b": ping\n\n",
        b"\nevent: chunk\n",
    ],
)
def test_a_plain_body_is_told_from_a_coding_that_has_no_mark(coding: bytes, body: bytes) -> None:
    made = decoder([coding])

    assert run(made, iter([body[:14], body[14:]])) == body
    made.close()
    assert made.mislabelled


ZEROS = b"\0" * 30_000_000
BOMBS = [
    ([b"gzip"], gzip.compress(ZEROS)),
    ([b"deflate"], zlib.compress(ZEROS)),
    ([b"br"], brotli.compress(ZEROS, quality=5)),
    ([b"zstd"], zstandard.compress(ZEROS)),
    ([b"gzip", b"gzip"], gzip.compress(gzip.compress(ZEROS))),
    ([b"zstd", b"br"], brotli.compress(zstandard.compress(ZEROS))),
]


@pytest.mark.parametrize(("codings", "bomb"), BOMBS)
def test_bombs_are_defused(codings: list[bytes], bomb: bytes) -> None:
    made = decoder(codings, Limits(expansion_allowance=1_000_000))
    made.feed(bomb)
    size = 0

    with pytest.raises(UpstreamReplyTooLargeError, match="more than 100 times"):
        while data := made.pull():
            size += len(data)

    assert size < 4_000_000


@pytest.mark.parametrize(("codings", "bomb"), BOMBS)
def test_one_pull_is_bounded(codings: list[bytes], bomb: bytes) -> None:
    made = decoder(codings)
    made.feed(bomb)

    assert 0 < len(made.pull(65536)) < 200_000


@pytest.mark.parametrize("codings", [[b"compress"], [b"gzip", b"rot13"], [b"gzip"] * 4])
def test_unknown_codings(codings: list[bytes]) -> None:
    with pytest.raises(UpstreamFormatError, match="content-encoding") as caught:
        decoder(codings)

    assert "rot13" not in str(caught.value)
