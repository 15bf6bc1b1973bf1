"""What servers send: replies that are right but for a few fields, and wrong in any way there.

A reply is made of a right one and a few wrongs: a field that holds something else, a field that is missing, a field
that nobody knows (or that is known elsewhere), an event that is gone or comes twice.  Few wrongs at a time, because a
reply that is wrong everywhere ends at its first fault; and because a failing example should be short.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from engine.kit import NOW, chunk, dumps, envelope

Fields = dict[str, Any]

WORDS: list[Any] = [
    *("", " ", "a", "Hello", "null", "None", "stop", "error", "0", "1", "-1", "²", "٣", "9" * 5000, "1e400", "nan"),
    *("\ud83d", "\ude00", "é", "<think>", "</think>", "<thi", "<think>hm</think>\n\nyes", '{"a":1}', '{"a"', "[DONE]"),
    *("data: x", "x\n\ny", "\x00\u2028", "function", "custom", "function_call", "assistant", "2025/05/16 16:29:57"),
]
NUMBERS: list[Any] = [
    *(0, 1, 2, -1, 7, 404, 10**12, 10**15, 2**63, 2**70, -(2**70), 10**400, 0.0, 1.5, -0.5, 1e15, 1e308, -1e308),
    *(float("nan"), float("inf"), float("-inf")),
]
NESTS: list[Any] = [
    *(
        [],
        {},
        [[]],
        [[[None]]],
        [None],
        [0],
        [""],
        ["a", "b"],
        [1, "a", {}],
        [{}],
        [{"a": 1}],
        {"a": {"b": [1]}},
        {"": ""},
    ),
    *({"error": {}}, {"text": "t"}, {"text": 1}, {"content": "t"}, {"message": "m"}, {"code": 0}, {"usage": {"a": 1}}),
    *([{"type": "text", "text": "t"}], [{"type": "text", "text": None}], [{"type": "thinking", "thinking": "t"}]),
    *([{"text": ["t"]}], [{"index": 0}], [{"index": "0"}], {"name": "f"}, {"function": None}, {"function": []}),
    *({"type": "text"}, {"choices": []}, {"delta": {}}, {"name": None, "arguments": 7}, {"reasoning_tokens": "x"}),
    *(
        {"raw": 1},
        {"content": [], "refusal": []},
        {"content": [[]]},
        {"content": "x"},
        {"tokens": [1], "token_logprobs": ["x"]},
    ),
    *(
        {"tokens": ["a"], "token_logprobs": [-1], "top_logprobs": [{"b": "c"}, 1]},
        {"id": 1, "expires_at": "x", "data": []},
    ),
]
JUNK: list[Any] = [None, True, False, *NUMBERS, *WORDS, *NESTS]
"""Any JSON, and what servers take for JSON."""

NAMES = (
    *("content", "text", "index", "id", "type", "name", "error", "message", "code", "choices", "usage", "role", "url"),
    *("metadata", "moderation", "audio", "annotations", "obfuscation", "service_tier", "logprobs", "refusal", "data"),
    *("tool_calls", "function_call", "reasoning", "reasoning_content", "thinking", "reasoning_details", "images"),
    *("delta", "finish_reason", "finishReason", "finish_details", "x_groq", "provider", "timings", "detail", "details"),
    *("status", "success", "errors", "msg", "base_resp", "header", "fault", "Response", "result", "output", "object"),
    *("prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "completion_tokens_details"),
    *("input_tokens", "output_tokens", "cached_tokens", "prompt_cache_hit_tokens", "audio_tokens", "text_tokens"),
    *(
        "system_fingerprint",
        "created",
        "model",
        "custom",
        "function",
        "arguments",
        "input",
        "token",
        "bytes",
        "x_vendor",
    ),
)

TOP = [{"token": "He", "logprob": -0.1, "bytes": [72, 101]}, {"token": "Y", "logprob": -2.5, "bytes": None}]
TOKEN = {"token": "He", "logprob": -0.1, "bytes": [72, 101], "top_logprobs": TOP}
LOGPROBS = {"content": [TOKEN], "refusal": None}
USAGE = {
    "prompt_tokens": 30,
    "completion_tokens": 40,
    "total_tokens": 70,
    "prompt_tokens_details": {"cached_tokens": 2, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 5, "audio_tokens": 0},
}
CITATION = {
    "type": "url_citation",
    "url_citation": {"start_index": 0, "end_index": 2, "url": "https://a.b", "title": "t"},
}
AUDIO = {"id": "audio_1", "data": "aaaa", "transcript": "Hi", "expires_at": NOW}
RESULTS = {"type": "moderation_results", "model": "m", "results": []}
ROLE = {"role": "assistant", "content": "", "refusal": None}
CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}


def more(arguments: str, index: int = 0) -> Fields:
    return {"tool_calls": [{"index": index, "function": {"arguments": arguments}}]}


def scored(delta: Fields, finish: Any = None, index: int = 0) -> Fields:
    event = chunk(delta, finish, index)
    event["choices"][0]["logprobs"] = LOGPROBS
    return event


STREAMS: list[list[Any]] = [
    [
        chunk(ROLE),
        chunk({"content": "Hel"}),
        chunk({"content": "lo."}),
        chunk({}, "stop"),
        envelope(choices=[], usage=USAGE),
    ],
    [
        chunk(ROLE),
        chunk({"reasoning_content": "Let me see."}),
        chunk({"content": "<think>So."}),
        chunk({"content": "</think>\n\nYes, "}),
        chunk({"content": "that."}, "length", usage=USAGE),
    ],
    [
        chunk({"role": "assistant", "content": None, "tool_calls": [CALL], "refusal": None}),
        chunk(more('{"a":')),
        chunk(more("1}")),
        chunk({"tool_calls": [{**CALL, "index": 1, "id": "call_2"}]}),
        chunk(more("{}", 1)),
        chunk({}, "tool_calls"),
        envelope(choices=[], usage=USAGE),
    ],
    [
        scored(ROLE),
        scored({"content": "He"}),
        scored({"content": "Hello"}),
        scored({"content": "Hello you"}),
        chunk({}, "stop"),
    ],
    [
        chunk({"role": "assistant", "content": None, "refusal": ""}),
        scored({"refusal": "No."}),
        chunk({}, "content_filter"),
    ],
    [
        envelope(choices=[], prompt_filter_results=[{"prompt_index": 0}]),
        chunk({**ROLE, "annotations": [CITATION]}, obfuscation="aa", service_tier="default"),
        chunk({"audio": AUDIO}),
        chunk({"content": "Hi", "images": [{"type": "image_url"}]}, moderation={"input": RESULTS, "output": RESULTS}),
        chunk({}, "stop", x_groq={"id": "req_1", "usage": USAGE}),
    ],
    [
        chunk(ROLE),
        chunk(ROLE, index=1),
        chunk({"content": "a"}),
        chunk({"content": "b"}, index=1),
        chunk({}, "stop"),
        chunk({}, "stop", 1),
    ],
    [
        chunk({"role": "assistant", "function_call": {"name": "f", "arguments": "{"}}),
        chunk({"function_call": {"arguments": "}"}}),
        chunk({}, "function_call"),
    ],
]
"""Right replies, or as right as servers of this kind send them, for wrongs to be put into."""


def whole(*messages: Fields, finish: str = "stop", **fields: Any) -> Fields:
    choices = [{"index": i, "message": m, "logprobs": None, "finish_reason": finish} for i, m in enumerate(messages)]
    return envelope("chat.completion", **{"choices": choices, "usage": USAGE, **fields})


MESSAGE = {"role": "assistant", "content": "Hello.", "refusal": None}
WHOLES: list[Any] = [
    whole(
        {**MESSAGE, "annotations": [CITATION], "reasoning_content": "Hm."}, service_tier="default", metadata={"a": "b"}
    ),
    whole({**MESSAGE, "content": "<think>So.</think>\n\nYes."}, MESSAGE),
    whole({**MESSAGE, "content": None, "tool_calls": [CALL, {**CALL, "id": "call_2"}]}, finish="tool_calls"),
    whole({**MESSAGE, "audio": AUDIO, "images": [{}]}, moderation={"input": RESULTS, "output": RESULTS}),
    whole({**MESSAGE, "content": None, "function_call": {"name": "f", "arguments": "{}"}}, finish="function_call"),
    {**whole(), "choices": [{"index": 0, "message": MESSAGE, "logprobs": LOGPROBS, "finish_reason": "stop"}]},
    {"result": whole(MESSAGE), "success": True},
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something may go wrong: the path of every field and element."""
    inner: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*path, key)
        yield from places(one, (*path, key))


class Wrong:
    """One wrong: `what` is done at the `where`-th place (counted around) of a reply."""

    def __init__(self, what: str, where: int, junk: int, name: str) -> None:
        self.what, self.where, self.junk, self.name = what, where, JUNK[junk], name

    def __repr__(self) -> str:
        return f"Wrong({self.what} at {self.where}, {self.name}: {self.junk!r:.60})"

    def commit(self, reply: Any) -> None:
        found = list(places(reply))
        if not found:
            return
        *path, key = found[self.where % len(found)]
        around = reply
        for step in path:
            around = around[step]
        if self.what == "put":
            around[key] = copy.deepcopy(self.junk)
        elif self.what == "drop":
            del around[key]
        elif self.what == "add" and isinstance(around, dict):
            around[self.name] = copy.deepcopy(self.junk)
        elif isinstance(around, list):
            around.insert(key, copy.deepcopy(around[key]))


WRONGS = st.lists(
    st.builds(
        Wrong,
        st.sampled_from(["put", "put", "put", "drop", "add", "add", "repeat"]),
        st.integers(0, 400),
        st.integers(0, len(JUNK) - 1),
        st.sampled_from(NAMES),
    ),
    max_size=4,
)


def wronged(reply: Any, wrongs: list[Wrong]) -> Any:
    reply = copy.deepcopy(reply)
    for wrong in wrongs:
        wrong.commit(reply)
    return reply


WHOLE = st.builds(wronged, st.sampled_from(WHOLES), WRONGS)
EVENTS = st.builds(wronged, st.sampled_from(STREAMS), WRONGS)


def framed(events: list[Any], prefix: bytes, gap: bytes, noise: list[tuple[int, bytes]], end: bytes) -> bytes:
    """The events as an event stream in this framing, with nonsense between them."""
    parts = [prefix + dumps(e) + gap for e in events]
    for place, nonsense in noise:
        parts.insert(place % (len(parts) + 1), nonsense)
    return b"".join(parts) + end


NOISE = (
    b": ping\n\n",
    b"event: ping\n\n",
    b"data:\n\n",
    b"data: oops\n\n",
    b"id: 1\n",
    b"retry: 1\n\n",
    b"data: null\n\n",
)
STREAM = st.builds(
    framed,
    EVENTS,
    st.sampled_from([b"data: ", b"data: ", b"data: ", b"data:", b"", b"data: data: ", b"event: message\ndata: "]),
    st.sampled_from([b"\n\n", b"\n\n", b"\n\n", b"\n", b"\r\n\r\n", b"\r\r"]),
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from(NOISE)), max_size=2),
    st.sampled_from([b"data: [DONE]\n\n", b"data: [DONE]\n\n", b"data: [DONE]\n\n", b"", b"data: [DONE]", b"[DONE]\n"]),
)

REQUEST = st.fixed_dictionaries(
    {"n": st.sampled_from([1, 1, 1, 2])},
    optional={
        "logprobs": st.just(True),
        "top_logprobs": st.sampled_from([0, 2]),
        "stream_options": st.just({"include_usage": True}),
        "tools": st.just([{"type": "function", "function": {"name": "f"}}]),
        "functions": st.just([{"name": "f"}]),
        "tool_choice": st.sampled_from(["auto", "required", {"type": "function", "function": {"name": "f"}}]),
    },
)
"""What a client asked for, as far as it decides how the reply has to look."""
