"""Judges recordings in the place of a server: bodies as they came (.sse, .json), HAR files, and Trueline's own records.

HAR files and the records of `trueline serve --record` have their requests with them; judged is what the upstream sent.
A bare body has no request beside it, so the request is taken to be the one that the reply answers (`recorded/`).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

from ..mint import Mint
from ..recorded import KINDS, Kind, look
from ..recordings import Recording, read_recording
from ..shell.clock import SystemMint
from ..wire import jsonio
from .card import Card, make_card
from .judging import issues_of
from .model import Call, Exchange, Probe, Result, endpoint_of

__all__ = ["judge_files", "read_file"]

_KNOWN = frozenset(KINDS)
_FAILED = 400


def judge_files(files: Sequence[tuple[str, bytes]], kind: Kind | None = None) -> Card:
    """The card of some recordings, each with its name; `kind`: what bare bodies are, where looks deceive.

    Raises ValueError: there is no reply in them.
    """
    mint = SystemMint()
    results = [_result(name, exchange, mint) for name, data in files for name, exchange in read_file(name, data, kind)]
    if not results:
        raise ValueError("there is no reply of a chat, image, embedding, completion or model endpoint in these files")
    models = {exchange.heard.model for result in results for exchange in result.exchanges} - {None}
    named = ", ".join(sorted(str(model) for model in models)[:3])
    shown = ", ".join(PurePath(name).name for name, _ in files[:3]) + (" …" if len(files) > 3 else "")
    return replace(make_card(shown, named, results, mint), offline=True)


def _result(name: str, exchange: Exchange, mint: Mint) -> Result:
    endpoint = "errors" if exchange.status >= 400 else exchange.endpoint
    title = f"{exchange.method} {exchange.path} {exchange.status}"
    probe = Probe(f"{endpoint}.{name}", title, (Call(),))
    issues, _ = issues_of(exchange, (), mint)
    result = Result(probe, "pass", "", [exchange], [(issue, exchange) for issue in issues])
    if any(issue.level != "legal" for issue in issues):
        result.verdict = "wrong"
    return result


def read_file(name: str, data: bytes, kind: Kind | None = None) -> Iterator[tuple[str, Exchange]]:
    """The exchanges in a recording, each with a name.  Raises ValueError: a HAR file or a record that is broken."""
    short = PurePath(name).name
    recording = read_recording(data)
    if recording is not None:
        yield from ((f"{short}#{number}", made) for number, made in enumerate(_calls(recording), 1))
        return
    value = _json(data) if name.lower().endswith(".har") or b'"log"' in data[:200] else None
    if isinstance(value, dict) and isinstance(value.get("log"), dict):
        for number, exchange in enumerate(_har(value["log"].get("entries")), 1):
            yield f"{short}#{number}", exchange
        return
    if name.lower().endswith(".har"):
        raise ValueError(f"{name}: this is no HAR file: there is no `log` in it")
    if data.strip():
        yield short, _bare(data, kind)


def _json(data: bytes) -> Any:
    try:
        return jsonio.decode(data)
    except jsonio.JSONError:
        return None


def _bare(data: bytes, kind: Kind | None) -> Exchange:
    """A body alone, with the smallest request that it answers."""
    seen = look(data, kind)
    status = _FAILED if not seen.streamed and _is_error(_json(data)) else 200
    method = "GET" if seen.kind in ("models", "model") else "POST"
    return Exchange(method, seen.path, seen.request(None, seen.streamed), status, body=data)


def _is_error(payload: Any) -> bool:
    return isinstance(payload, dict) and bool(payload.get("error")) and not ({"choices", "data"} & set(payload))


# ---- records of Trueline itself


def _calls(recording: Recording) -> Iterator[Exchange]:
    """What upstreams answered, complete or cut; a reply of which only the beginning was kept proves nothing."""
    for call in recording.calls:
        request = _json(call.body.data or recording.request.body.data)
        if call.status and not call.reply.truncated and endpoint_of(call.path) in _KNOWN:
            yield Exchange(
                call.method,
                call.path,
                request if isinstance(request, dict) else {},
                call.status,
                dict(call.reply_headers),
                call.reply.data,
                "cut" if call.end == "cut" else "dropped" if call.end == "left" else "",
                call.why,
            )


# ---- HAR


def _har(entries: Any) -> Iterator[Exchange]:
    for entry in entries if isinstance(entries, list) else ():
        made = _entry(entry) if isinstance(entry, dict) else None
        if made is not None and made.endpoint in _KNOWN and made.status:
            yield made


def _entry(entry: dict[str, Any]) -> Exchange | None:
    asked, came = entry.get("request"), entry.get("response")
    if not isinstance(asked, dict) or not isinstance(came, dict) or not isinstance(asked.get("url"), str):
        return None
    path = urlsplit(asked["url"]).path
    if endpoint_of(path) not in _KNOWN:
        return None
    posted = asked.get("postData")
    text = posted.get("text") if isinstance(posted, dict) else None
    request = _json(text.encode("utf-8", "replace")) if isinstance(text, str) else None
    status = came.get("status")
    return Exchange(
        str(asked.get("method") or "POST"),
        path,
        request if isinstance(request, dict) else {},
        status if isinstance(status, int) else 0,
        dict(_headers(came)),
        _content(came.get("content")),
    )


def _headers(came: dict[str, Any]) -> Iterable[tuple[str, str]]:
    headers = came.get("headers")
    for header in headers if isinstance(headers, list) else ():
        if isinstance(header, dict) and isinstance(header.get("name"), str):
            yield header["name"].lower(), str(header.get("value"))


def _content(content: Any) -> bytes:
    if not isinstance(content, dict) or not isinstance(content.get("text"), str):
        return b""
    text: str = content["text"]
    if content.get("encoding") == "base64":
        try:
            return base64.b64decode(text)
        except (binascii.Error, ValueError):
            return b""
    return text.encode("utf-8", "replace")
