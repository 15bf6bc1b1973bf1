"""More mistakes, written a second time from the rules of the wire, rule by rule: those of streams."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from check.mistaken import DONE, Json, Mistake
from check.mistakes import calls, deltas, each, first_calls, later_calls, then, with_text

__all__ = ["FINER_STREAMS"]

M = Mistake
Chunks = Callable[[list[Json]], list[Any]]
USAGE = ("usage.stream",)
TOOL = ("tools.auto-stream",)
TWO = ("tools.parallel-stream",)
LOGS = ("stream.logprobs",)
GPT = ("images.stream",)


def copy(chunk: Json) -> Json:
    """A chunk that can be changed by itself."""
    made: Json = json.loads(json.dumps(chunk))
    return made


def middle(change: Callable[[Json], Any]) -> Chunks:
    """A change of the second delta with text."""
    return then(lambda c: change(c[with_text(c)[1]]["choices"][0]["delta"]))


def last(change: Callable[[Json], Any]) -> Chunks:
    """A change of the choice that finishes."""
    return then(lambda c: change(deltas(c)[-1]))


def first(change: Callable[[Json], Any]) -> Chunks:
    """A change of the first delta."""
    return then(lambda c: change(deltas(c)[0]["delta"]))


def every(change: Callable[[bytes], bytes]) -> Callable[[list[bytes]], list[bytes]]:
    """A change of every event but the last."""
    return lambda frames: [*map(change, frames[:-1]), frames[-1]]


def again(chunk: Json, **fields: Any) -> Json:
    """A copy of a chunk with another delta or choices."""
    made = copy(chunk)
    if "delta" in fields:
        made["choices"][0]["delta"] = fields.pop("delta")
    made.update(fields)
    return made


def split(frame: bytes) -> bytes:
    """One event on two lines of data."""
    return frame.replace(b',"choices"', b'\ndata: ,"choices"', 1)


def escaped(frame: bytes) -> bytes:
    return b"data: " + json.dumps(json.loads(frame[6:]), separators=(",", ":")).encode() + b"\n\n"


def interleaved(made: list[Json]) -> list[Any]:
    """The first call's last piece comes after the second call has begun."""
    places = [at for at, chunk in enumerate(made) if any(c["delta"].get("tool_calls") for c in chunk["choices"])]
    second = next(at for at in places if made[at]["choices"][0]["delta"]["tool_calls"][0]["index"] == 1)
    made[second - 1], made[second] = made[second], made[second - 1]
    return made


def entries(change: Callable[[Json], Any]) -> Chunks:
    """A change of every entry of log probabilities."""

    def chunks(made: list[Json]) -> list[Any]:
        for found in deltas(made):
            for entry in (found.get("logprobs") or {}).get("content") or ():
                change(entry)
        return made

    return chunks


FINER_STREAMS: dict[str, Mistake] = {
    # -- F
    "CR alone": M("F1", "sse-crlf sse-single-newline", frames=lambda f: [x.replace(b"\n", b"\r") for x in f]),
    "one newline between events": M("F1", "sse-single-newline", frames=lambda f: [x[:-1] for x in f]),
    "an event on two lines of data": M("F1", "sse-multiline-data sse-line-split", frames=every(split)),
    "a retry line": M("F1", "sse-id-retry", frames=lambda f: [b"retry: 100\n" + f[0], *f[1:]]),
    "a byte order mark": M("F1", "bom", frames=lambda f: [b"\xef\xbb\xbf" + f[0], *f[1:]]),
    "data: twice": M("F1", "sse-double-prefix", frames=lambda f: [b"data: " + f[0], *f[1:]]),
    "[DONE] in small letters": M(
        "F2", "done-variants sse-non-json-data", frames=lambda f: [*f[:-1], b"data: [done]\n\n"]
    ),
    "[DONE] as JSON text": M("F2", "done-variants", frames=lambda f: [*f[:-1], b'data: "[DONE]"\n\n']),
    "[DONE] too early": M("F2", "data-after-done", frames=lambda f: [*f[:2], DONE, *f[2:]]),
    "text in escapes": M("F3", "json-not-compact json-escaped", frames=every(escaped), probes=("stream.unicode",)),
    "two objects in one event": M("F3", "two-json-per-line", frames=lambda f: [f[0].rstrip() + f[1][6:], *f[2:]]),
    "null in the place of a chunk": M("F3", "null-chunk", chunks=lambda c: [c[0], None, *c[1:]]),
    "picture events without names": M(
        "F4",
        "img-event-name",
        on="/images",
        probes=GPT,
        frames=lambda f: [x.split(b"\n", 1)[1] for x in f],
    ),
    "[DONE] after pictures": M("F4", "img-event-done", on="/images", probes=GPT, frames=lambda f: [*f, DONE]),
    "pictures that never complete": M("F4", "eof-truncated", on="/images", probes=GPT, frames=lambda f: f[:-1]),
    # -- C
    "another tier": M("C1", "service-tier-changes", chunks=lambda c: [*c[:-1], {**c[-1], "service_tier": "flex"}]),
    "the object of a whole reply": M(
        "C1", "object-wrong-stream", chunks=each(lambda c: c.update(object="chat.completion"))
    ),
    "created in milliseconds": M("C1", "created-ms", chunks=each(lambda c: c.update(created=c["created"] * 1000))),
    "another model than asked": M("C2", "model-differs", chunks=each(lambda c: c.update(model="llama-3"))),
    "an empty model": M("C2", "model-empty", chunks=each(lambda c: c.update(model=""))),
    "choice keys in another order": M(
        "C3", "choice-key-order", chunks=each(lambda c: [x.update(delta=x.pop("delta")) for x in c["choices"]])
    ),
    "all indexes are zero": M(
        "C4",
        "choice-index-all-zero",
        probes=("stream.n",),
        chunks=each(lambda c: [x.update(index=0) for x in c["choices"]]),
    ),
    "one finish for two choices": M(
        "C4",
        "n-finish-shared",
        probes=("stream.n",),
        chunks=lambda c: [
            x for x in c if not (x["choices"] and x["choices"][0]["index"] and x["choices"][0]["finish_reason"])
        ],
    ),
    "a first delta without content": M("C5", "first-content-missing", chunks=first(lambda d: d.pop("content"))),
    "a first delta without refusal": M("C5", "first-refusal-missing", chunks=first(lambda d: d.pop("refusal"))),
    "a first delta of null": M("C5", "content-null-first-delta", chunks=first(lambda d: d.update(content=None))),
    "a role of its own": M("C5", "role-foreign", chunks=first(lambda d: d.update(role="model"))),
    "an empty role": M("C5", "role-null-or-empty", chunks=first(lambda d: d.update(role=""))),
    "content null in the middle": M(
        "C6", "empty-deltas", chunks=lambda c: [*c[:2], again(c[1], delta={"content": None}), *c[2:]]
    ),
    "nothing in the middle": M("C6", "empty-deltas", chunks=lambda c: [*c[:2], again(c[1], delta={}), *c[2:]]),
    "refusal null beside text": M("C6", "empty-deltas", chunks=middle(lambda d: d.update(refusal=None))),
    "no choices in the middle": M(
        "C6", "choices-empty-mid", chunks=lambda c: [*c[:2], again(c[1], choices=[]), *c[2:]]
    ),
    "a delta of null": M("C6", "delta-missing-null", chunks=then(lambda c: deltas(c)[1].update(delta=None))),
    "a message for a delta": M(
        "C6", "message-not-delta", chunks=each(lambda c: [x.update(message=x.pop("delta")) for x in c["choices"]])
    ),
    "all of the text so far": M(
        "C6",
        "content-cumulative",
        probes=("stream.long",),
        chunks=then(
            lambda c: [
                c[at]["choices"][0]["delta"].update(content="".join(t))
                for at, t in zip(
                    with_text(c),
                    [
                        [c[w]["choices"][0]["delta"]["content"] for w in with_text(c)[: n + 1]]
                        for n in range(len(with_text(c)))
                    ],
                    strict=True,
                )
            ]
        ),
    ),
    "two finishes": M("C7", "finish-twice", chunks=lambda c: [*c, copy(c[-1])]),
    "an empty word for no finish": M(
        "C7",
        "finish-empty-string",
        chunks=each(lambda c: [x.update(finish_reason=x["finish_reason"] or "") for x in c["choices"]]),
    ),
    "a finish delta with empty content": M("C7", "empty-deltas", chunks=last(lambda x: x["delta"].update(content=""))),
    "an empty chunk after the finish": M(
        "C7", "chunk-after-finish", chunks=lambda c: [*c, again(c[1], delta={"content": ""})]
    ),
    "usage twice": M("C8", "usage-dup", probes=USAGE, chunks=lambda c: [*c, copy(c[-1])]),
    "usage beside the finish": M(
        "C8", "usage-in-finish-chunk", probes=USAGE, chunks=lambda c: [*c[:-2], {**c[-2], "usage": c[-1]["usage"]}]
    ),
    "usage with a choice": M(
        "C8",
        "usage-chunk-choices-nonempty",
        probes=USAGE,
        chunks=lambda c: [
            *c[:-1],
            {**c[-1], "choices": [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": None}]},
        ],
    ),
    "usage without choices": M(
        "C8", "usage-chunk-no-choices", probes=USAGE, chunks=then(lambda c: c[-1].pop("choices"))
    ),
    "usage in every chunk": M(
        "C8",
        "usage-every-chunk-cumulative",
        probes=USAGE,
        chunks=lambda c: [{**x, "usage": c[-1]["usage"]} for x in c],
    ),
    "usage that nobody asked for": M(
        "C8",
        "choices-empty-usage-unasked",
        probes=("usage.unasked",),
        chunks=lambda c: [
            *c,
            again(c[-1], choices=[], usage={"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}),
        ],
    ),
    "a call's name again": M(
        "C9", "tool-name-repeated", probes=TOOL, chunks=later_calls(lambda c: c["function"].update(name="get_weather"))
    ),
    "a call's name as null": M(
        "C9", "tool-name-empty-later", probes=TOOL, chunks=later_calls(lambda c: c["function"].update(name=None))
    ),
    "a call's id as empty": M("C9", "tool-id-empty-later", probes=TOOL, chunks=later_calls(lambda c: c.update(id=""))),
    "a call's type again": M(
        "C9", "tool-type-repeated", probes=TOOL, chunks=later_calls(lambda c: c.update(type="function"))
    ),
    "a call without its first arguments": M(
        "C9", "tool-first-arguments", probes=TOOL, chunks=first_calls(lambda c: c["function"].pop("arguments"))
    ),
    "calls that share an index": M(
        "C9", "tool-index-all-zero", probes=TWO, chunks=then(lambda c: [x.update(index=0) for x in calls(c)])
    ),
    "pieces of two calls mixed": M("C9", "tool-index-back", probes=TWO, chunks=interleaved),
    "calls that share an id": M(
        "C9", "tool-id-duplicate", probes=TWO, chunks=first_calls(lambda c: c.update(id="call_" + "a" * 24))
    ),
    "arguments as objects": M(
        "C9", "tool-args-object", probes=TOOL, chunks=later_calls(lambda c: c["function"].update(arguments={"a": 1}))
    ),
    "a call without a name": M(
        "C9", "tool-name-never", probes=TOOL, chunks=first_calls(lambda c: c["function"].pop("name"))
    ),
    "empty calls beside text": M("C9", "tool-calls-empty-array", chunks=middle(lambda d: d.update(tool_calls=[]))),
    "stop after calls": M(
        "C9", "finish-stop-with-tools", probes=TOOL, chunks=last(lambda x: x.update(finish_reason="stop"))
    ),
    "log probabilities that do not come": M(
        "C12", "logprobs-asked", probes=LOGS, chunks=each(lambda c: [x.update(logprobs=None) for x in c["choices"]])
    ),
    "a token without bytes": M("C12", "logprobs-entry", probes=LOGS, chunks=entries(lambda e: e.pop("bytes"))),
    "too many alternatives": M(
        "C12", "logprobs-top", probes=LOGS, chunks=entries(lambda e: e.update(top_logprobs=e["top_logprobs"] * 3))
    ),
    "probabilities under null": M(
        "C12",
        "logprobs-object-of-nulls",
        chunks=each(lambda c: [x.update(logprobs={"content": None}) for x in c["choices"]]),
    ),
    "padding of one length": M(
        "O2", "obfuscation-length", frames=every(lambda x: x.replace(b'"obfuscation":"', b'"obfuscation":"a'))
    ),
}
