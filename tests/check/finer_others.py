"""More mistakes, written a second time from the rules of the wire: those of whole replies, errors and headers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from check.mistaken import DONE, Json, Mistake
from check.mistakes import body, choice, error, header, message, status

__all__ = ["FINER_OTHERS"]

M = Mistake
REFUSED = ("errors.no-messages",)
FLAT = b'event: error\ndata: {"message":"boom","type":"server_error","param":null,"code":null}\n\n'
NESTED = b'data: {"error":{"message":"boom","type":"server_error","param":null,"code":null}}\n\n'


def failing(event: bytes, *after: bytes) -> Callable[[list[bytes]], list[bytes]]:
    """An error in the place of the rest."""
    return lambda frames: [*frames[:2], event, *after]


def usage(change: Callable[[Json], Any]) -> Callable[[Json], Any]:
    return body(lambda made: change(made["usage"]))


def called(change: Callable[[Json], Any]) -> Callable[[Json], Any]:
    """A change of every tool call of a whole reply."""
    return message(lambda made: [change(call) for call in made.get("tool_calls") or ()])


FINER_OTHERS: dict[str, Mistake] = {
    # -- N, I, U, R
    "a chunk for a whole reply": M(
        "N1", "chunk-for-nonstream", whole=body(lambda b: b.update(object="chat.completion.chunk"))
    ),
    "an index from 1": M("N1", "choice-index-order", whole=choice(lambda c: c.update(index=1))),
    "no choices at all": M("N1", "choices-none", whole=body(lambda b: b.update(choices=[]))),
    "more choices than asked": M(
        "N1", "choices-too-many", whole=body(lambda b: b["choices"].append({**b["choices"][0], "index": 1}))
    ),
    "a role that is missing": M("N3", "role-missing-nonstream", whole=message(lambda m: m.pop("role"))),
    "content as parts": M(
        "N3", "content-parts-list", whole=message(lambda m: m.update(content=[{"type": "text", "text": m["content"]}]))
    ),
    "an empty refusal": M("N3", "refusal-key-missing", whole=message(lambda m: m.update(refusal=""))),
    "annotations as null": M("N3", "annotations-null", whole=message(lambda m: m.update(annotations=None))),
    "calls as null": M("N4", "tool-calls-null", whole=message(lambda m: m.update(tool_calls=None))),
    "a call's arguments as JSON in JSON": M(
        "N4",
        "tool-args-double-encoded",
        probes=("tools.auto",),
        whole=called(lambda c: c["function"].update(arguments=json.dumps(c["function"]["arguments"]))),
    ),
    "an empty id": M("I1", "id-empty", whole=body(lambda b: b.update(id=""))),
    "an id called None": M("I1", "id-null-string", whole=body(lambda b: b.update(id="None"))),
    "a short call id": M("I1", "tool-id-format", probes=("tools.auto",), whole=called(lambda c: c.update(id="1"))),
    "the id of a chat": M(
        "I1",
        "completions-id",
        on="/completions",
        probes=("completions.whole",),
        whole=body(lambda b: b.update(id="chatcmpl-" + "a" * 29)),
    ),
    "usage without details": M(
        "U1", "usage-details-missing", whole=usage(lambda u: u.pop("completion_tokens_details"))
    ),
    "usage of null": M(
        "U1", "usage-null-fields usage-missing-nonstream schema", whole=body(lambda b: b.update(usage=None))
    ),
    "usage under other names": M(
        "U1",
        "usage-other-names",
        whole=usage(lambda u: u.update(input_tokens=u.pop("prompt_tokens"), output_tokens=u.pop("completion_tokens"))),
    ),
    "thoughts beyond the completion": M(
        "U1", "usage-excl-reasoning", whole=usage(lambda u: u["completion_tokens_details"].update(reasoning_tokens=999))
    ),
    "usage below zero": M(
        "U1",
        "usage-null-fields",
        whole=usage(lambda u: u.update(prompt_tokens=-1, total_tokens=u["completion_tokens"] - 1)),
    ),
    "no tokens in the prompt": M(
        "U1",
        "usage-counts-nothing",
        whole=usage(lambda u: u.update(prompt_tokens=0, total_tokens=u["completion_tokens"])),
        probes=("usage.whole",),
    ),
    "finish in capitals": M("R1", "finish-foreign-vocab", whole=choice(lambda c: c.update(finish_reason="STOP"))),
    "no finish in a whole reply": M(
        "R1", "finish-null-nonstream", whole=choice(lambda c: c.update(finish_reason=None))
    ),
    "cut, it says": M("R1", "finish-length-false", whole=choice(lambda c: c.update(finish_reason="length"))),
    "an old word for calls": M(
        "R1",
        "finish-function_call-for-tools",
        probes=("tools.auto",),
        whole=choice(lambda c: c.update(finish_reason="function_call")),
    ),
    "a stop string in the text": M(
        "R1",
        "stop-ignored stop-echoed",
        probes=("chat.stop",),
        whole=message(lambda m: m.update(content=m["content"] + "charlie delta")),
    ),
    "no end at the limit": M(
        "R1",
        "max_completion_tokens-ignored",
        probes=("chat.max-tokens",),
        whole=body(
            lambda b: (
                b["choices"][0].update(finish_reason="stop"),
                b["choices"][0]["message"].update(content="word " * 90),
            )
        ),
    ),
    "calls that were forbidden": M(
        "R1",
        "tool_choice-none-ignored",
        probes=("tools.none",),
        whole=message(
            lambda m: m.update(
                content=None,
                tool_calls=[
                    {
                        "id": "call_" + "a" * 24,
                        "type": "function",
                        "function": {"name": "get_weather", "arguments": "{}"},
                    }
                ],
            )
        ),
    ),
    "text for JSON": M(
        "R1", "json-mode-broken", probes=("structured.json",), whole=message(lambda m: m.update(content="Sure!"))
    ),
    "a field of the schema missing": M(
        "R1", "json-schema-not-kept", probes=("structured.schema",), whole=message(lambda m: m.update(content="{}"))
    ),
    # -- X, H
    "an error without type": M(
        "X", "err-fields-missing", whole=error(lambda e: e.pop("type")), errors=True, probes=REFUSED
    ),
    "an error's type of its own": M(
        "X", "err-type", whole=error(lambda e: e.update(type="BadRequest")), errors=True, probes=REFUSED
    ),
    "an error beside other fields": M(
        "X", "err-extra-fields", whole=error(lambda e: e.update(status=400)), errors=True, probes=REFUSED
    ),
    "an error without its nest": M("X", "err-flat", whole=lambda b: b["error"], errors=True, probes=REFUSED),
    "an error in a list": M("X", "err-array", whole=lambda b: [b], errors=True, probes=REFUSED),
    "an error in detail": M(
        "X", "err-detail", whole=lambda b: {"detail": b["error"]["message"]}, errors=True, probes=REFUSED
    ),
    "an error without body": M("X", "err-empty-body", frames=lambda f: [b""], errors=True, probes=REFUSED),
    "an error that is plain text": M(
        "X", "err-not-json", frames=lambda f: [b"bad request"], errors=True, probes=REFUSED
    ),
    "404 for 400": M("X", "status-other", head=status(404), errors=True, probes=("errors.no-messages",)),
    "an error in the middle, flat": M("X", "err-mid-named-event", frames=failing(FLAT, DONE)),
    "an error in the middle, and no [DONE]": M("X", "err-mid-stream", frames=failing(NESTED)),
    "an error at the beginning": M("X", "err-200-first-event", frames=lambda f: [NESTED, DONE]),
    "no content type": M("H1", "ctype-missing", head=header("content-type", None), probes=("chat.whole",)),
    "JSON in another charset": M(
        "H1",
        "ctype-charset",
        head=header("content-type", "application/json; charset=iso-8859-1"),
        probes=("chat.whole",),
    ),
    "a compression that is none": M(
        "H1", "content-encoding-kept", head=header("content-encoding", "gzip"), probes=("chat.whole",)
    ),
    # -- G, M, L
    "pictures created as a fraction": M(
        "G1",
        "created-float img-created-missing schema",
        on="/images",
        probes=("images.url",),
        whole=body(lambda b: b.update(created=b["created"] + 0.5)),
    ),
    "a picture too few": M(
        "G1", "img-partial-n", on="/images", probes=("images.n",), whole=body(lambda b: b["data"].pop())
    ),
    "a picture too many": M(
        "G1", "img-too-many", on="/images", probes=("images.url",), whole=body(lambda b: b["data"].append(b["data"][0]))
    ),
    "base64 with its type": M(
        "G1",
        "img-data-prefix",
        on="/images",
        probes=("images.b64",),
        whole=body(lambda b: [x.update(b64_json="data:image/png;base64," + x["b64_json"]) for x in b["data"]]),
    ),
    "a picture that is no base64": M(
        "G1",
        "img-base64-broken",
        on="/images",
        probes=("images.b64",),
        whole=body(lambda b: [x.update(b64_json="!!not base64") for x in b["data"]]),
    ),
    "a streamed picture that is no base64": M(
        "G1",
        "img-base64-broken",
        on="/images",
        probes=("images.stream",),
        frames=lambda f: [re.sub(rb'"b64_json":"[^"]*"', b'"b64_json":"!!not base64"', x) for x in f],
    ),
    "URL and base64": M(
        "G1",
        "img-both",
        on="/images",
        probes=("images.b64",),
        whole=body(lambda b: [x.update(url="https://pictures.example/1") for x in b["data"]]),
    ),
    "pictures as a list": M(
        "G1", "img-top-level-array", on="/images", probes=("images.url",), whole=lambda b: b["data"]
    ),
    "pictures as texts": M(
        "G1",
        "img-list-of-strings",
        on="/images",
        probes=("images.url",),
        whole=lambda b: {"images": [x["url"] for x in b["data"]]},
    ),
    "a vector too few": M(
        "M1", "emb-count", on="/embeddings", probes=("embeddings.several",), whole=body(lambda b: b["data"].pop())
    ),
    "vectors without index": M(
        "M1",
        "emb-index-object-missing",
        on="/embeddings",
        probes=("embeddings.float",),
        whole=body(lambda b: [x.pop("index") for x in b["data"]]),
    ),
    "vectors within vectors": M(
        "M1",
        "emb-nested",
        on="/embeddings",
        probes=("embeddings.float",),
        whole=body(lambda b: [x.update(embedding=[x["embedding"]]) for x in b["data"]]),
    ),
    "vectors of no length": M(
        "M1",
        "emb-zeros",
        on="/embeddings",
        probes=("embeddings.float",),
        whole=body(lambda b: [x.update(embedding=[0.0] * 8) for x in b["data"]]),
    ),
    "base64 that is none": M(
        "M2",
        "emb-base64-broken",
        on="/embeddings",
        probes=("embeddings.base64",),
        whole=body(lambda b: [x.update(embedding="abc") for x in b["data"]]),
    ),
    "vectors of another length than was asked for": M(
        "M2",
        "emb-dimensions",
        on="/embeddings",
        probes=("embeddings.dimensions",),
        whole=body(lambda b: [x.update(embedding=[0.5] * 9) for x in b["data"]]),
    ),
    "embeddings with another total": M(
        "M1",
        "emb-usage-total",
        on="/embeddings",
        probes=("embeddings.float",),
        whole=body(lambda b: b["usage"].update(total_tokens=99)),
    ),
    "a model twice": M(
        "M",
        "models-id-twice",
        on="/models",
        probes=("models.list",),
        whole=body(lambda b: b["data"].append(b["data"][0])),
    ),
    "models without owner": M(
        "M",
        "models-fields-missing",
        on="/models",
        probes=("models.list",),
        whole=body(lambda b: [x.pop("owned_by") for x in b["data"]]),
    ),
    "models under another key": M(
        "M", "models-other-key", on="/models", probes=("models.list",), whole=lambda b: {"models": b["data"]}
    ),
    "a completion without finish": M(
        "L1",
        "completions-finish",
        on="/completions",
        probes=("completions.whole",),
        whole=choice(lambda c: c.update(finish_reason=None)),
    ),
    "a completion called a chat": M(
        "L1",
        "object-wrong-completions",
        on="/completions",
        probes=("completions.whole",),
        whole=body(lambda b: b.update(object="chat.completion")),
    ),
    "a completion without text": M(
        "L1",
        "completions-text-null",
        on="/completions",
        probes=("completions.whole",),
        whole=choice(lambda c: c.update(text=None)),
    ),
}
