"""The short hand in which the goldens are written, and the goldens read from their files.

A golden says what an upstream sends (`in`) and what the client gets (`out`), to the byte.  Chunks that are exact are
written short, everything else as it is:

    + {"content":"Hi"}            an exact chunk of choice 0 with that delta; `+1 {…}` of choice 1
    = stop                        an exact finish chunk; `=1 stop`
    $ {"prompt_tokens":1,…}       an exact usage chunk
    > {<head>,"choices":[]}       any payload after `data: `, with its blank line
    done                          `data: [DONE]`
    message {…} stop              an exact whole reply with that message
    error 502 {…}                 (out) an HTTP error with that status and that inside of `error`
    anything else                 the line itself and a line feed

    <head> <tail>                 the exact fields before the choices, and in a whole reply those after them
    <end>                         `"logprobs":null,"finish_reason":null`
    <role> <text> <stop>          the choices of an exact stream that says Hi
    <hi>                          the choice of an exact whole reply that says Hi
    <24:1>                        the first thing that was minted, 24 letters long

A golden without `out` comes out as it went in.  Rows that Trueline leaves alone have `leaves` only, or
`counts` for what leaves as it came and is noted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from trueline.faults import FAULTS

__all__ = ["FOLDER", "Golden", "Side", "expand", "goldens"]

FOLDER = Path(__file__).parent

_HEADS = {
    "stream": '"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"m",'
    '"system_fingerprint":"fp_1"',
    "whole": '"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"m"',
}
_MACROS = {
    "<role>": '{"index":0,"delta":{"role":"assistant","content":""},<end>}',
    "<text>": '{"index":0,"delta":{"content":"Hi"},<end>}',
    "<stop>": '{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}',
    "<hi>": '{"index":0,"message":{"role":"assistant","content":"Hi","refusal":null},"logprobs":null,'
    '"finish_reason":"stop"}',
    "<tail>": '"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2},"system_fingerprint":"fp_1"',
    "<end>": '"logprobs":null,"finish_reason":null',
}
_CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
_PICTURE = {"model": "some-image-model", "prompt": "a cat"}


class Side(NamedTuple):
    """What the upstream sends, what has to come out, and the faults that have to be noted, no other."""

    sent: bytes
    wanted: bytes
    faults: frozenset[str]


class Golden(NamedTuple):
    fault: str
    kind: str
    """stream, whole, images, image-stream, models or error."""
    name: str
    request: dict[str, Any]
    options: dict[str, Any]
    status: int
    headers: dict[str, str]
    mends: Side
    leaves: Side
    cut: bool
    """The connection breaks after the last byte."""
    final: bool
    """What comes out is exact, so that it passes a second time unchanged."""


def goldens() -> Iterator[Golden]:
    """Every golden of every file."""
    for path in sorted(FOLDER.glob("*.yaml")):
        section = yaml.safe_load(path.read_text(encoding="utf-8"))
        defaults = {"kind": "stream", **{key: section[key] for key in ("kind", "request") if key in section}}
        seen: dict[str, int] = {}
        for entry in section["goldens"]:
            fault = entry["fault"]
            seen[fault] = seen.get(fault, 0) + 1
            suffix = f"-{seen[fault]}" if seen[fault] > 1 else ""
            yield _read(f"{path.stem}-{fault}{suffix}", {**defaults, **entry})


def _read(name: str, entry: dict[str, Any]) -> Golden:
    unknown = entry.keys() - _KEYS
    assert not unknown, f"{name}: {sorted(unknown)}"
    kind, fault = entry["kind"], entry["fault"]
    request: dict[str, Any] = dict(_PICTURE if "image" in kind else _CHAT)
    if "stream" in kind:
        request["stream"] = True
    request |= entry.get("request", {})
    leaves = entry["leaves"]
    if FAULTS[fault].action == "leaves":
        mends, named = (entry["counts"], {fault}) if "counts" in entry else (leaves, set())
    else:
        mends, named = entry["mends"], {fault}
    return Golden(
        fault,
        kind,
        name,
        request,
        entry.get("options", {}),
        entry.get("status", 200 if kind != "error" else 400),
        entry.get("headers", {}),
        _side(mends, kind, request, named | set(mends.get("also", ()))),
        _side(leaves, kind, request, set(leaves.get("also", ()))),
        entry.get("cut", False),
        entry.get("final", True),
    )


_KEYS = {"fault", "kind", "request", "options", "status", "headers", "mends", "counts", "leaves", "cut", "final"}


def _side(side: dict[str, Any], kind: str, request: dict[str, Any], faults: set[str]) -> Side:
    assert side.keys() <= {"in", "out", "also", "newline", "encoding", "unended"}, side
    text = expand(side["in"], kind, request).replace("\n", side.get("newline", "\n"))
    if "encoding" in side:
        sent = text.encode(side["encoding"])
    else:
        sent = text.encode()
    if side.get("unended"):
        sent = sent.rstrip()
    wanted = expand(side["out"], kind, request).encode() if "out" in side else sent
    return Side(sent, wanted, frozenset(faults))


def expand(text: str, kind: str, request: dict[str, Any]) -> str:
    """The bytes, as text, that a short hand stands for."""
    mode = "stream" if "stream" in kind else "whole"
    asked = (request.get("stream_options") or {}).get("include_usage")
    head = _HEADS[mode]
    usage = ',"usage":null' if asked else ""
    lines = [_line(line, head, usage) for line in text.removesuffix("\n").split("\n")]
    joined = "".join(lines) if "stream" in kind else "".join(lines).removesuffix("\n")
    for name, meaning in {**_MACROS, "<head>": head}.items():
        joined = joined.replace(name, meaning)
    return re.sub(r"<(\d+):(\d+)>", lambda m: m[2].zfill(int(m[1])), joined)


def _line(line: str, head: str, usage: str) -> str:
    verb, _, rest = line.partition(" ")
    choice = verb[1:] or "0"
    if re.fullmatch(r"\+\d*", verb):
        return f'data: {{{head},"choices":[{{"index":{choice},"delta":{rest},<end>}}]{usage}}}\n\n'
    if re.fullmatch(r"=\d*", verb):
        end = f'"logprobs":null,"finish_reason":"{rest}"'
        return f'data: {{{head},"choices":[{{"index":{choice},"delta":{{}},{end}}}]{usage}}}\n\n'
    if verb == "$":
        return f'data: {{{head},"choices":[],"usage":{rest}}}\n\n'
    if verb == ">":
        return f"data: {rest}\n\n"
    if verb == "error":
        return line
    if line == "done":
        return "data: [DONE]\n\n"
    if verb == "message":
        message, _, word = rest.rpartition(" ")
        finish = f'"logprobs":null,"finish_reason":"{word}"'
        whole = _HEADS["whole"]
        return f'{{{whole},"choices":[{{"index":0,"message":{message},{finish}}}],<tail>}}\n'
    return line + "\n"
