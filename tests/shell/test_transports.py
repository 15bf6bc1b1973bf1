"""What is written leaves at once; a transport that is closed already says so later."""

from __future__ import annotations

import asyncio
import socket

import pytest

from shell.upstream.scripted import FakeTransport
from trueline.shell.transports import write_at_once
from trueline.shell.upstream import Limits
from trueline.shell.upstream.connection import Connection


class Closed(FakeTransport):
    """As uvloop's, once its handle is gone."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        raise RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")


class Owner:
    def release(self, connection: Connection) -> None: ...

    def forget(self, connection: Connection) -> None: ...


async def test_a_closed_transport_is_taken() -> None:
    write_at_once(Closed())
    connection = Connection(asyncio.get_running_loop(), Owner(), "host:1", Limits())
    connection.attach(Closed())


@pytest.mark.parametrize("size", [10, 100_000])
async def test_what_is_written_is_with_the_peer_before_the_loop_turns(size: int) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=ours)
        write_at_once(transport)
        transport.write(b"x" * size)
        theirs.setblocking(False)
        assert theirs.recv(size)
        transport.abort()
