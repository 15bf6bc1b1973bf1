"""A server that says again what upstreams have said: recordings in, the same status, headers and reads out.

A request is answered from the recordings of its path; of those, from the ones of its model and of its form (streamed or
not) where there are any; of several, each in its turn.  `GET /models` lists the recorded models where it was not
recorded itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import msgspec

from trueline.recordings import Call, Recording
from trueline.sim.connection import Recorded
from trueline.sim.errors import SimError
from trueline.sim.options import SimOptions
from trueline.sim.reply import Ending, SimReply, encode_json
from trueline.sim.server import SimServer

__all__ = ["Play", "ReplayServer", "plays_of"]

_NOT_AGAIN = frozenset({"connection", "content-length", "date", "keep-alive", "transfer-encoding"})
_NEVER_A_BODY = (204, 304)


class Play(NamedTuple):
    """One recorded reply, and the requests that it answers."""

    method: str
    path: str
    """Behind the base URL, without a query."""
    models: frozenset[str]
    """The names that were asked for: by the client, and of the upstream."""
    stream: bool
    reply: SimReply


def plays_of(recording: Recording) -> list[Play]:
    """The replies in a recording; none where no upstream answered.  Raises RecordingError: a body cannot be read."""
    asked = _fields(recording.request.body.data)
    return [_play(call, asked) for call in recording.calls if call.status]


def _play(call: Call, asked: dict[str, Any]) -> Play:
    sent = _fields(call.body.data) or asked
    names = frozenset(name for name in (asked.get("model"), sent.get("model")) if isinstance(name, str))
    pieces = call.reply.pieces
    headers = {name: value for name, value in call.reply_headers if name not in _NOT_AGAIN}
    sized = next((value for name, value in call.reply_headers if name == "content-length"), None)
    whole = call.end != "cut" and not call.reply.truncated
    ending: Ending = "end" if whole else "cut"
    chunked = sized is None and call.status not in _NEVER_A_BODY
    reply = SimReply(call.status, headers, pieces, stream=chunked, ending=ending)
    if sized is not None and not whole:
        reply.length = int(sized) if sized.isdigit() else None
    return Play(call.method, call.path.partition("?")[0], names, sent.get("stream") is True, reply)


class ReplayServer(SimServer):
    """A `SimServer` that answers from recordings.  Of `options` only the pace counts."""

    def __init__(
        self,
        plays: Iterable[Play],
        options: SimOptions | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        said: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(options, host=host, port=port)
        self.plays = list(plays)
        self._turns: dict[tuple[int, ...], int] = {}
        self._said = said

    @property
    def models(self) -> list[str]:
        """The recorded names, in their order."""
        return list(dict.fromkeys(name for play in self.plays for name in sorted(play.models)))

    def answer(self, recorded: Recorded) -> tuple[SimReply, SimOptions]:
        """See SimServer."""
        self.requests.append(recorded)
        self.request_count += 1
        method = "GET" if recorded.method == "HEAD" else recorded.method
        path = recorded.path.partition("?")[0]
        try:
            reply = self._reply(method, path, _fields(recorded.body))
        except SimError as error:
            reply = _json(error.status, error.body())
        if self._said is not None:
            self._said(f"{recorded.method} {path} {reply.status}")
        if recorded.method == "HEAD":
            return SimReply(reply.status, reply.headers, [], length=len(reply.body)), self.options
        return reply, self.options

    def _reply(self, method: str, path: str, asked: dict[str, Any]) -> SimReply:
        found = [n for n, play in enumerate(self.plays) if play.method == method and _is_at(path, play.path)]
        if not found and method == "GET" and path.endswith("/models"):
            listed = [{"id": name, "object": "model", "created": 0, "owned_by": "recorded"} for name in self.models]
            return _json(200, {"object": "list", "data": listed})
        if not found:
            known = ", ".join(dict.fromkeys(f"{play.method} {play.path}" for play in self.plays)) or "nothing"
            raise SimError(404, f"There is no recording of {method} {path[:200]}. Recorded: {known}.")
        model, stream = asked.get("model"), asked.get("stream") is True
        found = [n for n in found if model in self.plays[n].models] or found
        found = [n for n in found if self.plays[n].stream is stream] or found
        turn = self._turns.get(tuple(found), 0)
        self._turns[tuple(found)] = turn + 1
        return self.plays[found[turn % len(found)]].reply


def _is_at(path: str, recorded: str) -> bool:
    """Whether a request's path is the recorded one, under whatever base."""
    base = path.removesuffix(recorded)
    return path.endswith(recorded) and (not base or base.endswith("/v1"))


def _json(status: int, body: dict[str, Any]) -> SimReply:
    return SimReply(status, {"content-type": "application/json"}, [encode_json(body)])


def _fields(body: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return value if isinstance(value, dict) else {}
