"""`GET /v1/models` and `GET /v1/models/{id}` over one upstream or several, aliases included."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from ..dialects.bases import joined
from ..errors import TruelineError
from ..pipeline import Models
from ..wire import jsonio
from .awaited import AwaitedExchange
from .routes import Choice, Routes, spoken_by
from .translated import not_spoken
from .upstream import UpstreamClient

__all__ = ["list_models", "one_alias", "one_model"]

ClientFor = Callable[[Choice], UpstreamClient]


async def list_models(exchange: AwaitedExchange, routes: Routes, host: Choice | None, client_for: ClientFor) -> None:
    """The only upstream's list as it is, or the aliases and `upstream/model` for each model of several upstreams."""
    choices = [host] if host is not None else [Choice(backend) for backend in routes.backends.values()]
    if len(choices) == 1 and (host is not None or not routes.aliases):
        await exchange.finish(await _ask_list(exchange, choices[0], client_for))
        return
    # The client's key is for one of them; which one, only the settings could say.
    keyless = sum(not choice.backend.own_key for choice in choices)
    with exchange.waiting():
        answers = await asyncio.gather(
            *(_ask_quietly(exchange, choice, client_for, credentials=keyless == 1) for choice in choices)
        )
    models = {name: _alias(name, choice) for name, choice in routes.aliases.items()}
    for choice, answer in zip(choices, answers, strict=True):
        prefix = f"{choice.backend.name}/" if len(choices) > 1 else ""
        for model in answer if isinstance(answer, list) else ():
            name = prefix + model["id"]
            models.setdefault(name, {**model, "id": name})
    failed = [answer for answer in answers if isinstance(answer, TruelineError)]
    if not models and failed:
        raise failed[0]
    await exchange.whole(jsonio.encode({"object": "list", "data": list(models.values())}))


async def one_alias(exchange: AwaitedExchange, name: str, choice: Choice) -> None:
    """An alias, under its own name."""
    exchange.upstream = choice.backend.name
    await exchange.whole(jsonio.encode(_alias(name, choice)))


async def one_model(exchange: AwaitedExchange, choice: Choice, name: str, client_for: ClientFor) -> None:
    """One model of an upstream, under the name that was asked for."""
    asked = choice.model or name
    if spoken_by(choice.backend) is not None:  # its list says what there is
        body = await _ask_list(exchange, choice, client_for, single=asked)
    else:
        path = "/models/" + quote(asked, safe="/:@")
        body = await _ask(exchange, choice, path, Models(asked, choice.backend.options), client_for)
    if asked != name:
        body = jsonio.encode({**jsonio.decode(body), "id": name})
    await exchange.finish(body)


def _alias(name: str, choice: Choice) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": choice.backend.name}


async def _ask_list(
    exchange: AwaitedExchange,
    choice: Choice,
    client_for: ClientFor,
    *,
    single: str | None = None,
    credentials: bool = True,
) -> bytes:
    """The list of an upstream, or one model of it, whatever API it speaks."""
    backend = choice.backend
    dialect = spoken_by(backend)
    own = dialect.models if dialect is not None else None
    if dialect is not None and own is None:
        raise not_spoken(backend, "a list of models")
    pipe = Models(single, backend.options, own)
    path = "/models" if own is None else joined(backend.target.base_path, own.path)
    more = own.headers if own is not None else ()
    return await _ask(exchange, choice, path, pipe, client_for, credentials=credentials, more=more)


async def _ask(
    exchange: AwaitedExchange,
    choice: Choice,
    path: str,
    pipe: Models,
    client_for: ClientFor,
    *,
    credentials: bool = True,
    more: Iterable[tuple[bytes, bytes]] = (),
) -> bytes:
    query = exchange.client.query
    path += query.replace("?", "&", 1) if "?" in path else query
    response = await exchange.call(client_for(choice), choice, "GET", path, credentials=credentials, more=more)
    await exchange.refuse_error(response, choice.backend)
    return await exchange.run(pipe, response)


async def _ask_quietly(
    exchange: AwaitedExchange, choice: Choice, client_for: ClientFor, *, credentials: bool
) -> list[dict[str, Any]] | TruelineError:
    """The models of one upstream of several, or why it did not say."""
    part = AwaitedExchange(exchange.client, lambda: exchange.request_id)
    try:
        body = await _ask_list(part, choice, client_for, credentials=credentials)
    except TruelineError as error:
        return error
    finally:
        part.close()
    models: list[dict[str, Any]] = jsonio.decode(body)["data"]
    return models
