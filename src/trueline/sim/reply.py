"""A reply ready for the wire: status, headers, and the body as the pieces in which it is sent.

`encode_*` turn objects into OpenAI's bytes: compact JSON in `data:` lines, padded if they carry `obfuscation`
(spec/rules.md F1-F3, O2); whole replies indented by two.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

__all__ = ["DONE", "Ending", "SimReply", "encode_event", "encode_json", "encode_whole"]

DONE = b"data: [DONE]\n\n"
Ending = Literal["end", "cut", "reset", "stall", "close"]
_PADDING = "MaKdZ4fQxT7bW2r"
_EMPTY_PADDING = b'"obfuscation":""}'


@dataclass
class SimReply:
    """What goes to the client."""

    status: int
    headers: dict[str, str]
    chunks: list[bytes]
    """The body: one entry per event of a stream, one for a whole reply."""
    stream: bool = False
    """Sent with chunked transfer coding, paced; else with a content-length."""
    ending: Ending = "end"
    """`end`: complete.  `cut`, `reset`: the connection breaks after the last chunk.  `stall`: nothing more comes."""
    head: bool = True
    """False: not even a status line is sent."""
    trickle: bool = False
    """The head is sent byte by byte."""
    raw: bytes | None = None
    """Sent instead of everything else."""
    length: int | None = None
    """The content-length to claim, where it is not the true one (a cut whole reply)."""
    repeat: tuple[int, int] | None = None
    """An endless stream: the range of chunks that comes again and again."""
    tokens: int = 0
    """Completion tokens: how long a whole reply takes at a given rate."""
    faults: tuple[str, ...] = field(default=())
    """The faults that were committed."""

    @property
    def body(self) -> bytes:
        """The body in one piece, without transfer coding."""
        return b"".join(self.chunks)


def encode_json(value: Any, plain: bool = False) -> bytes:
    """Compact JSON, non-ASCII as it is; `plain` escapes it, and writes NaN and lone surrogates as sloppy servers do."""
    if not plain:
        try:
            return msgspec.json.encode(value)
        except (UnicodeEncodeError, TypeError):
            pass
    return json.dumps(value, separators=(",", ":")).encode()


def encode_whole(value: Any, plain: bool = False) -> bytes:
    """JSON indented by two, as OpenAI sends whole replies."""
    if plain:
        return json.dumps(value, indent=2).encode()
    return msgspec.json.format(encode_json(value), indent=2)


def encode_event(value: Any, plain: bool = False, name: str | None = None) -> bytes:
    """One SSE event: `data: {…}` and a blank line, with an `event:` line where it has a name."""
    if isinstance(value, dict) and value.get("obfuscation") == "":
        value["obfuscation"] = value.pop("obfuscation")
    data = encode_json(value, plain)
    if data.endswith(_EMPTY_PADDING):
        padding = _PADDING[: (1 - len(data)) % 16]
        data = data[:-2] + padding.encode() + b'"}'
    if name is not None:
        return b"event: %b\ndata: %b\n\n" % (name.encode(), data)
    return b"data: %b\n\n" % data
