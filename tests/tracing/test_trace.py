"""What became of each event: cut as a person would, told rule by rule, and the same bytes as without a tracer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trueline.mint import Mint
from trueline.recorded import look
from trueline.recordings import Body, Call, Recording, Request
from trueline.trace import Act, Trace, trace
from trueline.trace.cut import cut_events, is_stream

BROKEN = (Path(__file__).parents[2] / "docs/examples/broken.sse").read_bytes()


class Fixed(Mint):
    def now(self) -> int:
        return 1_700_000_000

    def token(self, length: int) -> str:
        return "x" * length


def delta(text: str | None = None, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {} if text is None else {"content": text}, "finish_reason": finish}
    return b"data: " + json.dumps({"model": "m", "choices": [choice]}).encode() + b"\n\n"


def traced(*pieces: bytes) -> Trace:
    return trace(b"".join(pieces), Fixed())


def acts(found: Trace, rule: str) -> list[Act]:
    return [act for step in found.steps for seen in step.events for act in seen.acts if act.rule == rule]


# ---- cutting


@pytest.mark.parametrize(
    "events",
    [
        [b"data: 1\n\n", b"data: 2\n\n"],
        [b"data: 1\r\n\r\n", b": ping\r\n\r\n", b"data: 2"],
        [b'data: {"a":1}\n', b'data: {"a":2}\n', b"data: [DONE]\n"],
        [b'{"a":1}\n', b'{"a":2}\n'],
        [b'event: x\ndata: {"a":\ndata: 1}\n\n\n', b"data: 2\n\n"],
        [b"\n\ndata: 1\n\n", b"data: 2\n\n"],
        [b"data: 1\r\r", b"data: 2\r\r"],
        [b'data: {"a":1}\n\n', b"event: ping\ndata: {}\n\n"],
    ],
)
def test_events_are_cut_as_a_person_would(events: list[bytes]) -> None:
    assert cut_events(b"".join(events)) == events


@pytest.mark.parametrize(
    ("body", "stream"),
    [
        (b"data: 1\n\n", True),
        (b": ping\n\ndata: 1\n\n", True),
        (b'{"a":1}\n{"b":2}\n', True),
        (b'{\n "a": 1\n}', False),
        (b'{"a":1}', False),
        (b"<html>", False),
        (b"", False),
    ],
)
def test_what_is_a_stream(body: bytes, stream: bool) -> None:
    assert is_stream(body) is stream


# ---- tracing


def test_the_same_bytes_and_faults_as_without_a_tracer() -> None:
    found = trace(BROKEN, Fixed())
    pipe = look(BROKEN).pipeline(Fixed())
    out = pipe.feed(BROKEN) + pipe.close()

    assert b"".join(step.left for step in found.steps) == out
    assert found.faults == pipe.faults
    assert b"".join(step.came for step in found.steps) == BROKEN


def test_every_fault_stands_where_it_was_noted() -> None:
    found = trace(BROKEN, Fixed())
    told: dict[str, int] = {}
    for step in found.steps:
        for faults in (step.faults, *(act.faults for seen in step.events for act in seen.acts)):
            for fault, count in faults.items():
                told[fault] = told.get(fault, 0) + count

    assert told == found.faults
    assert found.steps[0].faults == {"sse-comment": 1}
    assert acts(found, "Envelope")[0].faults == {"id-prefix-wrong": 1, "created-float": 1, "fingerprint-missing": 1}


def test_a_rule_that_changes() -> None:
    act = acts(trace(BROKEN, Fixed()), "Envelope")[0]

    assert (act.did, act.saw["created"], act.gave[0]["created"]) == ("changed", 1763800000.25, 1763800000)


def test_a_rule_that_splits() -> None:
    act = acts(trace(BROKEN, Fixed()), "ToolCalls")[0]

    assert (act.did, [each["type"] for each in act.gave]) == ("split", ["ToolCallStart", "ToolCallDelta"])


def test_a_rule_that_holds_and_releases() -> None:
    found = trace(BROKEN, Fixed())

    assert [act.did for act in acts(found, "UsageTotals")] == ["kept", "held", "released"]
    finish = acts(found, "FinishReasons")[-1]
    assert (finish.did, finish.gave[0]["reason"]) == ("released", "tool_calls")


def test_a_cut_tag_is_held() -> None:
    found = traced(delta("<thi"), delta("nk>hm</think>Hi"), delta(None, "stop"), b"data: [DONE]\n\n")

    assert [act.did for act in acts(found, "ThinkTags")][:2] == ["held", "split"]
    assert b'"content":"<thi' not in found.steps[0].left


def test_what_looked_like_a_tag_is_released() -> None:
    found = traced(delta("<th"), delta("e>"), delta(None, "stop"), b"data: [DONE]\n\n")

    assert [act.did for act in acts(found, "ThinkTags")][:2] == ["held", "released"]


def test_a_rule_that_drops() -> None:
    text = "All that was said before, once more, in one piece."
    last = delta(text, "stop")
    found = traced(delta(text[:20]), delta(text[20:]), last, b"data: [DONE]\n\n")

    assert [act.did for act in acts(found, "Repeats") if act.faults] == ["dropped"]


def test_a_rule_that_adds() -> None:
    found = trace(b'{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}', Fixed())

    assert [(act.did, act.faults) for act in acts(found, "MissingUsage")][-1] == (
        "added",
        {"usage-missing-nonstream": 1},
    )


def test_a_whole_body_is_one_step() -> None:
    found = trace(b'{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}', Fixed())

    assert (found.kind, len(found.steps), found.result) == ("one body", 1, "mended")
    assert [seen.event["type"] for seen in found.steps[0].events][-1] == "ReplyEnd"


def test_lines_of_json() -> None:
    found = traced(delta("Hi")[6:-1], delta(None, "stop")[6:-1])

    assert (found.kind, len([step for step in found.steps if step.came])) == ("JSON lines", 2)


def test_pictures_have_faults_but_no_rules() -> None:
    found = trace(b'{"created":1.5,"data":[{"url":"https://a.example/b.png"}]}', Fixed())

    assert found.steps[0].faults == found.faults == {"created-float": 1}
    assert found.steps[0].events == []


@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b'{"error":{"message":"no"}}', b"\xff\xfe", b"data: {\n\n"])
def test_what_is_no_reply_is_an_error(body: bytes) -> None:
    found = trace(body, Fixed())

    assert found.result == "error"
    json.loads(found.to_json("x", "0"))


def test_a_recording_is_traced_with_its_own_request() -> None:
    events = [delta("Hi"), delta(None, "stop"), b"data: [DONE]\n\n"]
    reply = Body.of(b"".join(events), limit=10_000)
    asked = Body.of(b'{"model":"m","messages":[{"role":"user","content":"Hi"}]}', limit=1000)
    call = Call(upstream="up", path="/chat/completions", body=asked, status=200, reply=reply)
    recording = Recording(request=Request("POST", "/v1/chat/completions", [], asked), calls=[call])

    found = trace(recording.encode(), Fixed())

    assert found.path == "/chat/completions" and "sse-for-nonstream" in found.faults
    assert json.loads(b"".join(step.left for step in found.steps))["object"] == "chat.completion"


def test_a_recorded_error_and_bytes_that_pass() -> None:
    refused = Call(path="/chat/completions", status=429, reply=Body.of(b'{"detail":"slow"}', limit=100))
    passed = Call(path="/files/1/content", status=200, reply=Body.of(b"\x00\xff", limit=100))

    assert trace(Recording(calls=[refused]).encode(), Fixed()).error == {
        "message": "slow",
        "type": "rate_limit_error",
        "param": None,
        "code": None,
    }
    assert trace(Recording(calls=[passed]).encode(), Fixed()).result == "passed"


def test_the_document_has_its_shape() -> None:
    """What docs/explain.md promises to machines."""
    document = json.loads(trace(BROKEN, Fixed()).to_json("broken.sse", "1.0"))

    assert list(document) == [
        *("trueline_trace", "version", "file", "path", "status", "kind"),
        *("result", "faults", "cut", "error", "steps"),
    ]
    assert list(document["steps"][1]) == ["came", "faults", "events", "left"]
    assert list(document["steps"][1]["events"][0]) == ["event", "acts", "left"]
    assert list(document["steps"][1]["events"][0]["acts"][0]) == ["rule", "saw", "did", "gave", "faults"]
