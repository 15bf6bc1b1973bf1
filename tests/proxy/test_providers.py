"""Providers over sockets, both ways in: how keys are shown, the shapes of paths, and `provider/model`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from proxy.running import CHAT, body_of, running, settings, upstream
from shell.upstream.scripted import Peer, serve
from trueline.settings import Settings, Upstream, load_settings
from trueline.sim import SimServer

OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
AZURE = "/openai/deployments/{model}{path}?api-version=2024-10-21"


class Upstreams:
    """A server that answers anything with `{}`, and what it was asked."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.headers: list[dict[str, str]] = []

    async def __call__(self, peer: Peer) -> None:
        while True:
            seen = await peer.request()
            self.lines.append(seen.line.removesuffix(" HTTP/1.1"))
            self.headers.append({name.lower(): value for name, value in seen.headers})
            await peer.send(OK)


@pytest.mark.parametrize(
    ("auth", "name", "value"),
    [
        ("bearer", "authorization", "Bearer sk-own-key"),
        ("key", "authorization", "Key sk-own-key"),
        ("x-api-key", "x-api-key", "sk-own-key"),
        ("api-key", "api-key", "sk-own-key"),
        ("x-goog-api-key", "x-goog-api-key", "sk-own-key"),
        ("x-key", "x-key", "sk-own-key"),
        ("none", "authorization", "Bearer sk-own-key"),
        ("azure_ad", "authorization", "Bearer sk-own-key"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_how_a_key_is_shown(auth: str, name: str, value: str, stream: bool) -> None:
    async with SimServer() as sim, running(settings(upstream(sim.url, key="sk-own-key", auth=auth))) as proxy:
        reply = await proxy.ask("POST", CHAT, body_of(stream=stream), authorization="Bearer sk-of-the-client")

        assert reply.status == 200
        headers = sim.requests[-1].headers
        assert headers[name] == value
        assert "sk-of-the-client" not in str(dict(headers))


@pytest.mark.parametrize(
    ("auth", "given", "shown"),
    [
        ("x-api-key", {"authorization": "Bearer sk-client-key"}, {"x-api-key": "sk-client-key"}),
        ("api-key", {"authorization": "Bearer sk-client-key"}, {"api-key": "sk-client-key"}),
        ("api-key", {"api_key": "sk-client-key"}, {"api-key": "sk-client-key"}),
        ("key", {"authorization": "Bearer sk-client-key"}, {"authorization": "Key sk-client-key"}),
        ("key", {"authorization": "Key sk-client-key"}, {"authorization": "Key sk-client-key"}),
        ("bearer", {"x_api_key": "sk-client-key"}, {"x-api-key": "sk-client-key"}),
        ("api-key", {}, {}),
    ],
)
async def test_how_the_clients_key_is_shown(auth: str, given: dict[str, str], shown: dict[str, str]) -> None:
    async with SimServer() as sim, running(settings(upstream(sim.url, auth=auth))) as proxy:
        await proxy.ask("POST", CHAT, body_of(), **given)

        keys = ("authorization", "api-key", "x-api-key", "x-goog-api-key", "x-key")
        assert {name: value for name, value in sim.requests[-1].headers.items() if name in keys} == shown


@pytest.mark.parametrize("auth", ["sigv4", "google_token", "azure_ad"])
@pytest.mark.parametrize("name", ["authorization", "api_key", "x_goog_api_key"])
async def test_a_clients_key_is_of_no_use_where_keys_are_fetched(auth: str, name: str) -> None:
    async with SimServer() as sim, running(settings(upstream(sim.url, auth=auth)), noisy=True) as proxy:
        await proxy.ask("POST", CHAT, body_of(), **{name: "Bearer sk-client-key"})

        assert all("sk-client-key" not in str(dict(request.headers)) for request in sim.requests)


@pytest.mark.parametrize(
    ("method", "path", "body", "line"),
    [
        ("POST", CHAT, body_of(), "/deployments/gpt-4o/chat/completions?api-version=2024-10-21"),
        ("POST", CHAT, body_of(model="a/b c"), "/deployments/a%2Fb%20c/chat/completions?api-version=2024-10-21"),
        ("POST", CHAT, body_of(model="{path}"), "/deployments/%7Bpath%7D/chat/completions?api-version=2024-10-21"),
        ("POST", CHAT + "?a=1&b=2", body_of(), "/deployments/gpt-4o/chat/completions?api-version=2024-10-21&a=1&b=2"),
        (
            "POST",
            "/v1/embeddings",
            {"model": "ada", "input": "x"},
            "/deployments/ada/embeddings?api-version=2024-10-21",
        ),
        (
            "POST",
            "/v1/images/generations",
            {"model": "dall-e-3", "prompt": "x"},
            "/deployments/dall-e-3/images/generations?api-version=2024-10-21",
        ),
        ("GET", "/v1/models", None, "/models?api-version=2024-10-21"),
        ("GET", "/v1/models/gpt-4o", None, "/models/gpt-4o?api-version=2024-10-21"),
        ("POST", "/v1/responses", {"model": "gpt-4o", "input": "x"}, "/responses?api-version=2024-10-21"),
        ("GET", "/v1/files?limit=2", None, "/files?api-version=2024-10-21&limit=2"),
    ],
)
async def test_deployments_have_paths_of_their_own(method: str, path: str, body: Any, line: str) -> None:
    asked = Upstreams()
    async with serve(asked) as server:
        azure = upstream(
            f"http://{server.target.authority}",
            key="sk-azure-key",
            auth="api-key",
            path=AZURE,
            plain_path="/openai{path}?api-version=2024-10-21",
        )
        async with running(settings(azure)) as proxy:
            await proxy.ask(method, path, body)
            await proxy.ask(method, path, body)

    assert asked.lines == [f"{method} /openai{line}"] * 2
    assert asked.headers[0]["api-key"] == "sk-azure-key"


async def test_each_model_of_one_connection_has_its_own_path() -> None:
    """What is prepared for one request is not taken for another model's."""
    asked = Upstreams()
    async with serve(asked) as server:
        azure = upstream(f"http://{server.target.authority}", path=AZURE)
        async with running(settings(azure, models={"smart": ("up", "deep")})) as proxy:
            talk = await proxy.talk()
            for model in ("one", "two", "one", "smart"):
                await talk.send("POST", CHAT, body_of(model=model))
                await talk.reply()

    assert [line.split("/")[3] for line in asked.lines] == ["one", "two", "one", "deep"]


async def test_a_key_in_the_query() -> None:
    asked = Upstreams()
    async with serve(asked) as server:
        url = f"http://{server.target.authority}/v1"
        async with running(settings(upstream(url, key="sk/own&key", auth="query"))) as proxy:
            await proxy.ask("POST", CHAT + "?a=1", body_of(), authorization="Bearer sk-client-key")
            log = proxy.log.text

    assert asked.lines == ["POST /v1/chat/completions?a=1&key=sk%2Fown%26key"]
    assert "authorization" not in asked.headers[0]
    assert "sk/own" not in log and "sk%2Fown" not in log


# -- provider/model ---------------------------------------------------------------------------------------------------


def with_providers(sim: SimServer, *names: str, upstreams: tuple[Upstream, ...] = ()) -> Settings:
    """Settings in which the environment holds a key for these providers, who are all where `sim` is."""
    env = {"GROQ_API_KEY": "sk-groq-key", "DEEPSEEK_API_KEY": "sk-deepseek-key"}
    found = load_settings({}, env).known
    known = {name: replace(found[name], url=sim.url) for name in names}
    return replace(settings(*upstreams), known=known)


@pytest.mark.parametrize("stream", [False, True])
async def test_provider_and_model_with_no_settings(stream: bool) -> None:
    async with SimServer() as sim, running(with_providers(sim, "groq", "deepseek")) as proxy:
        reply = await proxy.ask(
            "POST", CHAT, body_of(model="groq/meta/llama-3.3", stream=stream), authorization="Bearer sk-client"
        )

        assert reply.status == 200
        assert reply.header("x-trueline-upstream") == "groq"
        assert sim.requests[-1].json["model"] == "meta/llama-3.3"
        assert sim.requests[-1].headers["authorization"] == "Bearer sk-groq-key"


@pytest.mark.parametrize("model", ["mistral/small", "groq", "groq/", "Groq/llama"])
async def test_a_provider_without_its_key_is_not_reached(model: str) -> None:
    async with SimServer() as sim, running(with_providers(sim, "groq")) as proxy:
        reply = await proxy.ask("POST", CHAT, body_of(model=model), authorization="Bearer sk-client")

        assert reply.status == 404
        assert reply.error["code"] == "model_not_found"
        assert "groq/MODEL" in reply.error["message"]
        assert sim.request_count == 0


async def test_an_upstream_comes_before_the_provider_of_its_name() -> None:
    async with SimServer() as sim, SimServer() as far:
        chosen = with_providers(far, "groq", upstreams=(upstream(sim.url, name="groq", key="sk-of-the-upstream"),))
        async with running(chosen) as proxy:
            await proxy.chat(model="groq/llama")
            await proxy.chat(model="openai/gpt-oss")

        assert far.request_count == 0
        assert [request.json["model"] for request in sim.requests] == ["llama", "openai/gpt-oss"]
