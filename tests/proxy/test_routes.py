"""Which upstream a request goes to: several of them, aliases, `upstream/model`, and the lists of models."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from proxy.running import CHAT, Proxy, body_of, running, settings, upstream
from shell.upstream.scripted import Peer, serve
from trueline.sim import SimServer


class Two:
    """Two upstreams, and a proxy before them."""

    def __init__(self, one: SimServer, two: SimServer, proxy: Proxy) -> None:
        self.one = one
        self.two = two
        self.proxy = proxy

    @property
    def called(self) -> list[str]:
        return ["one"] * self.one.request_count + ["two"] * self.two.request_count


@asynccontextmanager
async def two_upstreams(**options: Any) -> AsyncIterator[Two]:
    async with SimServer() as one, SimServer() as two:
        chosen = settings(
            upstream(one.url, name="one", **options.pop("first", {})),
            upstream(two.url, name="two", **options.pop("second", {})),
            models=options.pop("models", {"smart": ("two", "gpt-5.4"), "gpt-4o": ("one", "gpt-4o")}),
            **options,
        )
        async with running(chosen) as proxy:
            yield Two(one, two, proxy)


WAYS = [
    ("smart", "two", "gpt-5.4"),
    ("gpt-4o", "one", "gpt-4o"),
    ("one/llama3", "one", "llama3"),
    ("two/meta-llama/Llama-3.1", "two", "meta-llama/Llama-3.1"),
]


@pytest.mark.parametrize(("model", "name", "asked"), WAYS)
@pytest.mark.parametrize("stream", [False, True])
async def test_chats_go_where_their_model_is(model: str, name: str, asked: str, stream: bool) -> None:
    async with two_upstreams() as two:
        reply = await two.proxy.chat(model=model, stream=stream)

        assert reply.status == 200
        assert reply.header("x-trueline-upstream") == name
        assert two.called == [name]
        sim = two.one if name == "one" else two.two
        assert sim.requests[-1].json == body_of(model=asked, stream=stream)


@pytest.mark.parametrize(("model", "name", "asked"), WAYS)
@pytest.mark.parametrize("path", ["/v1/embeddings", "/v1/completions", "/v1/images/generations"])
async def test_so_does_everything_else_with_a_model(path: str, model: str, name: str, asked: str) -> None:
    async with two_upstreams() as two:
        body = {"input": "x", "prompt": "echo: y", "extra": [1.5, None]}
        reply = await two.proxy.ask("POST", path, {"model": model, **body})

        assert reply.status == 200
        assert two.called == [name]
        sim = two.one if name == "one" else two.two
        assert sim.requests[-1].json == {"model": asked, **body}


async def test_curls_default_content_type_hides_no_model() -> None:
    async with two_upstreams() as two:
        content = json.dumps({"model": "smart", "input": "x"}).encode()
        reply = await two.proxy.ask("POST", "/v1/embeddings", content, content_type="application/x-www-form-urlencoded")

        assert reply.status == 200
        assert two.two.requests[-1].json["model"] == "gpt-5.4"
        assert two.two.requests[-1].headers["content-type"] == "application/json"


async def test_a_form_stays_a_form() -> None:
    async with two_upstreams() as two:
        await two.proxy.ask("POST", "/v1/x", b"a=b", content_type="application/x-www-form-urlencoded")

        assert two.one.requests[-1].body == b"a=b"
        assert two.one.requests[-1].headers["content-type"] == "application/x-www-form-urlencoded"


UNKNOWN = "Trueline routes the models smart, gpt-4o, and one/MODEL, two/MODEL."


@pytest.mark.parametrize("model", ["gpt-9", "three/gpt-4o", "one/", "/gpt-4o", "ONE/x", ""])
@pytest.mark.parametrize("path", [CHAT, "/v1/embeddings", "/v1/images/generations"])
async def test_an_unknown_model(model: str, path: str) -> None:
    async with two_upstreams() as two:
        reply = await two.proxy.ask("POST", path, {**body_of(), "model": model, "prompt": "x", "input": "x"})

        assert reply.status == 404
        assert reply.error == {
            "message": f"The model `{model}` does not exist or you do not have access to it. {UNKNOWN}",
            "type": "invalid_request_error",
            "param": "model",
            "code": "model_not_found",
        }
        assert two.called == []


async def test_no_model_with_several_upstreams() -> None:
    async with two_upstreams() as two:
        request = body_of()
        del request["model"]
        reply = await two.proxy.ask("POST", CHAT, request)

        assert (reply.status, reply.error["message"]) == (400, "you must provide a model parameter")
        assert reply.error["param"] == "model"
        assert two.called == []


async def test_no_model_with_one_upstream() -> None:
    """Servers with one model want no name."""
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        request = body_of()
        del request["model"]
        reply = await proxy.ask("POST", CHAT, request)

        assert sim.requests[-1].json == request
        assert reply.error["message"] == "you must provide a model parameter"  # the upstream's own


@pytest.mark.parametrize("model", ["anything", "up/x", "meta-llama/Llama-3.1", "up/"])
async def test_one_upstream_gets_every_model_as_it_is(model: str) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        assert (await proxy.chat(model=model)).status == 200
        assert sim.requests[-1].json["model"] == model


async def test_an_alias_with_one_upstream() -> None:
    async with SimServer() as sim, running(settings(sim.url, models={"mini": ("up", "gpt-4o-mini")})) as proxy:
        assert (await proxy.chat(model="mini")).status == 200
        assert (await proxy.chat(model="gpt-4o")).status == 200
        assert [request.json["model"] for request in sim.requests] == ["gpt-4o-mini", "gpt-4o"]


async def test_no_upstream_at_all() -> None:
    async with running(settings()) as proxy:
        for path in (CHAT, "/v1/embeddings"):
            reply = await proxy.ask("POST", path, {**body_of(), "input": "x"})
            assert (reply.status, reply.error["code"]) == (404, "upstream_not_found")


# ---- models


async def test_the_list_of_the_only_upstream_passes_unchanged() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await proxy.ask("GET", "/v1/models?limit=2")

        assert reply.status == 200 and reply.header("content-type") == "application/json"
        assert reply.json["object"] == "list"
        assert "gpt-4o" in [model["id"] for model in reply.json["data"]]
        assert reply.header("x-trueline-upstream") == "up"
        assert reply.header("x-trueline-repairs") is None
        assert sim.requests[-1].path == "/v1/models?limit=2"


async def test_a_list_is_mended() -> None:
    async def bare(peer: Peer) -> None:
        await peer.request()
        body = b'[{"name": "llama3"}, "phi"]'
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))

    async with serve(bare) as server, running(settings(f"http://127.0.0.1:{server.port}/v1")) as proxy:
        reply = await proxy.ask("GET", "/v1/models")

        assert [model["id"] for model in reply.json["data"]] == ["llama3", "phi"]
        assert {model["object"] for model in reply.json["data"]} == {"model"}
        assert "models-bare-array" in (reply.header("x-trueline-repairs") or "")


async def test_the_list_of_one_upstream_with_aliases_names_nothing_twice() -> None:
    aliases = {"gpt-4o": ("up", "gpt-4o-mini"), "mine": ("up", "gpt-4o")}
    async with SimServer() as sim, running(settings(sim.url, models=aliases)) as proxy:
        listed = [model["id"] for model in (await proxy.ask("GET", "/v1/models")).json["data"]]

        assert listed[:2] == ["gpt-4o", "mine"]
        assert "gpt-4o-mini" in listed
        assert len(listed) == len(set(listed))


async def test_the_list_of_several_upstreams() -> None:
    async with two_upstreams() as two:
        reply = await two.proxy.ask("GET", "/v1/models")
        listed = [model["id"] for model in reply.json["data"]]

        assert listed[:2] == ["smart", "gpt-4o"]
        assert {"one/gpt-4o", "two/gpt-4o"} <= set(listed)
        assert reply.json["data"][0] == {"id": "smart", "object": "model", "created": 0, "owned_by": "two"}
        assert reply.header("x-trueline-upstream") is None
        for name in listed:  # whatever is listed can be asked for
            one = await two.proxy.ask("GET", f"/v1/models/{name}")
            assert (one.status, one.json["id"], one.json["object"]) == (200, name, "model")


async def test_an_upstream_that_is_down_takes_only_its_own_models_from_the_list() -> None:
    async with two_upstreams(models={}) as two:
        await two.two.stop()
        reply = await two.proxy.ask("GET", "/v1/models")

        assert reply.status == 200
        assert {model["id"].partition("/")[0] for model in reply.json["data"]} == {"one"}

        await two.one.stop()
        reply = await two.proxy.ask("GET", "/v1/models")
        assert (reply.status, reply.error["code"]) == (502, "upstream_unreachable")


async def test_one_model() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await proxy.ask("GET", "/v1/models/org%2Fmodel:latest?x=1")

        assert (reply.status, reply.json["id"]) == (200, "org/model:latest")
        assert sim.requests[-1].path == "/v1/models/org/model:latest?x=1"


async def test_one_alias() -> None:
    async with SimServer() as sim, running(settings(sim.url, models={"mini": ("up", "gpt-4o-mini")})) as proxy:
        reply = await proxy.ask("GET", "/v1/models/mini")

        assert reply.json == {"id": "mini", "object": "model", "created": 0, "owned_by": "up"}
        assert sim.request_count == 0


async def test_a_model_that_does_not_exist() -> None:
    async with two_upstreams() as two:
        reply = await two.proxy.ask("GET", "/v1/models/gpt-9")
        assert (reply.status, reply.error["code"]) == (404, "model_not_found")
        assert two.called == []

        reply = await two.proxy.ask("GET", "/v1/models/one/it-does-not-exist")
        assert (reply.status, reply.error["code"]) == (404, "model_not_found")
        assert two.called == ["one"]


async def test_a_request_without_a_model_goes_to_the_first_upstream() -> None:
    async with two_upstreams() as two:
        await two.proxy.ask("GET", "/v1/files?purpose=x")

        assert two.called == ["one"]
        assert two.one.requests[-1].path == "/v1/files?purpose=x"
