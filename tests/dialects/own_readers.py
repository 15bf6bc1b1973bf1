"""What recorded servers of DashScope and Hugging Face said, read without the project: for a judge that does not know
their APIs."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

from dialects.kit import all_records
from engine.kit import Fields, load_module

_PATHS = ("/text-generation/generation", "/multimodal-generation/generation")


def payloads(row: Fields) -> list[Any]:
    """The objects of a reply: those behind `data:`, or the one JSON text, without a list around it."""
    body = row["response"]["body"]
    if row["stream"]:
        lines = [line.partition("data:")[2] for line in body.splitlines() if line.startswith("data:")]
        return [json.loads(line) for line in lines]
    found = json.loads(body)
    return found if isinstance(found, list) else [found]


def said(row: Fields) -> Any:
    """Text by choice and sorted tool calls, as the player's own reader has them; None for an error."""
    if row["response"]["status"] >= 400:
        return None
    objects = payloads(row)
    if row["dialect"] == "hf-inference":
        return {0: _generated(objects, row["stream"])}, []
    text = ""
    calls: dict[int, list[str]] = {}
    for one in objects:
        output = one.get("output") or {}
        text += output.get("text") or ""
        for choice in (output.get("choices") or [])[:1]:
            content = choice["message"].get("content") or ""
            text += content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
            for call in choice["message"].get("tool_calls") or []:
                held = calls.setdefault(call.get("index", len(calls)), ["", ""])
                held[0] += call["function"].get("name") or ""
                held[1] += call["function"].get("arguments") or ""
    return {0: text}, sorted(
        (name, json.dumps(json.loads(given or "{}"), sort_keys=True)) for name, given in calls.values()
    )


def _generated(objects: list[Any], stream: bool) -> str:
    if not stream:
        return str(objects[0]["generated_text"])
    return "".join(one["token"]["text"] for one in objects if not one["token"]["special"])


def player(shared: Path) -> ModuleType:
    """The player of the recordings, which reads these two as well."""
    module = load_module(shared / "play.py", "play")
    module.payloads, module.said = payloads, said  # type: ignore[attr-defined]
    return module


def chats(shared: Path, name: str) -> list[Fields]:
    """The recordings of text generation, and every error."""
    rows = []
    for row in all_records(shared, name):
        answer = row["response"]
        if name == "dashscope":
            wanted = row["request"]["path"].endswith(_PATHS)
        else:
            wanted = answer["status"] >= 400 or '"generated_text"' in answer["body"]
        if wanted:
            rows.append(row)
    return rows
