"""What both sides ask of a connection's transport."""

from __future__ import annotations

import asyncio

__all__ = ["write_at_once"]


def write_at_once(transport: asyncio.Transport) -> None:
    """What is written leaves at once, and not behind what the same callback does besides.

    Event loops buffer up to a limit; with none they try at once, and say at once when the peer takes no more.
    """
    try:
        transport.set_write_buffer_limits(0)
    except RuntimeError:
        pass  # uvloop: it is closed already, which `connection_lost` will say
