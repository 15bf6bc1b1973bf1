"""`trueline serve` as a process: it drains on SIGTERM, runs in several workers, and logs nothing that is no failure."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import proxy.running
from cli.local import SECONDS, Command
from proxy.running import CHAT, body_of
from proxy.talking import Reply, Talk
from shell.upstream.scripted import until
from trueline.sim import SimServer


class Process:
    """A proxy in a process of its own."""

    def __init__(self, command: Command, port: int) -> None:
        self.command = command
        self.port = port

    async def talk(self, **options: Any) -> Talk:
        return await Talk.open("127.0.0.1", self.port, **options)

    async def ask(self, method: str, path: str, content: Any = None) -> Reply:
        talk = await self.talk()
        await talk.send(method, path, content, connection="close")
        reply = await talk.reply()
        talk.close()
        return reply

    def terminate(self) -> None:
        self.command.process.send_signal(signal.SIGTERM)

    async def refuses(self) -> None:
        """Wait until no new connection is taken."""
        async with asyncio.timeout(SECONDS):
            while True:
                try:
                    (await self.talk()).close()
                except OSError:
                    return
                await asyncio.sleep(0)

    async def ended(self) -> tuple[int, str]:
        """Exit code and log."""
        code = await asyncio.to_thread(self.command.process.wait, SECONDS)
        assert self.command.process.stderr is not None
        return code, self.command.process.stderr.read()


@asynccontextmanager
async def process(cwd: Path, *arguments: str) -> AsyncIterator[Process]:
    flags = ["--port", "0", "--server", proxy.running.WAY_IN, *arguments]
    with Command(["-m", "trueline", "serve", *flags], env={}, cwd=cwd) as command:
        screen = await asyncio.to_thread(command.until, "Ready")
        found = re.search(r"http://127\.0\.0\.1:(\d+)/v1", screen.partition("Base URL")[2])
        assert found, screen
        yield Process(command, int(found[1]))


PATHS = [(CHAT, {}), ("/v1/completions", {"prompt": "echo: one two three four five six"})]


@pytest.mark.parametrize(("path", "more"), PATHS)
@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_running_stream_finishes(path: str, more: dict[str, Any], workers: str, tmp_path: Path) -> None:
    async with SimServer() as sim, process(tmp_path, "--upstream", sim.url, "--workers", workers) as served:
        idle = await served.talk()
        await idle.send("GET", "/health")
        await idle.reply()
        talk = await served.talk()
        await talk.send("POST", path, body_of(stream=True, x_sim={"hold_after": 2}, **more))
        reply = await talk.head()
        first = await talk.event()

        served.terminate()
        await served.refuses()
        assert await idle.closed()
        sim.release()
        reply = await talk.rest(reply)

        assert reply.complete and reply.events[-1] == b"[DONE]"
        assert b'"stop"' in reply.events[-2]
        assert first and "error" not in json.loads(reply.events[-2])
        assert await talk.closed()
        code, log = await served.ended()
        assert code == 0
        assert "Traceback" not in log and "ERROR" not in log and "WARNING" not in log
        idle.close()
        talk.close()


@pytest.mark.parametrize(("path", "more"), PATHS)
async def test_a_stream_that_takes_longer_ends_in_an_error(path: str, more: dict[str, Any], tmp_path: Path) -> None:
    async with SimServer() as sim, process(tmp_path, "--upstream", sim.url, "--grace", "0") as served:
        talk = await served.talk()
        await talk.send("POST", path, body_of(stream=True, x_sim={"hold_after": 3}, **more))
        reply = await talk.head()
        await talk.event()

        served.terminate()
        reply = await talk.rest(reply)

        assert reply.complete and reply.events[-1] == b"[DONE]"
        error = json.loads(reply.events[-2])["error"]
        assert (error["type"], error["code"]) == ("server_error", "server_shutting_down")
        assert b'"stop"' not in reply.body
        code, log = await served.ended()
        assert code == 0
        assert "Traceback" not in log
        assert "status=200" in log and "error=server_shutting_down" in log
        talk.close()


async def test_a_whole_reply_that_takes_longer_is_a_503(tmp_path: Path) -> None:
    async with SimServer() as sim, process(tmp_path, "--upstream", sim.url, "--grace", "0") as served:
        talk = await served.talk()
        await talk.send("POST", CHAT, body_of(x_sim={"fail": "silent"}))
        await sim.until(lambda: any(request.method == "POST" for request in sim.requests))

        served.terminate()
        reply = await talk.reply()

        assert (reply.status, reply.error["code"]) == (503, "server_shutting_down")
        code, log = await served.ended()
        assert code == 0 and "Traceback" not in log
        await sim.until(lambda: sim.open_connections == 0)
        talk.close()


async def test_a_reader_that_takes_nothing_does_not_hold_up_the_end(tmp_path: Path) -> None:
    async with SimServer() as sim, process(tmp_path, "--upstream", sim.url, "--grace", "0") as served:
        talk = await served.talk(receive_buffer=65536)
        await talk.send("POST", CHAT, body_of("x " * 500, stream=True, x_sim={"endless": True}))
        reply = await talk.head()
        await until(lambda: any(writer._paused for writer in sim.writers))

        served.terminate()
        code, log = await served.ended()

        rest = await talk.rest(reply)
        talk.close()
        assert code == 0 and "Traceback" not in log
        assert rest.finish is None  # cut, or ended by an error event: that depends on what the system had room for


async def test_several_workers_answer(tmp_path: Path) -> None:
    async with SimServer() as sim, process(tmp_path, "--upstream", sim.url, "--workers", "2") as served:
        replies = await asyncio.gather(
            *(served.ask("POST", CHAT, body_of(f"echo: {n}", stream=n % 2 == 0)) for n in range(20))
        )
        for n, reply in enumerate(replies):
            said = reply.content if n % 2 == 0 else reply.json["choices"][0]["message"]["content"]
            assert said == str(n)
        served.terminate()
        assert (await served.ended())[0] == 0


async def test_nothing_but_lines_of_requests_is_logged(tmp_path: Path) -> None:
    """Cuts, disconnects and bad requests are an ordinary day."""
    async with SimServer() as sim, process(tmp_path, "--upstream", sim.url) as served:
        for fail in ("cut", "reset", "refuse", "garbage", "http-500"):
            for stream in (False, True):
                await served.ask("POST", CHAT, body_of(stream=stream, x_sim={"fail": fail}))
                await served.ask("POST", "/v1/completions", {"prompt": "x", "stream": stream, "x_sim": {"fail": fail}})
        for how in ("close", "reset"):
            talk = await served.talk()
            await talk.send("POST", CHAT, body_of(stream=True, x_sim={"hold_after": 3}))
            await talk.head()
            getattr(talk, how)()
            await sim.until(lambda: sim.open_streams == 0)
        await served.ask("POST", CHAT, b"{")
        await served.ask("GET", "/nowhere")
        served.terminate()
        code, log = await served.ended()

        assert code == 0
        lines = log.splitlines()
        assert len(lines) == 24
        assert all(" INFO trueline.exchange: request=req_" in line for line in lines), log


async def test_workers_do_not_outlive_the_process_that_started_them(tmp_path: Path) -> None:
    async with SimServer() as sim, process(tmp_path, "--upstream", sim.url, "--workers", "2") as served:
        served.command.process.kill()
        await served.refuses()
