"""Large replies are judged to the end: what came before is not looked at for each thing that comes."""

from __future__ import annotations

import pytest

from engine.kit import ROLE, STOP, Fields, chunk, sse
from trueline.check.offline import judge_files

pytestmark = pytest.mark.no_cover  # what it runs over and over is covered elsewhere

MANY = 4_000


def piece(arguments: str, **function: str) -> Fields:
    return chunk({"tool_calls": [{"index": 0, "function": {"arguments": arguments, **function}}]})


CALL = chunk(
    {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}]}
)
CALLED = chunk({}, "tool_calls")
STREAMS = {
    "role-repeated": [ROLE] * MANY + [STOP],
    "tool-name-repeated": [ROLE, CALL, piece('{"a":"'), *[piece("x" * 20, name="f")] * MANY, piece('"}'), CALLED],
    "tool-args-invalid-json": [ROLE, CALL, piece('{"a":"'), *[piece("x" * 20)] * MANY, CALLED],
    "tool-index-id-vs-args": [
        ROLE,
        CALL,
        *(chunk({"tool_calls": [{"index": 1, "function": {"arguments": "x"}}]}) for _ in range(MANY)),
        CALLED,
    ],
    "reasoning-field-name": [ROLE, *[chunk({"reasoning": "x" * 20})] * MANY, chunk({"content": "a"}), STOP],
    "one-char-chunks": [ROLE, *[chunk({"content": "x"})] * MANY, STOP],
}


@pytest.mark.parametrize("fault", STREAMS)
def test_a_large_stream_is_judged(fault: str) -> None:
    card = judge_files([("x.sse", sse(*STREAMS[fault]))])

    assert fault in {entry.name for entry in card.entries}
