"""The oracle beside the checkout as a second judge; nothing where it is absent."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from engine.kit import load_module
from fuzz.cases import Case
from fuzz.target import Second

__all__ = ["shared_oracle"]

_LEFT = ("choices seen", "choices for n=", "images for n=", "vectors for", "finish_reasons")
"""Its words for what a server alone can give."""


def shared_oracle(path: Path) -> Second | None:
    """`judge(case, request, body, content type)`, or None where there is no such file."""
    if not path.exists():
        return None
    oracle: Any = load_module(path, "shared_oracle")

    def judge(case: Case, request: dict[str, Any], out: bytes, kind: str) -> list[str]:
        oracle.schema.__defaults__ = ("wire-closed" if case.options.get("extras") == "drop" else "wire",)
        with warnings.catch_warnings(action="ignore"):  # it leaves the closing of its files to the collector
            found = _ask(oracle, case, request, out, "event-stream" in kind, kind)
        must = [(rule, text) for level, rule, text in found if level == "must"]
        return [f"oracle {rule}: {text}" for rule, text in must if not any(word in text for word in _LEFT)]

    return judge


def _ask(oracle: Any, case: Case, request: dict[str, Any], out: bytes, stream: bool, kind: str) -> list[Any]:
    if case.kind == "chat":
        if stream:
            return list(oracle.chat_stream(request, out, kind))
        return list(oracle.chat_json(request, oracle.loads(out), kind))
    if case.kind == "completions":
        if stream:
            return list(oracle.completion_stream(request, out))
        return [("must", "SCHEMA", e) for e in oracle.schema("CreateCompletionResponse", oracle.loads(out))]
    if case.kind == "images" and not stream:
        return list(oracle.images_json(request, oracle.loads(out)))
    if case.kind == "embeddings" and case.options.get("extras") == "drop":  # it knows no extras there
        return list(oracle.embeddings_json(request, oracle.loads(out)))
    if case.kind in ("models", "model"):
        name = "ListModelsResponse" if case.kind == "models" else "Model"
        return [("must", "SCHEMA", e) for e in oracle.schema(name, oracle.loads(out))]
    return []
