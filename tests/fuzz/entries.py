"""The readers beside those of replies: what a client asks, and the files that `fix`, `explain` and `check` read."""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from engine.kit import DONE, ROLE, ROUTE, STOP, CountingMint, sse, whole
from fuzz.cases import PATHS, Case
from trueline.cli import main
from trueline.context import FormatOptions
from trueline.errors import RequestError
from trueline.judge import judge_error, judge_exchange
from trueline.messages import (
    read_chat_request,
    read_completion_request,
    read_embedding_request,
    read_image_request,
    read_image_upload,
)
from trueline.pipeline import (
    WholeImages,
    chat_pipeline,
    completion_pipeline,
    embedding_pipeline,
    image_pipeline,
)
from trueline.recorded import look
from trueline.recordings import Body, Call, Recording, Request, read_recording
from trueline.switches import read_format_header
from trueline.wire import jsonio, multipart

__all__ = ["of_entries", "of_file", "of_header", "of_request"]

EVERY = 25
"""Of so many replies one is made a file of each kind."""
FORM = (
    b'--XX\r\nContent-Disposition: form-data; name="model"\r\n\r\ngpt-image-1\r\n'
    b'--XX\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n'
    b"Content-Type: image/png\r\n\r\n\x89PNG\r\n"
    b'--XX\r\nContent-Disposition: form-data; name="n"\r\n\r\n2\r\n'
    b'--XX\r\ncontent-disposition: form-data; name="prompt"\r\n\r\nein Haus \xc3\xbc\r\n--XX--\r\n'
)
FORM_TYPE = "multipart/form-data; boundary=XX"
REQUESTS: tuple[dict[str, Any], ...] = (
    {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "He"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "n": 2,
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "functions": [{"name": "f"}],
        "function_call": {"name": "f"},
        "stop": ["a", "b"],
        "logprobs": True,
        "top_logprobs": 2,
        "max_tokens": 5,
        "response_format": {"type": "json_object"},
    },
    {"model": "m", "prompt": ["a", "b"], "stream": True, "n": 2, "logprobs": 2, "stop": "x", "echo": True},
    {"model": "m", "input": ["a", "b"], "encoding_format": "base64", "dimensions": 3},
    {"model": "m", "prompt": "a cat", "n": 2, "response_format": "b64_json", "stream": True, "partial_images": 1},
)
HEADERS = (
    "extras=drop, reasoning=think, off=finish-foreign-vocab+tool-args-cumulative",
    "options=special-token-leak,id=openai",
)


def of_entries(seeds: Sequence[Case]) -> Iterator[Case]:
    """Requests, forms, headers, and files of replies: bare, recorded by the proxy, and in a HAR."""
    for request in REQUESTS:
        yield Case("request", json.dumps(request).encode(), name="a request")
    yield Case("request", FORM, headers={"content-type": FORM_TYPE}, name="a form")
    yield from (Case("header", header.encode(), name="a header") for header in HEADERS)
    for case in seeds[::EVERY]:
        if case.kind in PATHS:
            yield Case("file", case.body, case.request, case.status, name=f"file of {case.name}")
            yield Case("file", _recording(case).encode(), name=f"recording of {case.name}")
            yield Case("har", _har(case), name=f"HAR of {case.name}")


def _recording(case: Case) -> Recording:
    path = PATHS[case.kind].removeprefix("/v1")
    asked = Request("POST", PATHS[case.kind], [], _kept(json.dumps(case.request).encode()))
    half = len(case.body) // 2
    reads = [(1.0, half), (2.0, len(case.body) - half)]
    call = Call("up", "POST", path, [], _kept(b""), case.status, [], _kept(case.body, reads))
    return Recording(id="req_1", at="2025-11-03T10:15:00.123Z", request=asked, calls=[call], format={"extras": "keep"})


def _kept(data: bytes, reads: Sequence[tuple[float, int]] = ()) -> Body:
    return Body.of(data, reads, limit=1 << 20)


def _har(case: Case) -> bytes:
    asked = {"url": "http://up" + PATHS[case.kind], "method": "POST", "postData": {"text": json.dumps(case.request)}}
    content = {"text": b64encode(case.body).decode(), "encoding": "base64"}
    came = {"status": case.status, "headers": [{"name": "Content-Type", "value": "x"}], "content": content}
    return json.dumps({"log": {"entries": [{"request": asked, "response": came}]}}).encode()


# -- requests

REPLY = json.dumps(whole()).encode()
STREAM = sse(ROLE, STOP)
READERS: tuple[tuple[Callable[[bytes], Any], Callable[..., Any], str], ...] = (
    (read_chat_request, chat_pipeline, "chat"),
    (read_completion_request, completion_pipeline, "completions"),
    (read_embedding_request, embedding_pipeline, "embeddings"),
    (read_image_request, image_pipeline, "images"),
)


def of_request(case: Case) -> list[str]:
    """What is wrong with how a request is read, refused, forwarded and answered."""
    content_type = case.headers.get("content-type", "application/json").encode("latin-1", "replace")
    form: Any = (lambda body: read_image_upload(body, content_type), image_pipeline, "images")
    found = []
    for read, make, kind in (*READERS, form):
        try:
            request = read(case.body)
        except RequestError as error:
            body = jsonio.encode(error.body())
            judged = judge_error(error.status, {"x-request-id": "r"}, body)
            found += [finding.text for finding in judged if finding.level == "must"]
            continue
        found += _forwarded(request, case.body, content_type)
        for reply in (REPLY, STREAM):
            pipe = make(request, ROUTE, CountingMint(), msgspec.convert(case.options, FormatOptions))
            out = pipe.feed(reply) + pipe.close()
            if isinstance(pipe, WholeImages) and pipe.missing and pipe.error is None:
                out += pipe.finish()
            if not out and pipe.error is None:
                found.append("neither bytes nor an error")
            judge_exchange(PATHS[kind], request.body, 200, {"content-type": pipe.content_type.decode()}, out)
    return found


def _forwarded(request: Any, raw: bytes, content_type: bytes) -> list[str]:
    if request.with_model(None) != raw:
        return ["forwarded otherwise than it came"]
    forwarded = request.with_model("another")
    boundary = multipart.boundary_of(content_type)
    if boundary is not None and request.body.keys() <= multipart.text_fields(raw, boundary).keys() | {"stream"}:
        fields = multipart.text_fields(forwarded, boundary)
        right = "model" not in fields or fields["model"] == "another"
    else:
        try:
            right = json.loads(forwarded)["model"] == "another"
        except (ValueError, KeyError, TypeError):
            right = False
    return [] if right else ["forwarded without the name of the model"]


def of_header(case: Case) -> list[str]:
    """What is wrong with how the header of a request is read."""
    try:
        read_format_header(case.body.decode("latin-1"), FormatOptions())
    except RequestError as error:
        jsonio.encode(error.body())
    return []


# -- files


def of_file(case: Case) -> list[str]:
    """What is wrong with what the verbs that read recordings make of a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("x.har" if case.kind == "har" else "x.json")
        path.write_bytes(case.body)
        mode = ([], ["--stream"], ["--no-stream"])[case.cuts % 3]
        found: list[str] = []
        if case.kind != "har":
            code, out = _said("fix", str(path), *mode)
            found += _not_fixed(case, mode, code, out)
            _, out = _said("explain", str(path), *mode, *((["--json"], ["--all", "--full"], [])[case.cuts % 5 % 3]))
        code, out = _said("check", "--offline", str(path), *(["--json"] if case.cuts % 2 else []))
        if code == 0 and case.cuts % 2:
            json.loads(out)
    return found


def _said(*words: str) -> tuple[int, bytes]:
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="strict")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        code = main(words)
    out.flush()
    assert code in (0, 1, 2), f"exit code {code}"
    return code, out.buffer.getvalue()


def _not_fixed(case: Case, mode: list[str], code: int, out: bytes) -> list[str]:
    """A bare body that `fix` says is exact now has to be."""
    if code != 0 or _is_recording(case.body):
        return []
    seen = look(case.body)
    stream = seen.streamed if not mode else mode == ["--stream"]
    stream = stream and seen.kind in ("chat", "completions", "images")  # the others have one form only
    kind = "text/event-stream" if stream else "application/json"
    path = seen.path
    out = out if out.endswith(DONE) or stream else out.removesuffix(b"\n")
    asked = seen.request(None, stream)
    findings = judge_exchange(path, asked, 200, {"content-type": kind, "x-request-id": "r"}, out, extras="allow")
    left = ("n-ignored", "usage-missing-stream", "img-base64-broken", "img-partial-n", "img-too-many")
    return [f"{one.key}: {one.text}" for one in findings if one.level == "must" and one.key not in left]


def _is_recording(data: bytes) -> bool:
    try:
        return read_recording(data) is not None
    except ValueError:
        return True
