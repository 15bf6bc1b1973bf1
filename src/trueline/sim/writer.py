"""Send one reply: at its pace, in its writes, and with the end that was chosen for it.

One timer per stream; events that fall due together go out in one write.  Without a rate a stream goes out in writes
of up to 64 KiB, as fast as the client reads.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

from trueline.sim.options import SimOptions
from trueline.sim.reply import SimReply

if TYPE_CHECKING:
    from trueline.sim.connection import Connection

__all__ = ["ReplyWriter", "due", "head_bytes"]

_BATCH = 64 * 1024
_TRICKLE_SECONDS = 0.05
_TIMER_SECONDS = 0.001
"""uvloop's clock and timers count in milliseconds: an event that is due within the next one is due."""
_PHRASES = {int(status): status.phrase for status in HTTPStatus}


def due(event: int, options: SimOptions) -> float:
    """Seconds after the request at which an event (from 0) is sent."""
    return options.first_token + (event / options.rate if options.rate > 0 else 0.0)


def head_bytes(reply: SimReply, keep_alive: bool) -> bytes:
    """Status line and headers."""
    lines = [f"HTTP/1.1 {reply.status} {_PHRASES.get(reply.status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    if reply.stream:
        lines.append("transfer-encoding: chunked")
    else:
        length = len(reply.body) if reply.length is None else reply.length
        lines.append(f"content-length: {length}")
    lines.append("connection: keep-alive" if keep_alive else "connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class ReplyWriter:
    """The sending of one reply."""

    def __init__(self, connection: Connection, reply: SimReply, options: SimOptions, keep_alive: bool) -> None:
        self.reply = reply
        self._connection = connection
        self._transport = connection.transport
        self._options = options
        self._keep_alive = keep_alive
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._timer: asyncio.Handle | None = None
        self._sent = 0
        self._paused = False
        self._stopped = False
        self._allowed = options.hold_after if reply.stream else None
        if reply.stream:
            self._pieces = [b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in reply.chunks if chunk]
        else:
            self._pieces = [chunk for chunk in reply.chunks if chunk]

    def start(self) -> None:
        """Send the head, and begin with the body."""
        reply = self.reply
        if reply.raw is not None:
            self._transport.write(reply.raw)
            self._finish(False)
        elif not reply.head:
            self._end()
        elif reply.trickle:
            self._trickle(head_bytes(reply, self._keep_alive), 0)
        elif not reply.stream and reply.ending in ("end", "close") and not self._whole_seconds():
            if self._options.random_cuts:
                self._transport.write(head_bytes(reply, self._keep_alive))
                self._advance()
                return
            self._transport.write(head_bytes(reply, self._keep_alive) + reply.body)
            self._end()
        elif reply.stream and "buffered-stream" in reply.faults and self._whole_seconds():
            self._transport.write(head_bytes(reply, self._keep_alive))
            self._timer = self._loop.call_later(self._whole_seconds(), self._advance)
        elif reply.stream:
            self._transport.write(head_bytes(reply, self._keep_alive))
            self._advance()
        else:
            self._timer = self._loop.call_later(self._whole_seconds(), self._whole)

    def _whole_seconds(self) -> float:
        """A whole reply takes as long as its tokens would."""
        return due(self.reply.tokens, self._options)

    def _whole(self) -> None:
        self._transport.write(head_bytes(self.reply, self._keep_alive))
        self._advance(paced=False)

    def _trickle(self, head: bytes, at: int) -> None:
        if at < len(head):
            self._transport.write(head[at : at + 1])
            self._timer = self._loop.call_later(_TRICKLE_SECONDS, self._trickle, head, at + 1)
        else:
            self._advance()

    def _advance(self, paced: bool = True) -> None:
        """Send all events that are due, and come back for the next one."""
        self._timer = None
        if self._stopped or self._paused:
            return
        paced = paced and self.reply.stream
        elapsed = self._loop.time() - self._began + _TIMER_SECONDS
        batch: list[bytes] = []
        size = 0
        while (piece := self._piece(self._sent)) is not None:
            if paced and due(self._sent, self._options) > elapsed:
                break
            batch.append(piece)
            size += len(piece)
            self._sent += 1
            if size >= _BATCH or self._options.random_cuts:
                break
        if batch:
            self._transport.write(b"".join(batch))
        self._schedule(paced)

    def _schedule(self, paced: bool) -> None:
        if self._stopped or self._paused:
            return
        if self._piece(self._sent) is not None:
            when = due(self._sent, self._options) + self._began if paced else 0.0
            if when > self._loop.time() + _TIMER_SECONDS:
                self._timer = self._loop.call_at(when, self._advance)
            else:
                self._timer = self._loop.call_soon(self._advance, paced)
        elif not self._held():
            self._end()

    def _piece(self, event: int) -> bytes | None:
        """An event, ready for the wire; None where the body ends, or must wait for `release`."""
        if self._allowed is not None and event >= self._allowed:
            return None
        if event < len(self._pieces):
            return self._pieces[event]
        if self.reply.repeat is None:
            return None
        start, stop = self.reply.repeat
        return self._pieces[start + (event - start) % (stop - start)]

    def _held(self) -> bool:
        endless = self.reply.repeat is not None
        return self._allowed is not None and (endless or self._allowed < len(self._pieces))

    def _end(self) -> None:
        """The body is out: end as the reply says."""
        ending = self.reply.ending
        if ending == "stall":
            return
        if ending == "reset":
            # After what was written: abort() throws away what the transport still holds.
            if self._transport.get_write_buffer_size():
                self._timer = self._loop.call_later(_TIMER_SECONDS, self._end)
                return
            self._finish(True)
            self._connection.reset()
        elif ending == "cut":
            self._finish(False)
        else:
            if self.reply.stream:
                self._transport.write(b"0\r\n\r\n")
            self._finish(self._keep_alive and ending == "end")

    def _finish(self, keep_alive: bool) -> None:
        self._stopped = True
        self._connection.finished(self, keep_alive)

    # What the connection and the server say.

    def release(self, events: int | None) -> None:
        """Send `events` more than so far allowed, or all."""
        if self._allowed is None:
            return
        self._allowed = None if events is None else self._allowed + events
        if self._timer is None:
            self._advance()

    def pause(self) -> None:
        """The client does not read: wait."""
        self._paused = True

    def resume(self) -> None:
        """The client reads again."""
        self._paused = False
        if self._timer is None and not self._stopped:
            self._advance()

    def stop(self) -> None:
        """The client is gone."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        self._connection.server.writers.discard(self)
