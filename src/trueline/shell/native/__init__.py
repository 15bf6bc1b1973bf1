"""The native server: uvicorn's httptools protocol with the paths that most requests take answered by callbacks.

    reading    RequestReader: what a client may send, as bytes, within limits
    protocol   NativeProtocol: one connection; slow clients, what is refused, what goes on to ASGI
    turns      Turns: the requests of one connection, in order; those that say what the last one said, without a parser
    client     NativeClient: one request on it, and the reply to it
    exchange   NativeExchange: from the request to the upstream and back, without a task

uvicorn makes a NativeProtocol per connection (its `http=` setting).  Every other path, and everything while exchanges
are recorded, is answered by the ASGI application on the same connection.
"""

from __future__ import annotations

from .protocol import NativeProtocol

__all__ = ["NativeProtocol"]
