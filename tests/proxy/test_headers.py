"""Which headers travel, and which are Trueline's own."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from proxy.running import CHAT, body_of, running, settings, upstream
from proxy.talking import Reply
from shell.upstream.scripted import Peer, serve
from trueline.shell.headers import for_upstream
from trueline.sim import SimServer

REQUESTS: list[tuple[str, str, Any]] = [
    ("POST", CHAT, body_of()),
    ("POST", CHAT, body_of(stream=True)),
    ("POST", "/v1/images/generations", {"prompt": "x"}),
    ("GET", "/v1/models", None),
    ("GET", "/v1/models/x", None),
    ("POST", "/v1/embeddings", {"model": "x", "input": "y"}),
    ("POST", "/v1/files", b"--x--"),
    ("GET", "/v1/nothing", None),
]
IDS = ["chat", "stream", "image", "models", "model", "embeddings", "upload", "404"]
every_request = pytest.mark.parametrize(("method", "path", "content"), REQUESTS, ids=IDS)


# ---- the request's id


@every_request
async def test_a_request_id_is_made(method: str, path: str, content: Any) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        replies = [await proxy.ask(method, path, content) for _ in range(2)]

        ids = [reply.header("x-request-id") or "" for reply in replies]
        assert len(set(ids)) == 2 and all(len(one) == 36 and one.startswith("req_") for one in ids)
        assert [request.headers["x-request-id"] for request in sim.requests] == ids
        assert [line.split()[2].removeprefix("request=") for line in proxy.log.lines] == ids
        assert [len(reply.all("x-request-id")) for reply in replies] == [1, 1]


@every_request
async def test_a_request_id_is_accepted(method: str, path: str, content: Any) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await proxy.ask(method, path, content, x_request_id="my-id:1/2")

        assert reply.all("x-request-id") == ["my-id:1/2"]
        assert sim.requests[-1].headers["x-request-id"] == "my-id:1/2"
        assert proxy.log.lines[-1].split()[2] == "request=my-id:1/2"


@pytest.mark.parametrize("bad", ["", "a b", "x" * 513, "caf\xe9", "a\tb"])
async def test_a_request_id_that_is_not_sane_is_replaced(bad: str) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await proxy.ask("POST", CHAT, body_of(), x_request_id=bad)

        assert (reply.header("x-request-id") or "").startswith("req_")
        assert sim.requests[-1].headers["x-request-id"] == reply.header("x-request-id")


async def test_a_refusal_has_a_request_id_too() -> None:
    async with running(settings("http://127.0.0.1:9/v1")) as proxy:
        for path in (CHAT, "/nowhere"):
            reply = await proxy.ask("POST", path, b"{", x_request_id="mine")
            assert reply.all("x-request-id") == ["mine"]


# ---- keys


@every_request
async def test_the_clients_key_is_forwarded(method: str, path: str, content: Any) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        await proxy.ask(method, path, content, authorization="Bearer sk-client", api_key="k2", x_api_key="k3")

        headers = sim.requests[-1].headers
        assert [headers.get(name) for name in ("authorization", "api-key", "x-api-key")] == [
            "Bearer sk-client",
            "k2",
            "k3",
        ]


@every_request
async def test_the_upstreams_own_key_replaces_it(method: str, path: str, content: Any) -> None:
    async with SimServer() as sim, running(settings(upstream(sim.url, key="sk-own"))) as proxy:
        secrets = {"authorization": "Bearer sk-client", "api_key": "k2", "x_api_key": "k3", "x_goog_api_key": "k4"}
        await proxy.ask(method, path, content, **secrets)

        headers = sim.requests[-1].headers
        assert headers["authorization"] == "Bearer sk-own"
        assert not {"api-key", "x-api-key", "x-goog-api-key"} & headers.keys()
        assert "sk-client" not in str(headers)


OWN = [
    ({"api-key": "own"}, "api-key", "own"),
    ({"Authorization": "Basic own"}, "authorization", "Basic own"),
    ({"Ocp-Apim-Subscription-Key": "own"}, "ocp-apim-subscription-key", "own"),
    ({"X-Auth-Token": "own"}, "x-auth-token", "own"),
]


@pytest.mark.parametrize(("headers", "name", "value"), OWN)
@pytest.mark.parametrize("key", [None, "sk-own"])
async def test_a_key_in_an_upstreams_headers_is_its_own_key(
    headers: dict[str, str], name: str, value: str, key: str | None
) -> None:
    async with SimServer() as sim, running(settings(upstream(sim.url, key=key, headers=headers))) as proxy:
        await proxy.ask("POST", CHAT, body_of(), authorization="Bearer sk-client")

        sent = sim.requests[-1].headers
        assert sent[name] == value
        assert "sk-client" not in str(sent)
        assert sent.get("authorization") in (value, None if key is None else "Bearer sk-own")


CLIENTS_KEYS = (
    "x-key",
    "xi-api-key",
    "x-auth-token",
    "x-amz-security-token",
    "x-amz-date",
    "ocp-apim-subscription-key",
)


@pytest.mark.parametrize("name", CLIENTS_KEYS)
async def test_no_key_of_the_clients_goes_to_an_upstream_with_a_key_of_its_own(name: str) -> None:
    async with SimServer() as sim, running(settings(upstream(sim.url, key="sk-own"))) as proxy:
        await proxy.ask("POST", CHAT, body_of(), **{name.replace("-", "_"): "sk-client", "idempotency_key": "i-1"})

        headers = sim.requests[-1].headers
        assert name not in headers
        assert "sk-client" not in str(headers)
        assert headers["idempotency-key"] == "i-1"


def test_headers_of_one_provider_are_not_told_to_another() -> None:
    said = {"openai-organization": "org", "anthropic-version": "1", "x-goog-user-project": "p", "x-team": "t"}
    pairs = [(name.encode(), value.encode()) for name, value in said.items()]
    heard = {
        "openai": {"openai-organization", "anthropic-version", "x-goog-user-project", "x-team"},
        "openai_responses": {"openai-organization", "x-team"},
        "anthropic": {"anthropic-version", "x-goog-user-project", "x-team"},
        "gemini": {"x-goog-user-project", "x-team"},
        "bedrock": {"x-team"},
        "cohere": {"x-team"},
    }
    for dialect, names in heard.items():
        sent = for_upstream(pairs, credentials=True, dialect=dialect)
        assert {name.decode() for name, _ in sent} == names, dialect


async def test_an_upstreams_headers_replace_the_clients() -> None:
    up = {"headers": {"User-Agent": "ours", "X-Team": "blue"}}
    async with SimServer() as sim, running(settings(upstream(sim.url, **up))) as proxy:  # type: ignore[arg-type]
        await proxy.ask("POST", CHAT, body_of(), user_agent="theirs", authorization="Bearer sk-client")

        headers = sim.requests[-1].headers
        assert (headers["user-agent"], headers["x-team"]) == ("ours", "blue")
        assert headers["authorization"] == "Bearer sk-client"


async def test_the_list_of_several_upstreams_gives_no_key_to_the_wrong_one() -> None:
    async with SimServer() as one, SimServer() as two, SimServer() as three:
        keyed = upstream(three.url, name="three", key="sk-own")
        chosen = settings(upstream(one.url, name="one"), upstream(two.url, name="two"), keyed)
        async with running(chosen) as proxy:
            assert (await proxy.ask("GET", "/v1/models", authorization="Bearer sk-client")).status == 200
            assert "authorization" not in one.requests[-1].headers
            assert "authorization" not in two.requests[-1].headers
            assert three.requests[-1].headers["authorization"] == "Bearer sk-own"
        async with running(settings(upstream(one.url, name="one"), keyed)) as proxy:
            await proxy.ask("GET", "/v1/models", authorization="Bearer sk-client")
            assert one.requests[-1].headers["authorization"] == "Bearer sk-client"
            assert three.requests[-1].headers["authorization"] == "Bearer sk-own"


# ---- Trueline's own keys

KEYS = ("tl-one", "tl-two")


@every_request
async def test_without_a_key(method: str, path: str, content: Any) -> None:
    async with SimServer() as sim, running(settings(sim.url, keys=KEYS)) as proxy:
        reply = await proxy.ask(method, path, content)

        assert reply.status == 401
        assert reply.error["message"].startswith("You didn't provide an API key.")
        assert (reply.error["type"], reply.error["code"]) == ("invalid_request_error", None)
        assert sim.connection_count == 0


@pytest.mark.parametrize(
    "given",
    [
        {"authorization": "Bearer tl-on"},
        {"authorization": "Bearer tl-one2"},
        {"authorization": "Bearer TL-ONE"},
        {"authorization": "Bearer \xfc"},
        {"authorization": "Basic tl-one"},
        {"api_key": "nope"},
    ],
)
async def test_with_a_wrong_key(given: dict[str, str]) -> None:
    async with SimServer() as sim, running(settings(sim.url, keys=KEYS)) as proxy:
        reply = await proxy.ask("POST", CHAT, body_of(), **given)

        assert (reply.status, reply.error["code"]) == (401, "invalid_api_key")
        assert reply.error["message"] == "Incorrect API key provided."
        assert sim.connection_count == 0


RIGHT = [
    {"authorization": "Bearer tl-one"},
    {"authorization": "bearer  tl-two"},
    {"authorization": "tl-one"},
    {"api_key": "tl-one"},
    {"x_api_key": "tl-two"},
    {"authorization": "Bearer sk-client", "x_api_key": "tl-one"},
]


@pytest.mark.parametrize("given", RIGHT)
@pytest.mark.parametrize("own", [None, "sk-own"])
async def test_with_a_right_key_which_goes_no_further(given: dict[str, str], own: str | None) -> None:
    async with SimServer() as sim, running(settings(upstream(sim.url, key=own), keys=KEYS)) as proxy:
        reply = await proxy.ask("POST", CHAT, body_of(), **given)

        assert reply.status == 200
        assert sim.requests[-1].headers.get("authorization") == (own and f"Bearer {own}")
        assert "tl-" not in str(sim.requests[-1].headers)
        assert "tl-" not in proxy.log.text


async def test_a_key_for_requests_that_may_be_repeated_is_no_key() -> None:
    async with SimServer() as sim, running(settings(sim.url, keys=KEYS)) as proxy:
        reply = await proxy.ask("POST", CHAT, body_of(), idempotency_key="i-1")
        assert reply.error["message"].startswith("You didn't provide an API key.")

        await proxy.ask("POST", CHAT, body_of(), idempotency_key="i-1", authorization="Bearer tl-one")
        assert sim.requests[-1].headers["idempotency-key"] == "i-1"


@pytest.mark.parametrize("path", ["/health", "/health/ready", "/"])
async def test_health_wants_no_key(path: str) -> None:
    async with running(settings("http://127.0.0.1:9", keys=KEYS)) as proxy:
        reply = await proxy.ask("GET", path)

        assert reply.status == 200
        assert reply.json.get("status", "") in ("ok", "ready", "")


# ---- what else goes up


STAYS = {
    "cookie": "session=1",
    "connection": "keep-alive, x-private",
    "x-private": "1",
    "keep-alive": "timeout=5",
    "te": "trailers",
    "trailer": "x-sum",
    "proxy-authorization": "Basic x",
    "proxy-connection": "keep-alive",
    "forwarded": "for=10.0.0.1",
    "x-forwarded-for": "10.0.0.1",
    "x-forwarded-port": "443",
    "x-real-ip": "10.0.0.1",
    "origin": "https://app.example",
    "referer": "https://app.example/chat",
    "sec-fetch-mode": "cors",
    "x-trueline-anything": "1",
    "accept-encoding": "gzip",
}
GOES = {
    "user-agent": "OpenAI/Python 3",
    "accept": "application/json",
    "openai-organization": "org-1",
    "openai-beta": "assistants=v2",
    "x-stainless-retry-count": "0",
    "idempotency-key": "i-1",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "http-referer": "https://app.example",
    "x-title": "App",
}


@every_request
async def test_headers_that_go_up(method: str, path: str, content: Any) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        given = {name.replace("-", "_"): value for name, value in (STAYS | GOES).items()}
        await proxy.ask(method, path, content, **given)

        headers = sim.requests[-1].headers
        assert {name: headers.get(name) for name in GOES} == GOES
        left = {name: headers[name] for name in STAYS if headers.get(name) == STAYS[name]}
        assert left == {}
        assert headers["host"] == f"127.0.0.1:{sim.port}"


# ---- what comes down


@every_request
async def test_headers_that_come_down(method: str, path: str, content: Any) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await proxy.ask(method, path, content)

        assert reply.header("x-ratelimit-limit-requests") == "10000"
        assert reply.header("x-ratelimit-reset-tokens") == "0s"
        assert reply.header("openai-organization") == "user-sim"
        assert reply.header("openai-version") == "2020-10-01"
        assert reply.all("openai-processing-ms") == ["7"]
        assert reply.header("x-trueline-upstream") == "up"
        assert 0 <= int(reply.header("x-trueline-overhead-us") or -1) < 10_000_000
        assert len(reply.all("date")) == 1 and reply.header("server") is None
        assert len(reply.all("content-type")) == 1


DOWN = (
    b"set-cookie: a=b\r\nserver: nginx\r\nvia: 1.1 x\r\nalt-svc: h3\r\nstrict-transport-security: max-age=1\r\n"
    b"access-control-allow-origin: *\r\nx-trueline-upstream: liar\r\nx-trueline-usage: liar\r\nx-request-id: theirs\r\n"
    b"connection: x-hop\r\nx-hop: 1\r\nproxy-authenticate: Basic\r\ncf-ray: 123\r\nx-ratelimit-limit: 5\r\n"
)
OF_THE_BODY = (
    b'etag: "1"\r\ncontent-md5: x\r\nlast-modified: x\r\ncontent-disposition: attachment\r\naccept-ranges: bytes\r\n'
)


async def asked_of(path: str, body: bytes, kind: str = "application/json", status: str = "200 OK") -> Reply:
    async def script(peer: Peer) -> None:
        await peer.request()
        head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n".encode()
        await peer.send(head + DOWN + OF_THE_BODY + b"\r\n" + body)

    async with serve(script) as server, running(settings(f"http://127.0.0.1:{server.port}")) as proxy:
        return await proxy.ask("POST", path, body_of(stream=kind.startswith("text/event")))


WHOLE = json.dumps({"choices": [{"message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}]}).encode()
STREAMED = b'data: {"choices": [{"delta": {"content": "hi"}}]}\n\ndata: [DONE]\n\n'
REPLIES = {
    "chat": (CHAT, WHOLE, "application/json", "200 OK"),
    "stream": (CHAT, STREAMED, "text/event-stream", "200 OK"),
    "error": (CHAT, b'{"error": "x"}', "application/json", "400 Bad Request"),
    "passed": ("/v1/audio/speech", b"\x00\x01", "audio/mpeg", "200 OK"),
    "passed error": ("/v1/audio/speech", b"no", "text/plain", "500 Oops"),
}


@pytest.mark.parametrize("case", REPLIES)
async def test_what_does_not_come_down(case: str) -> None:
    reply = await asked_of(*REPLIES[case])

    names = {name for name, _ in reply.headers}
    assert not names & {"set-cookie", "server", "via", "alt-svc", "strict-transport-security", "x-hop"}
    assert not names & {"access-control-allow-origin", "proxy-authenticate"}
    assert reply.all("x-trueline-usage") == (["counted"] if case == "chat" else [])
    assert reply.all("x-trueline-upstream") == ["up"]
    assert "theirs" not in reply.all("x-request-id")
    assert (reply.header("cf-ray"), reply.header("x-ratelimit-limit")) == ("123", "5")
    same = case == "passed"
    assert (names >= {"etag", "content-md5", "last-modified", "content-disposition", "accept-ranges"}) is same
    assert bool(names & {"etag", "content-md5", "last-modified", "content-disposition"}) is same


async def test_the_upstreams_own_id_is_told_where_it_was_replaced() -> None:
    for given, told in [("x y", None), ("a\\r\\nset-cookie: b=c", None), ("x" * 600, None)]:
        body = WHOLE[:-1] + b', "id": "' + given.encode() + b'"}'
        reply = await asked_of(CHAT, body)
        assert reply.status == 200
        assert reply.header("x-trueline-upstream-id") == told
        assert reply.header("set-cookie") is None


async def test_the_overhead_is_not_the_time_of_others() -> None:
    """The head comes at once, the body later; and the client takes its time over its own."""

    async def script(peer: Peer) -> None:
        seen = await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(WHOLE))
        assert seen.header("x-wait")
        await waited.wait()
        await peer.send(WHOLE)

    waited = asyncio.Event()
    async with serve(script) as server, running(settings(f"http://127.0.0.1:{server.port}")) as proxy:
        talk = await proxy.talk()
        await talk.send("POST", CHAT, body_of(), x_wait="1")
        asyncio.get_running_loop().call_later(0.3, waited.set)
        reply = await talk.reply()

        whole = int(reply.header("openai-processing-ms") or 0) * 1000
        assert whole - int(reply.header("x-trueline-overhead-us") or 0) > 250_000  # the wait does not count
