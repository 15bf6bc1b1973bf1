"""Sends the calls of probes and keeps what comes back; knows the key, and masks it in everything that it returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from .. import errors
from ..shell.upstream import Response, Target, Timeouts, UpstreamClient
from ..wire import jsonio
from .model import Call, Exchange, Failure, Json

__all__ = ["Asker", "ModelNames"]

MAX_BODY = 48 * 1024 * 1024
_WRONG_KEY = "sk-wrong-trueline-check-000000000000"
_MASK = b"***"
_LEAST_SECRET = 6
"""A key shorter than this is a word like `none`, and is not looked for in replies."""


@dataclass(frozen=True, slots=True)
class ModelNames:
    """Which model is asked for what."""

    chat: str
    image: str | None = None
    image_stream: str | None = None
    embedding: str | None = None
    completion: str | None = None

    def for_slot(self, slot: str) -> str:
        """The model for a slot; that for chats where there is none of its kind."""
        return getattr(self, slot) or self.chat


@dataclass(slots=True)
class Asker:
    """One server, asked by one key."""

    client: UpstreamClient
    target: Target
    key: str | None = None
    timeout: float = 60.0
    """Seconds for one whole exchange."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with every request."""

    async def ask(self, call: Call, models: ModelNames | None) -> Exchange:
        """One exchange; whatever goes wrong is told in it."""
        request, content = _body(call, models)
        path = self.target.base_path + call.path
        began = monotonic()
        made = Exchange(call.method, path, request, origin=self.target.origin)
        try:
            response = await self.client.request(
                call.method, self.target, call.path, self._headers(call, content), content, self._timeouts()
            )
        except (errors.UpstreamError, ValueError) as error:
            return _failed(made, error, monotonic() - began)
        async with response:
            return await self._read(response, call, made, began)

    async def _read(self, response: Response, call: Call, made: Exchange, began: float) -> Exchange:
        pieces: list[bytes] = []
        failure: Failure = ""
        why = ""
        first, size = 0.0, 0
        try:
            while piece := await response.read():
                first = first or monotonic() - began
                pieces.append(piece)
                size += len(piece)
                if size > MAX_BODY or call.drop:
                    failure = "dropped"
                    why = "" if call.drop else f"the reply is longer than {MAX_BODY} bytes"
                    break
        except errors.UpstreamTimeoutError as error:
            failure, why = "timeout", error.message
        except errors.UpstreamError as error:
            failure, why = "cut", error.message
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(response.headers)}
        return Exchange(
            made.method,
            made.path,
            made.request,
            response.status,
            {name: self._mask_text(value) for name, value in headers.items()},
            self._mask(b"".join(pieces)),
            failure,
            self._mask_text(why),
            response.faults,
            first,
            monotonic() - began,
            made.origin,
        )

    def _headers(self, call: Call, content: bytes | None) -> list[tuple[bytes, bytes]]:
        headers = {"accept": "*/*", "user-agent": "trueline-check", **self.headers}
        if content is not None:
            headers["content-type"] = "application/json"
        key = {"own": self.key, "none": None, "wrong": _WRONG_KEY}[call.key]
        if key is not None:
            headers["authorization"] = f"Bearer {key}"
        headers.update(call.headers)
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]

    def _timeouts(self) -> Timeouts:
        return Timeouts(
            connect=min(10.0, self.timeout), first_byte=self.timeout, stall=self.timeout, total=self.timeout
        )

    def _mask(self, data: bytes) -> bytes:
        if self.key is None or len(self.key) < _LEAST_SECRET:
            return data
        return data.replace(self.key.encode("latin-1", "replace"), _MASK)

    def _mask_text(self, text: str) -> str:
        return self._mask(text.encode("utf-8", "replace")).decode("utf-8", "replace")


def _body(call: Call, models: ModelNames | None) -> tuple[Json, bytes | None]:
    """What the exchange remembers of the request, and the bytes of it."""
    if call.body is None:
        return {}, None
    if isinstance(call.body, bytes):
        return {}, call.body
    request: dict[str, Any] = dict(call.body)
    if call.slot is not None and models is not None:
        request = {"model": models.for_slot(call.slot), **request}
    return request, jsonio.encode(request)


def _failed(made: Exchange, error: Exception, seconds: float) -> Exchange:
    failure: Failure = "connect"
    if isinstance(error, errors.UpstreamTimeoutError):
        failure = "timeout"
    elif isinstance(error, errors.UpstreamCutError):
        failure = "cut"
    elif isinstance(error, errors.UpstreamFormatError):
        failure = "format"
    why = error.message if isinstance(error, errors.TruelineError) else str(error)
    return Exchange(made.method, made.path, made.request, failure=failure, why=why, seconds=seconds, origin=made.origin)
