"""What an exchange held is freed when it ends, by counting references: nothing of it waits for a collection."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from proxy.running import CHAT, body_of, running, settings
from proxy.talking import Talk
from shell.upstream.scripted import Peer, serve
from trueline.context import ReplyContext
from trueline.messages import ChatRequest
from trueline.pipeline.base import Chain
from trueline.pipeline.chat import ChatStream
from trueline.pipeline.whole import WholeChat
from trueline.shell.native import NativeProtocol
from trueline.shell.native.client import NativeClient
from trueline.shell.native.exchange import NativeExchange
from trueline.shell.upstream.call import Call
from trueline.shell.upstream.connection import Connection

OF_EXCHANGE: tuple[type, ...] = (
    NativeExchange,
    NativeClient,
    Call,
    ChatStream,
    WholeChat,
    ReplyContext,
    ChatRequest,
    Chain,
)
OF_CONNECTION: tuple[type, ...] = (NativeProtocol, Connection)
WHOLE = (
    b'{"id":"chatcmpl-1","object":"chat.completion","created":1763800000,"model":"m","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"ok","refusal":null},"logprobs":null,"finish_reason":"stop"}]}'
)
EVENT = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1763800000,"model":"m","choices":[{"index":0,'
    b'"delta":{"content":"ok"},"finish_reason":%b}]}\n\n'
)
EVENTS = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"


def whole(status: bytes = b"200 OK", body: bytes = WHOLE) -> bytes:
    return b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body)


def of(kinds: tuple[type, ...], known: list[Any]) -> list[Any]:
    """What is there of these types, but for what was there before."""
    before = set(map(id, known))
    return [each for each in gc.get_objects() if type(each) in kinds and id(each) not in before]


@contextmanager
def uncollected() -> Iterator[None]:
    """Nothing is freed here but by counting references."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def turns(found: Callable[[], list[Any]]) -> list[Any]:
    """What is still there after a while."""
    for _ in range(50):
        await asyncio.sleep(0)
    return found()


async def answered(talk: Talk) -> None:
    assert (await talk.reply()).complete


async def cut(talk: Talk) -> None:
    assert (await talk.reply()).status == 200


async def left(talk: Talk) -> None:
    await talk.head()
    talk.reset()


Client = Callable[[Talk], Awaitable[None]]
END = EVENT % b'"stop"' + b"data: [DONE]\n\n"
CASES: dict[str, tuple[dict[str, Any], bytes, Client]] = {
    "a whole reply": ({}, whole(), answered),
    "a stream": ({"stream": True}, EVENTS + EVENT % b"null" + END, answered),
    "a stream through the lane": ({"stream": True}, EVENTS + EVENT % b"null" * 8 + END, answered),
    "a stream that is cut": ({"stream": True}, EVENTS + EVENT % b"null" * 2, cut),
    "a stream folded": ({}, EVENTS + EVENT % b"null" * 2 + END, answered),
    "a whole reply to a stream": ({"stream": True}, whole(), answered),
    "an error of the upstream": ({}, whole(b"429 Too Many Requests", b'{"error":"slow down"}'), answered),
    "no HTTP": ({"stream": True}, b"nonsense\r\n\r\n", answered),
    "no JSON": ({}, whole(body=b"<html>"), answered),
    "a refused request": ({"messages": []}, whole(), answered),
    "a client that leaves its stream": ({"stream": True}, EVENTS + EVENT % b"null" * 3, left),
    "a large request": ({"user": "x" * 600_000}, whole(), answered),
}


@pytest.mark.parametrize("name", CASES)
async def test_an_exchange_that_ended(name: str) -> None:
    fields, reply, client = CASES[name]

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(reply)
        if client is left:
            await peer.gone()
        peer.close()

    async with serve(script) as server, running(settings(f"http://127.0.0.1:{server.port}")) as proxy:
        assert proxy.running == 0
        with uncollected():
            known = of(OF_EXCHANGE + OF_CONNECTION, [])
            talk = await proxy.talk()
            await talk.send("POST", CHAT, body_of(**fields))
            await client(talk)
            assert await turns(lambda: of(OF_EXCHANGE, known)) == []
            talk.close()
            assert await turns(lambda: of(OF_CONNECTION, known)) == []
