"""The lanes change nothing: with them and without them, every read is answered by the same bytes, and every fault is
noted as often; and plain replies with the usual faults do take them.
"""

from __future__ import annotations

import base64
import copy
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.kit import USAGE, CountingMint, chat, chat_body, chunk, envelope, pieces, played, whole
from engine.test_corpus import Record, player, records
from golden.notation import Golden, goldens
from golden.play import cuts as ways
from trueline.context import FormatOptions, Route
from trueline.messages import ChatRequest, read_chat_request
from trueline.pipeline import chat_pipeline, lane_patterns, lane_whole
from trueline.pipeline.lane_looks import CONTENT

__all__ = ["player", "records"]

Fields = dict[str, Any]
OPTIONS = (
    FormatOptions(),
    FormatOptions(extras="drop"),
    FormatOptions(reasoning="think"),
    FormatOptions(reasoning="drop", id="openai"),
    FormatOptions(reasoning="reasoning", model_name="requested", fingerprint="keep", think_tags="keep"),
    FormatOptions(off=("whitespace-around", "usage-missing-nonstream", "finish-foreign-vocab")),
    FormatOptions(options=("special-token-leak", "stop-echoed", "json-mode-fenced", "think-open-missing")),
)
TEXTS = (
    "Hello there.", " ", "\n\n", "\n\nHi", "", "<", "<think>", "<think>a</think>b", "  <think>", "\u00a0<think>",
    "</think>", "Hi<|im_end|>", "<|im_end|>", "<|channel|>analysis<|message|>", '{"a":1}', "```json\n{}\n```",
    "é日本😀", "\ud83d", "\ude00", 'a\\b"c/', "\u0000", "\u001f", "\u007f", "\u2028", "null", "None", "undefined",
    "[DONE]", "data: x\n\n", "stop", "eos", "error", "length", "tool_calls", "content_filter", "assistant", "o1-mini",
    "chat.completion", "chat.completion.chunk", "x" * 3000, "Ünïcödé", "17", "1.5",
)  # fmt: skip
OTHERS: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 7, 500, 1.5, 1e3, 1.0, 17e30, 10**10, 10**11, 10**11 + 1, 10**13, 10**19, 10**30,
    float("nan"), float("inf"), [], {}, [1], ["a"], {"id": "x"}, {"content": "x"}, {"error": {"message": "no"}},
)  # fmt: skip
ROUTE = Route("somewhere", "gpt-4o")


class Course(NamedTuple):
    """All that an exchange shows."""

    gave: list[bytes]
    error: Any
    faults: Any
    """In a stream, their order depends on the cuts."""
    upstream_id: str | None
    source: str | None


def course(
    request: ChatRequest, parts: Iterable[bytes], options: FormatOptions, lanes: bool, steadily: bool = False
) -> Course:
    pipe: Any = chat_pipeline(request, ROUTE, CountingMint(), options, lanes=lanes)
    gave = [*played(pipe, parts, steadily), pipe.close()]
    error = pipe.error and (pipe.error.status, pipe.error.body())
    faults = dict(pipe.faults) if request.stream else list(pipe.faults.items())
    return Course(gave, error, faults, pipe.upstream_id, pipe.usage_source)


def agree(request: ChatRequest, parts: Sequence[bytes], options: FormatOptions = FormatOptions()) -> None:
    general = course(request, parts, options, False)
    assert course(request, parts, options, True) == general
    if request.stream:
        assert course(request, parts, options, True, steadily=True) == general


def spoken(value: Any, spaced: bool = False, ascii_only: bool = True) -> bytes:
    """JSON as any server may write it."""
    text = json.dumps(value, separators=None if spaced else (",", ":"), ensure_ascii=ascii_only)
    return text.encode("utf-8", "surrogatepass")


def changed(value: Any, path: Sequence[Any], new: Any) -> Any:
    """A copy with another value at this place."""
    value = copy.deepcopy(value)
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = new
    return value


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield (*path, key)
            yield from leaves(value[key], (*path, key))


def some(rnd: random.Random, value: Any, most: int) -> list[tuple[tuple[Any, ...], Any]]:
    """Places of `value`, and what to put there: all of them, or as many."""
    found = [(path, new) for path in leaves(value) for new in (*TEXTS, *OTHERS)]
    return rnd.sample(found, min(most, len(found)))


def spoilt(body: bytes, seed: int) -> bytes:
    """Bytes cut out, put in or doubled somewhere."""
    rnd = random.Random(seed)
    at, more = rnd.randrange(len(body)), rnd.randrange(1, 6)
    new = rnd.choice(
        (b"", b'"', b"\\", b"\\u00", b"\xff", b"\xed\xa0\x80", b"\x00", b"\n", b"\r", b"\n\n", b"{", b"}", b",", b"0",
         b"-", b".", b"e9", b'"id":"again",', b'"content":"again",', b'"usage":null,', b"\xef\xbb\xbf", b"<think>",
         b" ")
    )  # fmt: skip
    return body[:at] + new + body[at + (more if rnd.random() < 0.5 else 0) :]


# -- whole replies ----------------------------------------------------------------------------------------------------

_USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 50,
    "total_tokens": 150,
    "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 10, "audio_tokens": 0},
}
_FAULTY = {k: v for k, v in whole().items() if k not in ("system_fingerprint", "id", "created")}
WHOLE: dict[str, Fields] = {
    "exact": whole(usage=_USAGE),
    "short usage": whole(usage={"prompt_tokens": 9, "completion_tokens": 2}),
    "faulty": {
        **_FAULTY,
        "object": "text_completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "eos"}],
    },
    "thoughts": whole({"role": "assistant", "content": "So.", "reasoning_content": "Hm."}, usage=_USAGE),
    "other thoughts": whole({"role": "assistant", "content": "So.", "thinking": "Hm.", "tool_calls": []}),
    "deepseek": whole(
        usage={**_USAGE, "prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36}, provider="deepseek"
    ),
    "llama.cpp": whole(timings={"prompt_n": 7, "prompt_ms": 12.25, "predicted_ms": 1e-07, "predicted_per_second": 3.5}),
    "groq": whole(x_groq={"id": "req_1"}, usage={**_USAGE, "queue_time": 0.125, "total_time": 1}),
    "no usage": {k: v for k, v in whole().items() if k != "usage"},
    "model": whole(model="o3-mini", service_tier="standard"),
}


def next_one(body: Any) -> Any:
    """The reply that the same server gives next."""
    body = copy.deepcopy(body)
    if "id" in body:
        body["id"] = "chatcmpl-next"
    if "created" in body:
        body["created"] += 77
    body["choices"][0]["message"]["content"] = 'Something "else",\nand more of it: ü/😀'
    usage = body.get("usage") or {}
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        if name in usage:
            usage[name] += 1010 * (2 if name == "total_tokens" else 1)
    return body


def taught(body: Any, options: FormatOptions, spaced: bool = False) -> lane_whole.WholeLane:
    """The lane of a fresh process that was sent three such replies."""
    lane_whole._lanes.clear()
    for _ in range(3):
        agree(chat(), [spoken(body, spaced)], options)
    (lane,) = lane_whole._lanes.values()
    return lane


@pytest.mark.parametrize("name", [name for name in WHOLE if name != "no usage"])
def test_whole_replies_take_the_lane(name: str) -> None:
    lane = taught(WHOLE[name], FormatOptions())
    before = lane.taken
    for spaced in (False, False, True):
        agree(chat(messages=[{"role": "user", "content": "other"}]), [spoken(next_one(WHOLE[name]), spaced)])
    assert before == 1
    assert lane.taken == 3, "the third one has other bytes between its values"


@pytest.mark.parametrize("options", OPTIONS[:-1], ids=repr)
@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_reply_that_is_like_another(name: str, options: FormatOptions) -> None:
    taught(WHOLE[name], options)
    rnd = random.Random(name)
    other = next_one(WHOLE[name])
    slots = [*lane_whole._COUNTS, lane_whole._OTHER_ID, lane_whole._CREATED, CONTENT, *lane_whole._THOUGHTS]
    wanted = {slot.path for slot in (*slots, *lane_whole._PASSING)}
    special = [(path, new) for path in leaves(other) if path in wanted for new in (*TEXTS, *OTHERS)]
    for path, new in (*special, *some(rnd, other, 600 if options == FormatOptions() else 100)):
        agree(chat(), [spoken(changed(other, path, new), ascii_only=rnd.random() < 0.5)], options)


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_reply_that_is_spoilt(name: str) -> None:
    taught(WHOLE[name], FormatOptions())
    body = spoken(next_one(WHOLE[name]), ascii_only=False)
    for seed in range(600):
        agree(chat(), [spoilt(body, seed)])


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 2},
        {"logprobs": True},
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        {"response_format": {"type": "json_object"}},
        {"unheard_of": 1},
    ],
    ids=repr,
)
def test_requests_of_which_rules_want_to_know_more(fields: Fields) -> None:
    lane_whole._lanes.clear()
    for _ in range(4):
        agree(chat(**fields), [spoken(WHOLE["exact"])])
    assert not lane_whole._lanes


def test_what_does_not_repeat_is_given_up() -> None:
    lane_whole._lanes.clear()
    for number in range(400):
        agree(chat(), [spoken({**whole(), f"extra{number}": number})])
    (lane,) = lane_whole._lanes.values()
    assert lane.taken == 0
    assert len(lane._seen) <= lane_whole.MAX_SEEN


# -- streams ----------------------------------------------------------------------------------------------------------

_ROLE = chunk({"role": "assistant", "content": ""})


def _bare(number: int, delta: Fields) -> Fields:
    """Wrong in most of the usual ways."""
    return {
        "id": f"cmpl-{number}",
        "object": "chat.completion",
        "created": 1_760_000_000 + number,
        "model": "gpt-4o",
        "choices": [{"index": 0, "delta": delta, "finish_reason": None}],
    }


def _said(number: int, delta: Fields, kind: str) -> Fields:
    if kind == "bare":
        return _bare(number, delta)
    if kind == "padded":
        return chunk(delta, obfuscation="x" * (number % 7 + 1))
    if kind == "extras":
        found = chunk(delta, provider="p", usage=None)
        found["choices"][0]["stop_reason"] = None
        return found
    if kind == "turned":
        found = chunk(delta)
        return {"choices": found.pop("choices"), **found}
    if kind == "no id":
        return {key: value for key, value in chunk(delta).items() if key not in ("id", "created")}
    if kind == "role again":
        return chunk({"role": "assistant", **delta})
    return chunk(delta)


KINDS = ("exact", "bare", "padded", "extras", "turned", "no id", "role again")
FRAMES = ((b"data: ", b"\n\n"), (b"data:", b"\n\n"), (b"data: ", b"\r\n\r\n"), (b"data: ", b"\n"))


def stream(payloads: Iterable[Any], frame: tuple[bytes, bytes] = FRAMES[0], spaced: bool = False) -> list[bytes]:
    events = [p if isinstance(p, bytes) else spoken(p, spaced, ascii_only=False) for p in payloads]
    return [frame[0] + event + frame[1] for event in (*events, b"[DONE]")]


@pytest.mark.parametrize("frame", FRAMES[:3], ids=repr)
@pytest.mark.parametrize("field", ["content", "reasoning_content", "reasoning"])
@pytest.mark.parametrize("kind", KINDS)
def test_streams_take_the_lane(kind: str, field: str, frame: tuple[bytes, bytes]) -> None:
    for spaced in (False, True):
        deltas = [_said(n, {field: f" word {n}"}, kind) for n in range(40)]
        events = stream([_ROLE, *deltas, chunk({}, "eos")], frame, spaced)
        for parts in (events, [b"".join(events)], pieces(b"".join(events), range(0, 9000, 700))):
            for include in (False, True):
                request = chat(stream=True, stream_options={"include_usage": include})
                agree(request, parts)
        pipe: Any = chat_pipeline(chat(stream=True), ROUTE, CountingMint())
        for event in events:
            pipe.feed(event)
        assert pipe._lane.taken >= 37


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("padded", "extras")])
def test_a_stream_that_runs_steadily(kind: str) -> None:
    """Nearly all of its events are taken so; what is noted of them is known whenever it is asked for."""
    events = stream([_ROLE, *[_said(n, {"content": f" word {n}"}, kind) for n in range(60)], chunk({}, "eos")])
    pipes: list[Any] = [chat_pipeline(chat(stream=True), ROUTE, CountingMint(), lanes=lanes) for lanes in (True, False)]
    feed, fed = pipes[0].feed, 0

    def counted(data: bytes) -> bytes:
        nonlocal fed
        fed += 1
        return bytes(feed(data))

    pipes[0].feed = counted
    for gave, event in zip(played(pipes[0], events, steadily=True), events, strict=True):
        assert gave == pipes[1].feed(event)
        assert pipes[0].faults == pipes[1].faults

    assert fed <= 12


def test_a_stream_that_ends_while_it_runs_steadily() -> None:
    """What it said is counted all the same."""
    events = stream([_ROLE, *[chunk({"content": f" word {n}"}) for n in range(30)]])[:-1]
    tallies = []
    for lanes in (True, False):
        pipe: Any = chat_pipeline(chat(stream=True), ROUTE, CountingMint(), lanes=lanes)
        list(played(pipe, events, steadily=lanes))
        tallies.append(pipe.tally())
        pipe.release()
    assert tallies[0] == tallies[1] is not None


def test_an_endless_stream_that_runs_steadily_is_not_kept() -> None:
    """Not even where no rule wants to know any more what it says."""
    deltas = [_said(n, {"content": " several words" * 20}, "exact") for n in range(2000)]
    events = stream([{**_ROLE, "usage": USAGE}, *deltas])[:-1]
    pipe: Any = chat_pipeline(chat(stream=True), ROUTE, CountingMint())
    kept = [len(pipe._lane._steady.texts) for _ in played(pipe, events, steadily=True) if pipe._lane._steady]

    assert len(kept) > 1000
    assert max(kept) < 100


@pytest.mark.parametrize("last", [None, 2], ids=["no report at the end", "a report that cannot be"])
def test_what_follows_a_report_is_counted_all_the_same(last: int | None) -> None:
    """A report at the beginning knows nothing of the text; one at the end is compared with all of it."""
    early = {**USAGE, "completion_tokens": 1, "total_tokens": 4}
    texts = [chunk({"content": f" lighthouse {n}"}) for n in range(200)]
    ends = [] if last is None else [chunk({}, "stop", usage={**early, "completion_tokens": last, "total_tokens": 5})]
    events = stream([{**_ROLE, "usage": early}, *texts, *ends])
    tallies = []
    for lanes in (True, False):
        pipe: Any = chat_pipeline(chat(stream=True), ROUTE, CountingMint(), lanes=lanes)
        list(played(pipe, events, steadily=lanes))
        pipe.close()
        tallies.append(pipe.tally())

    assert tallies[0] == tallies[1]
    assert tallies[0].completion > 300


def test_arguments_take_the_lane() -> None:
    calls: list[Fields] = [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}]
    calls += [{"index": 0, "function": {"arguments": piece}} for piece in ('{"a', '": "', *"some words", '"}')]
    events = stream([_ROLE, *(chunk({"tool_calls": [call]}) for call in calls), chunk({}, "stop")])
    request = chat(stream=True, tools=[{"type": "function", "function": {"name": "f"}}])
    for _ in range(2):
        agree(request, events)
    pipe: Any = chat_pipeline(request, ROUTE, CountingMint())
    for event in events:
        pipe.feed(event)
    assert pipe._lane.taken >= 10


@pytest.mark.parametrize("options", OPTIONS, ids=repr)
@pytest.mark.parametrize("kind", KINDS)
def test_a_chunk_that_is_like_another(kind: str, options: FormatOptions) -> None:
    """One place of one chunk is changed, in a stream of chunks that are alike."""
    same = [_said(n, {"content": f" word {n}"}, kind) for n in range(6)]
    for path, new in some(random.Random(kind), same[4], 800 if options == FormatOptions() else 100):
        other = changed(same[4], path, new)
        events = stream([_ROLE, *same[:4], other, same[5], chunk({}, "stop")])
        agree(chat(stream=True), events, options)


@pytest.mark.parametrize("frame", FRAMES, ids=repr)
@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_that_is_spoilt(kind: str, frame: tuple[bytes, bytes]) -> None:
    same = [_said(n, {"content": f" wörd {n}"}, kind) for n in range(8)]
    body = b"".join(stream([_ROLE, *same, chunk({}, "stop")], frame))
    rnd = random.Random(7)
    for seed in range(150):
        other = spoilt(body, seed)
        agree(chat(stream=True), pieces(other, [rnd.randrange(len(other)) for _ in range(rnd.randrange(20))]))


_DELTAS: st.SearchStrategy[Fields] = st.one_of(
    st.sampled_from(TEXTS).map(lambda text: {"content": text}),
    st.text('ab <>/\\"\n\u00e9😀', max_size=9).map(lambda text: {"content": text}),
    st.text('ab <>/\\"\n\u00e9😀', max_size=9).map(lambda text: {"reasoning_content": text}),
    st.just({"role": "assistant", "content": "x"}),
    st.just({}),
)
_EVENTS = st.one_of(
    st.tuples(_DELTAS, st.sampled_from(KINDS)).map(lambda pair: _said(3, *pair)),
    _DELTAS.map(lambda delta: chunk(delta, index=1)),
    _DELTAS.map(lambda delta: chunk(delta, "stop")),
    st.just(envelope(choices=[], usage={"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7})),
    st.just({"error": {"message": "no"}}),
    st.just(b"[DONE]"),
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.one_of(_EVENTS, st.tuples(_EVENTS, st.integers(2, 5))), max_size=14),
    st.sampled_from(FRAMES),
    st.booleans(),
    st.booleans(),
    st.sampled_from(OPTIONS),
    st.lists(st.integers(0, 5000), max_size=12),
)
def test_any_stream(
    said: list[Any],
    frame: tuple[bytes, bytes],
    spaced: bool,
    asked: bool,
    options: FormatOptions,
    cuts: list[int],
) -> None:
    events = [e for one in said for e in ([one[0]] * one[1] if isinstance(one, tuple) else [one])]
    body = b"".join(stream([_ROLE, *events], frame, spaced))
    request = chat(stream=True, stream_options={"include_usage": asked})
    for parts in (pieces(body, cuts), stream([_ROLE, *events], frame, spaced), [body]):
        agree(request, parts, options)


@pytest.mark.parametrize("held", ["<|im_end|>", "END", " ", "<", "x"])
def test_text_that_a_rule_held(held: str) -> None:
    """What follows is put behind it, in the same event."""
    options = FormatOptions(options=("special-token-leak", "stop-echoed", "prefill-echo"))
    request = chat(stream=True, stop=["END"])
    texts = ["One", " two", " three", held, " four", held, held, " five"]
    agree(request, stream([_ROLE, *(chunk({"content": text}) for text in texts), chunk({}, "stop")]), options)


def test_thoughts_that_a_rule_held() -> None:
    """What may be a running total leaves before the content that follows."""
    deltas = [{"content": f" word {n}"} for n in range(4)]
    deltas += [{"reasoning_content": "Let me see"}, {"reasoning_content": "Let me see, then"}, *deltas]
    events = stream([_ROLE, *map(chunk, deltas), chunk({}, "stop")])
    for parts in (events, [b"".join(events)]):
        for _ in range(2):
            agree(chat(stream=True), parts)


def test_a_model_that_is_named_late() -> None:
    """What a missing `logprobs` means depends on it."""
    said = [{k: v for k, v in _bare(1, {"content": f"w{n}"}).items() if k != "model"} for n in range(12)]
    said[8]["model"] = "o1-mini"
    agree(chat(stream=True), stream([_ROLE | {"model": None}, *said, chunk({}, "stop")]))


@pytest.mark.parametrize("first", [-1, 0, 1, 2, 1.0, True, None, "1"])
def test_a_first_time_that_is_odd(first: Any) -> None:
    """Another time behind it is a change, and never a time that is missing."""
    later = [chunk({"content": "a"}, created=time) for time in (1, 1, 2, 2, 5, 6)]
    sent = stream([chunk({"role": "assistant", "content": ""}, created=first), *later, chunk({}, "stop")])

    for parts in (sent, [b"".join(sent)]):
        for _ in range(2):
            agree(chat(stream=True), parts)


def test_choices_among_others_go_the_general_way() -> None:
    events = stream([chunk({"content": f"w{n}"}, index=n % 2) for n in range(20)])
    pipe: Any = chat_pipeline(chat(stream=True, n=2), ROUTE, CountingMint())
    assert pipe._lane is None
    agree(chat(stream=True, n=2), events)


def test_shapes_and_patterns_are_bounded() -> None:
    for number in range(300):
        events = stream([_ROLE, *[chunk({"content": f"w{n}"}, **{f"extra{number}": n // 2}) for n in range(40)]])
        agree(chat(stream=True), events)
    assert len(lane_patterns.patterns) <= lane_patterns.MAX_PATTERNS


# -- recordings -------------------------------------------------------------------------------------------------------


def test_recordings(records: list[Record]) -> None:
    for number, record in enumerate(records):
        if record["dialect"] != "openai-chat" or record["response"]["status"] >= 400:
            continue
        sent = _sent(record)
        rnd = random.Random(number)
        for asked in (bool(record["request"].get("stream")), False):
            request = read_chat_request(json.dumps(chat_body(model="m", stream=asked)).encode())
            for cuts in ([], [rnd.randrange(len(sent) + 1) for _ in range(30)]):
                agree(request, pieces(sent, cuts))
            if not asked:
                for _ in range(2):
                    agree(request, [spoilt(sent, rnd.randrange(1 << 30))] if sent else [b""])


def _sent(record: Record) -> bytes:
    coded = record["response"].get("body_b64")
    return base64.b64decode(coded) if coded else record["response"]["body"].encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("golden", [g for g in goldens() if g.kind in ("stream", "whole")], ids=lambda g: g.name)
def test_goldens(golden: Golden) -> None:
    request = read_chat_request(json.dumps(golden.request).encode())
    options = msgspec.convert(golden.options, FormatOptions)
    for side in (golden.mends, golden.leaves):
        for parts in (*ways(side.sent, golden.name).values(), [side.sent]):
            agree(request, parts, options)
