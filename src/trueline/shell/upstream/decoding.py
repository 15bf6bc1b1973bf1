"""Content decoding that gives out what can be decoded at once, in bounded pieces, and knows a cut from an end.

A decoder is fed encoded bytes and pulled for decoded ones.  Pulling stops when the reader has enough, so a small body
that expands to gigabytes waits here in its small form.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from typing import Protocol

import brotli
import zstandard

from trueline.errors import UpstreamCutError, UpstreamFormatError, UpstreamReplyTooLargeError
from trueline.shell.upstream.options import Limits

__all__ = ["BodyDecoder"]

_PULL = 64 * 1024
_MAX_CODINGS = 3
# One block of 4 bytes may stand for 128 KiB, and the library has no output limit: feeding this much bounds one call.
_ZSTD_PIECE = 128
_ZSTD_MAX_WINDOW = 8 * 1024 * 1024  # RFC 9659
# Brotli and raw deflate have no magic number, but their bits do not spell out JSON or an event stream.
_PLAIN = re.compile(rb"\s*(?:[{\[][\s\"{\[\]}]|data:|event:|id:|retry:|:)[ -~\s]{6}")


class _Decoder(Protocol):
    @property
    def complete(self) -> bool:
        """Nothing is missing if the body ends here."""

    @property
    def mislabelled(self) -> bool:
        """The body was not encoded at all."""

    def feed(self, data: bytes) -> None:
        """Take encoded bytes; they wait until they are pulled."""

    def pull(self, limit: int) -> bytes:
        """About `limit` decoded bytes at most; b"" when more input is needed."""


class _Zlib:
    """gzip (one or several members; junk after the last is ignored, as everywhere) and deflate (zlib or raw)."""

    def __init__(self, gzip: bool) -> None:
        self._gzip = gzip
        self._input = b""
        self._decoder: zlib._Decompress | None = None
        self._members = 0
        self.mislabelled = False

    @property
    def complete(self) -> bool:
        return self._decoder is None

    def feed(self, data: bytes) -> None:
        self._input = self._input + data if self._input else data

    def pull(self, limit: int) -> bytes:
        while True:
            if self._decoder is None and not self._begin():
                out, self._input = self._input[:limit], self._input[limit:]
                return out
            decoder = self._decoder
            assert decoder is not None
            out = decoder.decompress(self._input, limit)
            self._input = decoder.unconsumed_tail
            if decoder.eof:
                self._input = decoder.unused_data
                self._decoder = None
            if out or not self._input:
                return out

    def _begin(self) -> bool:
        """Start on the next member; False when there is none (what is left in the input is then given out)."""
        if not self._input or self.mislabelled:
            return False
        first = self._input[0]
        if self._gzip:
            if first != 0x1F:
                self.mislabelled = self._members == 0
                if not self.mislabelled:
                    self._input = b""
                return False
            wbits = 31
        elif self._members:
            self._input = b""
            return False
        else:
            if _PLAIN.match(self._input):
                self.mislabelled = True
                return False
            # RFC 9110 says zlib format; some send raw deflate, which cannot begin with CM = 8
            wbits = 15 if first & 0x0F == 8 else -15
        self._members += 1
        self._decoder = zlib.decompressobj(wbits)
        return True


class _Brotli:
    def __init__(self) -> None:
        self._decoder = brotli.Decompressor()
        self._input = b""
        self._started = False
        self.mislabelled = False

    @property
    def complete(self) -> bool:
        return not self._started or self.mislabelled or bool(self._decoder.is_finished())

    def feed(self, data: bytes) -> None:
        if data and not self._started:
            self._started = True
            self.mislabelled = _PLAIN.match(data) is not None
        self._input = self._input + data if self._input else data

    def pull(self, limit: int) -> bytes:
        if self.mislabelled:
            plain, self._input = self._input[:limit], self._input[limit:]
            return plain
        decoder = self._decoder
        while True:
            if decoder.is_finished():
                self._input = b""
                return b""
            data = b""
            if decoder.can_accept_more_data():
                data, self._input = self._input, b""
            out: bytes = decoder.process(data, output_buffer_limit=limit)
            if out or not self._input:
                return out


class _Zstd:
    def __init__(self) -> None:
        self._input = b""
        self._ready = b""
        self._decoder: zstandard.ZstdDecompressionObj | None = None
        self._frames = 0
        self.mislabelled = False

    @property
    def complete(self) -> bool:
        return self._decoder is None

    def feed(self, data: bytes) -> None:
        self._input = self._input + data if self._input else data

    def pull(self, limit: int) -> bytes:
        if not self._ready:
            self._ready = self._decode(limit)
        out = self._ready
        if len(out) <= limit:
            self._ready = b""
            return out
        self._ready = out[limit:]
        return out[:limit]

    def _decode(self, limit: int) -> bytes:
        data = self._input
        if self._frames == 0 and data and not self._looks_encoded(data[0]):
            self.mislabelled = True
        if self.mislabelled:
            self._input = b""
            return data
        parts: list[bytes] = []
        size = position = 0
        while position < len(data) and size < limit:
            if self._decoder is None:
                self._decoder = zstandard.ZstdDecompressor(max_window_size=_ZSTD_MAX_WINDOW).decompressobj()
                self._frames += 1
            piece = data[position : position + _ZSTD_PIECE]
            out = self._decoder.decompress(piece)
            position += len(piece)
            if self._decoder.eof:
                position -= len(self._decoder.unused_data)
                self._decoder = None
            if out:
                parts.append(out)
                size += len(out)
        self._input = data[position:]
        return b"".join(parts)

    @staticmethod
    def _looks_encoded(first: int) -> bool:
        return first == 0x28 or 0x50 <= first <= 0x5F  # a frame, a skippable frame


_DECODERS: dict[bytes, tuple[str, Callable[[], _Decoder]]] = {
    b"gzip": ("gzip", lambda: _Zlib(gzip=True)),
    b"x-gzip": ("gzip", lambda: _Zlib(gzip=True)),
    b"deflate": ("deflate", lambda: _Zlib(gzip=False)),
    b"br": ("brotli", _Brotli),
    b"zstd": ("zstd", _Zstd),
}

_ERRORS = (zlib.error, brotli.error, zstandard.ZstdError)


class BodyDecoder:
    """Undoes the content codings of one body, last applied first."""

    def __init__(self, codings: list[bytes], limits: Limits, where: str) -> None:
        """Take the codings in the order they were applied; `where` (host:port) is for messages.

        Raises:
            UpstreamFormatError: a coding that is not known, or too many.
        """
        if len(codings) > _MAX_CODINGS or any(coding not in _DECODERS for coding in codings):
            raise UpstreamFormatError(
                f"{where} sent a body in a content-encoding other than gzip, deflate, br or zstd, which were offered."
            )
        rows = [_DECODERS[coding] for coding in reversed(codings)]
        self._names = [name for name, _ in rows]
        self._stages = [make() for _, make in rows]
        self._made = [0] * len(rows)
        self._where = where
        self._taken = 0
        self._allowance = limits.expansion_allowance
        self._ratio = limits.max_expansion

    @property
    def mislabelled(self) -> bool:
        """A coding was announced that the body does not have; such a body is given out as it is."""
        return any(stage.mislabelled for stage in self._stages)

    def feed(self, data: bytes) -> None:
        """Take bytes of the body."""
        self._taken += len(data)
        self._stages[0].feed(data)

    def pull(self, limit: int = _PULL) -> bytes:
        """Decoded bytes, about `limit` at most; b"" when more input is needed.

        Raises:
            UpstreamFormatError: the bytes are not in that coding.
            UpstreamReplyTooLargeError: the body expands beyond all measure.
        """
        return self._pull(len(self._stages) - 1, limit)

    def close(self) -> None:
        """The body has ended, and everything was pulled.

        Raises:
            UpstreamCutError: the compressed stream has not.
        """
        for name, stage in zip(self._names, self._stages, strict=True):
            if not stage.complete:
                raise UpstreamCutError(f"{self._where} ended its reply in the middle of the {name} data.")

    def _pull(self, index: int, limit: int) -> bytes:
        stage = self._stages[index]
        while True:
            try:
                out = stage.pull(limit)
            except _ERRORS as error:
                raise UpstreamFormatError(
                    f"{self._where} sent a body that is not valid {self._names[index]} data."
                ) from error
            if out:
                self._count(index, len(out))
                return out
            if index == 0:
                return b""
            data = self._pull(index - 1, _PULL)
            if not data:
                return b""
            stage.feed(data)

    def _count(self, index: int, size: int) -> None:
        made = self._made[index] = self._made[index] + size
        if made > self._allowance and made > self._taken * self._ratio:
            raise UpstreamReplyTooLargeError(
                f"{self._where} sent a body that decompresses to more than {self._ratio} times its size."
            )
