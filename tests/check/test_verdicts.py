"""What is not supported is told apart from what is wrong, and both from what could not be asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from check.kit import card_of, examine, names
from check.scripted import Answer, Asked, clean, refused, scripted
from trueline.check import NoModelError, Result, UnreachableError, terminal
from trueline.check.report.words import summary
from trueline.sim import PROVIDERS, SimOptions, SimServer

Script = Callable[[Asked], Answer | None]


def refusing(status: int, message: str, *fields: str, **error: Any) -> Script:
    """Refuses requests with one of these fields (or all of them), and answers the others."""

    def answer(asked: Asked) -> Answer:
        if asked.path.endswith("/chat/completions") and (not fields or set(fields) & set(asked.json)):
            return refused(status, message, **error)
        return clean(asked)

    return answer


def only(results: list[Result]) -> Result:
    (result,) = results
    return result


# what the server says to which fields -> the probe, its verdict, and a word of the reason
REFUSALS = {
    "n": (refusing(400, "n must be 1", "n"), "chat.n", "unsupported", "400: n must be 1"),
    "tools": (refusing(400, "does not support tools", "tools"), "tools.auto", "unsupported", "tools"),
    "tools, as a 500": (refusing(500, "tools require --jinja", "tools"), "tools.auto", "unsupported", "--jinja"),
    "tools, as a 501": (refusing(501, "no tools", "tools"), "tools.auto", "unsupported", "501"),
    "max_tokens": (
        refusing(400, "Use 'max_completion_tokens' instead.", "max_tokens", code="unsupported_parameter"),
        "chat.max-tokens", "unsupported", "max_completion_tokens",
    ),
    "a crash": (refusing(500, "division by zero", "tools"), "tools.auto", "unreachable", "division"),
    "a plain chat": (refusing(400, "I do not feel like it"), "chat.whole", "wrong", "400"),
    "a plain chat with 5xx": (refusing(503, "overloaded"), "chat.whole", "unreachable", "503"),
    "the key": (refusing(401, "no"), "chat.whole", "unreachable", "401"),
    "the money": (refusing(402, "pay first"), "chat.whole", "skipped", "402"),
    "too many requests": (refusing(429, "slow down", type="requests"), "chat.whole", "skipped", "429"),
    "the path": (refusing(404, "Invalid URL"), "chat.whole", "unsupported", "404"),
    "the method": (refusing(405, "no"), "chat.whole", "unsupported", "405"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
async def test_refusals(name: str) -> None:
    script, probe, verdict, word = REFUSALS[name]
    async with scripted(script) as server:
        result = only(await examine(server.url, probe))

    assert result.verdict == verdict
    assert word in result.reason


async def test_a_refusal_of_a_good_request_is_a_finding() -> None:
    async with scripted(refusing(400, "I do not feel like it")) as server:
        assert names(await examine(server.url, "chat.whole")) == {"good-request-refused": "must"}


async def test_what_is_lacking_is_no_fault() -> None:
    async with scripted(refusing(400, "n must be 1", "n", param="n")) as server:
        results = await examine(server.url)

    card = card_of(results)
    assert names(results) == {}
    assert dict(card.lacking) == {"several choices (n)": "400: n must be 1"}
    assert card.grade == ("A", 99)


async def test_a_feature_that_works_in_one_probe_is_not_lacking() -> None:
    async with scripted(refusing(400, "streams have no stop", "stop")) as server:
        both = await examine(server.url, "chat.stop", "stream.stop")
    half = [*both[:1], *(await _clean("stream.stop"))]

    assert dict(card_of(both).lacking) == {"stop": "400: streams have no stop"}
    assert card_of(half).lacking == ()


async def _clean(probe: str) -> list[Result]:
    async with scripted(clean) as server:
        return await examine(server.url, probe)


async def test_a_connection_that_is_dropped() -> None:
    async with scripted(lambda asked: None) as server:
        result = only(await examine(server.url, "chat.whole"))

    assert result.verdict == "unreachable"


async def test_no_server() -> None:
    async with scripted(clean) as server:
        url = server.url
    with pytest.raises(UnreachableError, match=r"refused|unreachable|connect"):
        await examine(url, "chat.whole", models=None)


async def test_a_key_that_is_refused_at_the_door() -> None:
    async with scripted(lambda asked: refused(401, "Incorrect API key provided.")) as server:
        with pytest.raises(UnreachableError, match=r"401.*--key"):
            await examine(server.url, "chat.whole", models=None)


async def test_no_list_of_models_and_no_model() -> None:
    def answer(asked: Asked) -> Answer:
        return refused(404, "Invalid URL") if asked.path.endswith("/models") else clean(asked)

    async with scripted(answer) as server:
        with pytest.raises(NoModelError, match="--model"):
            await examine(server.url, "chat.whole", models=None)
        result = only(await examine(server.url, "chat.whole", models=None, model="gpt-4o"))

    assert result.verdict == "pass"


async def test_reasoning_models_get_the_limit_under_its_other_name() -> None:
    script = refusing(400, "Use 'max_completion_tokens' instead.", "max_tokens", code="unsupported_parameter")
    async with scripted(script) as server:
        results = await examine(server.url, "chat", "stream", "tools")

    lacking = [result.probe.id for result in results if result.verdict != "pass"]
    assert lacking == ["chat.max-tokens", "stream.max-tokens", "stream.one-token"]


async def test_an_honest_failure_of_a_stream_is_no_fault() -> None:
    failed = (
        b'data: {"id":"chatcmpl-aaaaaaaaaaaaaaaaaaaaaaaaaaaaa","object":"chat.completion.chunk","created":1,'
        b'"model":"gpt-4o","service_tier":"default","system_fingerprint":"fp_0123456789","choices":[{"index":0,'
        b'"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}]}\n\n'
        b'data: {"error":{"message":"The engine stopped.","type":"server_error","param":null,"code":null}}\n\n'
        b"data: [DONE]\n\n"
    )
    headers = {"content-type": "text/event-stream; charset=utf-8", "x-request-id": "req_1"}
    async with scripted(lambda asked: (200, headers, failed)) as server:
        result = only(await examine(server.url, "stream.plain"))

    assert (result.verdict, result.reason) == ("unreachable", "the stream failed: The engine stopped.")
    assert set(names([result]).values()) <= {"legal"}


async def test_lenient_servers_are_no_wrong_servers() -> None:
    def answer(asked: Asked) -> Answer:
        body = asked.json
        return clean(asked) if "temperature" not in body else clean(_without(asked, "temperature"))

    async with scripted(answer) as server:
        result = only(await examine(server.url, "errors.temperature"))

    assert (result.verdict, result.issues) == ("pass", [])


def _without(asked: Asked, name: str) -> Asked:
    body = {key: value for key, value in asked.json.items() if key != name}
    return Asked(asked.method, asked.path, asked.headers, json.dumps(body).encode())


async def test_a_bad_request_that_is_answered() -> None:
    good = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}

    def answer(asked: Asked) -> Answer:
        return clean(Asked(asked.method, asked.path, asked.headers, json.dumps(good).encode()))

    async with scripted(answer) as server:
        found = names(await examine(server.url, "errors.bad-json", "errors.no-messages"))

    assert found["err-200-for-4xx"] == "exact"


# how the server fails -> the verdict on a plain chat and a plain stream, and the grade
FAILURES: dict[str, tuple[str, str, str]] = {
    "cut": ("wrong", "wrong", "F"),
    "reset": ("wrong", "wrong", "F"),
    "stall": ("wrong", "wrong", "F"),
    "error": ("unreachable", "unreachable", "F"),
    "refuse": ("unreachable", "unreachable", "F"),
    "silent": ("unreachable", "unreachable", "F"),
    "garbage": ("unreachable", "unreachable", "F"),
    "close-idle": ("pass", "pass", "A+"),
    "http-500": ("unreachable", "unreachable", "F"),
    "http-429": ("skipped", "skipped", "?"),
    "http-404": ("unsupported", "unsupported", "?"),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_servers_that_fail(failure: str) -> None:
    async with SimServer(SimOptions(fail=failure)) as sim:
        results = await examine(sim.url, "chat.whole", "stream.plain", timeout=0.5)

    assert (*(result.verdict for result in results), card_of(results).grade.letter) == FAILURES[failure]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_servers_with_habits(provider: str) -> None:
    async with SimServer(SimOptions(like=provider)) as sim:
        results = await examine(sim.url)

    card = card_of(results)
    assert card.entries
    assert terminal(card, 80, lambda text, style: text)
    assert any(entry.cured for entry in card.entries)


def _elsewhere(asked: Asked) -> Answer:
    """A server that has nothing of the API."""
    return 404, {"content-type": "text/html"}, b"<html><title>Not here</title></html>"


def _a_page(asked: Asked) -> Answer:
    return 200, {"content-type": "text/html"}, b"<html>Welcome</html>"


@pytest.mark.parametrize(
    ("answer", "path", "words"),
    [
        (_elsewhere, "/v1", ("GET /v1/models is answered with 404 (Not here)", "--model")),
        (_elsewhere, "/api", ("404 (Not here)", "base URLs mostly end in /v1")),
        (_a_page, "/v1", ("no JSON", "is this the base URL of an API?")),
    ],
)
async def test_why_no_model_is_known(answer: Callable[[Asked], Answer], path: str, words: tuple[str, ...]) -> None:
    async with scripted(answer) as server:
        with pytest.raises(NoModelError) as refused:
            await examine(server.url.removesuffix("/v1") + path, "chat.whole", models=None)

    assert all(word in str(refused.value) for word in words)


async def test_a_chat_that_is_not_there_is_said_first() -> None:
    async with scripted(_elsewhere) as server:
        card = card_of(await examine(server.url, "chat.whole", "stream.plain", "errors.bad-json"))

    assert summary(card).startswith("The plain chat does not answer. 1 fault breaks clients")


async def test_a_key_that_opens_chats_is_not_what_is_wrong_with_a_bad_request() -> None:
    """A server that calls every mistake a login failure misleads clients; one that lets nobody in says nothing."""

    def everything_is_the_key(asked: Asked) -> Answer:
        said = clean(asked)
        return said if said[0] < 400 else refused(401, "login fail: no valid key")

    async with scripted(everything_is_the_key) as server:
        results = await examine(server.url, "chat.whole", "errors.no-messages")
        alone = await examine(server.url, "errors.no-messages")

    issue = results[1].issues[0][0]
    assert (results[1].verdict, issue.name, issue.level) == ("wrong", "status-other", "exact")
    assert "401" in issue.text
    assert alone[0].verdict == "unreachable"
