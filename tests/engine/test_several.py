"""Several replies as one: numbers, envelope, usage and end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trueline.context import FormatOptions, Route
from trueline.errors import UpstreamCutError
from trueline.messages import read_chat_request
from trueline.pipeline import chat_pipeline
from trueline.pipeline.several import Part, Places, Several, add_usage
from trueline.sim.render import render_chat

PROMPT = [{"role": "user", "content": "echo: Grüße ☕ e\u0301 \u200d👩\u200d🚀 end"}]
TEXT = "Grüße ☕ e\u0301 \u200d👩\u200d🚀 end"


class Counting:
    def __init__(self) -> None:
        self._count = 0

    def now(self) -> int:
        return 1700000000

    def token(self, n: int) -> str:
        self._count += 1
        return str(self._count).rjust(n, "0")


def asked(stream: bool) -> dict[str, Any]:
    more = {"stream_options": {"include_usage": True}} if stream else {}
    return {"model": "gpt-4o", "messages": PROMPT, "stream": stream, **more}


def part_of(whole: Several, places: Places) -> Part:
    request = read_chat_request(json.dumps({**asked(whole.stream), "n": places.most}).encode())
    return whole.part(chat_pipeline(request, Route(), Counting(), FormatOptions()), places)


def bodies(out: bytes) -> list[Any]:
    return [json.loads(each[6:]) for each in out.split(b"\n\n") if each and each != b"data: [DONE]"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 10_000])
def test_parts_that_come_in_turns_at_every_cut(size: int) -> None:
    whole = Several(stream=True)
    parts = [part_of(whole, Places(shift)) for shift in range(3)]
    replies = [render_chat(asked(True), seed=seed).body for seed in range(3)]
    out = b""
    for at in range(0, max(map(len, replies)), size):
        for part, reply in zip(parts, replies, strict=True):
            piece = reply[at : at + size]
            out += part.feed(piece) if piece else b""
    assert b"[DONE]" not in out and all(body["choices"] for body in bodies(out))
    for part in parts:
        out += part.close()
    out += whole.finish()

    found = bodies(out)
    assert out.endswith(b"data: [DONE]\n\n") and out.count(b"[DONE]") == 1
    assert len({body["id"] for body in found}) == 1
    assert [body["choices"] for body in found].index([]) == len(found) - 1
    texts = {0: "", 1: "", 2: ""}
    for body in found:
        for choice in body["choices"]:
            texts[choice["index"]] += choice["delta"].get("content") or ""
    assert set(texts.values()) == {TEXT}
    assert all((len(json.dumps(b, ensure_ascii=False, separators=(",", ":")).encode()) - 1) % 16 == 0 for b in found)


def test_a_whole_part_alone_is_what_it_was() -> None:
    whole = Several(stream=False)
    reply = render_chat(asked(False)).body
    part = part_of(whole, Places())
    assert part.feed(reply) + part.close() == b""

    assert json.loads(whole.finish()) == json.loads(reply)
    assert whole.finish() == b"", "once"


def test_choices_that_nobody_asked_for_are_dropped() -> None:
    whole = Several(stream=False)
    for shift in (0, 1):
        part = part_of(whole, Places(shift))
        part.feed(render_chat({**asked(False), "n": 3}).body)
        part.close()

    assert [choice["index"] for choice in json.loads(whole.finish())["choices"]] == [0, 1]


def test_what_is_missing() -> None:
    whole = Several(stream=False)
    part = part_of(whole, Places(most=4))
    part.feed(render_chat({**asked(False), "n": 2}).body)
    part.close()

    assert whole.missing(4) == [2, 3]


def test_a_failure_after_the_first_byte_is_an_event_and_before_it_an_error() -> None:
    begun, fresh = Several(stream=True), Several(stream=True)
    part_of(begun, Places()).feed(render_chat(asked(True)).body[:900])
    error = UpstreamCutError("It was cut.")

    assert list(bodies(begun.close(error))[0]) == ["error"]
    assert fresh.close(error) == b"" and fresh.error is error


def test_a_part_that_breaks_takes_the_others_with_it() -> None:
    whole = Several(stream=True)
    good, bad = part_of(whole, Places()), part_of(whole, Places(1))
    reply = render_chat(asked(True)).body
    good.feed(reply[:900])
    out = bad.feed(reply[:900]) + bad.close(UpstreamCutError("It was cut."))

    assert bad.broken and good.done
    assert list(bodies(out)[-1]) == ["error"] and out.endswith(b"[DONE]\n\n")
    assert good.feed(reply[900:]) == whole.finish() == b""


SUMS: list[tuple[list[Any], Any]] = [
    ([], None),
    ([None], None),
    ([{"a": 1}, None, {"a": 2}], {"a": 3}),
    ([{"d": {"x": 1, "y": None}}, {"d": {"x": 2, "y": 5}}], {"d": {"x": 3, "y": 5}}),
    ([{"a": 1, "cost": 0.25}, {"a": 1, "b": 7, "cost": 0.5}], {"a": 2, "cost": 0.75, "b": 7}),
    ([{"a": "many"}, {"a": 1}], {"a": "many"}),
    ([{"d": None}, {"d": {"x": 1}}], {"d": {"x": 1}}),
]


@pytest.mark.parametrize(("said", "total"), SUMS)
def test_usage_is_added_up_detail_by_detail(said: list[Any], total: Any) -> None:
    assert add_usage(said) == total
