"""`GET /v1/models` and `GET /v1/models/{id}` over one upstream or several, aliases included."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from ..errors import TruelineError
from ..pipeline import Models
from ..wire import jsonio
from .exchange import Exchange
from .routes import Choice, Routes
from .upstream import UpstreamClient

__all__ = ["list_models", "one_model"]

ClientFor = Callable[[Choice], UpstreamClient]


async def list_models(exchange: Exchange, routes: Routes, host: Choice | None, client_for: ClientFor) -> None:
    """The only upstream's list as it is, or the aliases and `upstream/model` for each model of several upstreams."""
    backends = [host] if host is not None else [Choice(backend) for backend in routes.backends.values()]
    if len(backends) == 1 and (host is not None or not routes.aliases):
        await exchange.finish(await _ask(exchange, backends[0], "/models", Models(), client_for))
        return
    answers = await asyncio.gather(
        *(_ask_quietly(exchange, choice, client_for) for choice in backends), return_exceptions=False
    )
    data: list[dict[str, Any]] = [_alias(name, choice) for name, choice in routes.aliases.items()]
    for choice, models in zip(backends, answers, strict=True):
        prefix = f"{choice.backend.name}/" if len(backends) > 1 else ""
        if isinstance(models, list):
            data.extend({**model, "id": prefix + model["id"]} for model in models)
    failed = [answer for answer in answers if isinstance(answer, TruelineError)]
    if not data and failed:
        raise failed[0]
    exchange.upstream = None
    await exchange.whole(jsonio.encode({"object": "list", "data": data}))


async def one_model(exchange: Exchange, routes: Routes, choice: Choice, name: str, client_for: ClientFor) -> None:
    """One model; an alias answers under its own name."""
    if name in routes.aliases:
        await exchange.whole(jsonio.encode(_alias(name, choice)))
        return
    asked = choice.model or name
    path = "/models/" + quote(asked, safe="/:@")
    await exchange.finish(await _ask(exchange, choice, path, Models(asked), client_for))


def _alias(name: str, choice: Choice) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": choice.backend.name}


async def _ask(exchange: Exchange, choice: Choice, path: str, pipe: Models, client_for: ClientFor) -> bytes:
    response = await exchange.call(client_for(choice), choice, "GET", path + exchange.client.query)
    await exchange.refuse_error(response, choice.backend)
    return await exchange.run(pipe, response)


async def _ask_quietly(
    exchange: Exchange, choice: Choice, client_for: ClientFor
) -> list[dict[str, Any]] | TruelineError:
    """The models of one upstream of several, or why it did not say."""
    try:
        part = Exchange(exchange.client, lambda: exchange.request_id)
        try:
            body = await _ask(part, choice, "/models", Models(), client_for)
        finally:
            part.close()
    except TruelineError as error:
        return error
    models: list[dict[str, Any]] = jsonio.decode(body)["data"]
    return models
