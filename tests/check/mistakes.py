"""The mistakes: each breaks one rule of the wire, and says by which names it may be found."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from check.mistaken import DONE, Json, Mistake

__all__ = ["MISTAKES"]


def each(change: Callable[[Json], Any]) -> Callable[[list[Json]], list[Any]]:
    """A change of every chunk."""

    def chunks(made: list[Json]) -> list[Any]:
        for chunk in made:
            change(chunk)
        return made

    return chunks


def deltas(made: list[Json]) -> list[Json]:
    """The choices of a stream, in order."""
    return [choice for chunk in made for choice in chunk["choices"]]


def with_text(made: list[Json]) -> list[int]:
    """Where the chunks with text are."""
    return [at for at, chunk in enumerate(made) for c in chunk["choices"] if c["delta"].get("content")]


def swap(made: list[Any], one: int, other: int) -> list[Any]:
    made[one], made[other] = made[other], made[one]
    return made


def moved_keys(chunk: Json) -> None:
    chunk["id"] = chunk.pop("id")


def then(change: Callable[[list[Json]], Any]) -> Callable[[list[Json]], list[Any]]:
    """A change of the chunks in place."""

    def chunks(made: list[Json]) -> list[Any]:
        change(made)
        return made

    return chunks


def late_role(made: list[Json]) -> list[Any]:
    deltas(made)[1]["delta"]["role"] = deltas(made)[0]["delta"].pop("role")
    return made


def calls(made: list[Json]) -> list[Json]:
    """The fragments of tool calls, in order."""
    return [call for choice in deltas(made) for call in choice["delta"].get("tool_calls") or ()]


def first_calls(change: Callable[[Json], Any]) -> Callable[[list[Json]], list[Any]]:
    def chunks(made: list[Json]) -> list[Any]:
        for call in calls(made):
            if "id" in call:
                change(call)
        return made

    return chunks


def later_calls(change: Callable[[Json], Any]) -> Callable[[list[Json]], list[Any]]:
    def chunks(made: list[Json]) -> list[Any]:
        for call in calls(made):
            if "id" not in call:
                change(call)
        return made

    return chunks


def message(change: Callable[[Json], Any]) -> Callable[[Json], Any]:
    def whole(body: Json) -> Any:
        for choice in body["choices"]:
            change(choice["message"])
        return body

    return whole


def body(change: Callable[[Json], Any]) -> Callable[[Json], Any]:
    def whole(made: Json) -> Any:
        change(made)
        return made

    return whole


def choice(change: Callable[[Json], Any]) -> Callable[[Json], Any]:
    return body(lambda made: [change(each) for each in made["choices"]])


def empty_piece(made: list[Json]) -> list[Any]:
    extra = json.loads(json.dumps(made[1]))
    extra["choices"][0]["delta"] = {"content": ""}
    return [*made[:2], extra, *made[2:]]


def spaced(frames: list[bytes]) -> list[bytes]:
    return [b"data: " + json.dumps(json.loads(each[6:])).encode() + b"\n\n" for each in frames[:-1]] + frames[-1:]


def usage_first(made: list[Json]) -> list[Any]:
    return [made[-1], *made[:-1]]


def no_usage(made: list[Json]) -> list[Any]:
    return made[:-1]


def in_one_chunk(made: list[Json]) -> list[Any]:
    """The choices of a stream side by side in one chunk, where two come one after the other."""
    out: list[Any] = []
    for chunk in made:
        last = out[-1] if out else None
        if last and len(last["choices"]) == 1 and last["choices"][0]["index"] < chunk["choices"][0]["index"]:
            last["choices"] += chunk["choices"]
        else:
            out.append(chunk)
    return out


def header(name: str, value: str | None) -> Callable[[int, dict[str, str]], tuple[int, dict[str, str]]]:
    def head(status: int, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
        kept = {key: old for key, old in headers.items() if key != name}
        return status, kept if value is None else {**kept, name: value}

    return head


def status(number: int) -> Callable[[int, dict[str, str]], tuple[int, dict[str, str]]]:
    return lambda _, headers: (number, headers)


def error(change: Callable[[Json], Any]) -> Callable[[Json], Any]:
    return body(lambda made: change(made["error"]))


TOOLS = ("tools.auto", "tools.auto-stream", "tools.parallel-stream", "tools.empty")
USAGE = ("usage.stream", "usage.unasked")
M = Mistake

MISTAKES: dict[str, Mistake] = {
    # -- F: framing
    "CRLF": M("F1", "sse-crlf", frames=lambda f: [each.replace(b"\n", b"\r\n") for each in f]),
    "a comment": M("F1", "sse-comment", frames=lambda f: [f[0], b": ping\n\n", *f[1:]]),
    "no space after data:": M("F1", "sse-no-space", frames=lambda f: [each.replace(b"data: ", b"data:") for each in f]),
    "an event line": M("F1", "sse-event-line", frames=lambda f: [b"event: message\n" + each for each in f]),
    "an id line": M("F1", "sse-id-retry", frames=lambda f: [b"id: 7\n" + each for each in f]),
    "no [DONE]": M("F2", "done-missing", frames=lambda f: f[:-1]),
    "[DONE] twice": M("F2", "done-duplicated", frames=lambda f: [*f, DONE]),
    "more after [DONE]": M("F2", "data-after-done", frames=lambda f: [*f, f[0]]),
    "[DONE] with a blank": M("F2", "done-variants", frames=lambda f: [*f[:-1], b"data: [DONE] \n\n"]),
    "no last blank line": M("F2", "done-no-blank-line", frames=lambda f: [*f[:-1], b"data: [DONE]"]),
    "JSON with spaces": M("F3", "json-not-compact", frames=spaced),
    "an empty event": M("F3", "sse-empty-data", frames=lambda f: [f[0], b"data:\n\n", *f[1:]]),
    "half of an event": M("F3", "sse-non-json-data", frames=lambda f: [f[0], f[1][: len(f[1]) // 2] + b"\n\n", *f[1:]]),
    # -- C: the chat stream
    "another id": M("C1", "id-changes-per-chunk", chunks=lambda c: [*c[:-1], {**c[-1], "id": "chatcmpl-" + "z" * 29}]),
    "another model": M("C1", "model-changes model-differs", chunks=lambda c: [*c[:-1], {**c[-1], "model": "gpt-3"}]),
    "another created": M(
        "C1", "created-varies", chunks=lambda c: [*c[:-1], {**c[-1], "created": c[-1]["created"] + 9}]
    ),
    "another fingerprint": M(
        "C1", "fingerprint-changes", chunks=lambda c: [*c[:-1], {**c[-1], "system_fingerprint": "fp_0123456789"}]
    ),
    "keys in another order": M("C3", "key-order", chunks=each(moved_keys)),
    "no fingerprint": M("C3", "fingerprint-missing", chunks=each(lambda c: c.pop("system_fingerprint"))),
    "two choices in a chunk": M("C4", "choices-two-in-one-chunk", chunks=in_one_chunk, probes=("stream.n",)),
    "an index too many": M(
        "C4",
        "choices-split-by-kind choice-index-wrong schema",
        chunks=each(lambda c: [x.update(index=x["index"] + 3) for x in c["choices"]]),
    ),
    "a first delta with text": M(
        "C5", "first-content-text", chunks=then(lambda c: deltas(c)[0]["delta"].update(content="Hm"))
    ),
    "the role comes late": M("C5", "role-missing-first", chunks=late_role),
    "the role again": M(
        "C5", "role-repeated", chunks=then(lambda c: [x["delta"].update(role="assistant") for x in deltas(c)[1:]])
    ),
    "an empty piece": M("C6", "empty-deltas", chunks=empty_piece),
    "a finish with text": M(
        "C7", "finish-with-content", chunks=then(lambda c: deltas(c)[-1]["delta"].update(content="!"))
    ),
    "text after the finish": M(
        "C7", "content-after-finish chunk-after-finish", chunks=lambda c: swap(c, with_text(c)[-1], len(c) - 1)
    ),
    "no finish": M("C7", "finish-missing", chunks=lambda c: c[:-1]),
    "no finish key": M(
        "C7", "finish-key-absent", chunks=then(lambda c: [x.pop("finish_reason") for x in deltas(c)[:-1]])
    ),
    "usage before the end": M("C8", "usage-early chunk-after-usage", chunks=usage_first, probes=("usage.stream",)),
    "usage that is not sent": M("C8", "usage-missing-stream", chunks=no_usage, probes=("usage.stream",)),
    "no null usage": M(
        "C8",
        "usage-null-absent",
        probes=("usage.stream",),
        chunks=each(lambda c: c.pop("usage") if c["usage"] is None else None),
    ),
    "usage unasked": M("C8", "usage-unasked", chunks=each(lambda c: c.update(usage=None)), probes=("usage.unasked",)),
    "a call without index": M("C9", "tool-index-missing", chunks=first_calls(lambda c: c.pop("index")), probes=TOOLS),
    "a call from index 1": M(
        "C9", "tool-index-bad", probes=TOOLS, chunks=then(lambda c: [x.update(index=x["index"] + 1) for x in calls(c)])
    ),
    "a call's id again": M(
        "C9", "tool-id-repeated", chunks=later_calls(lambda c: c.update(id="call_" + "a" * 24)), probes=TOOLS
    ),
    "a call without type": M("C9", "tool-type-missing", chunks=first_calls(lambda c: c.pop("type")), probes=TOOLS),
    "a call without id": M("C9", "tool-id-missing", chunks=first_calls(lambda c: c.pop("id")), probes=TOOLS),
    "arguments at once": M(
        "C9",
        "tool-first-arguments tool-args-dup-full tool-args-invalid-json",
        chunks=first_calls(lambda c: c["function"].update(arguments="{}")),
        probes=TOOLS,
    ),
    "logprobs unasked": M(
        "C12",
        "logprobs-unasked",
        chunks=each(
            lambda c: [
                x.update(
                    logprobs={
                        "content": [{"token": "a", "logprob": -1.0, "bytes": [97], "top_logprobs": []}],
                        "refusal": None,
                    }
                )
                for x in c["choices"]
            ]
        ),
    ),
    "no logprobs key": M("C12", "logprobs-missing-key", whole=choice(lambda c: c.pop("logprobs"))),
    "no padding": M("O1", "obfuscation-missing", chunks=each(lambda c: c.pop("obfuscation", None))),
    "padding unwanted": M(
        "O1",
        "obfuscation-unwanted",
        chunks=each(lambda c: c.update(obfuscation="abc")),
        probes=("stream.no-obfuscation",),
    ),
    # -- N, I, U, R: whole replies
    "a foreign id": M("I1", "id-prefix-wrong", whole=body(lambda b: b.update(id="7"))),
    "no choice of two": M("N1", "n-ignored", whole=body(lambda b: b["choices"].pop()), probes=("chat.n",)),
    "no usage": M("N2", "usage-missing-nonstream", whole=body(lambda b: b.pop("usage"))),
    "no content key": M(
        "N3", "content-key-missing", whole=message(lambda m: m.pop("content")), probes=("tools.auto", "chat.whole")
    ),
    "no refusal key": M("N3", "refusal-key-missing", whole=message(lambda m: m.pop("refusal"))),
    "an empty list of calls": M("N4", "tool-calls-empty-array", whole=message(lambda m: m.update(tool_calls=[]))),
    "an index in a call": M(
        "N4",
        "tool-index-in-nonstream",
        probes=("tools.auto",),
        whole=message(lambda m: m["tool_calls"][0].update(index=0)),
    ),
    "arguments as object": M(
        "N4",
        "tool-args-object",
        probes=("tools.auto",),
        whole=message(lambda m: m["tool_calls"][0]["function"].update(arguments={"a": 1})),
    ),
    "empty arguments": M(
        "N4",
        "tool-args-empty",
        probes=("tools.auto",),
        whole=message(lambda m: m["tool_calls"][0]["function"].update(arguments="")),
    ),
    "a wrong total": M("U1", "usage-total-mismatch", whole=body(lambda b: b["usage"].update(total_tokens=1))),
    "more cached than read": M(
        "U1",
        "usage-prompt-excl-cached",
        whole=body(lambda b: b["usage"]["prompt_tokens_details"].update(cached_tokens=9_999)),
    ),
    "a total of floats": M("U1", "usage-float-string", whole=body(lambda b: b["usage"].update(prompt_tokens=1.0))),
    "a word for a finish": M("R1", "finish-foreign-vocab", whole=choice(lambda c: c.update(finish_reason="eos"))),
    "stop after a call": M(
        "R1", "finish-stop-with-tools", probes=("tools.auto",), whole=choice(lambda c: c.update(finish_reason="stop"))
    ),
    "a call that is none": M(
        "R1",
        "finish-tool_calls-without-tools",
        probes=("chat.whole",),
        whole=choice(lambda c: c.update(finish_reason="tool_calls")),
    ),
    "created as text": M("SCHEMA", "created-string", whole=body(lambda b: b.update(created=str(b["created"])))),
    # -- H: headers
    "JSON as text": M("H1", "ctype-missing", head=header("content-type", "text/plain"), probes=("chat.whole",)),
    "a stream as JSON": M(
        "H2", "ctype-missing", head=header("content-type", "application/json"), probes=("stream.plain",)
    ),
    "no request id": M("H3", "headers-lost", head=header("x-request-id", None), probes=("http.identity",)),
    # -- X: errors
    "an error without param": M(
        "X", "err-fields-missing", whole=error(lambda e: e.pop("param")), errors=True, probes=("errors.no-messages",)
    ),
    "an error's code as number": M(
        "X", "err-code-int", whole=error(lambda e: e.update(code=400)), errors=True, probes=("errors.no-messages",)
    ),
    "an error as text": M(
        "X", "err-string", whole=lambda b: {"error": b["error"]["message"]}, errors=True, probes=("errors.no-messages",)
    ),
    "an error under 200": M("X", "err-in-200-body", head=status(200), errors=True, probes=("errors.no-messages",)),
    "422 for 400": M("X", "status-other", head=status(422), errors=True, probes=("errors.no-messages",)),
    "401 for 400": M("X", "status-other", head=status(401), errors=True, probes=("errors.no-messages",)),
    "403 for 404": M("X", "status-other", head=status(403), errors=True, probes=("errors.bad-model",)),
    "429 for 400": M("X", "status-other", head=status(429), errors=True, probes=("errors.no-messages",)),
    "500 for 400": M("X", "err-500-for-4xx", head=status(500), errors=True, probes=("errors.no-messages",)),
    "a model that is not there: 400": M(
        "X", "status-other", head=status(400), errors=True, probes=("errors.bad-model",)
    ),
    "a web page for an error": M(
        "X",
        "err-html",
        frames=lambda f: [b"<html><title>404 Not Found</title></html>"],
        head=header("content-type", "text/html"),
        errors=True,
        probes=("errors.bad-model",),
    ),
    # -- G, M, L: the other endpoints
    "no created in images": M(
        "G1", "img-created-missing", whole=body(lambda b: b.pop("created")), on="/images", probes=("images.url",)
    ),
    "a URL for base64": M(
        "G1",
        "img-url-when-b64",
        probes=("images.b64",),
        on="/images",
        whole=lambda b: {**b, "data": [{"url": "https://pictures.example/1.png"}]},
    ),
    "vectors in reverse": M(
        "M1", "emb-order", whole=body(lambda b: b["data"].reverse()), on="/embeddings", probes=("embeddings.several",)
    ),
    "numbers for base64": M(
        "M2",
        "emb-base64-ignored",
        on="/embeddings",
        probes=("embeddings.base64",),
        whole=body(lambda b: [x.update(embedding=[0.5, 0.5]) for x in b["data"]]),
    ),
    "a list of models without object": M(
        "M", "models-object-missing", whole=body(lambda b: b.pop("object")), on="/models", probes=("models.list",)
    ),
    "a completion that chats": M(
        "L1",
        "completions-chat-shape",
        on="/completions",
        probes=("completions.whole",),
        whole=choice(lambda c: c.update(message={"content": c.pop("text")})),
    ),
}
