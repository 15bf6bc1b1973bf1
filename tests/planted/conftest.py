"""The two judges of what leaves: the project's own, and the oracle beside the checkout where there is one."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

from engine.kit import load_module
from meta.source import ROOT
from planted.exchange import Ask, Outcome
from trueline.judge import judge_exchange

Judge = Callable[[Ask, Outcome], list[str]]
ORACLE = ROOT.parent / "shared" / "spec" / "oracle.py"


@pytest.fixture(scope="session")
def judge() -> Judge:
    """`judge(ask, outcome)`: the rules ("must") that the outcome breaks, by both judges."""
    oracle = load_module(ORACLE, "shared_oracle") if ORACLE.exists() else None

    def broken(ask: Ask, outcome: Outcome) -> list[str]:
        headers = {"content-type": outcome.content_type, "x-request-id": "req_1"}
        found = judge_exchange(ask.path, ask.request, outcome.status, headers, outcome.out)
        keys = [finding.key for finding in found if finding.level == "must"]
        with warnings.catch_warnings(action="ignore"):  # it leaves the closing of its files to the collector
            theirs = by_oracle(oracle, ask, outcome) if oracle is not None else []
        return [*keys, *(f"{rule} {text}" for level, rule, text in theirs if level == "must")]

    return broken


def by_oracle(oracle: Any, ask: Ask, outcome: Outcome) -> list[Any]:
    """What the oracle says of a body."""
    request, stream = ask.request or {}, "event-stream" in outcome.content_type
    oracle.schema.__defaults__ = ("wire",)
    if outcome.status >= 400:
        return list(oracle.error_body(outcome.status, oracle.loads(outcome.out)))
    if ask.endpoint == "chat" and stream:
        return list(oracle.chat_stream(request, outcome.out, outcome.content_type))
    if ask.endpoint == "chat":
        return list(oracle.chat_json(request, oracle.loads(outcome.out), outcome.content_type))
    if ask.endpoint == "completions" and stream:
        return list(oracle.completion_stream(request, outcome.out))
    if ask.endpoint == "completions":
        return [("must", "SCHEMA", e) for e in oracle.schema("CreateCompletionResponse", oracle.loads(outcome.out))]
    if ask.endpoint == "images":
        return [] if stream else list(oracle.images_json(request, oracle.loads(outcome.out)))
    if ask.endpoint == "embeddings":
        return list(oracle.embeddings_json(request, oracle.loads(outcome.out)))
    return [("must", "SCHEMA", e) for e in oracle.schema("ListModelsResponse", oracle.loads(outcome.out))]
