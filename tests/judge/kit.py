"""What the tests of the judge share: clean replies to spoil, recordings, mutants."""

from __future__ import annotations

import copy
import gzip
import json
import random
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from trueline.judge import Finding, judge_chat_stream, judge_chat_whole, judge_exchange
from trueline.sim import SimReply, render_chat, render_json

Json = dict[str, Any]

CHAT: Json = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Say something about tea."}]}
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}
PLAIN = {"stream_options": {"include_obfuscation": False}}
"""Chunks without padding, so that a test may change their length."""


def keys(findings: list[Finding]) -> list[str]:
    return [finding.key for finding in findings]


def judged(path: str, request: Json | None, reply: SimReply) -> list[Finding]:
    """The findings about a reply of the simulator."""
    return judge_exchange(path, request, reply.status, reply.headers, reply.body)


def judge_changed_stream(change: Callable[[list[Json]], Any], **fields: Any) -> list[Finding]:
    """The findings about a clean stream whose chunks were changed; `change` works in place or gives new ones."""
    request = CHAT | PLAIN | {"stream": True} | fields
    chunks = chunks_of(render_chat(dict(request)).body)
    changed = change(chunks)
    return judge_chat_stream(request, stream_of(chunks if changed is None else changed), "text/event-stream")


def judge_changed_whole(change: Callable[[Json], Any], **fields: Any) -> list[Finding]:
    """The findings about a clean whole reply that was changed in place, or replaced."""
    request = CHAT | fields
    value = json.loads(render_chat(dict(request)).body)
    changed = change(value)
    body = json.dumps(value if changed is None else changed).encode()
    return judge_chat_whole(request, body, "application/json")


def judge_changed(path: str, request: Json | None, change: Callable[[Any], Any]) -> list[Finding]:
    """The findings about a clean reply of any path that was changed in place, or replaced."""
    reply = render_json(path, dict(request) if request is not None else None)
    value = json.loads(reply.body)
    changed = change(value)
    body = json.dumps(value if changed is None else changed).encode()
    return judge_exchange(path, request, 200, reply.headers, body)


def chunks_of(body: bytes) -> list[Any]:
    """The JSON objects of a stream."""
    return [json.loads(line[6:]) for line in body.decode().split("\n") if line.startswith("data: {")]


def stream_of(chunks: list[Any]) -> bytes:
    """Chunks as OpenAI frames them."""
    texts = [json.dumps(chunk, separators=(",", ":"), ensure_ascii=False) for chunk in chunks]
    return "".join(f"data: {text}\n\n" for text in [*texts, "[DONE]"]).encode()


# -- recordings


@cache
def corpus(path: Path) -> list[Any]:
    """The records of a file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


# -- mutants

ODD: list[Any] = [
    None, "", "null", "stop", "assistant", "function", "custom", "text_completion", 0, -1, 1.0, 1.5, True, [], {},
    [{}], ["x"], {"x": 1},
    {"type": "custom", "id": "c", "custom": {"name": "n", "input": "i"}},
    {"type": "url_citation", "url_citation": {"end_index": 1, "start_index": 0, "url": "u", "title": "t"}},
    {"content": [{"token": "a", "logprob": -1, "bytes": None, "top_logprobs": []}], "refusal": None},
    {"id": "a", "expires_at": 1, "data": "", "transcript": ""}, {"name": "f", "arguments": "{}"},
    {"type": "error", "code": "c", "message": "m"},
    {"input": {"type": "error", "code": "c", "message": "m"}, "output": {"type": "moderation_results", "model": "m",
     "results": [{"type": "moderation_result", "model": "m", "flagged": True, "categories": {"a": True},
                  "category_scores": {"a": 1}, "category_applied_input_types": {"a": ["text"]}}]}},
]  # fmt: skip
NAMES = (
    "metadata", "moderation", "service_tier", "logprobs", "refusal", "audio", "annotations", "tool_calls", "usage",
    "function_call", "svg_usage", "quality", "size", "output_format", "safety_identifier", "shutdown_date", "made_up",
    "system_fingerprint", "obfuscation", "text_tokens", "output_tokens_details", "index", "finish_reason", "error",
    "message", "delta", "text", "choices", "data", "finishReason", "input_tokens", "reasoning", "content",
)  # fmt: skip


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) inside a value."""
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    for key, item in items:
        yield value, key
        yield from places(item)


def mutated(value: Any, dice: random.Random) -> Any:
    """A copy with one to three odd values, lost fields or new ones."""
    made = copy.deepcopy(value)
    for _ in range(dice.randint(1, 3)):
        spots = list(places(made))
        if not spots:
            return dice.choice(ODD)
        container, key = dice.choice(spots)
        odd = copy.deepcopy(dice.choice(ODD))
        match dice.randrange(4):
            case 0:
                del container[key]
            case 1 if isinstance(container, dict):
                container[dice.choice(NAMES)] = odd
            case _:
                container[key] = odd
    return made
