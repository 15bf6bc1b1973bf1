"""The lanes change nothing of streams that come from another API either: here Anthropic's."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialects.kit import all_records
from engine.kit import CountingMint, chat, pieces, played
from engine.test_lanes import OPTIONS, ROUTE, TEXTS, Course, changed, some, spoilt, spoken
from trueline.context import FormatOptions
from trueline.dialects.provider import dialect_of
from trueline.messages import ChatRequest
from trueline.pipeline import chat_pipeline, lane_patterns

Fields = dict[str, Any]

DIALECT = dialect_of("anthropic")
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]
SCHEMA = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
START = {
    "type": "message_start",
    "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": []},
}
END: list[Fields] = [
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"input_tokens": 3, "output_tokens": 9}},
    {"type": "message_stop"},
]
DELTAS = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
BEGUN: dict[str, Fields] = {
    "text_delta": {"type": "text", "text": ""},
    "thinking_delta": {"type": "thinking", "thinking": "", "signature": ""},
    "input_json_delta": {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}},
}
FRAMES = ((b"data: ", b"\n\n"), (b"data:", b"\n\n"), (b"data: ", b"\r\n\r\n"), (b"data: ", b"\n"))


def course(
    request: ChatRequest, parts: Iterable[bytes], options: FormatOptions, lanes: bool, steadily: bool = False
) -> Course:
    pipe: Any = chat_pipeline(request, ROUTE, CountingMint(), options, lanes=lanes, dialect=DIALECT)
    gave = [*played(pipe, parts, steadily), pipe.close()]
    error = pipe.error and (pipe.error.status, pipe.error.body())
    return Course(gave, error, dict(pipe.faults), pipe.upstream_id, pipe.usage_source)


def agree(request: ChatRequest, parts: Sequence[bytes], options: FormatOptions = FormatOptions()) -> None:
    general = course(request, parts, options, False)
    assert course(request, parts, options, True) == general
    assert course(request, parts, options, True, steadily=True) == general


def delta(kind: str, text: Any, block: int = 0, turned: bool = False) -> Fields:
    said = {"type": kind, DELTAS[kind]: text}
    found = {"type": "content_block_delta", "index": block, "delta": said}
    return dict(reversed(found.items())) if turned else found


def begin(kind: str, block: int = 0, **more: Any) -> Fields:
    return {"type": "content_block_start", "index": block, "content_block": {**BEGUN[kind], **more}}


def stop(block: int = 0) -> Fields:
    return {"type": "content_block_stop", "index": block}


def stream(
    payloads: Iterable[Any], frame: tuple[bytes, bytes] = FRAMES[0], named: bool = True, padded: bool = True
) -> list[bytes]:
    """Events as Anthropic frames them, with blanks before their last brace."""
    rnd = random.Random(5)
    events = []
    for payload in payloads:
        body = payload if isinstance(payload, bytes) else spoken(payload, ascii_only=False)
        if padded and body[-1:] == b"}":
            body = body[:-1] + b" " * rnd.randrange(16) + b"}"
        name = b""
        if named and isinstance(payload, dict):
            name = b"event: %b\n" % str(payload["type"]).encode("utf-8", "replace")
        events.append((name.replace(b"\n", b"\r\n") if b"\r" in frame[1] else name) + frame[0] + body + frame[1])
    return events


def told(kind: str, texts: Iterable[Any], turned: bool = False) -> list[Fields]:
    return [START, begin(kind), *(delta(kind, text, 0, turned) for text in texts), stop(), *END]


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("turned", [True, False])
@pytest.mark.parametrize("kind", DELTAS)
def test_streams_take_the_lane(kind: str, turned: bool, named: bool) -> None:
    texts = ['{"a', '": "', *(f" wörd {n}" for n in range(40)), 'say \\"x\\"', '"}']
    for frame in FRAMES[:2]:
        events = stream(told(kind, texts, turned), frame, named)
        for _ in range(2):
            for parts in (events, [b"".join(events)], pieces(b"".join(events), range(0, 9000, 700))):
                agree(chat(stream=True, tools=TOOLS, stream_options={"include_usage": True}), parts)
        pipe: Any = chat_pipeline(chat(stream=True, tools=TOOLS), ROUTE, CountingMint(), dialect=DIALECT)
        for event in events:
            pipe.feed(event)
        assert pipe._lane.taken >= 38


def test_calls_one_after_another() -> None:
    """Each has its own arguments, although their increments look alike."""
    for block in (0, 1):
        events = [START]
        for number in range(4):
            index = number if block else 0  # a server that numbers none of its blocks
            events.append(begin("input_json_delta", index, id=f"toolu_{number}"))
            events += [delta("input_json_delta", text, index) for text in ('{"a', '": ', "1", "2", "3", "}")]
            events.append(stop(index))
        for _ in range(2):
            for parts in (stream([*events, *END]), [b"".join(stream([*events, *END]))]):
                agree(chat(stream=True, tools=TOOLS), parts)
                agree(chat(stream=True, response_format=SCHEMA), parts)


def test_what_is_told_at_the_end_knows_what_took_the_lane() -> None:
    """Citations stand where the text does, signatures with their thoughts, searches between them."""
    cited = {"type": "web_search_result_location", "url": "https://a.example", "title": "A", "cited_text": "w"}
    events = [START, begin("thinking_delta"), *(delta("thinking_delta", f"hm {n}") for n in range(9))]
    signed = {"type": "signature_delta", "signature": "sig"}
    events += [{"type": "content_block_delta", "index": 0, "delta": signed}, stop()]
    for block in (1, 2, 3):
        events += [begin("text_delta", block), *(delta("text_delta", f" w{n}", block) for n in range(9))]
        found = {"type": "citations_delta", "citation": cited}
        events += [{"type": "content_block_delta", "index": block, "delta": found}, stop(block), {"type": "ping"}]
    for _ in range(2):
        agree(chat(stream=True), stream([*events, *END]))
    gave = course(chat(stream=True), stream([*events, *END]), FormatOptions(), True).gave
    assert b'"start_index":27,"end_index":54' in b"".join(gave)
    assert b'"text":"hm 0hm 1hm 2' in b"".join(gave)


@pytest.mark.parametrize("options", OPTIONS, ids=repr)
@pytest.mark.parametrize("kind", DELTAS)
def test_an_event_that_is_like_another(kind: str, options: FormatOptions) -> None:
    """One place of one event is changed, in a stream of events that are alike."""
    events = told(kind, [f" word {n}" for n in range(8)])
    request = chat(stream=True, tools=TOOLS)
    for path, new in some(random.Random(kind), events[7], 400 if options == FormatOptions() else 60):
        other = changed(events[7], path, new)
        if isinstance(other.get("type"), str) and "\n" in other["type"]:
            continue  # no name of an event
        agree(request, stream([*events[:7], other, *events[8:]]), options)


@pytest.mark.parametrize("frame", FRAMES, ids=repr)
@pytest.mark.parametrize("kind", DELTAS)
def test_a_stream_that_is_spoilt(kind: str, frame: tuple[bytes, bytes]) -> None:
    body = b"".join(stream(told(kind, [f" wörd {n}" for n in range(8)]), frame))
    rnd = random.Random(7)
    for seed in range(150):
        other = spoilt(body, seed)
        agree(
            chat(stream=True, tools=TOOLS), pieces(other, [rnd.randrange(len(other)) for _ in range(rnd.randrange(20))])
        )


_BLOCKS = st.integers(0, 2)
_KINDS = st.sampled_from(sorted(DELTAS))
_SAID = st.sampled_from(TEXTS) | st.text('ab <>/\\"\n\u00e9😀', max_size=9)
_EVENTS = st.one_of(
    st.builds(delta, _KINDS, _SAID, _BLOCKS, st.booleans()),
    st.builds(delta, st.just("text_delta"), _SAID),
    st.builds(begin, _KINDS, _BLOCKS),
    st.builds(stop, _BLOCKS),
    st.just({"type": "ping"}),
    st.just({"type": "error", "error": {"type": "overloaded_error", "message": "no"}}),
    st.just(START),
    st.sampled_from(END),
    st.just(b"[DONE]"),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.one_of(_EVENTS, st.tuples(_EVENTS, st.integers(2, 5))), max_size=14),
    st.sampled_from(FRAMES),
    st.booleans(),
    st.sampled_from(OPTIONS),
    st.sampled_from([{"tools": TOOLS}, {"response_format": SCHEMA}, {"stream_options": {"include_usage": True}}]),
    st.lists(st.integers(0, 3000), max_size=12),
)
def test_any_stream(
    said: list[Any],
    frame: tuple[bytes, bytes],
    padded: bool,
    options: FormatOptions,
    fields: Fields,
    cuts: list[int],
) -> None:
    found = [e for one in said for e in ([one[0]] * one[1] if isinstance(one, tuple) else [one])]
    events = stream([START, begin("text_delta"), *found, *END], frame, padded, padded)
    request = chat(stream=True, **fields)
    for parts in (pieces(b"".join(events), cuts), events, [b"".join(events)]):
        agree(request, parts, options)


def test_recordings(shared: Path) -> None:
    for number, record in enumerate(all_records(shared, "anthropic")):
        reply = record["response"]
        if reply["status"] >= 400 or not reply.get("body"):
            continue
        sent = reply["body"].encode("utf-8", "surrogatepass")
        rnd = random.Random(number)
        for cuts in ([], [rnd.randrange(len(sent) + 1) for _ in range(30)]):
            agree(chat(stream=True), pieces(sent, cuts))
        agree(chat(stream=True), [spoilt(sent, rnd.randrange(1 << 30))])
    assert lane_patterns.patterns
