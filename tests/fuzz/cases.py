"""What the fuzzer runs: an exchange as a value, and the replies that it begins with.

The beginnings are recorded replies of real servers where ../shared is beside the checkout, and in any case the
simulator's: clean ones, and one for each fault.
"""

from __future__ import annotations

import gzip
import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from planted.exchange import BASES, asks_for, clean, planted
from trueline.sim import PLANTERS

__all__ = ["KINDS", "PATHS", "Case", "load", "of_the_simulator", "recorded", "save"]

Json = dict[str, Any]

PATHS = {
    "chat": "/v1/chat/completions",
    "completions": "/v1/completions",
    "images": "/v1/images/generations",
    "embeddings": "/v1/embeddings",
    "models": "/v1/models",
    "model": "/v1/models/gpt-4o",
}
"""What reads a reply, and the endpoint that it is of."""
KINDS = (*PATHS, "errors", "sse", "json", "file")
"""What reads a body that another one of them might be given."""

_FILES = {
    "openai-chat": "chat",
    "openai-completions": "completions",
    "openai-embeddings": "embeddings",
    "openai-images": "images",
    "openai-models": "models",
}
_FOREIGN = ("anthropic", "gemini", "ollama", "cohere", "hf", "responses", "dashscope", "images_other")
_OF_EACH = 60
"""Recordings of other APIs, which are given to the reader of chats."""
_MAX_BODY = 20_000


@dataclass(frozen=True)
class Case:
    """One exchange."""

    kind: str
    body: bytes
    request: Json = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    """Fields of FormatOptions."""
    cuts: int = 0
    """Seed of the places where the body is cut."""
    broken: bool = False
    """The connection broke at the end of the body."""
    name: str = ""
    """Where it comes from."""


def load(path: Path) -> Case:
    """A case from its file."""
    fields = json.loads(path.read_text(encoding="utf-8"))
    fields.pop("why", None)
    text = fields.pop("text", None)
    body = text.encode() if text is not None else b64decode(fields.pop("base64"))
    return Case(**fields, body=body)


def save(case: Case, why: str, path: Path) -> None:
    """Write the case to a file, with the reason why it is kept."""
    fields = {name: value for name, value in asdict(case).items() if name != "body" and value not in ({}, "", False)}
    try:
        body = {"text": case.body.decode()}
    except UnicodeDecodeError:
        body = {"base64": b64encode(case.body).decode()}
    path.write_text(json.dumps({"why": why, **fields, **body}, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")


def of_the_simulator() -> Iterator[Case]:
    """A clean reply and a faulty one for every fault, of every endpoint and in every mode."""
    seen = set()
    for fault in PLANTERS:
        for ask in asks_for(fault):
            for reply in (clean(ask), planted(ask, fault)):
                kind = "errors" if reply.status >= 300 else ask.endpoint
                if len(reply.body) <= _MAX_BODY and (ask, reply.status, reply.body) not in seen:
                    seen.add((ask, reply.status, reply.body))
                    yield Case(kind, reply.body, ask.request or {}, reply.status, reply.headers, name=f"sim {fault}")
    yield Case("model", planted(asks_for("models-fields-missing")[0]).body, name="sim model")


def recorded(corpus: Path) -> Iterator[Case]:
    """The recorded replies of a folder; none where it does not exist."""
    for name in (*_FILES.values(), *_FOREIGN):
        path = corpus / f"{name}.jsonl.gz"
        if not path.exists():
            continue
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for number, line in enumerate(file):
                if name not in _FOREIGN or number < _OF_EACH:
                    yield from _of_record(json.loads(line), f"{name} {number}")


def _of_record(record: Any, name: str) -> Iterator[Case]:
    response = record["response"]
    if response.get("body_b64"):
        body = b64decode(response["body_b64"])
    else:
        body = (response.get("body") or "").encode("utf-8", "surrogatepass")
    if len(body) > _MAX_BODY:
        return
    kind = _FILES.get(record["dialect"], "chat")
    request = record["request"]["body"] if record["dialect"] in _FILES else BASES["chat"][1]
    request = dict(request) if isinstance(request, dict) else dict(BASES[kind][1] or {})
    if record["dialect"] not in _FILES and record.get("request_stream"):
        request["stream"] = True
    headers = {key.lower(): value for key, value in (response.get("headers") or {}).items()}
    kind = "errors" if response["status"] >= 300 else kind
    yield Case(kind, body, request, response["status"], headers, name=name)
