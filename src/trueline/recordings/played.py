"""A recorded reply, ready to go through the engine once more: from a file of `trueline serve --record`, or a bare body.

A recording holds the request, so its reply is made exact for that one; a bare body has none beside it, and is read for
what it tells about its request (`recorded/`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from ..context import FormatOptions, Route
from ..dialects.error_bodies import read_error
from ..errors import RequestError, TruelineError, UpstreamCutError
from ..messages import read_chat_request, read_completion_request, read_embedding_request, read_image_request
from ..mint import Mint
from ..pipeline import (
    Models,
    Pipeline,
    Tracer,
    chat_pipeline,
    completion_pipeline,
    embedding_pipeline,
    image_pipeline,
)
from ..recorded import Kind, look
from ..wire import jsonio
from .form import Call, Recording, RecordingError, read_recording

__all__ = ["Played", "open_reply"]

_CHATS: Mapping[str, tuple[Callable[[bytes], Any], Callable[..., Pipeline]]] = {
    "/chat/completions": (read_chat_request, chat_pipeline),
    "/completions": (read_completion_request, completion_pipeline),
}
_OTHERS: Mapping[str, tuple[Callable[[bytes], Any], Callable[..., Pipeline]]] = {
    "/embeddings": (read_embedding_request, embedding_pipeline),
    "/images/generations": (read_image_request, image_pipeline),
}


class Played(NamedTuple):
    """What came from the upstream, and what it meets."""

    pieces: list[bytes]
    """The body, as it was read from the socket; a bare body is one piece."""
    pipe: Pipeline | None
    """None: the reply is an error by its status, or passes as it is."""
    error: TruelineError | None = None
    """What a status that is no success means."""
    cut: TruelineError | None = None
    """The upstream's reply ended in this."""
    status: int = 200
    path: str = ""
    recording: Recording | None = None


def open_reply(
    data: bytes,
    mint: Mint,
    *,
    model: str | None = None,
    stream: bool | None = None,
    options: FormatOptions | None = None,
    tracer: Tracer | None = None,
    kind: Kind | None = None,
) -> Played:
    """The reply in a file.  `model`, `stream`: in place of what was, or seems to have been, requested; `kind`: what a
    bare body is, in place of what it looks like.

    Raises RecordingError: a recording that cannot be read, or one without an upstream's reply.
    """
    recording = read_recording(data)
    if recording is None:
        seen, chosen = look(data, kind), options or FormatOptions()
        return Played([data], seen.pipeline(mint, model=model, stream=stream, options=chosen, tracer=tracer))
    call = recording.call
    if call is None:
        code = f" ({recording.error})" if recording.error else ""
        raise RecordingError(f"no upstream was answered in it: the client got a {recording.reply.status}{code}")
    pieces, path = call.reply.pieces, call.path.partition("?")[0]
    played = Played(pieces, None, None, _cut(call), call.status, path, recording)
    if not 200 <= call.status < 300:
        return played._replace(error=read_error(call.status, dict(call.reply_headers), b"".join(pieces)))
    chosen = options or _options(recording)
    return played._replace(pipe=_pipeline(recording, call, path, mint, model, stream, chosen, tracer))


def _cut(call: Call) -> TruelineError | None:
    if call.reply.truncated:
        return UpstreamCutError("The recording holds the beginning of the reply only.")
    return UpstreamCutError(call.why or "The upstream's reply was cut.") if call.end == "cut" else None


def _options(recording: Recording) -> FormatOptions:
    try:
        return msgspec.convert(recording.format, FormatOptions)
    except msgspec.ValidationError:
        return FormatOptions()


def _pipeline(
    recording: Recording,
    call: Call,
    path: str,
    mint: Mint,
    model: str | None,
    stream: bool | None,
    options: FormatOptions,
    tracer: Tracer | None,
) -> Pipeline | None:
    if path.startswith("/models"):
        return Models(path[8:] or None, options)
    found = _CHATS.get(path) or _OTHERS.get(path)
    if found is None:
        return None
    read, make = found
    watched = {"tracer": tracer} if path in _CHATS else {}
    asked = _changed(recording.request.body.data, model, stream)
    sent = _model(call.body.data)
    try:
        request = read(asked)
    except RequestError:  # the request was cut by the limit, or is none any more
        return look(call.reply.data).pipeline(mint, model=model, stream=stream, options=options, tracer=tracer)
    route = Route(call.upstream, sent if sent != request.model else None)
    return make(request, route, mint, options, **watched)


def _changed(body: bytes, model: str | None, stream: bool | None) -> bytes:
    fields = {"model": model, "stream": stream}
    given = {name: value for name, value in fields.items() if value is not None}
    request = _object(body)
    return jsonio.encode({**request, **given}) if given and request is not None else body


def _model(body: bytes) -> str | None:
    model = (_object(body) or {}).get("model")
    return model if isinstance(model, str) else None


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        value = jsonio.decode(body)
    except jsonio.JSONError:
        return None
    return value if isinstance(value, dict) else None
