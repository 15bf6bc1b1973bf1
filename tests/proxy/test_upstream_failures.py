"""Upstreams that fail before they answer, or answer with an error: an OpenAI error that says what to do."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trustme

from proxy.running import CHAT, Proxy, body_of, running, settings, timeouts, upstream
from shell.upstream.scripted import Peer, Script, serve
from shell.upstream.test_dial import free_port
from trueline.sim import SimServer

IMAGES = "/v1/images/generations"
SHORT = 0.05
REQUESTS: list[tuple[str, str, Any]] = [
    ("POST", CHAT, body_of()),
    ("POST", CHAT, body_of(stream=True)),
    ("POST", IMAGES, {"prompt": "x"}),
    ("GET", "/v1/models", None),
    ("GET", "/v1/models/x", None),
    ("POST", "/v1/moderations", {"model": "x", "input": "y"}),
    ("DELETE", "/v1/files/x", None),
    ("POST", "/v1/files", b"--x--"),
]
IDS = ["chat", "stream", "image", "models", "model", "moderations", "delete", "upload"]
every_request = pytest.mark.parametrize(("method", "path", "content"), REQUESTS, ids=IDS)


@asynccontextmanager
async def before(script: Script, **options: Any) -> AsyncIterator[tuple[Proxy, int]]:
    """A proxy before a scripted upstream, and that one's port."""
    async with serve(script) as server:
        up = upstream(f"http://127.0.0.1:{server.port}/v1", **options)
        async with running(settings(up)) as proxy:
            yield proxy, server.port


def saying(head: str, body: bytes = b"", *, length: bool = True) -> Script:
    """An upstream that gives one answer to everything, and closes."""

    async def script(peer: Peer) -> None:
        await peer.request()
        size = f"content-length: {len(body)}\r\n" if length else ""
        await peer.send(f"HTTP/1.1 {head}\r\nconnection: close\r\n{size}\r\n".encode() + body)
        peer.close()

    return script


# ---- no answer


@every_request
async def test_down(method: str, path: str, content: Any) -> None:
    port = free_port()
    async with running(settings(f"http://127.0.0.1:{port}/v1")) as proxy:
        reply = await proxy.ask(method, path, content)

        assert reply.status == 502 and reply.complete
        assert reply.error == {
            "message": f"127.0.0.1:{port} refused the connection: no server is listening there.",
            "type": "server_error",
            "param": None,
            "code": "upstream_unreachable",
        }
        assert reply.header("x-trueline-upstream") == "up"
        assert "status=502" in proxy.log.lines[-1] and "error=upstream_unreachable" in proxy.log.lines[-1]


async def test_an_unknown_name() -> None:
    async with running(settings("http://models.invalid/v1")) as proxy:
        reply = await proxy.chat()

        assert (reply.status, reply.error["code"]) == (502, "upstream_unreachable")
        assert reply.error["message"].startswith("models.invalid:80 cannot be found: DNS")


async def test_a_certificate_that_nobody_vouches_for(tmp_path: Any) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    async with serve(saying("200 OK", b'{"object": "list", "data": []}'), context) as server:
        url = f"https://127.0.0.1:{server.port}/v1"
        async with running(settings(url)) as proxy:
            reply = await proxy.ask("GET", "/v1/models")
            assert (reply.status, reply.error["code"]) == (502, "upstream_tls_failed")
            assert "set ca_file to trust it" in reply.error["message"]
        for options in ({"ca_file": str(tmp_path / "ca.pem")}, {"verify": False}):
            async with running(settings(upstream(url, **options))) as proxy:
                assert (await proxy.ask("GET", "/v1/models")).status == 200


async def test_plain_http_where_tls_was_expected() -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.read(1)
        await peer.send(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n")

    async with serve(script) as server, running(settings(f"https://127.0.0.1:{server.port}")) as proxy:
        reply = await proxy.chat()

        assert (reply.status, reply.error["code"]) == (502, "upstream_tls_failed")
        assert "is it an http:// address?" in reply.error["message"]


# ---- too late


async def test_connect_timeout() -> None:
    """A listener whose queue is full: the kernel answers no further SYN."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with running(settings(upstream(url, timeouts=timeouts(connect=SHORT)))) as proxy:
            reply = await proxy.chat()
            assert (reply.status, reply.error["code"]) == (504, "upstream_timeout")
            assert "did not connect within 0.05 s (connect timeout)" in reply.error["message"]
        for filler in fillers:
            filler.close()


async def silent(peer: Peer) -> None:
    await peer.request()
    await peer.gone()


@every_request
@pytest.mark.parametrize("which", ["first_byte", "total"])
async def test_an_answer_that_does_not_begin(method: str, path: str, content: Any, which: str) -> None:
    async with before(silent, timeouts=timeouts(**{which: SHORT})) as (proxy, port):
        reply = await proxy.ask(method, path, content)

        assert (reply.status, reply.error["code"]) == (504, "upstream_timeout")
        assert reply.error["type"] == "server_error"
        assert reply.error["message"].startswith(f"127.0.0.1:{port} ")
        assert f"({which} timeout)" in reply.error["message"]


@pytest.mark.parametrize("which", ["stall", "total"])
async def test_a_whole_answer_that_stops(which: str) -> None:
    async def stalling(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
        await peer.gone()

    async with before(stalling, timeouts=timeouts(**{which: SHORT})) as (proxy, _):
        reply = await proxy.chat()

        assert (reply.status, reply.error["code"]) == (504, "upstream_timeout")
        assert f"({which} timeout)" in reply.error["message"]


# ---- nonsense


NONSENSE = {
    "not HTTP": (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "upstream_invalid_reply"),
    "HTTP/2": (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", "upstream_cut"),
    "nothing": (b"", "upstream_cut"),
    "half a head": (b"HTTP/1.1 200 OK\r\ncontent-le", "upstream_cut"),
    "switching protocols": (b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n", "upstream_invalid_reply"),
    "a bad length": (b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n{}", "upstream_invalid_reply"),
    "a vast head": (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000 + b"\r\n\r\n{}", "upstream_invalid_reply"),
    "an unknown coding": (b"HTTP/1.1 200 OK\r\ncontent-encoding: rot13\r\n\r\n{}", "upstream_invalid_reply"),
}


@pytest.mark.parametrize("case", NONSENSE)
@pytest.mark.parametrize("stream", [False, True])
async def test_nonsense(case: str, stream: bool) -> None:
    raw, code = NONSENSE[case]

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(raw)
        peer.close()

    async with before(script) as (proxy, _):
        reply = await proxy.chat(stream=stream)

        assert reply.status == 502
        assert reply.error["type"] == "server_error"
        assert reply.error["code"] == code or case == "HTTP/2"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("text/html", b"<html><title>Log in</title></html>", "not JSON: 'Log in'. It looks like a web page"),
        ("text/plain", b"hello", "not JSON: 'hello'"),
        ("application/json", b"", "empty"),
        ("application/json", b'{"choices": [', ""),
        ("application/json", b"[]", ""),
        ("application/json", b'{"models": []}', ""),
    ],
)
async def test_an_answer_that_is_none(kind: str, body: bytes, words: str, stream: bool) -> None:
    async with before(saying(f"200 OK\r\ncontent-type: {kind}", body)) as (proxy, _):
        reply = await proxy.chat(stream=stream)

        assert reply.status == 502, reply
        if not stream:
            assert words in reply.error["message"]


# ---- the upstream's own errors


@every_request
async def test_redirects_are_not_followed(method: str, path: str, content: Any) -> None:
    where = "http://127.0.0.1:9/v1/?token=s3cret"
    async with before(saying(f"307 Temporary Redirect\r\nlocation: {where}")) as (proxy, _):
        reply = await proxy.ask(method, path, content)

        if path in (CHAT, IMAGES) or method == "GET":
            assert (reply.status, reply.error["code"]) == (502, "upstream_redirect")
            assert "'up' redirects to http://127.0.0.1:9/v1/. Redirects are not followed" in reply.error["message"]
            assert reply.header("location") is None and b"s3cret" not in reply.body
        else:  # passed on: it is for the client to follow, or not
            assert (reply.status, reply.header("location")) == (307, where)


def error_json(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


OPENAI = {"message": "Rate limit reached", "type": "requests", "param": None, "code": "rate_limit_exceeded"}
SHAPES: list[tuple[str, bytes, int, dict[str, Any]]] = [
    ("429 Too Many Requests", error_json(error=OPENAI), 429, OPENAI),
    ("404 Not Found", error_json(error="model 'x' not found"), 404, {"message": "model 'x' not found"}),
    ("422 Unprocessable Entity", error_json(detail=[{"loc": ["body", "n"], "msg": "bad"}]), 400, {"message": "body.n"}),
    ("400 Bad Request", error_json(object="error", message="too long", code=40303), 400, {"code": "40303"}),
    ("400 Bad Request", b'[{"error": {"code": 400, "message": "m", "status": "INVALID_ARGUMENT"}}]', 400, {}),
    ("500 Internal Server Error", b"Internal Server Error", 500, {"message": "Internal Server Error"}),
    ("502 Bad Gateway", b"<html><head><title>502 Bad Gateway</title>", 502, {"message": "502 Bad Gateway"}),
    ("503 Service Unavailable", b"", 503, {"message": "Service unavailable", "type": "server_error"}),
    ("529 Overloaded", error_json(type="error", error={"type": "overloaded_error", "message": "o"}), 503, {}),
    ("402 Payment Required", error_json(error={"message": "no credit"}), 402, {"code": "insufficient_quota"}),
    ("418 I'm a teapot", error_json(error={"message": "short"}), 418, {"message": "short"}),
    ("599 Odd", b"\xff\xfe", 599, {}),
    ("999 Odder", b"x", 502, {}),
]


@pytest.mark.parametrize(("head", "body", "status", "expected"), SHAPES, ids=[shape[0] for shape in SHAPES])
@every_request
async def test_error_bodies_of_every_shape(
    method: str, path: str, content: Any, head: str, body: bytes, status: int, expected: dict[str, Any]
) -> None:
    async with before(saying(head, body)) as (proxy, _):
        reply = await proxy.ask(method, path, content)

        assert reply.status == status and reply.complete
        for name, value in expected.items():
            assert str(value) in str(reply.error[name])
        assert reply.error["type"]


async def test_head_has_no_error_body() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 404 Not Found\r\ncontent-length: 500\r\n\r\n")
        await peer.gone()

    async with before(script) as (proxy, _):
        reply = await proxy.ask("HEAD", "/v1/files/x")

        assert (reply.status, reply.body, reply.complete) == (404, b"", True)


async def test_an_error_body_that_is_cut_or_vast_is_still_an_error() -> None:
    for body in (b'{"error": {"message": "the beg', b"x" * 3_000_000):

        async def script(peer: Peer, body: bytes = body) -> None:
            await peer.request()
            await peer.send(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 9000000\r\n\r\n" + body)
            peer.close()

        async with before(script) as (proxy, _):
            reply = await proxy.chat()
            assert (reply.status, reply.error["message"]) == (400, "Bad request")


@pytest.mark.parametrize("after", ["20", "Wed, 21 Oct 2026 07:28:00 GMT"])
@every_request
async def test_retry_after_survives(method: str, path: str, content: Any, after: str) -> None:
    head = f"429 Too Many Requests\r\nretry-after: {after}\r\nx-should-retry: true\r\nx-ratelimit-limit-requests: 3"
    async with before(saying(head, error_json(error=OPENAI))) as (proxy, _):
        reply = await proxy.ask(method, path, content)

        assert reply.status == 429
        assert reply.all("retry-after") == [after]
        assert reply.header("x-should-retry") == "true"
        assert reply.header("x-ratelimit-limit-requests") == "3"


@pytest.mark.parametrize("status", [401, 403])
@every_request
async def test_our_own_key_refused_is_not_the_clients_fault(method: str, path: str, content: Any, status: int) -> None:
    said = error_json(error={"message": "Wrong key sk-abcdefghijklmnopqrst"})
    script = saying(f"{status} No\r\nwww-authenticate: Bearer", said)
    async with before(script, key="sk-abcdefghijklmnopqrst") as (proxy, _):
        reply = await proxy.ask(method, path, content)

        assert (reply.status, reply.error["code"]) == (502, "upstream_key_refused")
        assert f"'up' refused the key that Trueline has for it ({status})" in reply.error["message"]
        assert b"sk-abcdefghijklmnopqrst" not in reply.body
        assert reply.header("www-authenticate") is None


async def test_our_own_key_refused_in_a_providers_words() -> None:
    """Google answers 400 to a key that is none."""
    reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    said = error_json(
        error={"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT", "details": [reason]}
    )
    chat = {"model": "gemini-3-pro", "messages": [{"role": "user", "content": "hi"}]}
    async with before(saying("400 Bad Request", said), key="k-1", dialect="gemini") as (proxy, _):
        reply = await proxy.ask("POST", "/v1/chat/completions", chat)

        assert (reply.status, reply.error["code"]) == (502, "upstream_key_refused")
        assert reply.error["message"].endswith("refused the key that Trueline has for it (400): API key not valid.")
    async with before(saying("400 Bad Request", said), dialect="gemini") as (proxy, _):
        reply = await proxy.ask("POST", "/v1/chat/completions", chat)

        assert (reply.status, reply.error["code"]) == (400, "invalid_api_key")


async def test_the_clients_key_refused() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        for method, path, content in REQUESTS[:4]:
            reply = await proxy.ask(method, path, content, authorization="Bearer sk-wrong-abcdefghijklmnop-key")
            assert (reply.status, reply.error["code"]) == (401, "invalid_api_key")
            assert reply.error["type"] == "invalid_request_error"


# ---- an idle connection that died


async def test_a_connection_that_was_closed_while_idle_is_replaced() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        for _ in range(5):
            assert (await proxy.chat(x_sim={"fail": "close-idle"})).status == 200
        assert sim.request_count == 5


@pytest.mark.parametrize("stream", [False, True])
async def test_the_clients_key_is_in_no_error(stream: bool) -> None:
    key = "abcdefabcdefabcdefabcdefabcdefab"
    failed = '{"error":{"message":"no access for ' + key + '","type":"x","code":null,"param":null}}'
    chunk = '{"id":"i","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}'
    body = f"data: {chunk}\n\ndata: {failed}\n\n" if stream else failed
    kind = "text/event-stream" if stream else "application/json"
    async with before(saying(f"200 OK\r\ncontent-type: {kind}", body.encode())) as (proxy, _):
        reply = await proxy.ask("POST", CHAT, body_of(stream=stream), authorization=f"Bearer {key}")

    assert b"no access for [redacted]" in reply.body
    assert key.encode() not in reply.body
