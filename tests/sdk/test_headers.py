"""What the raw and the streaming responses of OpenAI's SDK show: headers, status, bytes."""

from __future__ import annotations

from typing import Any

import openai

from sdk.world import SECONDS, World, sim

CHAT: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": "echo: hello"}]}


def test_headers_of_a_whole_reply(client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(
        **CHAT, extra_body=sim(faults=["id-missing", "created-float"]), extra_headers={"x-request-id": "req-of-mine"}
    )

    assert raw.parse().choices[0].message.content == "hello"
    assert raw.headers["content-type"] == "application/json"
    assert raw.headers["x-request-id"] == "req-of-mine"
    assert set(raw.headers["x-trueline-repairs"].split(",")) == {"id-missing", "created-float"}
    assert raw.headers["x-ratelimit-remaining-requests"] == "9999"
    assert raw.headers["openai-processing-ms"].isdigit()
    assert raw.headers["x-trueline-upstream"] and raw.headers["x-trueline-overhead-us"].isdigit()


def test_a_clean_reply_names_no_repairs(client: openai.OpenAI, direct: openai.OpenAI) -> None:
    through = client.chat.completions.with_raw_response.create(**CHAT, extra_body=sim())
    clean = direct.chat.completions.with_raw_response.create(**CHAT, extra_body=sim())

    assert "x-trueline-repairs" not in through.headers
    assert through.content == clean.content


def test_a_clean_stream_is_the_same_to_the_byte(client: openai.OpenAI, direct: openai.OpenAI) -> None:
    def stream(sdk: openai.OpenAI) -> bytes:
        with sdk.chat.completions.with_streaming_response.create(**CHAT, stream=True, extra_body=sim()) as response:
            return bytes(response.read())

    assert stream(client) == stream(direct)


async def test_request_ids_are_made_and_returned(world: World) -> None:
    async with openai.AsyncOpenAI(base_url=world.url, api_key="sk-test", max_retries=0, timeout=SECONDS) as sdk:
        first = await sdk.chat.completions.create(**CHAT, extra_body=sim())
        second = await sdk.chat.completions.create(**CHAT, extra_body=sim())

    assert first._request_id and second._request_id
    assert first._request_id != second._request_id


def test_streaming_response(client: openai.OpenAI) -> None:
    with client.chat.completions.with_streaming_response.create(
        **CHAT, stream=True, extra_body=sim(faults=["sse-crlf"])
    ) as response:
        lines = list(response.iter_lines())

    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.request_id
    assert lines[-2:] == ["data: [DONE]", ""] and all(line.startswith("data: ") or not line for line in lines)
