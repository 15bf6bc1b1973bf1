"""DashScope and text-generation-inference behind the proxy, and OpenAI's SDK before it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai import APIError, AsyncOpenAI, BadRequestError, RateLimitError

from dialects.test_dashscope import call, event, framed, whole
from dialects.test_hf_tgi import END, token
from dialects.test_hf_tgi import event as tgi
from engine.kit import Fields
from proxy.running import Proxy, running, settings, upstream
from proxy.test_translated import QUESTION, TOOLS, Answering
from shell.upstream.scripted import Server, serve

JSON = "application/json"
SSE = "text/event-stream;charset=UTF-8"
CALLS = [("call_a", "Rome"), ("call_b", "Oslo")]


def chosen(server: Server, dialect: str, path: str = "", **more: Any) -> Any:
    return settings(upstream(f"http://127.0.0.1:{server.port}{path}", name="n", key="k-1", dialect=dialect, **more))


def client(proxy: Proxy) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"http://127.0.0.1:{proxy.port}/v1", api_key="none", max_retries=0)


def asked_by_dashscopes_sdk(seen: Any) -> Fields:
    """The request as its SDK would have sent it: these three fields, and a header for streams."""
    body: Fields = json.loads(seen.body)
    assert set(body) == {"model", "input", "parameters"}
    assert set(body["input"]) == {"messages"}
    assert (seen.header("x-dashscope-sse") == "enable") == body["parameters"].get("incremental_output", False)
    assert seen.header("authorization") == "Bearer k-1"
    return body


@pytest.mark.parametrize("streamed", [False, True])
async def test_two_turns_with_parallel_calls(streamed: bool) -> None:
    made = [call(n, "weather", json.dumps({"city": city}), i) for n, (i, city) in enumerate(CALLS)]
    if streamed:
        opened = [call(n, "weather", "", i) for n, (i, _) in enumerate(CALLS)]
        said = [call(n, "", json.dumps({"city": city})) for n, (_, city) in enumerate(CALLS)]
        steps = [
            event(reasoning_content="Hm."),
            *(event(tool_calls=[c]) for pair in zip(opened, said, strict=True) for c in pair),
        ]
        first = SSE, b"".join(steps) + event("tool_calls")
        second = SSE, event(content="20 and ") + event(content="3.") + event("stop")
    else:
        first, second = (
            (JSON, whole("tool_calls", tool_calls=made, reasoning_content="Hm.")),
            (JSON, whole(content="20 and 3.")),
        )
    native = Answering(first, second)
    async with (
        serve(native) as server,
        running(chosen(server, "dashscope", "/api/v1")) as proxy,
        client(proxy) as openai,
    ):
        messages: list[Any] = [QUESTION]
        for _ in range(2):
            asked: Fields = {"model": "qwen-plus", "messages": messages, "tools": TOOLS}
            reply: Any
            if streamed:
                async with openai.chat.completions.stream(**asked, stream_options={"include_usage": True}) as events:
                    reply = await events.get_final_completion()
            else:
                reply = await openai.chat.completions.create(**asked)
            assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (9, 4)
            messages.append(json.loads(reply.choices[0].message.model_dump_json(exclude_none=True)))
            calls = reply.choices[0].message.tool_calls or []
            messages += [{"role": "tool", "tool_call_id": one.id, "content": "20"} for one in calls]
        assert "faults=-" in proxy.log.text
    assert messages[-1]["content"] == "20 and 3."
    assert [seen.line for seen in native.seen] == ["POST /api/v1/services/aigc/text-generation/generation HTTP/1.1"] * 2
    answered = asked_by_dashscopes_sdk(native.seen[1])["input"]["messages"]
    assert answered[1]["reasoning_content"] == "Hm."
    assert [one["id"] for one in answered[1]["tool_calls"]] == ["call_a", "call_b"]
    assert [one["tool_call_id"] for one in answered[2:]] == ["call_a", "call_b"]


async def test_dashscope_sees_pictures_and_answers_in_a_schema() -> None:
    native = Answering((JSON, whole(content=[{"text": '{"city":"Rome"}'}])))
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    }
    form: Any = {"type": "json_schema", "json_schema": {"name": "place", "schema": schema, "strict": True}}
    async with (
        serve(native) as server,
        running(chosen(server, "dashscope", "/api/v1")) as proxy,
        client(proxy) as openai,
    ):
        messages: Any = [{"role": "user", "content": [{"type": "text", "text": "Where?"}, picture]}]
        reply = await openai.chat.completions.create(model="qwen-vl-plus", messages=messages, response_format=form)
    assert reply.choices[0].message.content == '{"city":"Rome"}'
    body = asked_by_dashscopes_sdk(native.seen[0])
    assert "multimodal-generation" in native.seen[0].line
    assert body["input"]["messages"][0]["content"][1] == {"image": "data:image/png;base64,iVBORw0KGgo="}
    assert body["parameters"]["response_format"] == form


@pytest.mark.parametrize("name", ["dashscope", "hf_tgi"])
async def test_a_stream_that_is_cut_or_fails_is_no_answer(name: str) -> None:
    begun = event(content="Romulus") if name == "dashscope" else tgi(token("Romulus"))
    busy = {"code": "Throttling", "message": "busy", "request_id": "r"}
    failing = framed(busy, 429) if name == "dashscope" else b'data:{"error":"busy","error_type":"overloaded"}\n\n'
    native = Answering((SSE, begun), (SSE, begun + failing), (SSE, failing))
    async with serve(native) as server, running(chosen(server, name)) as proxy, client(proxy) as openai:
        for words in ("Romulus", "busy"):
            chunks = await openai.chat.completions.create(model="m", messages=[QUESTION], stream=True)
            got = ""
            with pytest.raises(APIError, match="busy" if words == "busy" else None):
                async for chunk in chunks:
                    assert chunk.choices[0].finish_reason is None
                    got += chunk.choices[0].delta.content or ""
            assert got == "Romulus"
        with pytest.raises(RateLimitError, match="busy"):
            await openai.chat.completions.create(model="m", messages=[QUESTION], stream=True)


async def test_an_overload_before_the_first_byte_is_a_status() -> None:
    """DashScope frames the error of a stream as an event, also under the content type of JSON."""
    for name, body in (
        ("dashscope", framed({"code": "Throttling.RateQuota", "message": "busy"}, 429)),
        ("hf_tgi", b'{"error":"busy","error_type":"overloaded"}'),
    ):
        native = Answering((JSON, body), status="429 Too Many Requests")
        async with serve(native) as server, running(chosen(server, name)) as proxy, client(proxy) as openai:
            with pytest.raises(RateLimitError) as failed:
                await openai.chat.completions.create(model="m", messages=[QUESTION], stream=True)
        assert failed.value.code == "rate_limit_exceeded"
        assert "busy" in failed.value.message


async def test_text_generation_by_the_prompt_of_a_setting() -> None:
    stream = tgi(token("Hel")) + tgi(token("lo")) + tgi(token("</s>", True), "Hello", END)
    answer = {"generated_text": "Hello", "details": {"finish_reason": "length", "generated_tokens": 2, "prefill": []}}
    native = Answering((SSE, stream), (JSON, json.dumps(answer).encode()))
    async with serve(native) as server:
        way = chosen(server, "hf_tgi", places={"template": "zephyr"})
        async with running(way) as proxy, client(proxy) as openai:
            asked: Any = {"model": "tgi", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2}
            async with openai.chat.completions.stream(**asked) as events:
                streamed = (await events.get_final_completion()).choices[0]
            whole_reply = (await openai.chat.completions.create(**asked)).choices[0]
            with pytest.raises(BadRequestError, match="tools") as refused:
                await openai.chat.completions.create(**asked, tools=TOOLS)
            assert "faults=-" in proxy.log.text
    assert (streamed.message.content, streamed.finish_reason) == ("Hello", "stop")
    assert (whole_reply.message.content, whole_reply.finish_reason) == ("Hello", "length")
    assert refused.value.code == "unsupported_parameter"
    assert [seen.line.split()[1] for seen in native.seen] == ["/generate_stream", "/generate"]
    assert {body["inputs"] for body in native.bodies} == {"<|user|>\nHi</s>\n<|assistant|>\n"}


@pytest.mark.parametrize("name", ["dashscope", "hf_tgi"])
async def test_several_choices_are_asked_apart(name: str) -> None:
    def said(text: str) -> tuple[str, bytes]:
        if name == "dashscope":
            return JSON, whole(content=text)
        return JSON, json.dumps({"generated_text": text, "details": {"finish_reason": "eos_token"}}).encode()

    native = Answering(said("One"), said("Two"))
    async with serve(native) as server, running(chosen(server, name)) as proxy, client(proxy) as openai:
        made = await openai.chat.completions.create(model="m", messages=[QUESTION], n=2)
    assert sorted(choice.message.content or "" for choice in made.choices) == ["One", "Two"]


async def test_embeddings_of_dashscope_and_the_model_of_a_server() -> None:
    found = {"output": {"embeddings": [{"embedding": [0.5, 1.5], "text_index": 0}]}, "usage": {"total_tokens": 2}}
    native = Answering((JSON, json.dumps(found).encode()))
    async with (
        serve(native) as server,
        running(chosen(server, "dashscope", "/api/v1")) as proxy,
        client(proxy) as openai,
    ):
        made = await openai.embeddings.create(model="text-embedding-v4", input="hi", encoding_format="float")
    assert (made.data[0].embedding, made.usage.prompt_tokens) == ([0.5, 1.5], 2)
    assert native.seen[0].line.split()[1] == "/api/v1/services/embeddings/text-embedding/text-embedding"
    native = Answering((JSON, b'{"model_id":"org/m"}'))
    async with serve(native) as server, running(chosen(server, "hf_tgi")) as proxy, client(proxy) as openai:
        assert [model.id async for model in openai.models.list()] == ["org/m"]
    assert native.seen[0].line.split()[1] == "/info"
