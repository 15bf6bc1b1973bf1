"""Names, addresses and proxies."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

import pytest
import trustme

from shell.upstream.scripted import OK, Peer, Script, Seen, client, echoing, serve
from trueline.errors import UpstreamConnectError, UpstreamTLSError
from trueline.shell.upstream import Proxies, Target, TLSOptions
from trueline.shell.upstream import dial as dialling


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[int, str, int]) -> None:
    async def resolved(host: str, port: int, where: str) -> list[tuple[int, str, int]]:
        return list(addresses)

    monkeypatch.setattr(dialling, "_resolve", resolved)


async def test_refused() -> None:
    async with client() as upstream:
        port = free_port()
        with pytest.raises(UpstreamConnectError) as caught:
            await upstream.request("GET", Target.parse(f"http://127.0.0.1:{port}"), "/?key=s3cret", [])
        assert str(caught.value) == f"127.0.0.1:{port} refused the connection: no server is listening there."
        assert caught.value.status == 502
        assert upstream._pool._hosts == {}


async def test_unknown_name() -> None:
    async with client() as upstream:
        with pytest.raises(UpstreamConnectError, match=r"nowhere\.invalid:80 cannot be found: DNS"):
            await upstream.request("GET", Target.parse("http://nowhere.invalid"), "/", [])


async def test_localhost() -> None:
    async with serve(echoing) as server, client() as upstream:
        target = Target.parse(f"http://localhost:{server.port}")  # often ::1 first, where nobody listens
        response = await upstream.request("POST", target, "/", [], b"x")
        assert await response.read_all(10) == b"x"


async def test_the_next_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve(echoing) as server, client() as upstream:
        dead = (socket.AF_INET, "127.0.0.1", free_port())
        resolve_to(monkeypatch, dead, dead, (socket.AF_INET, "127.0.0.1", server.port))
        response = await upstream.request("POST", Target.parse("http://model.test"), "/", [], b"x")
        assert await response.read_all(10) == b"x"


async def test_a_silent_address_is_overtaken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener whose queue is full never answers; the one after it does."""
    monkeypatch.setattr(dialling, "_STAGGER", 0.01)
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
            fillers.append(filler)
        async with serve(echoing) as server, client() as upstream:
            silent = (socket.AF_INET, "127.0.0.1", full.getsockname()[1])
            resolve_to(monkeypatch, silent, (socket.AF_INET, "127.0.0.1", server.port))
            response = await upstream.request("POST", Target.parse("http://model.test"), "/", [], b"x")
            assert await response.read_all(10) == b"x"
        for filler in fillers:
            filler.close()


async def test_addresses_can_be_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def allowed(address: str) -> bool:
        asked.append(address)
        return address != "10.0.0.1"

    async with serve(echoing) as server, client(address_allowed=allowed) as upstream:
        target = Target.parse("http://model.test")
        resolve_to(monkeypatch, (socket.AF_INET, "10.0.0.1", 80))
        with pytest.raises(UpstreamConnectError, match="may not be connected to"):
            await upstream.request("GET", target, "/", [])
        resolve_to(monkeypatch, (socket.AF_INET, "10.0.0.1", 80), (socket.AF_INET, "127.0.0.1", server.port))
        response = await upstream.request("POST", target, "/", [], b"x")
        assert await response.read_all(10) == b"x"
    assert asked == ["10.0.0.1", "10.0.0.1", "127.0.0.1"]


async def test_a_connection_closed_at_once() -> None:
    async def script(peer: Peer) -> None:
        peer.reset()

    async with serve(script) as server, client() as upstream:
        with pytest.raises(Exception, match=f"127.0.0.1:{server.port} (reset|closed) the connection"):
            await upstream.request("GET", server.target, "/", [])


# ---- proxies


def tunnelling(port: int, seen: list[Seen]) -> Script:
    """A proxy that connects everything to `port` on this machine."""

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await peer.send(b"HTTP/1.1 200 Connection established\r\nx: y\r\n\r\n")
        upward = asyncio.ensure_future(copy(peer.reader, writer))
        try:
            await copy(reader, peer.writer)
        finally:
            upward.cancel()
            writer.transport.abort()
            await asyncio.gather(upward, return_exceptions=True)

    return script


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def test_http_goes_through_the_proxy_in_absolute_form() -> None:
    seen: list[Seen] = []

    async def script(peer: Peer) -> None:
        while True:
            seen.append(await peer.request())
            await peer.send(OK)

    async with serve(script) as proxy:
        proxies = Proxies(http=f"http://user:pass@127.0.0.1:{proxy.port}")
        async with client(proxies=proxies) as upstream:
            for _ in range(2):
                target = Target.parse("http://model.test:8000/v1")
                response = await upstream.request("POST", target, "/chat?x=1", [], b"{}")
                assert await response.read_all(10) == b"ok"
        assert proxy.connections == 1
    assert {request.line for request in seen} == {"POST http://model.test:8000/v1/chat?x=1 HTTP/1.1"}
    assert seen[0].header("host") == "model.test:8000"
    assert seen[0].header("proxy-authorization") == "Basic dXNlcjpwYXNz"


@pytest.mark.parametrize("secure_proxy", [False, True])
async def test_https_goes_through_a_tunnel(tmp_path: Path, secure_proxy: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))  # what OpenSSL takes for the system's
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("model.test", "127.0.0.1").configure_cert(context)
    seen: list[Seen] = []
    async with (
        serve(echoing, context) as server,
        serve(tunnelling(server.port, seen), context if secure_proxy else None) as proxy,
        client(proxies=Proxies(https=f"{proxy.scheme}://user:pass@127.0.0.1:{proxy.port}")) as upstream,
    ):
        for _ in range(2):
            target = Target.parse("https://model.test/v1")
            tls = TLSOptions(ca_file=str(tmp_path / "ca.pem"))
            response = await upstream.request("POST", target, "/chat", [(b"authorization", b"k")], b"{}", tls=tls)
            assert await response.read_all(10) == b"{}"
        assert server.connections == 1
    (request,) = seen
    assert request.line == "CONNECT model.test:443 HTTP/1.1"
    assert request.header("host") == "model.test:443"
    assert request.header("proxy-authorization") == "Basic dXNlcjpwYXNz"
    assert request.header("authorization") is None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "wants other credentials"),
        (b"HTTP/1.1 503 No\r\ncontent-length: 2\r\n\r\nno", "refused to connect to model.test:443 .status 503"),
        (b"", "did not answer"),
        (b"nonsense\r\n\r\n", "did not answer"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 50_000, "did not answer"),
    ],
)
async def test_a_proxy_that_refuses(answer: bytes, words: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer)

    async with serve(script) as proxy, client(proxies=Proxies(https=f"u:s3cret@127.0.0.1:{proxy.port}")) as upstream:
        with pytest.raises(UpstreamConnectError, match=words) as caught:
            await upstream.request("GET", Target.parse("https://model.test"), "/", [])
        assert f"The proxy 127.0.0.1:{proxy.port}" in str(caught.value)
        assert "s3cret" not in str(caught.value)
        assert upstream._pool._hosts == {}


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_is_not_trusted(scheme: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with (
        serve(echoing, context) as proxy,
        client(proxies=Proxies(**{scheme: f"https://127.0.0.1:{proxy.port}"})) as upstream,
    ):
        with pytest.raises(UpstreamTLSError, match=f"The proxy 127.0.0.1:{proxy.port} failed the TLS"):
            await upstream.request("GET", Target.parse(f"{scheme}://model.test"), "/", [])
        assert upstream._pool._hosts == {}


async def test_a_proxy_that_is_not_there() -> None:
    port = free_port()
    for scheme in ("http", "https"):
        async with client(proxies=Proxies(**{scheme: f"127.0.0.1:{port}"})) as upstream:
            with pytest.raises(UpstreamConnectError, match=f"The proxy 127.0.0.1:{port} refused the connection"):
                await upstream.request("GET", Target.parse(f"{scheme}://model.test"), "/", [])
