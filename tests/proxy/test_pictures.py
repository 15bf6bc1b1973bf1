"""Pictures through upstreams with an API of their own: asked for, waited for, fetched, called off."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from openai import AsyncOpenAI

from engine.kit import Fields
from proxy.running import CHAT, Proxy, body_of, running, settings, timeouts, upstream
from proxy.talking import Reply
from shell.upstream.scripted import Peer, Seen, Server, serve, until
from trueline.dialects.provider import ProviderRequest
from trueline.shell.pictures import Painter
from trueline.sim import SimServer
from trueline.wire import multipart

IMAGES = "/v1/images/generations"
PNG = b"\x89PNG\r\n\x1a\n picture"
B64 = base64.b64encode(PNG).decode()
AGAIN = "retry-after: 0\r\n"
"""With every state, so that no test waits."""

Answer = bytes | Callable[[Seen], bytes | Awaitable[bytes]]


def page(body: Any, kind: str = "application/json", status: str = "200 OK", more: str = "") -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(data)}\r\n{more}\r\n".encode() + data


class Studio:
    """A provider: what it answers to `METHOD /path`, the last answer again and again."""

    def __init__(self) -> None:
        self.pages: dict[str, list[Answer]] = {}
        self.seen: list[Seen] = []

    def answer(self, line: str, *answers: Answer) -> Studio:
        self.pages[line] = list(answers)
        return self

    @property
    def lines(self) -> list[str]:
        return [seen.line.removesuffix(" HTTP/1.1") for seen in self.seen]

    def count(self, line: str) -> int:
        return self.lines.count(line)

    async def __call__(self, peer: Peer) -> None:
        while True:
            seen = await peer.request()
            self.seen.append(seen)
            answers = self.pages.get(self.lines[-1])
            if not answers:
                await peer.send(page({"detail": "Not Found"}, status="404 Not Found"))
                continue
            made = answers.pop(0) if len(answers) > 1 else answers[0]
            if callable(made):
                given = made(seen)
                made = given if isinstance(given, bytes) else await given
            await peer.send(made)


def chosen(server: Server, dialect: str, base: str = "", **more: Any) -> Any:
    """Settings with this provider, whose key is Trueline's."""
    url = f"http://127.0.0.1:{server.port}{base}"
    return settings(upstream(url, name="studio", key="k-secret-1", dialect=dialect, **more))


async def draw(proxy: Proxy, model: str, **fields: Any) -> Reply:
    return await proxy.ask("POST", IMAGES, {"model": model, "prompt": "a cat", **fields})


# -- Replicate --------------------------------------------------------------------------------------------------------

SCHNELL = "black-forest-labs/flux-schnell"
CREATE = f"POST /v1/models/{SCHNELL}/predictions"
LOOK, CANCEL = "GET /v1/predictions/p1", "POST /v1/predictions/p1/cancel"


def prediction(status: str, output: Any = None, error: Any = None, code: str = "200 OK") -> bytes:
    urls = {"get": "https://api.replicate.com/v1/predictions/p1", "cancel": "https://evil.test/cancel"}
    body = {"id": "p1", "status": status, "output": output, "error": error, "urls": urls}
    return page(body, status=code, more=AGAIN)


BEGUN, RUNNING = prediction("starting", code="201 Created"), prediction("processing")


def replicate() -> Studio:
    return Studio().answer(CREATE, BEGUN)


async def test_done_after_some_looks() -> None:
    studio = replicate().answer(LOOK, RUNNING, RUNNING, prediction("succeeded", ["https://replicate.delivery/a.webp"]))
    async with serve(studio) as server, running(chosen(server, "replicate", "/v1")) as proxy:
        reply = await draw(proxy, SCHNELL, size="1024x1792", response_format="url", user="u")

        assert reply.status == 200, reply
        assert reply.json["data"] == [{"url": "https://replicate.delivery/a.webp"}]
        assert type(reply.json["created"]) is int
        assert reply.header("x-trueline-repairs") is None
        assert reply.header("x-trueline-request") == "user dropped, size 1024x1792 -> 9:16"
    assert studio.lines == [CREATE, LOOK, LOOK, LOOK]
    first, look = studio.seen[:2]
    assert json.loads(first.body) == {"input": {"prompt": "a cat", "aspect_ratio": "9:16"}}
    assert [first.header(name) for name in ("authorization", "prefer")] == ["Bearer k-secret-1", "wait=10"]
    assert look.header("authorization") == "Bearer k-secret-1"
    assert look.body == b""


async def test_done_at_once() -> None:
    studio = Studio().answer(CREATE, prediction("succeeded", f"data:image/png;base64,{B64}", code="201 Created"))
    async with serve(studio) as server, running(chosen(server, "replicate", "/v1")) as proxy:
        reply = await draw(proxy, SCHNELL, response_format="b64_json")
        assert reply.json["data"] == [{"b64_json": B64}]
    assert studio.lines == [CREATE]


async def test_through_the_sdk() -> None:
    studio = replicate().answer(LOOK, RUNNING, prediction("succeeded", ["https://replicate.delivery/a.webp"]))
    async with serve(studio) as server, running(chosen(server, "replicate", "/v1")) as proxy:
        url = f"http://127.0.0.1:{proxy.port}/v1"
        async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as openai:
            made = await openai.images.generate(model=SCHNELL, prompt="a cat", extra_body={"go_fast": True})
        assert made.data is not None and made.data[0].url == "https://replicate.delivery/a.webp"
    assert json.loads(studio.seen[0].body)["input"]["go_fast"] is True
    assert studio.seen[0].header("authorization") == "Bearer k-secret-1"


FAILURES: list[tuple[bytes, int, str | None]] = [
    (prediction("failed", error="NSFW content detected."), 400, "content_policy_violation"),
    (prediction("failed", error="CUDA out of memory"), 502, None),
    (prediction("canceled"), 502, "upstream_canceled"),
    (page(b"<html>", "text/html"), 502, "upstream_invalid_reply"),
    (page({"detail": "gone"}, status="410 Gone"), 410, None),
    (page({"detail": "bad token"}, status="401 Unauthorized"), 502, "upstream_key_refused"),
]


@pytest.mark.parametrize(("state", "status", "code"), FAILURES)
async def test_failed(state: bytes, status: int, code: str | None) -> None:
    studio = replicate().answer(LOOK, RUNNING, state).answer(CANCEL, page({}))
    async with serve(studio) as server, running(chosen(server, "replicate", "/v1")) as proxy:
        reply = await draw(proxy, SCHNELL)
        assert (reply.status, reply.error["code"]) == (status, code)
        assert "k-secret-1" not in reply.error["message"]
        for _ in range(50):
            await asyncio.sleep(0)


async def test_a_look_that_fails_in_passing() -> None:
    bad = page({"detail": "try again"}, status="503 Service Unavailable", more=AGAIN)
    studio = replicate().answer(LOOK, bad, prediction("succeeded", ["https://replicate.delivery/a.webp"]))
    async with serve(studio) as server, running(chosen(server, "replicate", "/v1")) as proxy:
        assert (await draw(proxy, SCHNELL)).status == 200
    assert studio.count(LOOK) == 2


async def test_looks_that_go_on_failing() -> None:
    bad = page({"detail": "try again"}, status="503 Service Unavailable", more=AGAIN)
    studio = replicate().answer(LOOK, bad).answer(CANCEL, page({}))
    async with serve(studio) as server, running(chosen(server, "replicate", "/v1")) as proxy:
        reply = await draw(proxy, SCHNELL)
        assert (reply.status, reply.error["message"]) == (503, "try again")
        await until(lambda: studio.count(CANCEL) == 1)
    assert studio.count(LOOK) == 4


async def test_never_ready() -> None:
    """The time is over: the client is told so, and the prediction is called off."""
    studio = replicate().answer(LOOK, RUNNING).answer(CANCEL, page({}))
    limited = timeouts(total=0.2)
    async with serve(studio) as server, running(chosen(server, "replicate", "/v1", timeouts=limited)) as proxy:
        reply = await draw(proxy, SCHNELL)
        assert (reply.status, reply.error["code"]) == (504, "upstream_timeout")
        assert "0.2 seconds" in reply.error["message"]
        await until(lambda: studio.count(CANCEL) == 1)
    assert studio.seen[-1].header("authorization") == "Bearer k-secret-1"


async def test_the_client_leaves() -> None:
    studio = replicate().answer(LOOK, RUNNING).answer(CANCEL, page({}))
    async with serve(studio) as server, running(chosen(server, "replicate", "/v1")) as proxy:
        talk = await proxy.talk()
        await talk.send("POST", IMAGES, {"model": SCHNELL, "prompt": "a cat"})
        await until(lambda: studio.count(LOOK) > 2)
        talk.close()
        await until(lambda: studio.count(CANCEL) == 1 and proxy.running == 0)
        assert "status=499" in proxy.log.lines[-1]


async def test_nobody_else_waits() -> None:
    """While pictures are made and looked at, others are answered."""
    studio = replicate().answer(LOOK, RUNNING).answer(CANCEL, page({}))
    async with serve(studio) as server, SimServer() as sim:
        both = settings(
            upstream(f"http://127.0.0.1:{server.port}/v1", name="studio", dialect="replicate"),
            upstream(sim.url, name="sim"),
        )
        async with running(both) as proxy:
            talks = [await proxy.talk() for _ in range(3)]
            for talk in talks:
                await talk.send("POST", IMAGES, {"model": f"studio/{SCHNELL}", "prompt": "a cat"})
            await until(lambda: studio.count(LOOK) > 3)
            for _ in range(3):
                reply = await proxy.ask("POST", CHAT, {**body_of(), "model": "sim/gpt-4o"})
                assert reply.status == 200
            assert proxy.running >= 3
            for talk in talks:
                talk.close()
            await until(lambda: proxy.running == 0)


# -- Black Forest Labs ------------------------------------------------------------------------------------------------

POLL = "GET /v1/get_result?id=t1"


def task(server_port: int, host: str | None = None) -> bytes:
    where = host or f"http://127.0.0.1:{server_port}"
    return page({"id": "t1", "polling_url": f"{where}/v1/get_result?id=t1"}, more=AGAIN)


def state(status: str, sample: str | None = None) -> bytes:
    return page({"id": "t1", "status": status, "result": {"sample": sample} if sample else None}, more=AGAIN)


async def test_the_polling_url_is_asked() -> None:
    studio = Studio()
    async with serve(studio) as server, running(chosen(server, "bfl", "/v1", auth="x-key")) as proxy:
        own = f"http://127.0.0.1:{server.port}"
        studio.answer("POST /v1/flux-2-pro", task(server.port))
        studio.answer(POLL, state("Pending"), state("Ready", f"{own}/files/a.png"))
        studio.answer("GET /files/a.png", page(PNG, "image/png"))
        reply = await draw(proxy, "flux-2-pro", size="1024x1024", response_format="b64_json")

        assert reply.json["data"] == [{"b64_json": B64}], reply
        assert reply.header("x-trueline-repairs") is None
    assert studio.lines == ["POST /v1/flux-2-pro", POLL, POLL, "GET /files/a.png"]
    assert [seen.header("x-key") for seen in studio.seen] == ["k-secret-1"] * 3 + [None]


FOREIGN = [
    "http://127.0.0.2:1",
    "http://169.254.169.254",
    "https://api.bfl.ai",
    "https://api.bfl.ai.evil.test",
    "https://evil.test#.bfl.ai",
    "https://user@127.0.0.1",
    "file:///etc",
    "gopher://x",
    "//127.0.0.1:1",
    "x",
]


@pytest.mark.parametrize("host", FOREIGN)
async def test_a_polling_url_elsewhere_is_refused(host: str) -> None:
    """Of an upstream that is not the provider itself nobody else is asked, and nobody else sees the key."""
    studio = Studio()
    async with serve(studio) as server, running(chosen(server, "bfl", "/v1", auth="x-key")) as proxy:
        studio.answer("POST /v1/flux-2-pro", task(server.port, host))
        reply = await draw(proxy, "flux-2-pro")
        assert (reply.status, reply.error["code"]) == (502, "upstream_host_refused")
    assert studio.count(POLL) == 0


async def test_a_polling_url_elsewhere_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[str] = []
    look = Painter._look

    async def counted(self: Painter, sent: ProviderRequest, *more: Any) -> Any:
        looks.append(sent.path)
        return await look(self, sent, *more)

    monkeypatch.setattr(Painter, "_look", counted)
    studio = Studio()
    async with serve(studio) as server, running(chosen(server, "bfl", "/v1", auth="x-key")) as proxy:
        studio.answer("POST /v1/flux-2-pro", task(server.port, FOREIGN[0]))
        reply = await draw(proxy, "flux-2-pro")
    assert reply.error["code"] == "upstream_host_refused"
    assert len(looks) == 2


async def test_several_tasks() -> None:
    """Each picture is a task of its own; they wait at the same time, and come in the order of their seeds."""
    studio = Studio()
    async with serve(studio) as server, running(chosen(server, "bfl", "/v1", auth="x-key")) as proxy:
        own = f"http://127.0.0.1:{server.port}"

        def begin(seen: Seen) -> bytes:
            seed = json.loads(seen.body)["seed"]
            studio.answer(f"GET /v1/get_result?id={seed}", state("Pending"), ready(seed))
            return page({"id": str(seed), "polling_url": f"{own}/v1/get_result?id={seed}"}, more=AGAIN)

        def ready(seed: int) -> Callable[[Seen], Awaitable[bytes]]:
            async def wait(_: Seen) -> bytes:
                await until(lambda: studio.count("POST /v1/flux-2-pro") == 3)
                return state("Ready", f"https://delivery.test/{seed}.png")

            return wait

        studio.answer("POST /v1/flux-2-pro", begin)
        reply = await draw(proxy, "flux-2-pro", n=3, seed=5)
        assert [image["url"] for image in reply.json["data"]] == [f"https://delivery.test/{s}.png" for s in (5, 6, 7)]


async def test_one_of_several_is_withheld() -> None:
    studio = Studio()
    async with serve(studio) as server, running(chosen(server, "bfl", "/v1", auth="x-key")) as proxy:

        def begin(seen: Seen) -> bytes:
            seed = json.loads(seen.body)["seed"]
            end = state("Content Moderated") if seed == 0 else state("Ready", "https://delivery.test/1.png")
            studio.answer(f"GET /v1/get_result?id={seed}", end)
            return page({"id": str(seed)}, more=AGAIN)

        studio.answer("POST /v1/flux-2-pro", begin)
        reply = await draw(proxy, "flux-2-pro", n=2, seed=0)
        assert [image["url"] for image in reply.json["data"]] == ["https://delivery.test/1.png"]
        assert reply.header("x-trueline-repairs") == "img-partial-n"


async def test_one_of_several_fails() -> None:
    """The others are of no use any more: they are called off."""
    studio = Studio().answer("POST /v1/predictions/p1/cancel", page({})).answer(LOOK, RUNNING)
    bad = page({"detail": "no more"}, status="402 Payment Required")

    async def after_a_look(_: Seen) -> bytes:
        await until(lambda: studio.count(LOOK) > 1)
        return bad

    studio.answer(CREATE, BEGUN, after_a_look)
    async with serve(studio) as server, running(chosen(server, "replicate", "/v1")) as proxy:
        reply = await draw(proxy, SCHNELL, n=8)
        assert (reply.status, reply.error["code"]) == (402, "insufficient_quota")
        await until(lambda: studio.count(CANCEL) == 1)


# -- fal --------------------------------------------------------------------------------------------------------------

QUEUED = "/fal-ai/flux/requests/r1"


async def test_the_queue() -> None:
    studio = Studio()
    async with serve(studio) as server, running(chosen(server, "fal", auth="key")) as proxy:
        own = f"http://127.0.0.1:{server.port}{QUEUED}"
        urls = {"status_url": f"{own}/status", "response_url": own, "cancel_url": f"{own}/cancel"}
        studio.answer("POST /fal-ai/flux/schnell", page({"status": "IN_QUEUE", "request_id": "r1", **urls}, more=AGAIN))
        looks = [
            page({"status": word, **urls}, more=AGAIN, status="202 Accepted") for word in ("IN_QUEUE", "IN_PROGRESS")
        ]
        studio.answer(f"GET {QUEUED}/status", *looks, page({"status": "COMPLETED", **urls}))
        images = [{"url": "https://fal.media/a.png", "content_type": "image/png"}, {"url": "https://fal.media/b.png"}]
        studio.answer(f"GET {QUEUED}", page({"images": images, "seed": 4, "has_nsfw_concepts": [False, False]}))
        reply = await draw(proxy, "fal-ai/flux/schnell", n=2, size="1024x768")

        assert [image["url"] for image in reply.json["data"]] == ["https://fal.media/a.png", "https://fal.media/b.png"]
    assert studio.lines == ["POST /fal-ai/flux/schnell", *[f"GET {QUEUED}/status"] * 3, f"GET {QUEUED}"]
    assert {seen.header("authorization") for seen in studio.seen} == {"Key k-secret-1"}


async def test_the_client_leaves_the_queue() -> None:
    studio = Studio().answer("POST /fal-ai/flux", page({"status": "IN_QUEUE", "request_id": "r1"}, more=AGAIN))
    studio.answer(f"GET {QUEUED}/status", page({"status": "IN_QUEUE"}, more=AGAIN))
    studio.answer(f"PUT {QUEUED}/cancel", page({"status": "CANCELLATION_REQUESTED"}, status="202 Accepted"))
    async with serve(studio) as server, running(chosen(server, "fal", auth="key")) as proxy:
        talk = await proxy.talk()
        await talk.send("POST", IMAGES, {"model": "fal-ai/flux", "prompt": "a cat"})
        await until(lambda: studio.count(f"GET {QUEUED}/status") > 1)
        talk.reset()
        await until(lambda: studio.count(f"PUT {QUEUED}/cancel") == 1 and proxy.running == 0)


async def test_a_prompt_that_fal_refuses() -> None:
    detail = [{"loc": ["body", "prompt"], "msg": "flagged by a content checker", "type": "content_policy_violation"}]
    studio = Studio().answer("POST /fal-ai/flux", page({"detail": detail}, status="422 Unprocessable Entity"))
    async with serve(studio) as server, running(chosen(server, "fal", auth="key")) as proxy:
        reply = await draw(proxy, "fal-ai/flux")
        assert reply.status == 400
        assert reply.error["code"] == "content_policy_violation"
        assert reply.error["type"] == "image_generation_user_error"


# -- answers at once --------------------------------------------------------------------------------------------------


async def test_stability() -> None:
    """A form goes there; as many as there are pictures."""
    studio = Studio().answer(
        "POST /v2beta/stable-image/generate/core", page({"image": B64, "finish_reason": "SUCCESS", "seed": 1})
    )
    async with serve(studio) as server, running(chosen(server, "stability", "/v2beta")) as proxy:
        reply = await draw(proxy, "stable-image-core", n=2, size="1024x1024", response_format="b64_json")
        assert [image["b64_json"] for image in reply.json["data"]] == [B64, B64]
    assert len(studio.seen) == 2
    for seen in studio.seen:
        kind = (seen.header("content-type") or "").encode()
        fields = multipart.text_fields(seen.body, multipart.boundary_of(kind) or b"")
        assert fields == {"prompt": "a cat", "aspect_ratio": "1:1"}
        assert [value for name, value in seen.headers if name == "accept"] == ["application/json"]
        assert [name for name, _ in seen.headers].count("content-type") == 1


async def test_a_url_of_a_picture_that_came_in_base64() -> None:
    studio = Studio().answer("POST /v2beta/stable-image/generate/core", page(PNG, "image/png"))
    async with serve(studio) as server, running(chosen(server, "stability", "/v2beta")) as proxy:
        reply = await draw(proxy, "core", response_format="url")
        assert reply.json["data"] == [{"url": f"data:image/png;base64,{B64}"}]
        assert reply.header("x-trueline-repairs") is None


async def test_moderation_is_not_a_refused_key() -> None:
    """It comes as 403."""
    said = {"id": "1", "name": "content_moderation", "errors": ["Your request was flagged."]}
    studio = Studio().answer("POST /v2beta/stable-image/generate/core", page(said, status="403 Forbidden"))
    async with serve(studio) as server, running(chosen(server, "stability", "/v2beta")) as proxy:
        reply = await draw(proxy, "core", n=2)
        assert (reply.status, reply.error["code"]) == (400, "content_policy_violation")


async def test_stable_diffusion_webui() -> None:
    info = json.dumps({"all_seeds": [1, 2], "index_of_first_image": 0})
    studio = Studio().answer("POST /sdapi/v1/txt2img", page({"images": [B64, B64], "parameters": {}, "info": info}))
    async with serve(studio) as server, running(chosen(server, "sdwebui")) as proxy:
        reply = await draw(proxy, "dreamshaper", n=2, size="512x768")
        assert [image["seed"] for image in reply.json["data"]] == [1, 2]
    body = json.loads(studio.seen[0].body)
    assert (body["width"], body["height"], body["n_iter"]) == (512, 768, 2)


@pytest.mark.parametrize("stream", [False, True])
async def test_fewer_pictures_than_were_asked_for_are_noted(stream: bool) -> None:
    studio = Studio().answer("POST /sdapi/v1/txt2img", page({"images": [B64], "parameters": {}, "info": "{}"}))
    async with serve(studio) as server, running(chosen(server, "sdwebui")) as proxy:
        await draw(proxy, "dreamshaper", n=2, stream=stream)
        faults = (await proxy.ask("GET", "/metrics")).body
    assert b'"img-partial-n"' in faults


async def test_gemini() -> None:
    counts: Fields = {"promptTokenCount": 3, "candidatesTokenCount": 1290, "totalTokenCount": 1293}
    parts = [{"text": "Here:"}, {"inlineData": {"mimeType": "image/png", "data": B64}}]
    made = {"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}], "usageMetadata": counts}
    line = "POST /v1beta/models/gemini-2.5-flash-image:generateContent"
    studio = Studio().answer(line, page(made))
    async with serve(studio) as server, running(chosen(server, "gemini", "/v1beta", auth="x-goog-api-key")) as proxy:
        reply = await draw(proxy, "gemini-2.5-flash-image", n=2)
        assert [image["b64_json"] for image in reply.json["data"]] == [B64, B64]
        assert reply.json["usage"]["total_tokens"] == 2586
    assert studio.lines == [line, line]
    assert studio.seen[0].header("x-goog-api-key") == "k-secret-1"


# -- streams, and what there is not -----------------------------------------------------------------------------------


async def test_a_stream_is_one_completed_event() -> None:
    """What came as a URL is in it."""
    studio = Studio()
    async with serve(studio) as server, running(chosen(server, "bfl", "/v1", auth="x-key")) as proxy:
        studio.answer("POST /v1/flux-2-pro", task(server.port))
        studio.answer(POLL, state("Ready", f"http://127.0.0.1:{server.port}/a.png"))
        studio.answer("GET /a.png", page(PNG, "image/png"))
        reply = await draw(proxy, "flux-2-pro", stream=True, partial_images=2)

        assert reply.header("content-type") == "text/event-stream; charset=utf-8"
        assert reply.header("x-trueline-request") == "partial_images dropped"
        assert reply.complete
        [event] = reply.body.decode().removesuffix("\n\n").split("\n\n")
        name, data = event.split("\n")
        assert name == "event: image_generation.completed"
        body = json.loads(data.removeprefix("data: "))
        assert (body["type"], body["b64_json"], body["output_format"]) == ("image_generation.completed", B64, "png")
        assert body["usage"]["x_trueline"] == "unknown"
        assert "faults=-" in proxy.log.lines[-1] or "img-" not in proxy.log.lines[-1]


async def test_a_stream_that_fails_is_an_error_with_a_status() -> None:
    studio = replicate().answer(LOOK, prediction("failed", error="NSFW content detected."))
    async with serve(studio) as server, running(chosen(server, "replicate", "/v1")) as proxy:
        reply = await draw(proxy, SCHNELL, stream=True)
        assert (reply.status, reply.error["code"]) == (400, "content_policy_violation")


NOTHING: list[tuple[str, Any]] = [
    (CHAT, body_of()),
    (CHAT, body_of(stream=True)),
    (CHAT, body_of(n=2)),
    ("/v1/embeddings", {"model": "m", "input": "x"}),
    ("/v1/completions", {"model": "m", "prompt": "x"}),
    ("/v1/images/edits", {"model": "m", "prompt": "x"}),
    ("/v1/moderations", {"model": "m", "input": "x"}),
]


@pytest.mark.parametrize(("path", "content"), NOTHING)
async def test_what_an_api_for_pictures_has_not(path: str, content: Any) -> None:
    studio = Studio()
    async with serve(studio) as server, running(chosen(server, "bfl", "/v1", auth="x-key")) as proxy:
        reply = await proxy.ask("POST", path, content)
        assert (reply.status, reply.error["code"]) == (404, "unsupported_by_upstream")
        assert "'bfl'" in reply.error["message"]
    assert studio.seen == []


async def test_an_api_without_pictures() -> None:
    async with serve(Studio()) as server, running(chosen(server, "anthropic", auth="x-api-key")) as proxy:
        reply = await draw(proxy, "claude-sonnet-4-5")
        assert (reply.status, reply.error["code"]) == (404, "unsupported_by_upstream")


async def test_a_parameter_that_cannot_be_said() -> None:
    studio = replicate()
    async with serve(studio) as server, running(chosen(server, "replicate", "/v1")) as proxy:
        reply = await draw(proxy, SCHNELL, style="vivid")
        assert (reply.status, reply.error["code"], reply.error["param"]) == (400, "unsupported_parameter", "style")
    assert studio.seen == []
