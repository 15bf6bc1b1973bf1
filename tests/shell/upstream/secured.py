"""Both ends of a TLS connection in one process, and the line between them, on which the test decides what arrives."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from shell.upstream.scripted import FakeTransport


class Line(FakeTransport):
    """What a loop's transport does with its protocol; the test plays the network."""

    def __init__(self) -> None:
        super().__init__()
        self.protocol: asyncio.Protocol
        self.closed = False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        assert isinstance(protocol, asyncio.Protocol)
        self.protocol = protocol

    def is_closing(self) -> bool:
        return self.aborted or self.closed

    def close(self) -> None:
        self.closed = True
        self.lose(None)

    def abort(self) -> None:
        if not self.aborted:
            self.aborted = True
            self.lose(None)

    def lose(self, exc: Exception | None) -> None:
        asyncio.get_running_loop().call_soon(self.protocol.connection_lost, exc)

    def get_write_buffer_size(self) -> int:
        return 7

    def taken(self) -> bytes:
        data = bytes(self.written)
        self.written.clear()
        return data


@dataclass
class App(asyncio.Protocol):
    """Writes down what it is told."""

    seen: list[object] = field(default_factory=list)
    """The data of each call, and the names of the other calls, with what they were given."""
    on_data: Callable[[bytes], object] = len

    def data_received(self, data: bytes) -> None:
        self.seen.append(data)
        self.on_data(data)

    def eof_received(self) -> None:
        self.seen.append("eof")

    def connection_lost(self, exc: Exception | None) -> None:
        self.seen.append(exc if exc is None else type(exc))

    def pause_writing(self) -> None:
        self.seen.append("pause")

    def resume_writing(self) -> None:
        self.seen.append("resume")


class Far:
    """The server's side."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)

    def shake_hands(self, data: bytes) -> bool:
        self.incoming.write(data)
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def sends(self, *data: bytes) -> bytes:
        """The bytes of a record for each piece of data, and of what was to be sent before."""
        for each in data:
            assert self.tls.write(each) == len(each)
        return self.outgoing.read()

    def ends(self) -> bytes:
        with pytest.raises(ssl.SSLWantReadError):
            self.tls.unwrap()
        return self.outgoing.read()

    def reads(self, data: bytes) -> bytes:
        self.incoming.write(data)
        got = b""
        try:
            while piece := self.tls.read(100_000):
                got += piece
        except ssl.SSLWantReadError:
            pass
        return got
