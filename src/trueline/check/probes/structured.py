"""Probes of structured output: JSON mode and JSON schemas."""

from __future__ import annotations

from typing import Any, Final

from ..checks import is_json, matches_schema
from ..model import Call, Probe
from .build import chat

__all__ = ["PROBES"]

_OBJECT = "Answer with a JSON object that has one key, answer, with a short text."
_SCHEMA = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}},
    "required": ["ok"],
    "additionalProperties": False,
}
_FORMAT = {"type": "json_schema", "json_schema": {"name": "verdict", "strict": True, "schema": _SCHEMA}}


def _json(**fields: Any) -> Call:
    return chat(_OBJECT, response_format={"type": "json_object"}, **fields)


def _schema(**fields: Any) -> Call:
    return chat("Is water wet? Answer in JSON.", response_format=_FORMAT, **fields)


PROBES: Final = (
    Probe("structured.json", "JSON mode", (_json(),), (is_json,), feature="JSON mode"),
    Probe("structured.json-stream", "JSON mode, streamed", (_json(stream=True),), (is_json,), feature="JSON mode"),
    Probe("structured.schema", "a JSON schema", (_schema(),), (is_json, matches_schema), feature="JSON schemas"),
    Probe(
        "structured.schema-stream",
        "a JSON schema, streamed",
        (_schema(stream=True),),
        (is_json, matches_schema),
        feature="JSON schemas",
    ),
)
