"""`/{host}/v1/…`: the request chooses its upstream, from an allow-list only."""

from __future__ import annotations

import pytest

from proxy.running import body_of, running, settings, upstream
from proxy.test_images import resolve_to_loopback
from trueline.shell.upstream import dial
from trueline.sim import SimServer

CHAT = "/v1/chat/completions"


@pytest.mark.parametrize("stream", [False, True])
async def test_an_allowed_address(stream: bool) -> None:
    async with SimServer() as sim:
        host = f"127.0.0.1:{sim.port}"
        async with running(settings(allowed_hosts=(host,))) as proxy:
            reply = await proxy.ask("POST", f"/{host}{CHAT}?x=1", body_of(stream=stream), authorization="Bearer sk-1")

            assert reply.status == 200
            said = reply.content if stream else reply.json["choices"][0]["message"]["content"]
            assert said == "one two three four five six"
            assert reply.header("x-trueline-upstream") == host
            assert sim.requests[-1].path == CHAT + "?x=1"
            assert sim.requests[-1].headers["authorization"] == "Bearer sk-1"
            assert f"method=POST path=/{host}{CHAT} status=200" in proxy.log.lines[-1]


PATHS = [
    ("GET", "/v1/models", None),
    ("GET", "/v1/models/gpt-4o", None),
    ("POST", "/v1/images/generations", {"prompt": "x"}),
    ("POST", "/v1/embeddings", {"model": "x", "input": "y"}),
    ("POST", "/v1/completions", {"model": "x", "prompt": "y"}),
]


@pytest.mark.parametrize(("method", "path", "content"), PATHS)
async def test_every_path_works_there(method: str, path: str, content: object) -> None:
    """The aliases and upstreams of the settings have no say in it."""
    async with SimServer() as own, SimServer() as sim:
        host = f"127.0.0.1:{sim.port}"
        chosen = settings(
            upstream(own.url, name="a", key="sk-own"),
            upstream(own.url, name="b", key="sk-own"),
            models={"gpt-4o": ("a", "y"), "x": ("a", "y")},
            allowed_hosts=(host,),
        )
        async with running(chosen) as proxy:
            reply = await proxy.ask(method, f"/{host}{path}", content)

            assert reply.status == 200
            assert own.request_count == 0
            assert sim.requests[-1].path == path
            assert "authorization" not in sim.requests[-1].headers
            if content is None and path.endswith("gpt-4o"):
                assert reply.json["owned_by"] == "openai"
            elif content is None:
                assert "gpt-4o" in [model["id"] for model in reply.json["data"]]


async def test_our_keys_never_go_there() -> None:
    """Neither an upstream's key, even where the host is that upstream's, nor the one that Trueline itself demands."""
    async with SimServer() as sim:
        host = f"127.0.0.1:{sim.port}"
        chosen = settings(
            upstream(sim.url, key="sk-own", headers={"x-team": "blue"}), keys=("tl-one",), allowed_hosts=(host,)
        )
        async with running(chosen) as proxy:
            reply = await proxy.ask("POST", f"/{host}{CHAT}", body_of(), authorization="Bearer tl-one")
            assert reply.status == 200
            headers = str(sim.requests[-1].headers)
            assert "sk-own" not in headers and "tl-one" not in headers and "blue" not in headers

            assert (await proxy.ask("POST", f"/{host}{CHAT}", body_of())).status == 401


@pytest.mark.parametrize("spelling", ["LOCALHOST:{port}", "localhost%3A{port}", "localhost:{port}"])
async def test_spellings_of_a_host(spelling: str) -> None:
    async with SimServer() as sim, running(settings(allowed_hosts=(f"localhost:{sim.port}",))) as proxy:
        reply = await proxy.ask("POST", f"/{spelling.format(port=sim.port)}{CHAT}", body_of())

        assert reply.status == 200
        assert sim.requests[-1].headers["host"] == f"localhost:{sim.port}"


NOT_ALLOWED = ["api.openai.com", "127.0.0.1", "127.0.0.1:1", "localhost", "169.254.169.254", "a.b:80", "%5B::1%5D:80"]


@pytest.mark.parametrize("host", NOT_ALLOWED)
@pytest.mark.parametrize("allowed", [(), ("api.groq.com", "127.0.0.1:2")])
async def test_other_hosts(host: str, allowed: tuple[str, ...]) -> None:
    async with SimServer() as sim, running(settings(sim.url, allowed_hosts=allowed)) as proxy:
        reply = await proxy.ask("POST", f"/{host}{CHAT}", body_of())

        assert (reply.status, reply.error["code"]) == (404, "host_not_allowed")
        assert "is not on the allow-list" in reply.error["message"] and "`allowed_hosts`" in reply.error["message"]
        assert sim.connection_count == 0


@pytest.mark.parametrize("path", ["/{host}/v2/models", "/{host}/models", "/{host}/v1x/models", "/{host}"])
async def test_only_the_api_of_an_allowed_host(path: str) -> None:
    async with SimServer() as sim:
        host = f"127.0.0.1:{sim.port}"
        async with running(settings(allowed_hosts=(host,))) as proxy:
            reply = await proxy.ask("GET", path.format(host=host))

            assert (reply.status, reply.error["code"]) == (404, "unknown_url")
            assert sim.connection_count == 0


async def test_no_way_out_of_the_api_there() -> None:
    async with SimServer() as sim:
        host = f"127.0.0.1:{sim.port}"
        async with running(settings(allowed_hosts=(host,))) as proxy:
            for path in ("/v1/../admin", "/v1/%2e%2e/admin", "/v1/x/..%2fy", "/../v1/models"):
                reply = await proxy.ask("GET", f"/{host}{path}")
                assert (reply.status, reply.error["code"]) == (404, "unknown_url")
            assert sim.connection_count == 0


async def test_a_name_that_resolves_to_a_private_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that the operator wrote down is meant; what a name resolves to is not."""
    monkeypatch.setattr(dial, "_resolve", resolve_to_loopback(dial._resolve))
    async with SimServer() as sim:
        host = f"models.test:{sim.port}"
        async with running(settings(sim.url, allowed_hosts=(host,))) as proxy:
            for method, path, content in (*PATHS, ("POST", CHAT, body_of())):
                reply = await proxy.ask(method, f"/{host}{path}", content)

                assert (reply.status, reply.error["code"]) == (502, "upstream_unreachable")
                assert reply.error["message"] == f"{host} has an address that may not be connected to."
            assert sim.connection_count == 0


async def test_a_host_without_a_dot() -> None:
    async with running(settings(allowed_hosts=("ollama",))) as proxy:
        reply = await proxy.ask("GET", "/ollama/v1/models")
        assert reply.status == 502 and reply.header("x-trueline-upstream") == "ollama"

        reply = await proxy.ask("GET", "/vllm/v1/models")
        assert (reply.status, reply.error["code"]) == (404, "unknown_url")
