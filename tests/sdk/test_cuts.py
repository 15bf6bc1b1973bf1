"""However the server's bytes are cut on their way, over real sockets, the client hears the same."""

from __future__ import annotations

from typing import Any

import openai
from hypothesis import given, settings
from hypothesis import strategies as st

from sdk.heard import Heard, hear_stream

REQUESTS: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": "echo: Grüße, 世界 — and ☕ for 👩‍👩‍👧‍👦, cut anywhere"}]},
    {
        "messages": [{"role": "user", "content": "Use one and two."}],
        "tools": [
            {"type": "function", "function": {"name": name, "parameters": {"properties": {"größe": {}}}}}
            for name in ("one", "two")
        ],
    },
]
FAULTS = st.sampled_from(
    ["", "sse-crlf", "think-in-content", "content-cumulative", "ndjson-stream", "sse-multiline-data", "lone-surrogate"]
)


def test_random_cuts(client: openai.OpenAI) -> None:
    @settings(max_examples=60)
    @given(st.sampled_from(REQUESTS), FAULTS, st.integers(0, 10_000))
    def cut(request: dict[str, Any], fault: str, seed: int) -> None:
        options: dict[str, Any] = {"faults": [fault] if fault else [], "seed": seed}
        assert heard(request, **options, random_cuts=True) == heard(request, **options)

    def heard(request: dict[str, Any], **options: Any) -> Heard:
        return hear_stream(client, {"model": "gpt-4o", **request}, extra_body={"x_sim": options})

    cut()
