"""Upstreams that speak an API of their own: their requests are written in it, signed where it wants that, and sent.

What the API takes only inside a request is fetched first, guarded as `fetcher.py` says: nothing of the client's goes
along.
"""

from __future__ import annotations

import asyncio
from typing import Any

from ..dialects.bases import joined
from ..dialects.provider import Asked, Fetched, FileNeeded, ProviderDialect, ProviderImages, ProviderRequest
from ..errors import NotFoundError
from ..messages import ChatRequest, EmbeddingRequest, ImageRequest
from .awaited import AwaitedExchange
from .fetcher import Fetcher
from .routes import Backend, Choice
from .upstream import Response, UpstreamClient

__all__ = ["Translator", "not_spoken"]

_JSON = b"application/json"


class Translator:
    """Asks one upstream in its own words."""

    def __init__(
        self,
        exchange: AwaitedExchange,
        upstream: UpstreamClient,
        fetcher: Fetcher,
        choice: Choice,
        dialect: ProviderDialect,
    ) -> None:
        self._exchange = exchange
        self._upstream = upstream
        self._fetcher = fetcher
        self._choice = choice
        self._dialect = dialect
        self._files: dict[str, Fetched] = {}

    @property
    def images(self) -> ProviderImages:
        """How pictures are asked for.  Raises NotFoundError where the API has none."""
        if self._dialect.images is None:
            raise not_spoken(self._choice.backend, "pictures")
        return self._dialect.images

    def shares(self, request: Any) -> list[Any]:
        """The request, or several where it is for embeddings and the model takes fewer texts in one."""
        embeddings = self._dialect.embeddings
        if embeddings is None or not isinstance(request, EmbeddingRequest):
            return [request]
        return request.shared(embeddings.most(self._asked(request, [])))

    async def ask(self, request: Any) -> Response:
        """Send the request; the response is no error.  Raises RequestError for what the API cannot express."""
        sent: ProviderRequest = await self.written(request)
        request.let_go()
        return await self.send(sent)

    async def send(self, sent: ProviderRequest) -> Response:
        """Send what is written to the upstream; the response is no error."""
        return await self.call(sent, joined(self._choice.backend.target.base_path, sent.path), self._choice)

    async def call(self, sent: ProviderRequest, path: str, choice: Choice) -> Response:
        """Send what is written; the response is no error."""
        exchange = self._exchange
        kind = next((value for name, value in sent.headers if name == b"content-type"), _JSON)
        more = [pair for pair in sent.headers if pair[0] != b"content-type"]
        body = None if sent.method == "GET" else sent.body
        response = await exchange.call(self._upstream, choice, sent.method, path, body, content_type=kind, more=more)
        await exchange.refuse_error(response, choice.backend)
        return response

    async def written(self, request: Any) -> Any:
        """A ProviderRequest, or of pictures a list of them.  Raises RequestError for what the API cannot express."""
        try:
            sent, changes = self._write(request)
        except FileNeeded as needed:  # what that try changed is not sent
            await self._fetch(needed.urls)
            sent, changes = self._write(request)
        self._exchange.changed(tuple(changes))
        return sent

    def _asked(self, request: Any, changes: list[str]) -> Asked:
        backend = self._choice.backend
        return Asked(
            self._choice.model or request.model or "",
            changes.append,
            backend.on_unsupported,
            self._files,
            backend.settings,
        )

    def _write(self, request: Any) -> tuple[Any, list[str]]:
        """What is sent, and what was changed on the way."""
        changes: list[str] = []
        return self._in_its_words(request, changes), changes

    def _in_its_words(self, request: Any, changes: list[str]) -> Any:
        backend, dialect = self._choice.backend, self._dialect
        asked = self._asked(request, changes)
        if isinstance(request, ImageRequest):
            return self.images.write(request, asked)
        if isinstance(request, ChatRequest) and dialect.chats:
            return dialect.write_request(request, asked)
        if isinstance(request, EmbeddingRequest) and dialect.embeddings is not None:
            return dialect.embeddings.write(request, asked)
        raise not_spoken(backend, "such requests")

    async def _fetch(self, urls: list[str]) -> None:
        """All files at once; the first that cannot be had ends it."""
        wanted = [url for url in dict.fromkeys(urls) if url not in self._files]
        with self._exchange.waiting():
            files = await asyncio.gather(*map(self._fetcher.fetch_file, wanted))
        self._files.update(zip(wanted, files, strict=True))


def not_spoken(backend: Backend, what: str) -> NotFoundError:
    """The refusal of what an upstream's API has nothing for."""
    return NotFoundError(
        f"The upstream '{backend.name}' speaks the API of '{backend.dialect}', which has nothing for {what}.",
        code="unsupported_by_upstream",
    )
