"""Pictures through the proxy, and the fetching of those that came as a URL where base64 was asked for."""

from __future__ import annotations

import base64
import socket
from collections.abc import Callable
from typing import Any

import pytest

from proxy.running import Proxy, running, settings, upstream
from proxy.talking import Reply
from shell.upstream.scripted import Peer, Script, Seen, Server, serve
from trueline.shell import app as composition
from trueline.shell import fetcher
from trueline.shell.upstream import dial
from trueline.sim import SimServer

IMAGES = "/v1/images/generations"
PNG = b"\x89PNG\r\n\x1a\n picture"


async def draw(proxy: Proxy, **fields: Any) -> Reply:
    return await proxy.ask("POST", IMAGES, {"model": "dall-e-3", "prompt": "a cat", **fields})


async def test_a_url() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await draw(proxy)

        assert reply.status == 200
        assert type(reply.json["created"]) is int
        assert list(reply.json["data"][0]) == ["revised_prompt", "url"]
        assert reply.json["data"][0]["url"].startswith(sim.origin)
        assert sim.request_count == 1


async def test_base64() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await draw(proxy, response_format="b64_json")

        assert list(reply.json["data"][0]) == ["revised_prompt", "b64_json"]
        assert base64.b64decode(reply.json["data"][0]["b64_json"]).startswith(b"\x89PNG")
        assert reply.header("x-trueline-repairs") is None


async def test_a_stream() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await draw(proxy, model="gpt-image-1.5", stream=True, partial_images=1)

        assert reply.header("content-type") == "text/event-stream; charset=utf-8"
        assert reply.complete
        assert [event.partition(b"\n")[0] for event in reply.events] == [
            b"event: image_generation.partial_image",
            b"event: image_generation.completed",
        ]


async def test_a_url_where_base64_was_asked_for_is_fetched_from_the_upstream() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await draw(proxy, response_format="b64_json", x_sim={"faults": ["img-url-when-b64"]})

        assert reply.status == 200, reply
        picture = base64.b64decode(reply.json["data"][0]["b64_json"])
        assert picture.startswith(b"\x89PNG")
        assert "url" not in reply.json["data"][0]
        assert reply.header("x-trueline-repairs") == "img-url-when-b64"
        assert [request.method for request in sim.requests] == ["POST", "GET"]
        assert "authorization" not in sim.requests[-1].headers


# ---- the guarded fetcher


class Studio:
    """An upstream that draws at the URL it is told, and serves what else it is told."""

    def __init__(self, url: str, pages: dict[str, bytes] | None = None) -> None:
        self.url = url
        self.pages = pages or {}
        self.seen: list[Seen] = []

    async def __call__(self, peer: Peer) -> None:
        while True:
            seen = await peer.request()
            self.seen.append(seen)
            path = seen.line.split()[1]
            if path == IMAGES:
                await peer.send(
                    page(b'{"created": 1, "data": [{"url": "%b"}]}' % self.url.encode(), "application/json")
                )
            else:
                await peer.send(self.pages.get(path, b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"))


def page(body: bytes, kind: str = "image/png", status: str = "200 OK", more: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


def moved(to: str) -> bytes:
    return page(b"", status="302 Found", more=f"location: {to}\r\n")


async def draw_from(studio: Script, **secrets: str) -> tuple[Reply, Server]:
    async with serve(studio) as server, running(settings(upstream(f"http://127.0.0.1:{server.port}/v1"))) as proxy:
        request = {"model": "m", "prompt": "a cat", "response_format": "b64_json"}
        return await proxy.ask("POST", IMAGES, request, **secrets), server


RELATIVE = {"/files/a.png": page(PNG)}
FETCHED: dict[str, tuple[str, dict[str, bytes]]] = {
    "a path": ("/files/a.png", RELATIVE),
    "a path with a query": ("/files/a.png?sig=%2Fx", {"/files/a.png?sig=%2Fx": page(PNG)}),
    "no content type": ("/files/a.png", {"/files/a.png": page(PNG, "")}),
    "bytes": ("/files/a.png", {"/files/a.png": page(PNG, "binary/octet-stream")}),
    "redirects": ("/1", {"/1": moved("/2"), "/2": moved("/3"), "/3": moved("/files/a.png"), **RELATIVE}),
}


@pytest.mark.parametrize("case", FETCHED)
async def test_fetched(case: str) -> None:
    studio = Studio(*FETCHED[case])
    reply, _ = await draw_from(studio, authorization="Bearer sk-client", cookie="a=b")

    assert base64.b64decode(reply.json["data"][0]["b64_json"]) == PNG
    assert studio.seen[0].header("authorization") == "Bearer sk-client"
    for seen in studio.seen[1:]:
        assert [seen.header(name) for name in ("authorization", "cookie", "x-request-id")] == [None] * 3


REFUSED: dict[str, tuple[str, dict[str, bytes], str]] = {
    "loopback": ("http://127.0.0.2:1/a.png", {}, "127.0.0.2:1 has an address that may not be connected to"),
    "private": ("http://10.0.0.1/a.png", {}, "10.0.0.1:80 has an address that may not be connected to"),
    "link-local": ("http://169.254.169.254/latest/meta-data", {}, "has an address that may not be connected to"),
    "IPv6 loopback": ("http://[::1]:9/a.png", {}, "[::1]:9 has an address that may not be connected to"),
    "mapped": ("http://[::ffff:127.0.0.1]:9/a.png", {}, "has an address that may not be connected to"),
    "a decimal address": ("http://2130706433/a.png", {}, "has an address that may not be connected to"),
    "localhost": ("http://localhost:9/a.png", {}, "localhost:9 has an address that may not be connected to"),
    "redirected there": ("/1", {"/1": moved("http://127.0.0.2:1/x")}, "127.0.0.2:1 has an address that may not"),
    "redirected by scheme": ("/1", {"/1": moved("file:///etc/passwd")}, "the URL must start with http:// or https://"),
    "too many redirects": ("/1", {"/1": moved("/1")}, "more than 3 redirects"),
    "redirected to nowhere": ("/1", {"/1": page(b"", status="302 Found")}, "more than 3 redirects"),
    "not found": ("/none.png", {}, "status 404"),
    "a web page": ("/a.png", {"/a.png": page(b"<html>log in", "text/html")}, "it is no picture"),
    "not a URL": ("http://[::1/a.png", {}, "Invalid IPv6 URL"),
    "a password": ("http://user:s3cret@h.test/a.png", {}, "must not contain a user name or password"),
    "a space": ("/a b.png", {}, "the path must start with a slash and be percent-encoded"),
    "no such name": ("http://nowhere.invalid/a.png", {}, "nowhere.invalid:80 cannot be found"),
    "cut": ("/a.png", {"/a.png": b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\nconnection: close\r\n\r\n"}, ""),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_refused(case: str) -> None:
    url, pages, why = REFUSED[case]
    reply, _ = await draw_from(Studio(url, pages) if case != "cut" else CutStudio(url, pages))

    assert reply.status == 502
    assert reply.error["code"] == "image_fetch_failed"
    assert why in reply.error["message"]
    assert "s3cret" not in reply.error["message"]


class CutStudio(Studio):
    async def __call__(self, peer: Peer) -> None:
        await peer.request()
        await peer.send(page(b'{"created": 1, "data": [{"url": "%b"}]}' % self.url.encode(), "application/json"))
        seen = await peer.request()
        await peer.send(self.pages[seen.line.split()[1]])


async def test_a_picture_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "MAX_PICTURE", 1000)
    reply, _ = await draw_from(Studio("/a.png", {"/a.png": page(PNG * 100)}))

    assert reply.status == 502
    assert "more than 1000 bytes" in reply.error["message"]


async def test_another_host_is_fetched_where_its_address_is_public(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of another host, which resolves to loopback here: its address is asked for, and decides."""
    monkeypatch.setattr(dial, "_resolve", resolve_to_loopback(dial._resolve))
    studio = Studio("http://cdn.test:{port}/a.png", {"/a.png": page(PNG)})
    asked: list[str] = []

    def everything(address: str) -> bool:
        asked.append(address)
        return True

    monkeypatch.setattr(composition, "is_public_address", everything)
    async with serve(studio) as server:
        studio.url = studio.url.format(port=server.port)
        async with running(settings(f"http://127.0.0.1:{server.port}/v1")) as proxy:
            reply = await proxy.ask("POST", IMAGES, {"prompt": "a cat", "response_format": "b64_json"})

    assert base64.b64decode(reply.json["data"][0]["b64_json"]) == PNG
    assert asked == ["127.0.0.1"]
    assert studio.seen[-1].header("host") == f"cdn.test:{server.port}"


def resolve_to_loopback(resolve: Callable[..., Any]) -> Callable[..., Any]:
    async def resolved(host: str, port: int, where: str) -> Any:
        if host.endswith(".test"):
            return [(socket.AF_INET, "127.0.0.1", port)]
        return await resolve(host, port, where)

    return resolved


ADDRESSES = {
    "8.8.8.8": True,
    "2606:4700::1111": True,
    "127.0.0.1": False,
    "10.1.2.3": False,
    "172.16.0.1": False,
    "192.168.1.1": False,
    "169.254.169.254": False,
    "100.64.0.1": False,
    "0.0.0.0": False,
    "224.0.0.1": False,
    "240.0.0.1": False,
    "::1": False,
    "::": False,
    "fe80::1%eth0": False,
    "fc00::1": False,
    "ff02::1": False,
    "::ffff:10.0.0.1": False,
    "::ffff:8.8.8.8": True,
    "64:ff9b::7f00:1": False,
    "2002:7f00:1::": False,
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_public_addresses(address: str) -> None:
    assert fetcher.is_public_address(address) is ADDRESSES[address]
