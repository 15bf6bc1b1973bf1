"""Four choices with OpenAI's SDK through a server that gives one: its helpers put them together like OpenAI's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from sdk.heard import fold
from sdk.world import SECONDS, World, running_world, sim

MODEL = "gpt-4o"
TEXT = "Grüße ☕ from the SDK"
ECHO: Any = [{"role": "user", "content": f"echo: {TEXT}"}]
IGNORED: dict[str, Any] = sim(faults=["n-ignored", "id-missing", "role-repeated", "done-missing"])
REFUSED: dict[str, Any] = sim(refuses=["n"])
ASKED: Any = {"model": MODEL, "messages": ECHO, "n": 4}
USAGE: Any = {"stream_options": {"include_usage": True}}


class Weather(BaseModel):
    city: str
    days: int


TOOLS: Any = [openai.pydantic_function_tool(Weather, name="get_weather")]


@pytest.fixture
def own() -> Iterator[World]:
    """A Trueline that has learned nothing yet."""
    with running_world() as made:
        yield made


@pytest.fixture(params=[IGNORED, REFUSED], ids=["ignored", "refused"])
def way(request: pytest.FixtureRequest) -> dict[str, Any]:
    return dict(request.param)


def client_of(world: World) -> openai.OpenAI:
    return openai.OpenAI(base_url=world.url, api_key="sk-test", max_retries=0, timeout=SECONDS)


def async_client_of(world: World) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=world.url, api_key="sk-test", max_retries=0, timeout=SECONDS)


def check(reply: Any) -> None:
    assert [choice.index for choice in reply.choices] == [0, 1, 2, 3]
    assert [choice.message.content for choice in reply.choices] == [TEXT] * 4
    assert {choice.finish_reason for choice in reply.choices} == {"stop"}
    assert reply.usage is not None and reply.usage.total_tokens > reply.usage.completion_tokens > 0


def test_whole_and_helper(own: World, way: dict[str, Any]) -> None:
    with client_of(own) as client:
        for _ in range(2):
            check(client.chat.completions.create(**ASKED, extra_body=way))
            with client.chat.completions.stream(**ASKED, **USAGE, extra_body=way) as stream:
                events = [event.type for event in stream]
                check(stream.get_final_completion())
            assert events.count("content.done") == 4


async def test_whole_and_helper_async(own: World, way: dict[str, Any]) -> None:
    async with async_client_of(own) as client:
        check(await client.chat.completions.create(**ASKED, extra_body=way))
        async with client.chat.completions.stream(**ASKED, **USAGE, extra_body=way) as stream:
            assert [event.type async for event in stream].count("content.done") == 4
            check(await stream.get_final_completion())


def test_stream_by_hand(own: World, way: dict[str, Any]) -> None:
    with client_of(own) as client:
        chunks = list(client.chat.completions.create(**ASKED, **USAGE, stream=True, extra_body=way))

    assert [said.content for said in fold(chunks).choices] == [TEXT] * 4
    assert len({(chunk.id, chunk.created, chunk.model, chunk.system_fingerprint) for chunk in chunks}) == 1
    assert [chunk.usage is not None for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert sum(bool(choice.delta.role) for chunk in chunks for choice in chunk.choices) == 4


def test_tools_of_each(own: World, way: dict[str, Any]) -> None:
    request: Any = {**ASKED, "messages": [{"role": "user", "content": "get_weather"}], "tools": TOOLS}
    with (
        client_of(own) as client,
        client.chat.completions.stream(**request, extra_body={"x_sim": {**way["x_sim"], "seed": None}}) as stream,
    ):
        stream.until_done()
        final = stream.get_final_completion()

    calls = [choice.message.tool_calls for choice in final.choices]
    assert [len(each or ()) for each in calls] == [1] * 4
    assert len({call.id for each in calls for call in each or ()}) == 4
    assert {call.function.name for each in calls for call in each or ()} == {"get_weather"}


def test_completions(own: World) -> None:
    request: Any = {"model": "gpt-3.5-turbo-instruct", "prompt": f"echo: {TEXT}", "n": 4, "extra_body": REFUSED}
    with client_of(own) as client:
        whole = client.completions.create(**request)
        texts = [""] * 4
        for chunk in client.completions.create(**request, stream=True):
            for choice in chunk.choices:
                texts[choice.index] += choice.text

    assert [choice.text for choice in whole.choices] == texts == [TEXT] * 4
    assert [choice.index for choice in whole.choices] == [0, 1, 2, 3]


@pytest.mark.parametrize("stream", [False, True])
def test_one_of_four_that_fails(own: World, stream: bool) -> None:
    request: Any = {**ASKED, "stream": stream, "extra_body": sim(refuses=["n"], fail="http-503", fail_every=4)}
    with client_of(own) as client, pytest.raises(openai.APIError):
        reply = client.chat.completions.create(**request)
        for _ in reply if stream else ():
            pass
