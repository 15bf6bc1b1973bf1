"""Each error class of OpenAI's SDK, with the server's message, code and param; and streams that break in the middle."""

from __future__ import annotations

import socket
from typing import Any

import openai
import pytest

from sdk.world import SECONDS, World, sim
from trueline.sim import PLANTERS

MESSAGES: Any = [{"role": "user", "content": "echo: one two three four five six seven eight"}]
TEXT = "one two three four five six seven eight"
CHAT: Any = {"model": "gpt-4o", "messages": MESSAGES}

# How the server fails -> the class, and what it says of itself.
CLASSES: list[tuple[str, type[openai.APIStatusError], int, str, str | None]] = [
    ("http-400", openai.BadRequestError, 400, "invalid_request_error", None),
    ("http-401", openai.AuthenticationError, 401, "invalid_request_error", "invalid_api_key"),
    ("http-403", openai.PermissionDeniedError, 403, "request_forbidden", "unsupported_country_region_territory"),
    ("http-404", openai.NotFoundError, 404, "invalid_request_error", "model_not_found"),
    ("http-409", openai.ConflictError, 409, "invalid_request_error", None),
    # OpenAI answers 400 where other servers say 422.
    ("http-422", openai.BadRequestError, 400, "invalid_request_error", None),
    ("http-429", openai.RateLimitError, 429, "requests", "rate_limit_exceeded"),
    ("http-500", openai.InternalServerError, 500, "server_error", None),
    ("http-503", openai.InternalServerError, 503, "server_error", None),
    ("reset", openai.InternalServerError, 502, "server_error", "upstream_cut"),
    ("cut", openai.InternalServerError, 502, "server_error", "upstream_cut"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("fail", "kind", "status", "type_", "code"), CLASSES, ids=[row[0] for row in CLASSES])
def test_classes(
    fail: str,
    kind: type[openai.APIStatusError],
    status: int,
    type_: str,
    code: str | None,
    stream: bool,
    client: openai.OpenAI,
) -> None:
    with pytest.raises(kind) as caught:
        client.chat.completions.create(**CHAT, stream=stream, extra_body=sim(fail=fail, fail_after=0))

    error = caught.value
    assert (error.status_code, error.type, error.code) == (status, type_, code)
    assert error.message and error.request_id
    assert isinstance(error.body, dict) and set(error.body) == {"message", "type", "param", "code"}


async def test_classes_async(world: World) -> None:
    async with openai.AsyncOpenAI(base_url=world.url, api_key="sk-test", max_retries=0, timeout=SECONDS) as sdk:
        for fail, kind, *_ in CLASSES:
            with pytest.raises(kind):
                await sdk.chat.completions.create(**CHAT, extra_body=sim(fail=fail))


def test_when_to_retry_survives(client: openai.OpenAI) -> None:
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(**CHAT, extra_body=sim(fail="http-429"))

    assert caught.value.response.headers["retry-after"] == "20"


def test_the_sdk_retries_what_it_may(world: World) -> None:
    """A failing server that recovers is not noticed by a program that lets its SDK retry."""
    before = world.sim.request_count
    options = sim(fail="http-503", fail_every=2)
    with openai.OpenAI(base_url=world.url, api_key="sk-test", max_retries=2, timeout=SECONDS) as sdk:
        replies = [sdk.chat.completions.create(**CHAT, extra_body=options) for _ in range(2)]

    assert [reply.choices[0].message.content for reply in replies] == [TEXT, TEXT]
    assert world.sim.request_count - before >= 3


# A bad request -> the field that is named.
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"messages": []}, "messages"),
    ({"messages": [{"content": "no role"}]}, "messages[0].role"),
    ({"n": "three"}, "n"),
    ({"temperature": "warm"}, "temperature"),
    ({"stream_options": []}, "stream_options"),
]


@pytest.mark.parametrize(("fields", "param"), REFUSED)
def test_a_bad_request_names_the_field(fields: dict[str, Any], param: str, world: World, client: openai.OpenAI) -> None:
    before = world.sim.request_count
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**{**CHAT, **fields})

    assert caught.value.param == param
    assert world.sim.request_count == before


# The shapes that servers give to the error that every one of them gives sooner or later: the context is too long.
SHAPES = [fault for fault in sorted(PLANTERS) if fault.startswith("err-") and PLANTERS[fault].error is not None]
# Shape -> the status and the beginning of the message where it has no place for those of that error, or is of another.
OTHERS: dict[str, tuple[int, str]] = {
    "err-200-baseresp": (401, "login fail"),
    "err-200-code-msg": (500, "This model's maximum context length"),
    "err-429-as-other": (503, "Rate limit exceeded"),
    "err-500-for-4xx": (500, "This model's maximum context length"),
    "err-empty-body": (503, ""),
    "err-html": (502, "502 Bad Gateway"),
    "err-in-200-body": (429, "Rate limit reached"),
    "err-unknown-endpoint-200": (404, "Unexpected endpoint or method"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes(shape: str, client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(**CHAT, extra_body=sim(faults=[shape]))

    status, message = OTHERS.get(shape, (400, "This model's maximum context length is 8192 tokens."))
    body: Any = caught.value.body
    assert caught.value.status_code == status
    assert body["message"].startswith(message) and body["message"]
    assert set(body) == {"message", "type", "param", "code"}
    assert body["type"] and all(value is None or isinstance(value, str) for value in body.values())


def test_nobody_listens(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with (
        openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="sk-test", max_retries=0) as sdk,
        pytest.raises(openai.APIConnectionError),
    ):
        sdk.chat.completions.create(**CHAT)


def test_a_client_that_gives_up(world: World) -> None:
    """The SDK's own timeout; Trueline drops the upstream at once (tests of the proxy look at that)."""
    with (
        openai.OpenAI(base_url=world.url, api_key="sk-test", max_retries=0, timeout=0.2) as sdk,
        pytest.raises(openai.APITimeoutError),
    ):
        sdk.chat.completions.create(**CHAT, extra_body=sim(fail="silent"))


# How a stream breaks after some of its events.
BREAKS: list[dict[str, Any]] = [
    {"fail": "cut", "fail_after": 4},
    {"fail": "cut-event", "fail_after": 4},
    {"fail": "reset", "fail_after": 4},
    {"fail": "error", "fail_after": 4},
    {"faults": ["eof-truncated"], "fail_after": 4},
    {"faults": ["err-mid-stream"], "fail_after": 4},
    {"faults": ["err-mid-named-event"], "fail_after": 4},
    {"faults": ["finish-error-value"]},
]
BREAK_NAMES = [str(row.get("fail") or row["faults"][0]) for row in BREAKS]


@pytest.mark.parametrize("how", BREAKS, ids=BREAK_NAMES)
def test_a_broken_stream_raises(how: dict[str, Any], client: openai.OpenAI) -> None:
    """Never a short answer that looks complete."""
    said = ""
    finishes = []
    with (
        client.chat.completions.create(**CHAT, stream=True, extra_body=sim(**how)) as stream,
        pytest.raises(openai.APIError) as caught,
    ):
        for chunk in stream:
            said += chunk.choices[0].delta.content or ""
            finishes.append(chunk.choices[0].finish_reason)

    assert said and TEXT.startswith(said)
    assert not any(finishes)
    assert caught.value.message and isinstance(caught.value.body, dict)


@pytest.mark.parametrize("how", BREAKS, ids=BREAK_NAMES)
async def test_a_broken_stream_raises_in_the_helper(how: dict[str, Any], world: World) -> None:
    async with openai.AsyncOpenAI(base_url=world.url, api_key="sk-test", max_retries=0, timeout=SECONDS) as sdk:
        with pytest.raises(openai.APIError):
            async with sdk.chat.completions.stream(**CHAT, extra_body=sim(**how)) as stream:
                await stream.get_final_completion()


@pytest.mark.parametrize("how", BREAKS, ids=BREAK_NAMES)
def test_a_broken_call_raises(how: dict[str, Any], client: openai.OpenAI) -> None:
    tool: Any = {"type": "function", "function": {"name": "search", "parameters": {"properties": {"query": {}}}}}
    request: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": "tea?"}], "tools": [tool]}
    with pytest.raises(openai.APIError):
        list(client.chat.completions.create(**request, stream=True, extra_body=sim(**{**how, "fail_after": 2})))
