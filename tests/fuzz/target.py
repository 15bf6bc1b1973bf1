"""What has to hold for any reply whatever: `problems(case)` says what does not.

* No exception but the documented ones: `TruelineError` is returned, `JSONError` is raised by the reader of JSON.
* What leaves is OpenAI's format, by the project's own judge and by the shared oracle where it is there; or an OpenAI
  error.
* What broke off ends in an error: no finish is invented.
* However a reply is cut into reads, the same leaves, and the same is noted.
"""

from __future__ import annotations

import json
import random
import re
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from engine.kit import ROUTE, CountingMint, pieces
from fuzz.cases import PATHS, Case
from fuzz.entries import of_file, of_header, of_request
from fuzz.providers import of_native
from trueline.context import FormatOptions
from trueline.dialects.error_bodies import read_error
from trueline.errors import TruelineError, UpstreamCutError
from trueline.judge import Finding, judge_error, judge_exchange
from trueline.messages import (
    read_chat_request,
    read_completion_request,
    read_embedding_request,
    read_image_request,
)
from trueline.pipeline import (
    Models,
    Pipeline,
    WholeImages,
    chat_pipeline,
    completion_pipeline,
    embedding_pipeline,
    image_pipeline,
)
from trueline.trace.cut import cut_events
from trueline.wire import jsonio, sse
from trueline.wire.transfer import content_type_faults

__all__ = ["Second", "problems"]

Second = Callable[[Case, dict[str, Any], bytes, str], list[str]]
"""Another judge: (case, request, body, content type) -> the rules that are broken."""

FALLBACK: dict[str, dict[str, Any]] = {
    "chat": {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
    "completions": {"model": "m", "prompt": "hi"},
    "images": {"prompt": "a cat"},
    "embeddings": {"model": "m", "input": "hi"},
}
LEFT = {
    "n-ignored",  # a server's own affair: what it did not make nobody can give
    "choice-index-missing",
    "img-base64-broken",
    "img-partial-n",
    "img-too-many",
    "usage-missing-stream",
}
"""Kinds of findings that are left in what leaves."""
UNFINISHED = re.compile(
    "err-mid|finish-missing|eof-truncated|usage|done|tool-args|tool-name|finish-lost|choice|n-ignored|completions-finish"
)
"""Kinds of findings that a stream may have that ended in an error event."""
ENDING = re.compile(
    rb"DONE|inish_?[rR]eason|inish_details|stop_?[rR]eason|\"done\"|done_reason|event: ?done|stopReason|message_stop"
)
"""What a server can say that its reply is complete with; nothing in a body that does not have it says so."""


_BYTE_BY_BYTE = 4000
"""Bytes of a body that is read byte by byte."""


def problems(case: Case, noted: set[str], second: Second | None = None) -> list[str]:
    """What is wrong with the outcome of this case; `noted` collects the ids of faults."""
    try:
        if case.kind == "errors":
            return _of_error(case, noted)
        if case.kind in _BESIDE:
            return _BESIDE[case.kind](case)
        return _of_reply(case, noted, second)
    except Exception:
        return ["exception: " + traceback.format_exc(limit=-4)]


# -- the readers by themselves


def _of_error(case: Case, noted: set[str]) -> list[str]:
    judge_error(case.status, {"x-request-id": "r"}, case.body)
    error = read_error(case.status, case.headers, case.body)
    noted.update(error.faults)
    return _not_openai(error)


def _not_openai(error: TruelineError) -> list[str]:
    found = [] if 400 <= error.status <= 599 else [f"status {error.status} of an error"]
    body = jsonio.encode(error.body())
    return found + [f.text for f in judge_error(error.status, {"x-request-id": "r"}, body) if f.level == "must"]


def _of_json(case: Case) -> list[str]:
    def note(fault: str) -> None:
        """What is noted is not looked at here."""

    found = []
    for decode in (jsonio.decode, jsonio.decode_all, lambda data, note: jsonio.decode_strict(data)):
        try:
            value = decode(case.body, note)
        except jsonio.JSONError:
            continue
        written = jsonio.encode(value)
        if jsonio.encode(json.loads(written)) != written:
            found.append("JSON that is read otherwise than it was written")
    return found


def _of_sse(case: Case) -> list[str]:
    whole = _frames([case.body])
    found = [] if all(whole == _frames(parts) for parts in _other_cuts(case)) else ["other events, if cut elsewhere"]
    if b"".join(cut_events(case.body)) != case.body:
        found.append("events that are not all of the body")
    content_type_faults(case.headers.get("content-type", "").encode(), case.body)
    return found


def _frames(parts: Iterable[bytes]) -> list[sse.Frame]:
    reader = sse.SSEReader(lambda fault: None)
    return [*(frame for part in parts for frame in reader.feed(part)), *reader.close()]


# -- pipelines


def _of_reply(case: Case, noted: set[str], second: Second | None) -> list[str]:
    request, pipe = _pipeline(case)
    out, error = _run(case, pipe, [case.body])
    noted.update(pipe.faults)
    if not case.cuts % 8:  # the judge has to bear what the server sent, too
        judge_exchange(PATHS[case.kind], request, 200, {"content-type": pipe.content_type.decode()}, case.body)
    found = []
    for parts in _other_cuts(case):
        _, again = _pipeline(case)
        cut_out, cut_error = _run(case, again, parts)
        if (out, error and error.body(), pipe.faults) != (cut_out, cut_error and cut_error.body(), again.faults):
            found.append(f"cut elsewhere: {_first_difference(out, cut_out)} {pipe.faults} {again.faults}")
    if error is not None:
        return found + ([f"bytes beside an error: {out[:80]!r}"] if out else []) + _not_openai(error)
    if not out:
        return [*found, "neither bytes nor an error"]
    found += _invented(case, out, pipe)
    return found + _broken_rules(case, request, out, pipe.content_type.decode(), second)


def _pipeline(case: Case) -> tuple[dict[str, Any], Pipeline]:
    """The request that is asked (the usual one, where the recorded one is not good), and its pipeline."""
    for body in (case.request, FALLBACK.get(case.kind, {}) | {"stream": bool(case.request.get("stream"))}):
        try:
            return body, _made(case, json.dumps(body).encode())
        except TruelineError:
            continue
    raise AssertionError("the usual request is good")


def _made(case: Case, raw: bytes) -> Pipeline:
    mint, options = CountingMint(), msgspec.convert(case.options, FormatOptions)
    if case.kind == "chat":
        return chat_pipeline(read_chat_request(raw), ROUTE, mint, options)
    if case.kind == "completions":
        return completion_pipeline(read_completion_request(raw), ROUTE, mint, options)
    if case.kind == "images":
        return image_pipeline(read_image_request(raw), ROUTE, mint, options)
    if case.kind == "embeddings":
        return embedding_pipeline(read_embedding_request(raw), ROUTE, mint, options)
    return Models("gpt-4o" if case.kind == "model" else None, options)


def _run(case: Case, pipe: Pipeline, parts: list[bytes]) -> tuple[bytes, TruelineError | None]:
    out = b"".join(map(pipe.feed, parts))
    out += pipe.close(UpstreamCutError("cut") if case.broken else None)
    if isinstance(pipe, WholeImages) and pipe.missing and pipe.error is None:
        for url in list(pipe.missing):
            pipe.supply(url, b"\x89PNG\r\n\x1a\n")
        out += pipe.finish()
    assert pipe.done
    assert pipe.close() == b"" == pipe.feed(b"data: {}\n\n"), "something after the end"
    return out, pipe.error


def _other_cuts(case: Case) -> Iterator[list[bytes]]:
    """At random places; and now and then, where that does not take long, byte by byte."""
    dice, size = random.Random(case.cuts), len(case.body)
    yield pieces(case.body, [dice.randrange(size + 1) for _ in range(dice.randrange(1, 30))])
    if size <= _BYTE_BY_BYTE and not case.cuts % 4:
        yield pieces(case.body, range(size))


def _first_difference(one: bytes, other: bytes) -> str:
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return f"{one[max(0, at - 40) : at + 60]!r} or {other[max(0, at - 40) : at + 60]!r}"


# -- what leaves


def _failed(out: bytes) -> bool:
    return b'data: {"error":' in out[out.rfind(b"data: {") :]


def _invented(case: Case, out: bytes, pipe: Pipeline) -> list[str]:
    """A success of what said nowhere that it was complete."""
    if case.kind not in ("chat", "completions") or _failed(out):
        return []
    if case.broken and not ENDING.search(case.body):
        return ["a finish, though the connection broke"]
    if ENDING.search(case.body) or _is_one_value(case.body):
        return []
    return ["a finish, though nothing says that the reply is complete"]


def _is_one_value(body: bytes) -> bool:
    """A whole reply is complete when its JSON is."""
    return not sse.looks_like_sse(body.lstrip()[:256])


def _broken_rules(case: Case, request: dict[str, Any], out: bytes, kind: str, second: Second | None) -> list[str]:
    if case.options.get("off"):
        return []  # what the upstream said leaves as it is
    extras: Any = "forbid" if case.options.get("extras") == "drop" else "allow"
    asked = None if case.kind in ("models", "model") else request
    headers = {"content-type": kind, "x-request-id": "r"}
    findings = judge_exchange(PATHS[case.kind], asked, 200, headers, out, extras=extras)
    must = [finding for finding in findings if finding.level == "must" and not _is_left(finding, request, out)]
    found = [f"{finding.key}: {finding.text}" for finding in must]
    if second is not None and not _failed(out):
        found += second(case, request, out, kind)
    return found


def _is_left(finding: Finding, request: dict[str, Any], out: bytes) -> bool:
    if finding.key == "completions-finish" and (request.get("n") or 1) > 1:
        return True  # some choices are not there
    return finding.key in LEFT or (_failed(out) and UNFINISHED.search(finding.key) is not None)


_BESIDE: dict[str, Callable[[Case], list[str]]] = {
    "sse": _of_sse,
    "json": _of_json,
    "request": of_request,
    "header": of_header,
    "file": of_file,
    "har": of_file,
    "native": of_native,
}
