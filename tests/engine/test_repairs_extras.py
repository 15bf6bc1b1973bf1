"""Fields beyond OpenAI's schema: kept or dropped; and fields of the schema that hold something else."""

from __future__ import annotations

from typing import Any

import pytest

from engine.conftest import Oracle
from engine.kit import NOW, ROLE, STOP, chat, chunk, dumps, envelope, play, sse, whole
from trueline.context import FormatOptions

DROP = FormatOptions(extras="drop")

PLACE = {"start_index": 0, "end_index": 2, "url": "https://a.b", "title": "t"}
CITATION: Any = {"type": "url_citation", "url_citation": PLACE}
AUDIO = {"id": "audio_1", "expires_at": NOW, "data": "aaaa", "transcript": "Hi"}
VERDICT = {
    "type": "moderation_result",
    "model": "m",
    "flagged": False,
    "categories": {"hate": False},
    "category_scores": {"hate": 0, "harassment": 0.5},
    "category_applied_input_types": {"hate": ["text"]},
}
VERDICTS = {"type": "moderation_results", "model": "m", "results": [VERDICT]}
MODERATION = {"input": VERDICTS, "output": {"type": "error", "code": "c", "message": "m"}}

MESSAGE = {"role": "assistant", "content": "Hello.", "refusal": None}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("metadata", {"a": "b"}),
        ("metadata", None),
        ("metadata", {}),
        ("moderation", MODERATION),
        ("moderation", None),
        ("x_vendor", {"any": ["thing", None]}),
        ("citations", ["https://a.b"]),
    ],
)
def test_fields_of_a_whole_reply_that_stay(name: str, value: Any) -> None:
    reply = whole(**{name: value})

    played = play(dumps(reply), chat())

    assert played.out == dumps(reply)
    assert played.faults == {}


FOREIGN: list[Any] = [1, "x", True, [], [1], {"a": 1}, {"input": VERDICTS}, {"id": 1, "data": []}]


@pytest.mark.parametrize("value", FOREIGN)
@pytest.mark.parametrize("name", ["metadata", "moderation"])
def test_foreign_fields_of_a_whole_reply_move_out_of_the_way(oracle: Oracle, name: str, value: Any) -> None:
    played = play(dumps(whole(**{name: value})), chat())

    assert name not in played.body
    assert played.body["upstream_" + name] == value
    assert played.faults == {"extra-foreign-type": 1}
    assert oracle(chat(), played) == []


@pytest.mark.parametrize("value", [*FOREIGN, None])
def test_foreign_audio_moves_out_of_the_way(oracle: Oracle, value: Any) -> None:
    played = play(dumps(whole({**MESSAGE, "audio": value})), chat())

    message = played.body["choices"][0]["message"]
    assert message["audio" if value is None else "upstream_audio"] == value
    assert oracle(chat(), played) == []


@pytest.mark.parametrize(
    ("sent", "kept", "fault"),
    [
        ([], [], None),
        ([CITATION], [CITATION], None),
        ([{**CITATION, "note": 1}], [{**CITATION, "note": 1}], None),
        ([CITATION, {"type": "file"}], [CITATION], "annotations-foreign"),
        ([{**CITATION, "url_citation": {**PLACE, "title": None}}], [], "annotations-foreign"),
        ([1], [], "annotations-foreign"),
        ("x", None, "annotations-foreign"),
        (None, None, "annotations-null"),
    ],
)
def test_annotations(oracle: Oracle, sent: Any, kept: Any, fault: str | None) -> None:
    played = play(dumps(whole({**MESSAGE, "annotations": sent})), chat())

    message = played.body["choices"][0]["message"]
    assert message.get("annotations") == kept
    assert message.get("upstream_annotations") == (sent if fault == "annotations-foreign" else None)
    assert played.faults == ({fault: 1} if fault else {})
    assert oracle(chat(), played) == []


@pytest.mark.parametrize(
    ("name", "value", "lawful"),
    [
        ("obfuscation", "aaa", True),
        ("obfuscation", 7, False),
        ("obfuscation", None, False),
        ("moderation", MODERATION, True),
        ("moderation", {"a": 1}, False),
        ("metadata", 7, True),  # chunks have no such field
    ],
)
def test_fields_of_a_chunk(oracle: Oracle, name: str, value: Any, lawful: bool) -> None:
    played = play(sse(ROLE, chunk({"content": "Hi"}, **{name: value}), STOP))

    assert played.payloads[1].get(name if lawful else "upstream_" + name) == value
    assert played.faults == ({} if lawful else {"extra-foreign-type": 1})
    assert oracle(chat(stream=True), played) == []


@pytest.mark.parametrize("value", [{"id": "audio_1"}, {"data": "aa", "more": 1}, {}, None, {"id": 1}, "x", []])
def test_audio_of_a_delta(oracle: Oracle, value: Any) -> None:
    played = play(sse(ROLE, chunk({"audio": value}), STOP))

    assert value in played.payloads[1]["choices"][0]["delta"].values()
    assert oracle(chat(stream=True), played) == []


def test_lists_of_objects_in_a_delta_are_counted_through() -> None:
    """openai-python's accumulator demands an `index` of each."""
    played = play(sse(ROLE, chunk({"images": [{"a": 1}]}), chunk({"images": [{"b": 1}, "x"], "tags": ["t"]}), STOP))

    deltas = [p["choices"][0]["delta"] for p in played.payloads]
    assert deltas[1] == {"images": [{"a": 1, "index": 0}]}
    assert deltas[2] == {"images": [{"b": 1, "index": 1}, "x"], "tags": ["t"]}
    assert played.faults == {"list-in-delta-no-index": 2}


def test_a_whole_reply_that_is_streamed_counts_its_lists_through_as_well() -> None:
    played = play(dumps(whole({**MESSAGE, "annotations": [CITATION]})), chat(stream=True))

    assert played.payloads[0]["choices"][0]["delta"]["annotations"] == [{**CITATION, "index": 0}]


def test_a_stream_that_is_folded_has_no_such_index() -> None:
    played = play(sse(ROLE, chunk({"content": "Hi", "annotations": [CITATION]}, obfuscation="aa"), STOP), chat())

    assert played.body["choices"][0]["message"]["annotations"] == [CITATION]
    assert "obfuscation" not in played.body


# -- drop -------------------------------------------------------------------------------------------------------------


def test_drop_takes_away_unknown_fields_at_every_level(oracle: Oracle) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}", "x": 1}, "x": 1}
    token = {"token": "H", "logprob": -1, "bytes": None, "top_logprobs": [], "x": 1}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "x": 1}
    reply = whole(
        {**MESSAGE, "tool_calls": [call], "reasoning_content": "Hm.", "x": 1, "annotations": [{**CITATION, "x": 1}]},
        usage={**usage, "prompt_tokens_details": {"cached_tokens": 0, "x": 1}},
        metadata={"a": "b"},
        moderation={**MODERATION, "x": 1},
        x=1,
    )
    reply["choices"][0] |= {
        "logprobs": {"content": [token], "refusal": None, "x": 1},
        "finish_reason": "tool_calls",
        "x": 1,
    }

    played = play(dumps(reply), chat(logprobs=True), DROP)

    assert b'"x"' not in played.out and b"Hm." not in played.out
    assert played.body["metadata"] == {"a": "b"} and played.body["moderation"] == MODERATION
    assert played.faults.keys() == {"extra-fields"}
    assert oracle(chat(logprobs=True), played, "wire-closed") == []


def test_drop_takes_away_unknown_fields_of_every_chunk(oracle: Oracle) -> None:
    request = chat(stream=True, stream_options={"include_usage": True})
    data = sse(
        envelope(choices=[], x=1),
        chunk({"role": "assistant", "content": "", "x": 1}, x=1),
        chunk({"reasoning_content": "Hm."}),
        chunk({"content": "Hi", "x": [1]}, metadata={}, obfuscation="aa"),
        chunk({"audio": {"id": "a", "x": 1}}),
        chunk({}, "stop", x=1),
        envelope(choices=[], usage={"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "x": 1}, x=1),
    )

    played = play(data, request, DROP)

    assert b'"x"' not in played.out and b"Hm." not in played.out and b"metadata" not in played.out
    assert oracle(request, played, "wire-closed") == []


@pytest.mark.parametrize("fields", [{"audio": 1}, {"x": 1}, {"annotations": [CITATION]}])
def test_a_delta_of_nothing_but_dropped_fields_is_none(fields: Any) -> None:
    played = play(sse(ROLE, chunk(fields), chunk({"content": "Hi"}), STOP), options=DROP)

    assert [p["choices"][0]["delta"] for p in played.payloads][1:] == [{"content": "Hi"}, {}]


@pytest.mark.parametrize("moderation", [MODERATION, {"a": 1}])
def test_a_moderation_of_its_own(oracle: Oracle, moderation: Any) -> None:
    """Lawful, it is a chunk of its own (rules.md C8); foreign, it rides on the next one."""
    played = play(sse(ROLE, chunk({"content": "Hi"}), envelope(choices=[], moderation=moderation), STOP))

    assert len(played.payloads) == (4 if moderation is MODERATION else 3)
    assert oracle(chat(stream=True), played) == []


def test_thoughts_that_are_written_as_text_are_no_extras() -> None:
    played = play(
        sse(chunk({"reasoning_content": "Hm."}), STOP), options=FormatOptions(extras="drop", reasoning="think")
    )

    assert "".join(p["choices"][0]["delta"].get("content", "") for p in played.payloads) == "<think>Hm.</think>"
