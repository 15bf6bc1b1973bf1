"""`record`: every exchange in a file, as it came and as it left; no secrets, within limits, at no exchange's cost."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from proxy.running import CHAT, body_of, running, settings, upstream
from shell.upstream.scripted import until
from trueline.context import FormatOptions
from trueline.mint import Mint
from trueline.recordings import Recording, open_reply, read_recording
from trueline.settings import Settings
from trueline.settings.model import Limits
from trueline.shell import recorder
from trueline.sim import SimServer

CLIENT, OWN, OURS = "sk-client-0123456789abcdef", "own-key-without-a-form", "tl-own-0123456789abcdefg"


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def recorded(folder: Path) -> list[Recording]:
    """What is in the folder, in the order of its names."""
    found = [read_recording(path.read_bytes()) for path in files(folder)]
    assert all(each is not None for each in found)
    return [each for each in found if each is not None]


def recording(folder: Path, *upstreams: Any, **rest: Any) -> Settings:
    return settings(*upstreams, record=str(folder), **rest)


class Fixed(Mint):
    def now(self) -> int:
        return 1

    def token(self, length: int) -> str:
        return "x" * length


async def test_an_exchange_is_recorded(tmp_path: Path) -> None:
    async with SimServer() as sim, running(recording(tmp_path, sim.url)) as proxy:
        reply = await proxy.chat(stream=True, x_sim={"faults": ["sse-crlf", "finish-foreign-vocab"]})
        again = await proxy.chat()

    first, second = recorded(tmp_path)
    assert (first.request.method, first.request.path) == ("POST", CHAT)
    assert b'"stream": true' in first.request.body.data
    call = first.calls[0]
    assert (call.upstream, call.path, call.status, call.end) == ("up", "/chat/completions", 200, "complete")
    assert dict(call.reply_headers)["content-type"].startswith("text/event-stream")
    assert call.reply.data.count(b"\r\n") > 5 and not call.reply.truncated
    assert sum(size for _, size in call.reply.reads) == call.reply.size
    assert (first.reply.status, first.reply.body.data) == (200, reply.body)
    assert first.faults["sse-crlf"] == 1 and first.error is None
    assert first.id == reply.header("x-request-id") and first.ms >= call.head_ms > 0
    assert second.reply.body.data == again.body


async def test_the_recording_gives_the_same_reply_again(tmp_path: Path) -> None:
    async with SimServer() as sim, running(recording(tmp_path, sim.url)) as proxy:
        for stream in (False, True):
            await proxy.chat(stream=stream, x_sim={"faults": ["finish-foreign-vocab", "logprobs-missing-key"]})

    for each in recorded(tmp_path):
        played = open_reply(each.encode(), Fixed())
        assert played.pipe is not None
        out = b"".join(map(played.pipe.feed, played.pieces)) + played.pipe.close(played.cut)
        assert (out, played.pipe.faults) == (each.reply.body.data, each.faults)


async def test_the_form_that_was_asked_for_is_recorded(tmp_path: Path) -> None:
    async with SimServer() as sim:
        up = upstream(sim.url, format=FormatOptions(extras="drop"))
        async with running(recording(tmp_path, up)) as proxy:
            await proxy.ask("POST", CHAT, body_of(), x_trueline_format="reasoning=think, off=finish-foreign-vocab")

    form = recorded(tmp_path)[0].format
    assert (form["extras"], form["reasoning"], form["off"]) == ("drop", "think", ["finish-foreign-vocab"])


async def test_no_secret_is_written(tmp_path: Path) -> None:
    async with SimServer() as sim:
        up = upstream(sim.url, key=OWN, headers={"x-custom": "Token custom-header-secret"})
        chosen = recording(tmp_path, up, upstream(sim.url, name="b"), keys=(OURS,))
        async with running(chosen) as proxy:
            headers = {"authorization": f"Bearer {OURS}", "cookie": "s=hidden-cookie", "x_api_key": CLIENT}
            said = f"echo: {OWN} {CLIENT} {OURS} custom-header-secret sk-other-0123456789abcdef"
            for stream in (False, True):
                await proxy.ask("POST", CHAT, body_of(said, model="up/m", stream=stream, api_key="hunter2"), **headers)
            await proxy.ask("POST", "/v1/files?key=hidden-query", b"hidden", **headers)
            await proxy.ask("POST", CHAT, body_of("x", model="b/m"), authorization="Bearer wrong-key-0123456789")

    text = "".join(path.read_text() for path in files(tmp_path))
    hidden = (CLIENT, OWN, OURS, "custom-header-secret", "sk-other-0123456789abcdef", "hidden-cookie", "hunter2")
    assert [secret for secret in (*hidden, "hidden-query", "wrong-key") if secret in text] == []
    assert len(recorded(tmp_path)) == 4 and "echo: [redacted]" in text


async def test_failures_are_recorded(tmp_path: Path) -> None:
    async with SimServer() as sim, running(recording(tmp_path, sim.url)) as proxy:
        await proxy.chat(stream=True, x_sim={"fail": "cut", "fail_after": 3})
        await proxy.chat(x_sim={"fail": "http-429"})
        await proxy.ask("POST", CHAT, b"no json")
        await proxy.ask("GET", "/nowhere")

    cut, busy, bad, nowhere = recorded(tmp_path)
    assert (cut.calls[0].end, cut.error) == ("cut", "upstream_cut") and cut.calls[0].why
    assert (busy.calls[0].status, busy.reply.status) == (429, 429)
    assert (bad.calls, bad.reply.status, bad.request.body.text) == ([], 400, "no json")
    assert (nowhere.reply.status, nowhere.error) == (404, "unknown_url")


async def test_an_upstream_that_is_not_there(tmp_path: Path) -> None:
    async with SimServer() as sim:
        gone = sim.url
    async with running(recording(tmp_path, gone)) as proxy:
        await proxy.chat()

    found = recorded(tmp_path)[0]
    assert (found.calls[0].status, found.calls[0].end, found.error) == (0, "cut", "upstream_unreachable")


async def test_other_paths_are_recorded_as_well(tmp_path: Path) -> None:
    async with SimServer() as sim, running(recording(tmp_path, sim.url)) as proxy:
        await proxy.ask("GET", "/v1/models")
        await proxy.ask("POST", "/v1/embeddings", {"model": "m", "input": "x"})
        await proxy.ask("GET", "/health")

    assert [each.request.path for each in recorded(tmp_path)] == ["/v1/models", "/v1/embeddings"]


async def test_a_body_is_kept_up_to_the_limit(tmp_path: Path) -> None:
    limits = Limits(recorded_body=200)
    async with SimServer() as sim, running(recording(tmp_path, sim.url, limits=limits)) as proxy:
        reply = await proxy.chat("echo: " + "word " * 2000)

    found = recorded(tmp_path)[0]
    for body in (found.request.body, found.calls[0].body, found.calls[0].reply, found.reply.body):
        assert len(body.data) <= 200 and body.truncated and body.size > 5000
    assert found.reply.body.size == len(reply.body)


async def test_the_folder_is_filled_up_to_the_limit(tmp_path: Path) -> None:
    (tmp_path / "earlier.json").write_bytes(b" " * 3000)
    limits = Limits(recorded_total=24_000)
    async with SimServer() as sim, running(recording(tmp_path, sim.url, limits=limits), noisy=True) as proxy:
        for _ in range(10):
            assert (await proxy.chat()).status == 200
        await until(lambda: bool(proxy.log.noise))

    sizes = [path.stat().st_size for path in files(tmp_path)]
    assert 2 < len(sizes) < 10 and sum(sizes) <= 24_000
    assert proxy.log.noise == [
        f"WARNING trueline.recorder: recording has stopped: {tmp_path} may not hold more than 24000 bytes"
    ]


async def test_a_disk_that_fails_costs_no_reply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(recorder, "_create", full)
    async with SimServer() as sim, running(recording(tmp_path, sim.url), noisy=True) as proxy:
        for _ in range(3):
            assert (await proxy.chat(stream=True)).complete

    assert proxy.log.noise == [f"WARNING trueline.recorder: cannot record to {tmp_path}: No space left on device"]


async def test_a_disk_that_is_slow_costs_no_reply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "_MOST_WAITING", 0)
    async with SimServer() as sim, running(recording(tmp_path, sim.url), noisy=True) as proxy:
        assert (await proxy.chat()).status == 200

    assert files(tmp_path) == [] and "the disk is too slow" in proxy.log.noise[0]


async def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    async with SimServer() as sim, running(recording(folder, sim.url)) as proxy:
        await proxy.ask("POST", CHAT, body_of(), x_request_id="../../escape/me")

    (path,) = files(folder)
    assert path.name.endswith("-escapeme.json")
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(folder.stat().st_mode)) == (0o600, 0o700)


async def test_a_client_that_leaves(tmp_path: Path) -> None:
    async with SimServer() as sim, running(recording(tmp_path, sim.url)) as proxy:
        talk = await proxy.talk()
        await talk.send("POST", CHAT, body_of(stream=True, x_sim={"hold_after": 2}))
        await talk.head()
        await talk.event()
        talk.close()
        await until(lambda: proxy.running == 0)

    assert recorded(tmp_path)[0].calls[0].end == "left"


async def test_without_it_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        await proxy.chat()

    assert files(tmp_path) == []
