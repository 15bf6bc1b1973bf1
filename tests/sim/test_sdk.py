"""OpenAI's own client against the clean server, and against failures that it must report."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest

from trueline.sim import SimOptions, SimServer

MESSAGES: Any = [{"role": "user", "content": "echo: Grüße from the SDK"}]
TOOLS: Any = [
    {
        "type": "function",
        "function": {"name": "get_weather", "parameters": {"properties": {"city": {"type": "string"}}}},
    }
]


@asynccontextmanager
async def client(options: SimOptions | None = None) -> AsyncIterator[openai.AsyncOpenAI]:
    async with (
        SimServer(options) as sim,
        openai.AsyncOpenAI(base_url=sim.url, api_key="sk-sim", max_retries=0) as made,
    ):
        yield made


async def test_chat() -> None:
    async with client() as sdk:
        reply = await sdk.chat.completions.create(model="gpt-4o", messages=MESSAGES)

    assert reply.choices[0].message.content == "Grüße from the SDK"
    assert reply.usage is not None and reply.usage.total_tokens > 0


async def test_stream_helper() -> None:
    async with (
        client() as sdk,
        sdk.chat.completions.stream(
            model="gpt-4o", messages=MESSAGES, stream_options={"include_usage": True}
        ) as stream,
    ):
        async for _ in stream:
            pass
        final = await stream.get_final_completion()

    assert final.choices[0].message.content == "Grüße from the SDK"
    assert final.choices[0].finish_reason == "stop"
    assert final.usage is not None


async def test_streamed_tool_call() -> None:
    async with (
        client() as sdk,
        sdk.chat.completions.stream(
            model="gpt-4o", messages=[{"role": "user", "content": "weather?"}], tools=TOOLS
        ) as stream,
    ):
        async for _ in stream:
            pass
        call = (await stream.get_final_completion()).choices[0].message.tool_calls[0]  # type: ignore[index]

    assert (call.function.name, call.function.arguments) == ("get_weather", '{"city":"city"}')


async def test_other_endpoints() -> None:
    async with client() as sdk:
        vectors = await sdk.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
        floats = await sdk.embeddings.create(model="text-embedding-3-small", input="a", encoding_format="float")
        models = [model.id async for model in sdk.models.list()]
        picture = await sdk.images.generate(model="gpt-image-1.5", prompt="tea")
        text = await sdk.completions.create(model="gpt-3.5-turbo-instruct", prompt="echo: old")

    assert vectors.data[0].embedding == floats.data[0].embedding
    assert "gpt-4o" in models
    assert picture.data is not None and picture.data[0].b64_json
    assert text.choices[0].text == "old"


@pytest.mark.parametrize(
    ("fail", "error"),
    [
        ("http-401", openai.AuthenticationError),
        ("http-429", openai.RateLimitError),
        ("http-503", openai.InternalServerError),
        ("reset", openai.APIConnectionError),
        ("cut", openai.APIConnectionError),
    ],
)
async def test_failures(fail: str, error: type[Exception]) -> None:
    async with client(SimOptions(fail=fail)) as sdk:
        with pytest.raises(error):
            await sdk.chat.completions.create(model="gpt-4o", messages=MESSAGES)


async def test_an_error_in_the_middle_of_a_stream() -> None:
    said = ""
    async with client(SimOptions(fail="error", fail_after=2)) as sdk:
        stream = await sdk.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
        with pytest.raises(openai.APIError, match="had an error"):
            async for chunk in stream:
                said += chunk.choices[0].delta.content or ""

    assert said == "Grüße"
