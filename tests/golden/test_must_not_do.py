"""Repairs that hurt: ten things that proxies did to their users, and that this one must not do."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from golden.notation import expand
from golden.play import CountingMint, pump
from shell.upstream.scripted import Peer, client, serve
from trueline.context import FormatOptions
from trueline.dialects.error_bodies import read_error
from trueline.errors import TruelineError, UpstreamCutError
from trueline.messages import read_chat_request
from trueline.pipeline import Pipeline, Route, chat_pipeline
from trueline.shell.headers import goes_to_client

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
TOOL = {"type": "function", "function": {"name": "f"}}
ROLE = '+ {"role":"assistant","content":""}\n'
CALL = '{"id":"call_a","type":"function","function":{"name":"f","arguments":"{}"}}'


def pipeline(kind: str, request: dict[str, Any], options: FormatOptions = FormatOptions()) -> Pipeline:
    body = json.dumps({**ASK, "stream": kind == "stream", **request}).encode()
    return chat_pipeline(read_chat_request(body), Route("up"), CountingMint(), options)


def reply(kind: str, sent: str, **request: Any) -> tuple[str, frozenset[str]]:
    """What comes out for `sent`, and the faults."""
    pipe = pipeline(kind, request)
    out = pump(pipe, [expand(sent, kind, request).encode()])
    assert pipe.error is None, pipe.error
    return out.decode(), frozenset(pipe.faults)


def finishes(out: str) -> list[str]:
    """The finish reasons of a stream."""
    payloads = [json.loads(block[6:]) for block in out.split("\n\n") if block.startswith("data: {")]
    words = [choice["finish_reason"] for payload in payloads for choice in payload.get("choices", [])]
    return [word for word in words if word is not None]


@pytest.mark.parametrize(
    ("sent", "cut"),
    [
        ('+ {"content":"Hi"}', None),
        ('+ {"content":"Hi"}', UpstreamCutError("The connection was reset.")),
        ('> {"error":{"message":"overloaded"}}\ndone', None),
        ('= stop\n> {"error":{"message":"overloaded"}}\ndone', None),
        ("= error\ndone", None),
        ("= network_error\ndone", None),
        ("= stop\n= error", UpstreamCutError("The connection was reset.")),
    ],
    ids=["end", "reset", "error", "error after stop", "finish error", "network_error", "error and reset after stop"],
)
def test_1_no_stop_on_an_error_or_a_cut(sent: str, cut: TruelineError | None) -> None:
    pipe = pipeline("stream", {})
    out = pump(pipe, [expand(ROLE + sent, "stream", {}).encode()], cut).decode()

    assert finishes(out) == []
    assert 'data: {"error":{"message":' in out
    assert out.endswith("}\n\ndata: [DONE]\n\n")


@pytest.mark.parametrize(
    ("request_fields", "word"),
    [
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, "stop"),
        ({"tool_choice": "required"}, "length"),
        ({}, "length"),
        ({}, "content_filter"),
    ],
)
def test_2_no_tool_calls_over_a_named_choice_or_a_limit(request_fields: dict[str, Any], word: str) -> None:
    message = f'message {{"role":"assistant","content":null,"tool_calls":[{CALL}],"refusal":null}} {word}'

    out, faults = reply("whole", message, tools=[TOOL], **request_fields)

    assert json.loads(out)["choices"][0]["finish_reason"] == word
    assert faults == frozenset()


def test_3_no_role_on_every_delta() -> None:
    out, _ = reply("stream", '+ {"content":"a"}\n+ {"content":"b"}\n+ {"content":"c"}\n= stop\ndone')

    assert out.count('"role"') == 1


def test_4_no_finish_is_lost_with_usage_and_no_usage_by_itself() -> None:
    usage = '"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}'
    asked = {"stream_options": {"include_usage": True}}

    both, _ = reply("stream", f'{ROLE}> {{<head>,"choices":[<stop>],{usage}}}\ndone')
    both_asked, _ = reply("stream", f'{ROLE}> {{<head>,"choices":[<stop>],{usage}}}\ndone', **asked)
    alone, _ = reply("stream", f'{ROLE}= stop\n> {{<head>,"choices":[],{usage}}}\ndone', **asked)

    assert finishes(both) == ["stop"]
    assert "usage" not in both
    for out in (both_asked, alone):
        assert finishes(out) == ["stop"]
        assert out.count('"choices":[],' + usage) == 1


def test_5_no_comment_leaves_as_data_and_no_keep_alive_is_made() -> None:
    pipe = pipeline("stream", {})

    assert pipe.feed(b": OPENROUTER PROCESSING\n\n" * 100) == b""
    out = pump(pipe, [expand(f"{ROLE}: ping\n\n= stop\ndone", "stream", {}).encode()]).decode()

    assert "PROCESSING" not in out
    assert "ping" not in out
    assert all(line.startswith("data: ") for line in out.split("\n\n") if line)


def test_6_no_reply_is_refused_for_what_a_client_would_have_tolerated() -> None:
    no_index, _ = reply(
        "stream", '> {<head>,"choices":[{"delta":{"role":"assistant","content":"Hi"},<end>}]}\n= stop\ndone'
    )
    no_done, _ = reply("stream", f"{ROLE}= stop")
    whole, _ = reply("whole", '{"choices":[{"message":{"content":"Hi"}}]}')
    error = read_error(400, {}, b'{"error":{"message":"Bad","type":"invalid_request_error","param":null,"code":400}}')

    assert finishes(no_index) == finishes(no_done) == ["stop"]
    assert no_done.endswith("data: [DONE]\n\n")
    assert json.loads(whole)["choices"][0]["message"]["content"] == "Hi"
    assert (error.status, error.code) == (400, "400")


def test_7_no_citation_and_no_thought_goes_without_a_switch_or_stays_with_it() -> None:
    sent = expand(
        '{<head>,"choices":[{"index":0,"message":{"role":"assistant","content":"Hi","reasoning_content":"Hm.",'
        '"refusal":null,"sources":["a"]},"logprobs":null,"finish_reason":"stop"}],<tail>,"citations":["b"]}',
        "whole",
        {},
    )
    kept = pump(pipeline("whole", {}), [sent.encode()]).decode()
    dropped = pump(pipeline("whole", {}, FormatOptions(extras="drop")), [sent.encode()]).decode()
    quiet = pump(pipeline("whole", {}, FormatOptions(reasoning="drop")), [sent.encode()]).decode()

    assert kept == sent
    assert dropped == expand('message {"role":"assistant","content":"Hi","refusal":null} stop', "whole", {})
    assert "Hm." not in quiet
    assert "citations" in quiet


async def test_8_no_encoding_or_length_of_a_body_that_was_decoded() -> None:
    body = gzip.compress(b'{"a":1}')

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(body) + body)

    async with serve(script) as server, client() as upstream:
        response = await upstream.request("POST", server.target, "/", [], b"{}")
        names = {name for name, _ in response.headers}
        assert await response.read_all(100) == b'{"a":1}'

    assert not names & {b"content-encoding", b"content-length", b"transfer-encoding"}
    assert not any(map(goes_to_client, (b"content-encoding", b"content-length")))


def test_9_no_arguments_are_finished_because_they_parse() -> None:
    pieces = ['{\\"a\\":1}', " ", "\\n"]
    fragments = "".join(f'+ {{"tool_calls":[{{"index":0,"function":{{"arguments":"{p}"}}}}]}}\n' for p in pieces)
    start = '{"index":0,"id":"call_a","type":"function","function":{"name":"f","arguments":""}}'
    sent = f'+ {{"role":"assistant","content":null,"tool_calls":[{start}]}}\n{fragments}= tool_calls\ndone'

    out, faults = reply("stream", sent, tools=[TOOL])

    assert out == expand(sent, "stream", {})
    assert faults == frozenset()


@pytest.mark.parametrize(
    "texts",
    [["ha", "haha"], ["ha", "haha", "hahahaha"], ["1", "10", "100"], ["a", "a"], ["Very ", "Very very ", "good"]],
)
def test_10_no_repeat_is_taken_for_a_running_total_without_evidence(texts: list[str]) -> None:
    sent = ROLE + "".join(f'+ {{"content":"{text}"}}\n' for text in texts) + "= stop\ndone"

    out, faults = reply("stream", sent)

    assert out == expand(sent, "stream", {})
    assert faults == frozenset()
