"""What a text dialect gives a pipeline: a reader and a writer for streams, and the same two for whole replies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from ..context import ReplyContext
from ..dialects import openai_chat, openai_completions
from ..dialects.provider import ProviderDialect, Reader
from ..errors import TruelineError
from ..events import Event, Reply
from ..wire.frames import Wire
from ..wire.sse import SSEReader

__all__ = ["OPENAI_CHAT", "OPENAI_COMPLETIONS", "Dialect", "Reader", "Writer", "from_provider"]


class Writer(Protocol):
    """Events to the bytes of one stream."""

    def write(self, event: Event) -> bytes: ...
    def failure(self, error: TruelineError) -> bytes: ...


class Dialect(NamedTuple):
    """One wire format, both ways."""

    reader: Callable[[ReplyContext], Reader]
    writer: Callable[[ReplyContext], Writer]
    read_whole: Callable[[Any, ReplyContext], list[Event]]
    write_whole: Callable[[Reply, ReplyContext], dict[str, Any]]
    wire: Wire = SSEReader
    """How a stream is cut into payloads."""


OPENAI_CHAT = Dialect(
    openai_chat.ChunkReader, openai_chat.StreamWriter, openai_chat.read_whole, openai_chat.write_whole
)
OPENAI_COMPLETIONS = Dialect(
    openai_completions.CompletionReader,
    openai_completions.CompletionWriter,
    openai_completions.read_whole,
    openai_completions.write_whole,
)


def from_provider(provider: ProviderDialect) -> Dialect:
    """A provider's own replies, written as OpenAI's."""
    return OPENAI_CHAT._replace(reader=provider.reader, read_whole=provider.read_whole, wire=provider.wire)
