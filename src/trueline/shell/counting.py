"""`POST /trueline/count`: the tokens of a prompt or a text, before it is sent to anyone."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..errors import RequestError, TruelineError
from ..messages import read_json_object
from ..pictures import dimensions
from ..settings import Settings
from ..tokens import TokenizerError
from ..tokens.asked import DEFAULT_MODEL, Counted, count_asked, is_request
from ..tokens.images import Size
from ..tokens.models import file_of
from .client import Client, ClientGone
from .exchange import CLIENT_CLOSED
from .keys import admit

if TYPE_CHECKING:
    from .gateway import Gateway

__all__ = ["count_route"]

_MOST_PICTURES = 16
"""Pictures of one request that are fetched for their size; more of them are estimated."""
_HEADER = 1 << 20
"""Bytes of a fetched picture in which its size is looked for."""


def count_route(settings: Settings, gateway: Callable[[], Gateway]) -> Route:
    """The route; `gateway` gives what fetches pictures, for those who have switched that on."""

    async def answer(request: Request) -> Response:
        try:
            counted = await _count(request, settings, gateway)
        except ClientGone:
            return Response(status_code=CLIENT_CLOSED)
        except TruelineError as error:
            return JSONResponse(error.body(), error.status)
        shown = {"model": counted.model, "tokens": counted.tokens, "exact": counted.exact, "encoding": counted.encoding}
        return JSONResponse({"object": "trueline.count", **shown})

    return Route("/trueline/count", answer, methods=["POST"])


async def _count(request: Request, settings: Settings, gateway: Callable[[], Gateway]) -> Counted:
    admit(settings.keys, request.headers.raw)
    client = Client(request.scope, request.receive, _unsent, settings.limits.request_bytes)
    client.check_length()
    body = read_json_object(await client.read())
    if not is_request(body):
        raise RequestError(
            "Nothing to count: send a chat request, a completion request, or a text as 'input'.",
            param="messages",
            code="missing_required_parameter",
        )
    messages = body.get("messages")
    if messages is not None and not isinstance(messages, list):
        raise RequestError("Invalid type for 'messages': expected an array.", param="messages", code="invalid_type")
    named = body.get("model")
    if named is None:
        named = DEFAULT_MODEL
    if not isinstance(named, str) or not named:
        raise RequestError("Invalid type for 'model': expected a string.", param="model", code="invalid_type")
    files, alias = settings.tokenizers, settings.models.get(named)
    counted_as = named if alias is None or file_of(named, files) else alias.model
    sizes: dict[str, Size] = {}
    if settings.count_remote_images:
        sizes = await _sizes(body, named, gateway())
    try:
        counted = await asyncio.to_thread(count_asked, body, counted_as, files, sizes.get)
    except TokenizerError as failed:
        raise TruelineError(f"The tokenizer of '{named}' cannot be read: {failed}.", param="model") from None
    return Counted(named, counted.tokens, counted.exact, counted.encoding)


async def _unsent(message: Any) -> None:
    """The reply leaves through Starlette."""


async def _sizes(body: dict[str, Any], model: str, gateway: Gateway) -> dict[str, Size]:
    """The sizes of the pictures that a request refers to, of as many as can be fetched."""
    sizes: dict[str, Size] = {}
    urls = list(dict.fromkeys(_remote(body)))[:_MOST_PICTURES]
    for url in urls:
        try:
            backend = gateway.choose(None, model).backend
            picture = await gateway.fetcher.fetch(url, replace(backend, guarded=True))  # a client chose the address
        except TruelineError:
            continue
        size = dimensions(b64encode(picture[:_HEADER]).decode())
        if size is not None:
            sizes[url] = size
    return sizes


def _remote(body: dict[str, Any]) -> Iterator[str]:
    messages = body.get("messages")
    for message in messages if isinstance(messages, list) else ():
        content = message.get("content") if isinstance(message, dict) else None
        for part in content if isinstance(content, list) else ():
            given = part.get("image_url") if isinstance(part, dict) else None
            url = given.get("url") if isinstance(given, dict) else given
            if isinstance(url, str) and url.lower().startswith(("http://", "https://")):
                yield url
