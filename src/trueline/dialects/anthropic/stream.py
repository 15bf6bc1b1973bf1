"""Streamed replies of the Messages API as events.

    message_start  (content_block_start  content_block_delta*  content_block_stop)*  message_delta+  message_stop

`ping` may come anywhere, and so may `error`, after which nothing counts.  What a `message_delta` says of usage is the
sum so far; counts that it leaves out are those of `message_start`.
https://platform.claude.com/docs/en/build-with-claude/streaming (seen 2026-11)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeAlias

from ...context import ReplyContext
from ...events import Event, Failure, Opaque, ReplyEnd, ReplyStart, Usage
from ..provider import Place
from .blocks import TEXT, THOUGHT, Blocks
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
        if payload.get("type") != "content_block_delta" or not isinstance(delta, dict):
            return None
        kind, index = delta.get("type"), payload.get("index")
        block = blocks.at(index)
        if block is None or (blocks.holds and block.kind == TEXT):
            return None

        def holds() -> bool:
            return blocks.at(index) is block

        if kind == "text_delta" and block.kind == TEXT:
            return Place(("delta", "text"), partial(blocks.text, block), holds)
        if kind == "thinking_delta" and block.kind == THOUGHT:
            return Place(("delta", "thinking"), partial(blocks.thought, block), holds)
        if kind != "input_json_delta":
            return None
        return Place(("delta", "partial_json"), lambda _, text, *more: blocks.input(block, text)[0], holds)

    def probe(self, payload: Any) -> list[Event]:
        """See Laned."""
        blocks = self.blocks
        block, length = blocks.at(payload.get("index")), blocks.length
        said = list(block.pieces) if block is not None else []
        try:
            return self.read(payload)
        finally:
            blocks.length = length
            if block is not None:
                block.pieces[:] = said

    # -- blocks -------------------------------------------------------------------------------------------------------

    def _block_start(self, payload: Fields) -> list[Event]:
        said = payload.get("content_block")
        return self.blocks.open(said, payload.get("index")) if isinstance(said, dict) else []

    def _block_delta(self, payload: Fields) -> list[Event]:
        delta = payload.get("delta")
        if type(delta) is not dict:
            return []
        kind = delta.get("type")
        read = _DELTAS.get(kind) if type(kind) is str else None
        if read is None:
            return self._unknown_delta(delta, payload.get("index"))
        made = read(self.blocks, delta, payload.get("index"))
        return made if self.blocks.begun else [*self._open(kind), *made]

    def _open(self, kind: Any) -> list[Event]:
        return self.blocks.begin() if kind in ("text_delta", "thinking_delta") else []

    def _unknown_delta(self, delta: Fields, index: Any) -> list[Event]:
        """What is said of a block that has no place in OpenAI's format: kept with the block."""
        block = self.blocks.at(index)
        if block is not None and not block.kind:
            block.begun = {**block.begun, **{name: value for name, value in delta.items() if name != "type"}}
        return []

    def _block_stop(self, payload: Fields) -> list[Event]:
        return self.blocks.close(payload.get("index"))

    # -- the end ------------------------------------------------------------------------------------------------------

    def _message_delta(self, payload: Fields) -> list[Event]:
        said, delta = payload.get("usage"), payload.get("delta")
        if isinstance(said, dict):
            self._counted = self._counted or said.get("output_tokens") is not None
            self._usage.update({name: value for name, value in said.items() if value is not None})
        reason = delta.get("stop_reason") if isinstance(delta, dict) else None
        if not isinstance(delta, dict) or not isinstance(reason, str) or self._stopped:
            return self._used() if self._stopped and isinstance(said, dict) else []
        self._stopped = True
        events = ending(self.blocks, delta, reason)
        extras = beside({**payload, **delta})
        if extras is not None:
            events.append(Opaque(extras))
        return [*events, *self._used()]

    def _used(self) -> list[Event]:
        return [Usage(usage(self._usage))] if self._counted else []

    def _message_stop(self, payload: Fields) -> list[Event]:
        events = [*self.blocks.end(), *self.blocks.begin()]
        if self._usage and not self._counted:  # of the answer only what it began with is known
            events.append(Usage(usage({**self._usage, "output_tokens": None, "output_tokens_details": None})))
        return [*events, ReplyEnd(True)]


# -- increments -------------------------------------------------------------------------------------------------------


def _text(blocks: Blocks, delta: Fields, index: Any) -> list[Event]:
    text = delta.get("text")
    return blocks.say(blocks.of_kind(index, TEXT), text) if type(text) is str and text else []


def _thought(blocks: Blocks, delta: Fields, index: Any) -> list[Event]:
    text = delta.get("thinking")
    return [blocks.thought(blocks.of_kind(index, THOUGHT), 0, text)] if type(text) is str and text else []


def _input(blocks: Blocks, delta: Fields, index: Any) -> list[Event]:
    json, block = delta.get("partial_json"), blocks.at(index)
    return blocks.input(block, json) if type(json) is str and block is not None else []


def _signature(blocks: Blocks, delta: Fields, index: Any) -> list[Event]:
    signature, block = delta.get("signature"), blocks.at(index)
    if block is not None and isinstance(signature, str):
        block.signature += signature
    return []


def _citation(blocks: Blocks, delta: Fields, index: Any) -> list[Event]:
    block = blocks.at(index)
    if block is not None:
        block.citations.append(delta.get("citation"))
    return []


_Handle: TypeAlias = Callable[[MessageReader, Fields], list[Event]]

_DELTAS: Final[dict[str, Callable[[Blocks, Fields, Any], list[Event]]]] = {
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
