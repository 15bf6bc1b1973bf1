"""What of a request is changed on its way to a server that does not take it as OpenAI does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trueline.dialects.openai_chat.request import outgoing
from trueline.errors import RequestError
from trueline.messages import read_chat_request, read_completion_request, read_embedding_request
from trueline.providers import UNKNOWN, Capabilities

HELLO = {"role": "user", "content": "hello"}
PARTS = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
PICTURE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
FUNCTION = {"name": "look", "parameters": {"type": "object"}}
CALL = {"name": "look", "arguments": "{}"}


def body(**fields: Any) -> bytes:
    return json.dumps({"model": "m", "messages": [HELLO], **fields}).encode()


# what is known, what the client sends, what the server gets of it (None: nothing of that name), names of the changes
CHANGED: list[tuple[str, Capabilities, dict[str, Any], dict[str, Any], list[str]]] = [
    (
        "the new limit by its old name",
        Capabilities(max_tokens_name="max_tokens"),
        {"max_completion_tokens": 9},
        {"max_tokens": 9, "max_completion_tokens": None},
        ["max_tokens<-max_completion_tokens"],
    ),
    (
        "the old limit by its new name",
        Capabilities(max_tokens_name="max_completion_tokens"),
        {"max_tokens": 9},
        {"max_tokens": None, "max_completion_tokens": 9},
        ["max_completion_tokens<-max_tokens"],
    ),
    (
        "the smaller of two limits",
        Capabilities(max_tokens_name="max_tokens"),
        {"max_completion_tokens": 5, "max_tokens": 9},
        {"max_tokens": 5, "max_completion_tokens": None},
        ["max_tokens<-max_completion_tokens"],
    ),
    (
        "no limit",
        Capabilities(max_tokens_name="max_tokens"),
        {"max_completion_tokens": None},
        {"max_tokens": None, "max_completion_tokens": None},
        ["max_completion_tokens dropped"],
    ),
    (
        "a role's old name",
        Capabilities(developer_role=False),
        {"messages": [{"role": "developer", "content": "be brief"}, HELLO]},
        {"messages": [{"role": "system", "content": "be brief"}, HELLO]},
        ["system<-developer"],
    ),
    (
        "text in parts",
        Capabilities(content_parts=False),
        {"messages": [{"role": "user", "content": PARTS, "name": "me"}]},
        {"messages": [{"role": "user", "content": "one\ntwo", "name": "me"}]},
        ["content<-parts"],
    ),
    (
        "text in parts of one message, a picture in another",
        Capabilities(content_parts=False),
        {"messages": [{"role": "user", "content": PARTS}, {"role": "user", "content": [*PARTS, PICTURE]}]},
        {"messages": [{"role": "user", "content": "one\ntwo"}, {"role": "user", "content": [*PARTS, PICTURE]}]},
        ["content<-parts"],
    ),
    (
        "what streams tell",
        Capabilities(stream_options=False),
        {"stream": True, "stream_options": {"include_usage": True}},
        {"stream": True, "stream_options": None},
        ["stream_options dropped"],
    ),
    (
        "parameters",
        Capabilities(unsupported={"seed": "drop", "logit_bias": "refuse"}),
        {"seed": 1, "logit_bias": {}},
        {"seed": None, "logit_bias": None},
        ["seed dropped", "logit_bias dropped"],
    ),
    (
        "functions",
        Capabilities(functions=False),
        {"functions": [FUNCTION], "function_call": {"name": "look"}},
        {
            "functions": None,
            "function_call": None,
            "tools": [{"type": "function", "function": FUNCTION}],
            "tool_choice": {"type": "function", "function": {"name": "look"}},
        },
        ["tools<-functions", "tool_choice<-function_call"],
    ),
    (
        "a conversation with functions",
        Capabilities(functions=False),
        {
            "messages": [
                HELLO,
                {"role": "assistant", "content": None, "function_call": CALL},
                {"role": "function", "name": "look", "content": "a cat"},
            ],
            "functions": [FUNCTION],
        },
        {
            "messages": [
                HELLO,
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [{"id": "call00001", "type": "function", "function": CALL}],
                },
                {"role": "tool", "content": "a cat", "tool_call_id": "call00001"},
            ],
            "functions": None,
            "tools": [{"type": "function", "function": FUNCTION}],
        },
        ["tools<-functions", "tool_calls<-function_call"],
    ),
]


@pytest.mark.parametrize(
    ("known", "given", "wanted", "changes"), [row[1:] for row in CHANGED], ids=[row[0] for row in CHANGED]
)
def test_what_is_known_is_kept_to(
    known: Capabilities, given: dict[str, Any], wanted: dict[str, Any], changes: list[str]
) -> None:
    raw = body(**given)
    sent = outgoing(read_chat_request(raw), None, known)

    assert list(sent.changes) == changes
    asked = json.loads(sent.body)
    assert {name: asked.get(name) for name in wanted} == wanted
    assert {n: v for n, v in asked.items() if n not in wanted} == {
        n: v for n, v in json.loads(raw).items() if n not in wanted
    }


@pytest.mark.parametrize("row", CHANGED, ids=[row[0] for row in CHANGED])
def test_of_an_unknown_server_nothing_is_assumed(row: tuple[str, Capabilities, dict[str, Any], Any, Any]) -> None:
    raw = body(**row[2])

    assert outgoing(read_chat_request(raw), None, UNKNOWN) == (raw, ())


def test_what_needs_no_change_is_sent_as_it_came() -> None:
    known = Capabilities(
        max_tokens_name="max_tokens",
        developer_role=False,
        functions=False,
        content_parts=False,
        stream_options=False,
        unsupported={"seed": "refuse"},
    )
    raw = b'{ "model": "m",  "max_tokens": 5, "messages": [{"role": "user", "content": "hel\\u006co"}] }'

    assert outgoing(read_chat_request(raw), None, known) == (raw, ())
    assert outgoing(read_chat_request(raw), "other", known).changes == ()


def test_members_that_stay_are_not_written_anew() -> None:
    raw = b'{"model":"m","temperature":1.0,"seed":1,"messages":[{"role":"user","content":"h\\u0069","big":1e2}]}'
    sent = outgoing(read_chat_request(raw), "other", Capabilities(unsupported={"seed": "drop"}))

    assert sent.body == (
        b'{"model":"other","temperature":1.0,"messages":[{"role":"user","content":"h\\u0069","big":1e2}]}'
    )


@pytest.mark.parametrize("value", [5, "x", {"7": 1}])
def test_what_cannot_be_left_out_is_refused(value: Any) -> None:
    request = (
        read_completion_request(json.dumps({"model": "m", "prompt": "x", "suffix": value}).encode())
        if (isinstance(value, str))
        else read_chat_request(body(custom=value))
    )
    with pytest.raises(RequestError) as caught:
        outgoing(request, None, Capabilities(unsupported={"suffix": "refuse", "custom": "refuse"}))

    name = "suffix" if isinstance(value, str) else "custom"
    assert (caught.value.status, caught.value.code, caught.value.param) == (400, "unsupported_parameter", name)


def test_other_requests_have_less_to_change() -> None:
    known = Capabilities(max_tokens_name="max_completion_tokens", stream_options=False, unsupported={"user": "drop"})
    prompt = {"model": "m", "prompt": "x", "max_tokens": 4, "stream": True, "stream_options": {}, "user": "u"}
    sent = outgoing(read_completion_request(json.dumps(prompt).encode()), None, known)
    assert json.loads(sent.body) == {"model": "m", "prompt": "x", "max_tokens": 4, "stream": True}
    assert sent.changes == ("user dropped", "stream_options dropped")

    words = {"model": "m", "input": "x", "user": "u"}
    sent = outgoing(read_embedding_request(json.dumps(words).encode()), None, known)
    assert json.loads(sent.body) == {"model": "m", "input": "x"}


def test_lone_surrogates_do_not_hinder() -> None:
    raw = b'{"model":"m","seed":1,"messages":[{"role":"user","content":"\\ud800"}]}'
    sent = outgoing(read_chat_request(raw), None, Capabilities(unsupported={"seed": "drop"}))

    assert "seed" not in json.loads(sent.body)
