"""Probes that provoke a refusal: its status, its words, and its body."""

from __future__ import annotations

from typing import Any, Final

from ..model import Call, Expect, Probe
from .build import chat, echo

__all__ = ["PROBES"]

_NO_MODEL = "trueline-check-does-not-exist"


def _refused(
    name: str,
    title: str,
    call: Call,
    *statuses: int,
    code: str | None = None,
    param: str | None = None,
    strict: bool = True,
    feature: str | None = None,
) -> Probe:
    expect = Expect(statuses or (400,), code, param, strict)
    return Probe(f"errors.{name}", title, (call,), expect=expect, feature=feature, tokens=20)


def _raw(body: bytes) -> Call:
    return Call(body=body)


def _bad(**fields: Any) -> Call:
    return chat(echo("no"), **{"max_tokens": 8, **fields})


PROBES: Final = (
    _refused(
        "bad-key",
        "a wrong key",
        Call(body={"messages": [{"role": "user", "content": "no"}]}, key="wrong"),
        401,
        code="invalid_api_key",
        strict=False,
        feature="keys",
    ),
    _refused(
        "no-key",
        "no key",
        Call(body={"messages": [{"role": "user", "content": "no"}]}, key="none"),
        401,
        strict=False,
        feature="keys",
    ),
    _refused(
        "bad-model", "a model that does not exist", _bad(model=_NO_MODEL), 404, code="model_not_found", strict=False
    ),
    _refused(
        "bad-model-stream",
        "a stream of a model that does not exist",
        _bad(model=_NO_MODEL, stream=True),
        404,
        code="model_not_found",
        strict=False,
    ),
    _refused(
        "long-model",
        "a model name of ten thousand letters",
        _bad(model=_NO_MODEL + "x" * 10_000),
        400,
        404,
        strict=False,
    ),
    _refused("bad-json", "a body that is no JSON", _raw(b'{"model": "m", "messages": [')),
    _refused("not-an-object", "a body that is a list", _raw(b"[1, 2, 3]")),
    _refused("empty-body", "an empty body", _raw(b"")),
    _refused("no-messages", "no messages", Call(body={"max_tokens": 8}), param="messages"),
    _refused("empty-messages", "an empty list of messages", _bad(messages=[]), param="messages"),
    _refused("messages-text", "messages of the wrong type", _bad(messages="hello"), param="messages"),
    _refused("bad-role", "a role that does not exist", _bad(messages=[{"role": "wizard", "content": "no"}])),
    _refused("model-number", "a model of the wrong type", _bad(model=7)),
    _refused(
        "no-model", "no model", Call(body={"messages": [{"role": "user", "content": "no"}]}, slot=None), strict=False
    ),
    _refused("temperature", "a temperature of 3", _bad(temperature=3), param="temperature", strict=False),
    _refused(
        "stream-options",
        "stream_options without a stream",
        _bad(stream_options={"include_usage": True}),
        param="stream_options",
        strict=False,
    ),
    _refused("n-zero", "no choices at all (n: 0)", _bad(n=0), strict=False),
    _refused("too-long", "a limit of a billion tokens", _bad(max_tokens=2_000_000_000), strict=False),
    _refused("wrong-method", "DELETE where POST belongs", Call(method="DELETE"), 404, 405),
    _refused(
        "unknown-path",
        "a path that does not exist",
        Call("/trueline-check/does-not-exist", {"input": "no"}, slot=None),
        404,
    ),
)
