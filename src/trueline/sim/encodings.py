"""Content encodings of replies; a stream is flushed after each event, so that it stays a stream."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace

import brotli
import zstandard

from trueline.sim.reply import SimReply

__all__ = ["compress"]

Feed = Callable[[bytes], bytes]
_GZIP_WINDOW = 31


def _zlib(window: int) -> tuple[Feed, Callable[[], bytes]]:
    packer = zlib.compressobj(wbits=window)
    return lambda data: packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH), packer.flush


def _brotli() -> tuple[Feed, Callable[[], bytes]]:
    packer = brotli.Compressor(quality=4)
    return lambda data: packer.process(data) + packer.flush(), packer.finish


def _zstd() -> tuple[Feed, Callable[[], bytes]]:
    packer = zstandard.ZstdCompressor().compressobj()
    return lambda data: packer.compress(data) + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK), packer.flush


_PACKERS: dict[str, Callable[[], tuple[Feed, Callable[[], bytes]]]] = {
    "gzip": lambda: _zlib(_GZIP_WINDOW),
    "deflate": lambda: _zlib(zlib.MAX_WBITS),
    "br": _brotli,
    "zstd": _zstd,
}


def compress(reply: SimReply, encoding: str) -> SimReply:
    """The reply with its body encoded and the header that says so; an endless stream stays as it is."""
    if reply.repeat is not None:
        return reply
    feed, finish = _PACKERS[encoding]()
    packed = [feed(chunk) for chunk in reply.chunks]
    if reply.stream:
        packed.append(finish())
    else:
        packed = [b"".join(packed) + finish()]
    headers = {**reply.headers, "content-encoding": encoding}
    return replace(reply, headers=headers, chunks=packed)
