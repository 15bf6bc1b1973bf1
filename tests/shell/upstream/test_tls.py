"""Real handshakes: what is trusted, and what is said of what is not."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from pathlib import Path

import pytest
import trustme

from shell.upstream.scripted import OK, Peer, client, echoing, serve
from trueline.errors import UpstreamTLSError
from trueline.shell.upstream import Target, TLSOptions, UpstreamClient


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def context_of(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture(scope="module")
def trusted(authority: trustme.CA) -> ssl.SSLContext:
    return context_of(authority.issue_cert("127.0.0.1", "localhost"))


async def ask(upstream: UpstreamClient, target: Target, tls: TLSOptions | None) -> bytes:
    response = await upstream.request("POST", target, "/", [], b"hello", tls=tls)
    return await response.read_all(1000)


async def test_a_trusted_authority(trusted: ssl.SSLContext, ca_file: str) -> None:
    tls = TLSOptions(ca_file=ca_file)
    async with serve(echoing, trusted) as server, client() as upstream:
        for _ in range(3):
            assert await ask(upstream, server.target, tls) == b"hello"
        assert server.connections == 1


async def test_without_verification(trusted: ssl.SSLContext) -> None:
    async with serve(echoing, trusted) as server, client() as upstream:
        assert await ask(upstream, server.target, TLSOptions(verify=False)) == b"hello"
        with pytest.raises(UpstreamTLSError):
            await ask(upstream, server.target, None)


async def test_the_server_is_told_the_name_and_the_protocol(authority: trustme.CA, ca_file: str) -> None:
    context = context_of(authority.issue_cert("localhost"))
    context.set_alpn_protocols(["h2", "http/1.1"])
    names: list[str | None] = []
    context.sni_callback = lambda _, name, __: names.append(name)
    async with serve(echoing, context) as server, client() as upstream:
        target = Target.parse(f"https://localhost:{server.port}")
        assert await ask(upstream, target, TLSOptions(ca_file=ca_file)) == b"hello"
    assert names == ["localhost"]


async def test_large_bodies_and_a_reader_that_pauses(trusted: ssl.SSLContext, ca_file: str) -> None:
    async with serve(echoing, trusted) as server, client() as upstream:
        body = bytes(range(256)) * 12_000
        response = await upstream.request("POST", server.target, "/", [], body, tls=TLSOptions(ca_file=ca_file))
        assert await response.read_all(len(body)) == body
        assert len(upstream._pool._kept) == 1


async def test_leaving_drops_the_connection(trusted: ssl.SSLContext, ca_file: str) -> None:
    gone = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nhello")
        await peer.gone()
        gone.set()

    async with serve(script, trusted) as server, client() as upstream:
        response = await upstream.request("GET", server.target, "/", [], tls=TLSOptions(ca_file=ca_file))
        assert await response.read() == b"hello"
        response.close()
        await gone.wait()


async def test_a_body_that_ends_with_the_connection(trusted: ssl.SSLContext, ca_file: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nhello")
        peer.close()
        await peer.gone()

    async with serve(script, trusted) as server, client() as upstream:
        response = await upstream.request("GET", server.target, "/", [], tls=TLSOptions(ca_file=ca_file))
        assert await response.read_all(100) == b"hello"


async def failure(context: ssl.SSLContext, tls: TLSOptions | None, host: str = "127.0.0.1") -> str:
    async def script(peer: Peer) -> None:
        await peer.gone()

    async with serve(script, context) as server, client() as upstream:
        target = Target.parse(f"https://{host}:{server.port}")
        with pytest.raises(UpstreamTLSError) as caught:
            await ask(upstream, target, tls)
        assert f"{host}:{server.port} failed the TLS handshake" in str(caught.value)
        assert upstream._pool._hosts == {}
        return str(caught.value)


async def test_unknown_authority(trusted: ssl.SSLContext) -> None:
    assert "unknown" in await failure(trusted, None)


async def test_self_signed(tmp_path: Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    files = ["-keyout", "key.pem", "-out", "cert.pem"]
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, *files, cwd=tmp_path, stderr=quiet)
    assert await process.wait() == 0
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")

    assert "its certificate is self-signed; set ca_file" in await failure(context, None)


async def test_expired(authority: trustme.CA, ca_file: str) -> None:
    past = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    context = context_of(
        authority.issue_cert("127.0.0.1", not_before=past, not_after=past + datetime.timedelta(days=1))
    )

    assert "its certificate has expired" in await failure(context, TLSOptions(ca_file=ca_file))


@pytest.mark.parametrize(("name", "host"), [("other.test", "localhost"), ("other.test", "127.0.0.1")])
async def test_another_name(authority: trustme.CA, ca_file: str, name: str, host: str) -> None:
    context = context_of(authority.issue_cert(name))

    assert "hostname mismatch" in await failure(context, TLSOptions(ca_file=ca_file), host)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
async def test_no_tls_there(answer: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.read(1)
        await peer.send(answer)
        peer.close()

    async with serve(script) as server, client() as upstream:
        with pytest.raises(UpstreamTLSError, match="http:// address" if answer else "closed the connection during"):
            await ask(upstream, Target.parse(f"https://127.0.0.1:{server.port}"), None)


@pytest.mark.parametrize(("content", "words"), [(None, "no such file"), ("nothing", "no PEM certificate")])
async def test_a_ca_file_that_cannot_be_used(tmp_path: Path, content: str | None, words: str) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    async with serve(echoing) as server, client() as upstream:
        with pytest.raises(UpstreamTLSError, match=words):
            await ask(upstream, Target.parse(f"https://127.0.0.1:{server.port}"), TLSOptions(ca_file=str(path)))


async def test_a_reused_connection_that_died_is_replaced(trusted: ssl.SSLContext, ca_file: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        if peer.number == 1:
            await peer.request()
            peer.reset()
        await peer.gone()

    tls = TLSOptions(ca_file=ca_file)
    async with serve(script, trusted) as server, client() as upstream:
        assert await ask(upstream, server.target, tls) == b"ok"
        assert await ask(upstream, server.target, tls) == b"ok"
        assert server.connections == 2
