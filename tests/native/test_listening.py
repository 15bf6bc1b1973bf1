"""`trueline serve` over TLS and on a unix socket, as a process of its own, with OpenAI's SDK as the client."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
import trustme

from cli.local import SECONDS, Command, clean_environment
from trueline.sim import SimServer

MESSAGES: Any = [{"role": "user", "content": "echo: over here"}]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def pem(folder: Path, authority: trustme.CA) -> tuple[str, str]:
    issued = authority.issue_cert("localhost", "127.0.0.1")
    cert, key = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(str(key))
    return str(cert), str(key)


def serve(*flags: str, cwd: Path) -> Command:
    return Command(["-m", "trueline", "serve", *flags], env={}, cwd=cwd)


async def say(base_url: str, transport: httpx2.AsyncHTTPTransport) -> tuple[str, str]:
    """The answer, whole and streamed."""
    async with (
        httpx2.AsyncClient(transport=transport) as http,
        openai.AsyncOpenAI(base_url=base_url, api_key="sk", http_client=http, max_retries=0, timeout=SECONDS) as client,
    ):
        whole = await client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
        stream = await client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
        pieces = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
    return whole.choices[0].message.content or "", "".join(pieces)


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("server", ["native", "asgi"])
async def test_tls(server: str, workers: str, authority: trustme.CA, tmp_path: Path) -> None:
    cert, key = pem(tmp_path, authority)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    flags = ["--port", "0", "--tls-cert", cert, "--tls-key", key, "--server", server, "--workers", workers]
    async with SimServer() as sim:
        with serve(*flags, "--upstream", sim.url, cwd=tmp_path) as command:
            screen = await asyncio.to_thread(command.until, "Ready")
            url = next(word for word in screen.split() if word.startswith("https://127.0.0.1:"))

            assert await say(url, httpx2.AsyncHTTPTransport(verify=context)) == ("over here", "over here")


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("server", ["native", "asgi"])
async def test_a_unix_socket(server: str, workers: str, tmp_path: Path) -> None:
    path = tmp_path / "s"
    flags = ["--socket", str(path), "--server", server, "--workers", workers]
    async with SimServer() as sim:
        with serve(*flags, "--upstream", sim.url, cwd=tmp_path) as command:
            screen = await asyncio.to_thread(command.until, "Ready")
            assert f"curl --unix-socket {path} http://localhost/v1/chat/completions" in screen

            transport = httpx2.AsyncHTTPTransport(uds=str(path))
            assert await say("http://localhost/v1", transport) == ("over here", "over here")

            command.process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(command.process.wait, SECONDS) == 0
            assert not path.exists()


def refusal(*flags: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "trueline", "serve", "--upstream", "http://127.0.0.1:9/v1", *flags],
        env=clean_environment(), cwd=cwd, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


def test_a_socket_that_a_dead_server_left_behind_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with serve("--socket", str(path), "--upstream", "http://127.0.0.1:9/v1", cwd=tmp_path) as command:
        command.until("Ready")
        assert "is in use" in refusal("--socket", str(path), cwd=tmp_path)
        command.process.kill()
        command.process.wait(SECONDS)
    assert stat.S_ISSOCK(os.lstat(path).st_mode)
    with serve("--socket", str(path), "--upstream", "http://127.0.0.1:9/v1", cwd=tmp_path) as command:
        command.until("Ready")


def test_a_file_in_the_way_is_no_socket_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("mine")
    assert f"cannot listen on {path}" in refusal("--socket", str(path), cwd=tmp_path)
    assert path.read_text() == "mine"


def test_certificates_that_cannot_be_used(authority: trustme.CA, tmp_path: Path) -> None:
    cert, key = pem(tmp_path, authority)
    other = tmp_path / "other.pem"
    authority.issue_cert("other").private_key_pem.write_to_path(str(other))
    (tmp_path / "text").write_text("no PEM")

    assert "--tls-key: belongs to `tls_cert`" in refusal("--tls-key", key, cwd=tmp_path)
    assert "there is no such file" in refusal("--tls-cert", "none.pem", cwd=tmp_path)
    for flags in (
        ["--tls-cert", cert],
        ["--tls-cert", cert, "--tls-key", str(other)],
        ["--tls-cert", str(tmp_path / "text")],
    ):
        said = refusal(*flags, cwd=tmp_path)
        assert "--tls-cert: found" in said and "which cannot be used" in said and "\n" not in said.strip()
