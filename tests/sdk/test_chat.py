"""Chats through Trueline with OpenAI's SDK, sync and async, against a server that misbehaves all the while."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
from openai.lib._pydantic import to_strict_json_schema
from pydantic import BaseModel

from sdk.heard import fold
from sdk.world import SECONDS, World, sim

MODEL = "gpt-4o"
ECHO: Any = [{"role": "user", "content": "echo: Grüße ☕ from the SDK"}]
TEXT = "Grüße ☕ from the SDK"

# What most servers do wrong, on every reply of this file.
FAULTS = [
    "id-missing", "created-float", "role-repeated", "choices-empty-first", "sse-comment", "sse-event-only-frame",
    "fingerprint-missing", "tool-index-missing", "tool-id-repeated", "tool-args-object", "finish-stop-with-tools",
    "usage-every-chunk-cumulative", "done-missing",
]  # fmt: skip


class Weather(BaseModel):
    city: str
    days: int


class Report(BaseModel):
    summary: str
    readings: list[Weather]


TOOLS: Any = [
    openai.pydantic_function_tool(Weather, name="get_weather"),
    {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object", "properties": {}}}},
]
BOTH: Any = [{"role": "user", "content": "Use get_weather and get_time for Paris."}]


@asynccontextmanager
async def async_client(world: World) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=world.url, api_key="sk-test", max_retries=0, timeout=SECONDS) as made:
        yield made


def faulty(**options: Any) -> dict[str, Any]:
    return sim(faults=FAULTS, **options)


def check_text(reply: Any) -> None:
    assert reply.choices[0].message.content == TEXT
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens > 0
    assert reply.id.startswith("chatcmpl-") and reply.system_fingerprint.startswith("fp_")


def check_calls(reply: Any) -> None:
    message = reply.choices[0].message
    weather, clock = message.tool_calls
    assert message.content is None or message.content == ""
    assert reply.choices[0].finish_reason == "tool_calls"
    assert (weather.function.name, json.loads(weather.function.arguments)) == (
        "get_weather",
        {"city": "city", "days": 1},
    )
    assert (clock.function.name, json.loads(clock.function.arguments)) == ("get_time", {})
    assert len({weather.id, clock.id}) == 2


def test_create(client: openai.OpenAI) -> None:
    check_text(client.chat.completions.create(model=MODEL, messages=ECHO, extra_body=faulty()))


async def test_create_async(world: World) -> None:
    async with async_client(world) as sdk:
        check_text(await sdk.chat.completions.create(model=MODEL, messages=ECHO, extra_body=faulty()))


def test_stream(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(model=MODEL, messages=ECHO, stream=True, extra_body=faulty())
    chunks = list(stream)

    assert fold(chunks).choices[0].content == TEXT
    assert len({(chunk.id, chunk.created, chunk.model, chunk.system_fingerprint) for chunk in chunks}) == 1
    assert [chunk.choices[0].delta.role for chunk in chunks] == ["assistant"] + [None] * (len(chunks) - 1)
    assert all(chunk.usage is None for chunk in chunks)


async def test_stream_async(world: World) -> None:
    async with async_client(world) as sdk:
        stream = await sdk.chat.completions.create(model=MODEL, messages=ECHO, stream=True, extra_body=faulty())
        heard = fold([chunk async for chunk in stream])

    assert (heard.choices[0].content, heard.choices[0].finish) == (TEXT, "stop")


def test_usage_of_a_stream_comes_once_and_last(client: openai.OpenAI) -> None:
    wanted: Any = {"include_usage": True}
    chunks = list(
        client.chat.completions.create(
            model=MODEL, messages=ECHO, stream=True, stream_options=wanted, extra_body=faulty()
        )
    )

    assert [chunk.usage is not None for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].choices == []


def test_parallel_calls(client: openai.OpenAI) -> None:
    check_calls(client.chat.completions.create(model=MODEL, messages=BOTH, tools=TOOLS, extra_body=faulty()))


async def test_parallel_calls_async(world: World) -> None:
    async with async_client(world) as sdk:
        check_calls(await sdk.chat.completions.create(model=MODEL, messages=BOTH, tools=TOOLS, extra_body=faulty()))


# The events that programs wait for, in the order in which each of them first comes.
CALL_EVENTS = ["chunk", "tool_calls.function.arguments.delta", "tool_calls.function.arguments.done"]


def first_seen(types: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(types))


def test_stream_helper_with_tools(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model=MODEL, messages=BOTH, tools=TOOLS, extra_body=faulty()) as stream:
        events = list(stream)
        final = stream.get_final_completion()

    check_calls(final)
    assert first_seen(event.type for event in events) == CALL_EVENTS
    done = [event for event in events if event.type == "tool_calls.function.arguments.done"]
    assert [event.name for event in done] == ["get_weather", "get_time"]
    assert done[0].parsed_arguments == Weather(city="city", days=1)


async def test_stream_helper_with_tools_async(world: World) -> None:
    async with (
        async_client(world) as sdk,
        sdk.chat.completions.stream(model=MODEL, messages=BOTH, tools=TOOLS, extra_body=faulty()) as stream,
    ):
        types = [event.type async for event in stream]
        final = await stream.get_final_completion()

    check_calls(final)
    assert first_seen(iter(types)) == CALL_EVENTS


def test_three_choices(client: openai.OpenAI) -> None:
    request: Any = {"model": MODEL, "messages": [{"role": "user", "content": "tea"}], "n": 3, "extra_body": faulty()}
    whole = client.chat.completions.create(**request)
    streamed = fold(client.chat.completions.create(**request, stream=True))

    texts = [choice.message.content for choice in whole.choices]
    assert [choice.index for choice in whole.choices] == [0, 1, 2]
    assert len(set(texts)) == 3
    assert [said.content for said in streamed.choices] == texts


REPORT = Report(summary="summary", readings=[Weather(city="city", days=1)])


def test_parse(client: openai.OpenAI) -> None:
    reply = client.chat.completions.parse(model=MODEL, messages=BOTH, response_format=Report, extra_body=faulty())

    assert reply.choices[0].message.parsed == REPORT


async def test_parse_async(world: World) -> None:
    async with async_client(world) as sdk:
        reply = await sdk.chat.completions.parse(
            model=MODEL, messages=BOTH, response_format=Report, extra_body=faulty()
        )

    assert reply.choices[0].message.parsed == REPORT


def test_parse_tool_calls(client: openai.OpenAI) -> None:
    reply = client.chat.completions.parse(model=MODEL, messages=BOTH, tools=TOOLS[:1], extra_body=faulty())
    [call] = reply.choices[0].message.tool_calls or []

    assert call.function.parsed_arguments == Weather(city="city", days=1)


def test_parse_a_stream(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(
        model=MODEL, messages=BOTH, response_format=Report, extra_body=faulty()
    ) as stream:
        events = list(stream)
        final = stream.get_final_completion()

    assert final.choices[0].message.parsed == REPORT
    assert [event.parsed for event in events if event.type == "content.done"] == [REPORT]


def test_a_refusal(client: openai.OpenAI) -> None:
    request: Any = {"model": MODEL, "messages": ECHO, "extra_body": faulty(refusal="I cannot help with that.")}
    whole = client.chat.completions.create(**request).choices[0].message
    with client.chat.completions.stream(**request) as stream:
        streamed = stream.get_final_completion().choices[0].message

    assert whole.refusal == streamed.refusal == "I cannot help with that."
    assert whole.content is None


def test_logprobs(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(
        model=MODEL, messages=ECHO, logprobs=True, top_logprobs=2, extra_body=faulty()
    )
    logprobs = reply.choices[0].logprobs

    assert logprobs is not None and logprobs.content is not None
    assert "".join(token.token for token in logprobs.content) == TEXT


def test_length_is_reported(client: openai.OpenAI) -> None:
    request: Any = {"model": MODEL, "messages": ECHO, "max_tokens": 2, "extra_body": faulty()}

    assert client.chat.completions.create(**request).choices[0].finish_reason == "length"
    with client.chat.completions.stream(**request) as stream, pytest.raises(openai.LengthFinishReasonError):
        stream.get_final_completion()


def test_the_strict_schema_is_what_the_server_gets(world: World, client: openai.OpenAI) -> None:
    client.chat.completions.parse(model=MODEL, messages=BOTH, response_format=Report, extra_body=faulty())

    sent = world.sim.requests[-1].json["response_format"]["json_schema"]
    assert sent["schema"] == to_strict_json_schema(Report)
