"""Streamed replies of the Messages API as events.

    message_start  (content_block_start  content_block_delta*  content_block_stop)*  message_delta+  message_stop

`ping` may come anywhere, and so may `error`, after which nothing counts.  What a `message_delta` says of usage is the
sum so far; counts that it leaves out are those of `message_start`.
https://platform.claude.com/docs/en/build-with-claude/streaming (seen 2026-11)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from ...context import ReplyContext
from ...events import Event, Failure, Opaque, ReplyEnd, ReplyStart, Usage
from ..native import Place
from .blocks import Blocks
from .errors import exception, in_stream
from .meaning import usage
from .reply import beside, ending, read_whole, start_of

__all__ = ["MessageReader"]

Fields: TypeAlias = dict[str, Any]


class MessageReader:
    """Payloads of one stream to events; never raises."""

    def __init__(self, context: ReplyContext) -> None:
        self._context = context
        self._started = False
        self._stopped = False
        self._usage: Fields = {}
        self._counted = False
        self.blocks = Blocks(context)

    def read(self, payload: Any, event: bytes | None = None) -> list[Event]:
        """See Reader."""
        if type(payload) is not dict:
            return []
        kind = payload.get("type")
        handle = _EVENTS.get(kind) if type(kind) is str else None
        if handle is not None and self._started:
            return handle(self, payload)
        return self._read_other(payload, kind, handle, event)

    def _read_other(self, payload: Fields, kind: Any, handle: _Handle | None, event: bytes | None) -> list[Event]:
        name = (event or b"").decode("latin-1")
        if name.startswith(("exception", "error:")):
            return [Failure(exception(name.partition(":")[2], payload))]
        if handle is not None:
            if kind in ("message_start", "ping"):
                return handle(self, payload)
            return [self._start({}), *handle(self, payload)]
        if kind == "message":
            return [] if self._started else read_whole(payload, self._context)
        error = in_stream(payload, event)
        return [Failure(error)] if error is not None else []

    def _start(self, message: Fields) -> ReplyStart:
        self._started = True
        said = message.get("usage")
        if isinstance(said, dict):
            self._usage.update(said)
        return start_of(message)

    def _message_start(self, payload: Fields) -> list[Event]:
        message = payload.get("message")
        if self._started or not isinstance(message, dict):
            return []
        events: list[Event] = [self._start(message)]
        given = message.get("content")
        for said in given if isinstance(given, list) else ():
            if isinstance(said, dict):
                events += self.blocks.open(said)
        return events

    def _ping(self, payload: Fields) -> list[Event]:
        return []

    # -- for a lane ---------------------------------------------------------------------------------------------------

    def place(self, payload: Any) -> Place | None:
        """See Laned."""
        delta, blocks = payload.get("delta"), self.blocks
        kind = delta.get("type") if isinstance(delta, dict) else None
        if payload.get("type") != "content_block_delta":
            return None
        if kind == "text_delta":
            return Place(("delta", "text"), blocks.text)
        if kind == "thinking_delta":
            return Place(("delta", "thinking"), blocks.thought)
        if kind != "input_json_delta":
            return None
        block = blocks.block  # what an input is depends on whose it is
        return Place(
            ("delta", "partial_json"), lambda _, text, *more: blocks.input(text)[0], lambda: blocks.block is block
        )

    def probe(self, payload: Any) -> list[Event]:
        """See Laned."""
        blocks = self.blocks
        block, length = blocks.block, blocks.length
        said = list(block.pieces) if block is not None else []
        try:
            return self.read(payload)
        finally:
            blocks.block, blocks.length = block, length
            if block is not None:
                block.pieces[:] = said

    # -- blocks -------------------------------------------------------------------------------------------------------

    def _block_start(self, payload: Fields) -> list[Event]:
        said = payload.get("content_block")
        return self.blocks.open(said) if isinstance(said, dict) else []

    def _block_delta(self, payload: Fields) -> list[Event]:
        delta = payload.get("delta")
        if type(delta) is not dict:
            return []
        kind = delta.get("type")
        read = _DELTAS.get(kind) if type(kind) is str else None
        if read is None:
            return self._unknown_delta(delta)
        return read(self.blocks, delta) if self.blocks.begun else [*self._open(kind), *read(self.blocks, delta)]

    def _open(self, kind: Any) -> list[Event]:
        return self.blocks.begin() if kind in ("text_delta", "thinking_delta") else []

    def _unknown_delta(self, delta: Fields) -> list[Event]:
        """What is said of a block that has no place in OpenAI's format: kept with the block."""
        block = self.blocks.block
        if block is not None and not block.kind:
            block.begun = {**block.begun, **{name: value for name, value in delta.items() if name != "type"}}
        return []

    def _block_stop(self, payload: Fields) -> list[Event]:
        return self.blocks.close()

    # -- the end ------------------------------------------------------------------------------------------------------

    def _message_delta(self, payload: Fields) -> list[Event]:
        said, delta = payload.get("usage"), payload.get("delta")
        if isinstance(said, dict):
            self._counted = self._counted or said.get("output_tokens") is not None
            self._usage.update({name: value for name, value in said.items() if value is not None})
        reason = delta.get("stop_reason") if isinstance(delta, dict) else None
        if not isinstance(delta, dict) or not isinstance(reason, str) or self._stopped:
            return []
        self._stopped = True
        events = ending(self.blocks, delta, reason)
        extras = beside({**payload, **delta})
        if extras is not None:
            events.append(Opaque(extras))
        if self._counted:
            events.append(Usage(usage(self._usage)))
        return events

    def _message_stop(self, payload: Fields) -> list[Event]:
        return [*self.blocks.close(), *self.blocks.begin(), ReplyEnd(True)]


# -- increments -------------------------------------------------------------------------------------------------------


def _text(blocks: Blocks, delta: Fields) -> list[Event]:
    text = delta.get("text")
    return [blocks.text(0, text)] if type(text) is str and text else []


def _thought(blocks: Blocks, delta: Fields) -> list[Event]:
    text = delta.get("thinking")
    return [blocks.thought(0, text)] if type(text) is str and text else []


def _input(blocks: Blocks, delta: Fields) -> list[Event]:
    json = delta.get("partial_json")
    return blocks.input(json) if type(json) is str else []


def _signature(blocks: Blocks, delta: Fields) -> list[Event]:
    signature = delta.get("signature")
    if blocks.block is not None and isinstance(signature, str):
        blocks.block.signature += signature
    return []


def _citation(blocks: Blocks, delta: Fields) -> list[Event]:
    if blocks.block is not None:
        blocks.block.citations.append(delta.get("citation"))
    return []


_Handle: TypeAlias = Callable[[MessageReader, Fields], list[Event]]

_DELTAS: Final[dict[str, Callable[[Blocks, Fields], list[Event]]]] = {
    "text_delta": _text,
    "input_json_delta": _input,
    "thinking_delta": _thought,
    "signature_delta": _signature,
    "citations_delta": _citation,
}
_EVENTS: Final[dict[str, _Handle]] = {
    "content_block_delta": MessageReader._block_delta,
    "content_block_start": MessageReader._block_start,
    "content_block_stop": MessageReader._block_stop,
    "message_start": MessageReader._message_start,
    "message_delta": MessageReader._message_delta,
    "message_stop": MessageReader._message_stop,
    "ping": MessageReader._ping,
}
