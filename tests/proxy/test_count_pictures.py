"""Pictures behind a URL, counted through the proxy: by the size of what is fetched, or by what the URL says."""

from __future__ import annotations

import socket
from base64 import b64decode
from typing import Any
from urllib.parse import urlsplit

import pytest

from engine.kit import load_module
from meta.source import ROOT
from proxy.running import running, settings
from proxy.test_count import NOWHERE, ask, counted
from shell.upstream.scripted import Peer, Seen, serve
from tokens.test_parts import png
from trueline.shell import app as composition
from trueline.shell.upstream import dial
from trueline.tokens.images import Size

PHOTO = "http://source.unsplash.com/8xznAGy4HcY/800x400"


class Pictures:
    """A server of pictures of one size; without one, of none."""

    def __init__(self, size: Size | None) -> None:
        self.size = size
        self.seen: list[Seen] = []

    async def __call__(self, peer: Peer) -> None:
        self.seen.append(await peer.request())
        body = b64decode(png(*self.size).partition(",")[2]) if self.size else b""
        head = "200 OK\r\ncontent-type: image/png" if self.size else "404 Not Found"
        await peer.send(f"HTTP/1.1 {head}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)


async def _nobody(host: str, port: int, where: str) -> Any:
    """Every name is this machine."""
    return [(socket.AF_INET, "127.0.0.1", port)]


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dial, "_resolve", _nobody)


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address of this machine is taken for a public one."""
    monkeypatch.setattr(composition, "is_public_address", lambda address: True)


async def count(body: dict[str, Any], pictures: Pictures, *, looks: bool = True) -> tuple[int, dict[str, Any]]:
    """What the proxy counts; `pictures` is asked for every picture, whatever its host is."""
    async with serve(pictures) as server:
        for part in body["messages"][0]["content"]:
            if part["type"] == "image_url":
                url = urlsplit(part["image_url"]["url"])
                part["image_url"]["url"] = f"http://{url.hostname}:{server.port}{url.path}"
        async with running(settings(NOWHERE, count_remote_images=looks)) as proxy:
            return await ask(proxy, body)


def body_of(url: str = PHOTO) -> dict[str, Any]:
    parts = [{"type": "text", "text": "What is in this image?"}, {"type": "image_url", "image_url": {"url": url}}]
    return {"model": "gpt-4-vision-preview", "messages": [{"role": "user", "content": parts}]}


@pytest.mark.usefixtures("public")
@pytest.mark.parametrize(
    ("size", "tokens", "exact"),
    [((800, 400), 438, True), ((512, 512), 268, True), (None, 438, False)],
    ids=["as the URL says", "not as the URL says", "not there"],
)
async def test_a_picture_that_is_fetched(size: Size | None, tokens: int, exact: bool) -> None:
    pictures = Pictures(size)

    assert await count(body_of(), pictures) == counted("gpt-4-vision-preview", tokens, "cl100k_base", exact=exact)
    assert [seen.line for seen in pictures.seen] == ["GET /8xznAGy4HcY/800x400 HTTP/1.1"]


@pytest.mark.parametrize("looks", [True, False], ids=["no public address", "not asked for"])
@pytest.mark.parametrize(("url", "tokens"), [(PHOTO, 438), ("http://cdn.test/800x400", 778)])
async def test_a_picture_that_is_not_fetched(url: str, tokens: int, looks: bool) -> None:
    pictures = Pictures((800, 400))

    reply = await count(body_of(url), pictures, looks=looks)

    assert reply == counted("gpt-4-vision-preview", tokens, "cl100k_base", exact=False)
    assert pictures.seen == []


@pytest.mark.usefixtures("public")
async def test_the_recorded_chats() -> None:
    script = load_module(ROOT / "scripts" / "_tokens.py", "tokens_script")
    if not script.CORPUS.is_dir():
        pytest.skip("needs the recordings beside the checkout (../shared/corpus)")
    reported = {row.id: row.reported for row in script.rows() if row.kind == script.SEEN}
    seen = 0
    for record in script._records(script.CORPUS / "chat.jsonl.gz"):
        if record["id"] in reported:
            body = record["request"]["body"]
            pictures = Pictures(script.ANSWERED[next(script._shown(body))])
            status, reply = await count(body, pictures)
            assert (status, reply["tokens"], reply["exact"]) == (200, reported[record["id"]], True)
            seen += 1
    assert seen == 3
