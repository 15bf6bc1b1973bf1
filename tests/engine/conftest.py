"""The executable oracle of the shared specification, for tests of the engine."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from engine.kit import Played, load_module
from trueline.messages import ChatRequest

SCHEMAS = (
    *("CreateChatCompletionResponse", "CreateChatCompletionStreamResponse"),
    *("ImagesResponse", "ImageGenCompletedEvent", "ImageGenPartialImageEvent", "ListModelsResponse", "Model"),
)

Oracle = Callable[..., list[tuple[str, str, str]]]


@pytest.fixture(scope="session")
def rules(shared: Path) -> Any:
    """The oracle itself."""
    rules = load_module(shared / "spec" / "oracle.py", "shared_oracle")
    with warnings.catch_warnings(action="ignore"):  # it leaves the closing of its schema files to the collector
        for flavour, name in product(("wire", "wire-closed"), SCHEMAS):
            rules._validator(name, flavour)
        rules._validator("ErrorResponse", "closed")
    return rules


@pytest.fixture(scope="session")
def oracle(rules: Any) -> Oracle:
    """`oracle(request, played, flavour) -> problems` that a client would have ("must" rules)."""

    def judge(request: ChatRequest, played: Played, flavour: str = "wire") -> list[tuple[str, str, str]]:
        rules.schema.__defaults__ = (flavour,)
        body: dict[str, Any] = request.body
        if played.error is not None:
            problems = rules.error_body(played.error.status, played.error.body())
        elif request.stream:
            problems = rules.chat_stream(body, played.out, "text/event-stream")
            if any(rule == "X1" for _, rule, _ in problems):
                problems = honest_end(rules, played, problems)
        else:
            problems = rules.chat_json(body, rules.loads(played.out), "application/json")
        return [p for p in problems if p[0] == "must"]

    return judge


def honest_end(rules: Any, played: Played, problems: list[Any]) -> list[Any]:
    """A stream that ends in an error event: the event has to be the last, and OpenAI's; no finish is missed."""
    *before, last = played.payloads
    assert "error" in last and not any("error" in p for p in before), "an error is the last event, and the only one"
    assert before, "a stream that begins with an error is an HTTP status"
    assert played.out.endswith(b"data: [DONE]\n\n")
    rest = [p for p in problems if p[1] not in ("X1", "C7", "C8", "C4") and "arguments" not in p[2]]
    return [*rest, *rules.error_body(0, last)]
