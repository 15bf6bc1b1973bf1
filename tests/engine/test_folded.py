"""A stream that answers a request for a whole reply is mended like one that was asked for, and fails like one."""

from __future__ import annotations

from engine.kit import ROLE, STOP, chat, chunk, dumps, play, sse, whole

TEXT = "That is all of the long answer"


def test_running_totals() -> None:
    sent = sse(ROLE, *(chunk({"content": TEXT[:end]}) for end in (4, 12, 20, 30)), STOP)

    played = play(sent, chat())

    assert played.body["choices"][0]["message"]["content"] == TEXT
    assert "content-cumulative" in played.faults


def test_a_final_repeat() -> None:
    sent = sse(ROLE, chunk({"content": TEXT[:9]}), chunk({"content": TEXT[9:]}), chunk({"content": TEXT}, "stop"))

    played = play(sent, chat())

    assert played.body["choices"][0]["message"]["content"] == TEXT
    assert "final-full-repeat" in played.faults


def test_a_call_without_a_name_and_no_finish() -> None:
    call = {"id": "call_1", "type": "function", "function": {"arguments": "{}"}}
    message = {"role": "assistant", "content": None, "refusal": None, "tool_calls": [call]}

    played = play(dumps(whole(message, None)), chat(tools=[{"type": "function", "function": {"name": "f"}}]))

    assert played.error is not None
    assert played.error.status == 502
