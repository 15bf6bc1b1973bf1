"""What the log says, and what it never does; and what happens when Trueline itself fails."""

from __future__ import annotations

import re
from typing import Any

import pytest

from proxy.running import CHAT, body_of, running, settings, upstream
from shell.upstream.scripted import Peer, serve, until
from trueline.pipeline import Passed, chat_pipeline
from trueline.shell import gateway, passthrough
from trueline.shell.exchange import Exchange
from trueline.sim import SimServer

SECRETS = ("sk-client-0123456789abcdef", "sk-own-0123456789abcdefgh", "tl-own-0123456789abcdefg")


async def test_a_line_says_what_happened() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        await proxy.chat(x_sim={"faults": ["id-missing"]})

        line = re.sub(r"(ms|bytes)=\d+", r"\1=N", re.sub(r"req_\w{32}", "ID", proxy.log.lines[-1]))
        assert line == (
            "INFO trueline.exchange: request=ID method=POST path=/v1/chat/completions status=200 ms=N upstream=up "
            "model=gpt-4o bytes=N faults=id-missing:1 error=- usage=reported prompt_tokens=14 completion_tokens=6"
        )


async def test_one_line_per_request() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        for method, path in (("GET", "/v1/models"), ("GET", "/nowhere"), ("POST", CHAT), ("GET", "/health")):
            await proxy.ask(method, path)
        await until(lambda: proxy.running == 0)

        assert len(proxy.log.lines) == 3


async def test_no_keys_and_no_prompts() -> None:
    client, own, ours = SECRETS
    async with SimServer() as sim:
        chosen = settings(upstream(sim.url, key=own), upstream(sim.url, name="b"), keys=(ours,), models={})
        async with running(chosen) as proxy:
            secrets = {"authorization": f"Bearer {ours}", "cookie": "s=hidden-cookie", "x_api_key": client}
            for model in ("up/m", "b/m", "nobody/m"):
                for extra in ({}, {"stream": True}, {"x_sim": {"fail": "cut"}}, {"x_sim": {"fail": "http-500"}}):
                    await proxy.ask("POST", CHAT, body_of("echo: hidden-prompt", model=model, **extra), **secrets)
                await proxy.ask("POST", "/v1/embeddings", {"model": model, "input": "hidden-prompt"}, **secrets)
            await proxy.ask("POST", "/v1/files?key=hidden-query", b"hidden-prompt", **secrets)
            await proxy.ask("POST", CHAT, b"hidden-prompt", **secrets)
            await proxy.ask("POST", CHAT, body_of("hidden-prompt"), authorization=f"Bearer {client}")
            text = proxy.log.text

    assert len(proxy.log.lines) == 18
    assert not any(secret in text for secret in SECRETS)
    assert "hidden" not in text


@pytest.mark.parametrize(
    "model", ["a\nINFO fake line", "a status=200", "x" * 5000, "caf\u00e9\u2028", "\ud800", "it's", "a=b"]
)
async def test_a_model_name_cannot_break_the_line(model: str) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        await proxy.chat(model=model)

        line = proxy.log.lines[-1]
        assert len(line) < 600 and line.isprintable()
        assert re.search(r" model=('[^']*'|\S+) bytes=", line)


async def test_a_long_path_is_cut() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        await proxy.ask("GET", "/v1/" + "x" * 5000)

        assert len(proxy.log.lines[-1]) < 600


# ---- failures of our own


class Broken:
    """A pipeline that fails where the request says so."""

    def __init__(self, pipe: Any, where: str) -> None:
        self._pipe = pipe
        self._where = where
        self._fed = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipe, name)

    def feed(self, data: bytes) -> bytes:
        self._fed += 1
        if self._where == "feed" or (self._where == "later" and self._fed > 1):
            raise ZeroDivisionError("hidden-detail")
        return bytes(self._pipe.feed(data))

    def close(self, cut: Any = None) -> bytes:
        if self._where in ("close", "always") or (self._where == "later twice" and cut is not None):
            raise ZeroDivisionError("hidden-detail")
        return bytes(self._pipe.close(cut))


def breaking(*arguments: Any) -> Any:
    pipe = chat_pipeline(*arguments)
    where = arguments[0].body.get("user")
    return Broken(pipe, where) if where else pipe


def use_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    read, _ = gateway.PIPELINES["/chat/completions"]
    monkeypatch.setitem(gateway.PIPELINES, "/chat/completions", (read, breaking))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("where", ["feed", "close"])
async def test_an_exception_of_our_own_is_a_500_for_that_request_alone(
    where: str, stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_broken(monkeypatch)
    async with SimServer() as sim, running(settings(sim.url), noisy=True) as proxy:
        other = await proxy.talk()
        await other.send("POST", CHAT, body_of(stream=True, x_sim={"hold_after": 2}))
        await other.head()

        failing = {"fail": "cut", "fail_after": 0} if where == "close" else {}
        reply = await proxy.chat(stream=stream, user=where, x_sim=failing)

        assert reply.status == 500
        assert reply.error == {
            "message": "Trueline failed to handle this request; its log says why.",
            "type": "server_error",
            "param": None,
            "code": None,
        }
        sim.release()
        assert (await other.rest(reply)).complete
        assert len(proxy.log.noise) == 1
        assert f"request {reply.header('x-request-id')} failed in Trueline itself" in proxy.log.noise[0]
        assert "ZeroDivisionError" in proxy.log.noise[0] and "prompt" not in proxy.log.noise[0]


async def test_an_exception_in_the_middle_of_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    use_broken(monkeypatch)
    async with SimServer() as sim, running(settings(sim.url), noisy=True) as proxy:
        talk = await proxy.talk()
        await talk.send("POST", CHAT, body_of(stream=True, user="later", x_sim={"hold_after": 3}))
        reply = await talk.head()
        assert await talk.event()
        sim.release()
        reply = await talk.rest(reply)

        assert reply.complete and reply.finish is None
        assert reply.events[-1] == b"[DONE]"
        assert reply.chunks[-1]["error"]["message"].startswith("Trueline failed to handle this request")


async def test_an_exception_while_failing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing more can be said: the connection closes without an end."""
    use_broken(monkeypatch)
    async with SimServer() as sim, running(settings(sim.url), noisy=True) as proxy:
        talk = await proxy.talk()
        await talk.send("POST", CHAT, body_of(stream=True, user="later twice", x_sim={"fail": "cut", "fail_after": 3}))
        reply = await talk.reply()

        assert reply.status == 200 and not reply.complete
        assert await talk.closed()
        assert all("failed in Trueline itself" in line for line in proxy.log.noise)
        assert (await proxy.chat()).status == 200


async def test_an_exception_in_the_middle_of_a_passed_body(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(Passed):
        def feed(self, data: bytes) -> bytes:
            raise ZeroDivisionError

    monkeypatch.setattr(passthrough, "Passed", Failing)
    async with SimServer() as sim, running(settings(sim.url), noisy=True) as proxy:
        reply = await proxy.ask("GET", "/v1/images/abc.png")

        assert (reply.status, reply.complete) == (200, False)
        assert len(proxy.log.noise) == 1


ALL_AT_ONCE = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,'
    b'"delta":{"role":"assistant","content":"Hi"},"logprobs":null,"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)


async def test_an_exception_behind_the_last_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """The upstream's connection is let go of by then; the client is answered all the same."""

    def fail(self: object) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr(Exchange, "stream_head", fail)

    async def script(peer: Peer) -> None:
        await peer.request()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        await peer.send(b"%b%x\r\n%b\r\n" % (head, len(ALL_AT_ONCE), ALL_AT_ONCE))
        await peer.gone()

    async with serve(script) as server, running(settings(f"http://127.0.0.1:{server.port}/v1"), noisy=True) as proxy:
        reply = await proxy.chat(stream=True)

        assert reply.status == 500
        assert "failed in Trueline itself" in proxy.log.noise[0]
