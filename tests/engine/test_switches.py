"""The switches of `format`: the same for whole and for streamed replies, and no mend that was switched off."""

from __future__ import annotations

import json
from typing import Any

import pytest

from golden.notation import Golden, goldens
from golden.play import CountingMint, play, pump
from trueline.context import Enforce, FormatOptions
from trueline.errors import RequestError
from trueline.faults import FAULTS
from trueline.messages import read_chat_request
from trueline.pipeline import Route, chat_pipeline
from trueline.repairs import REPAIRS
from trueline.switches import OFF, OPTIONS, read_format_header

TOOL = {"type": "function", "function": {"name": "f"}}
CALL = {"id": "call_a", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
REPLY = {
    "id": "up-1",
    "object": "chat.completion",
    "created": 1700000000,
    "model": "other",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "<think>Hm.</think>\n\nHi",
                "tool_calls": [CALL],
                "refusal": None,
                "sources": ["a"],
            },
            "logprobs": None,
            "finish_reason": "end_turn",
            "stop_reason": 7,
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "cost": 1},
    "provider": "p",
}

SWITCHES: list[dict[str, Any]] = [
    {},
    {"extras": "drop"},
    {"reasoning": "reasoning"},
    {"reasoning": "think"},
    {"reasoning": "drop"},
    {"think_tags": "keep"},
    {"model_name": "requested"},
    {"id": "openai"},
    {"fingerprint": "keep"},
    {"tool_calls": "whole"},
    {"off": ("finish-foreign-vocab",)},
    {"off": ("whitespace-around", "finish-stop-with-tools")},
    {"extras": "drop", "tool_calls": "whole", "reasoning": "think", "model_name": "requested"},
    {"options": tuple(sorted(OPTIONS))},
]


AS_IT_IS = FormatOptions(think_tags="keep", fingerprint="keep", off=tuple(OFF))


def ask(stream: bool) -> bytes:
    body: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "tools": [TOOL]}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return json.dumps(body).encode()


def reply(sent: bytes, stream: bool, options: FormatOptions) -> tuple[bytes, frozenset[str]]:
    pipe = chat_pipeline(read_chat_request(ask(stream)), Route("up"), CountingMint(), options)
    out = pump(pipe, [sent])
    assert pipe.error is None, pipe.error
    return out, frozenset(pipe.faults)


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_whole_and_streamed_replies_obey_the_same_switches(switches: dict[str, Any]) -> None:
    options = FormatOptions(**switches)
    sent = json.dumps(REPLY).encode()
    whole, _ = reply(sent, False, options)
    streamed, _ = reply(sent, True, options)

    folded, _ = reply(streamed, False, AS_IT_IS)
    again, _ = reply(whole, False, AS_IT_IS)

    assert json.loads(folded) == json.loads(again)
    if switches.get("reasoning") == "reasoning":
        assert b'"reasoning":"Hm."' in whole
        assert b'"reasoning":"Hm."' in streamed


def test_a_call_leaves_in_one_piece() -> None:
    whole, _ = reply(json.dumps(REPLY).encode(), True, FormatOptions(tool_calls="whole"))
    calls = [
        delta["tool_calls"]
        for line in whole.decode().split("\n\n")
        if line.startswith("data: {")
        for choice in json.loads(line[6:])["choices"]
        if "tool_calls" in (delta := choice["delta"])
    ]

    assert calls == [[{"index": 0, **CALL}]]


def test_switched_off_means_as_it_came() -> None:
    out, faults = reply(json.dumps(REPLY).encode(), False, FormatOptions(off=("finish-foreign-vocab",)))

    assert json.loads(out)["choices"][0]["finish_reason"] == "end_turn"
    assert "finish-foreign-vocab" not in faults


SHOWN = [golden for golden in goldens() if golden.fault in OFF and golden.kind != "image-stream"]


@pytest.mark.parametrize("golden", SHOWN, ids=lambda golden: golden.name)
def test_no_mend_that_is_off_is_noted(golden: Golden) -> None:
    off = golden._replace(options={**golden.options, "off": (golden.fault,)})

    played = play(off, [golden.mends.sent])

    assert golden.fault not in played.faults
    assert played.out != golden.mends.wanted


def test_every_switch_belongs_to_a_rule() -> None:
    pictures = {"img-url-when-b64", "img-b64-when-url"}  # which have a writer and no rules
    mended = {fault for rule in REPAIRS for fault in rule.mends} | pictures

    assert mended >= OFF
    assert {golden.fault for golden in SHOWN} == OFF
    assert {fault.id for fault in FAULTS.values() if fault.action == "option" and not fault.setting} == set()


BASE = FormatOptions(model_name="requested")


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("", BASE),
        ("extras=drop", FormatOptions(model_name="requested", extras="drop")),
        (
            "extras=drop, reasoning = think,off=finish-foreign-vocab+usage-unasked",
            FormatOptions(
                model_name="requested",
                extras="drop",
                reasoning="think",
                off=("finish-foreign-vocab", "usage-unasked"),
            ),
        ),
        ("options=special-token-leak,model_name=upstream", FormatOptions(options=("special-token-leak",))),
        (
            "enforce.stop=off, enforce.retries=0",
            FormatOptions(model_name="requested", enforce=Enforce(stop="off", retries=0)),
        ),
    ],
)
def test_header(header: str, wanted: FormatOptions) -> None:
    assert read_format_header(header, BASE) == wanted


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("extras", "found 'extras'; allowed: NAME=VALUE with one of the names extras, reasoning,"),
        ("extra=drop", "found 'extra=drop'; allowed: NAME=VALUE"),
        ("extras=no", "found 'extras=no'; allowed for extras: keep, drop."),
        ("off=id-missing", 'off: "id-missing" cannot be switched off:'),
        ("options=special-token", 'did you mean "special-token-leak"?'),
        ("enforce.stop=no", "found 'enforce.stop=no'; allowed for enforce.stop: auto, on, off."),
        ("enforce.retries=11", "allowed for enforce.retries: a number from 0 to 10."),
        ("enforce.retries=many", "allowed for enforce.retries: a number from 0 to 10."),
        ("stop=on", "found 'stop=on'; allowed: NAME=VALUE"),
    ],
)
def test_a_bad_header_is_refused(header: str, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        read_format_header(header, BASE)

    assert message in caught.value.message
    assert (caught.value.status, caught.value.param, caught.value.code) == (400, "x-trueline-format", "invalid_header")
