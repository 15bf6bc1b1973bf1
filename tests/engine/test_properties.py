"""What holds for every reply: cuts change nothing, what was mended needs no mending, and forms agree."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import garbage
from engine.garbage import NOISE, framed
from engine.kit import DONE, Played, chat, chunk, dumps, envelope, pieces, play, whole
from trueline.context import FormatOptions
from trueline.faults import LEFT_ALONE

pytestmark = pytest.mark.no_cover  # what it runs over and over is covered elsewhere

TEXT = st.text(alphabet='ab .,<>/é😀\n{}"\\', min_size=1, max_size=8)
ARGUMENTS = st.sampled_from(["{}", '{"a":1}', '{"a":"}{"}', '{"é":[1,{"b":null}]}', '{"cut'])
TOOLS = [{"type": "function", "function": {"name": "f"}}]
CUTS = st.lists(st.integers(0, 6000), max_size=12)


class Said:
    """One answer, which any server may tell in any form."""

    def __init__(self, thought: str, text: str, calls: list[str], finish: str, usage: bool) -> None:
        self.thought, self.text, self.calls, self.usage = thought, text, calls, usage
        self.finish = "tool_calls" if calls and finish == "stop" else finish

    def __repr__(self) -> str:
        return f"Said({self.thought!r}, {self.text!r}, {self.calls!r}, {self.finish!r}, {self.usage!r})"

    @property
    def counts(self) -> dict[str, Any]:
        return {"usage": garbage.USAGE} if self.usage else {}

    def message(self) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": self.text or None, "refusal": None}
        if self.thought:
            message["reasoning_content"] = self.thought
        if self.calls:
            message["tool_calls"] = [
                {"id": f"call_{n}", "type": "function", "function": {"name": "f", "arguments": a}}
                for n, a in enumerate(self.calls)
            ]
        return message

    def reply(self) -> dict[str, Any]:
        return whole(self.message(), self.finish, **(self.counts or {"usage": None}))

    def deltas(self, size: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = [{"reasoning_content": p} for p in parts(self.thought, size)]
        found += [{"content": p} for p in parts(self.text, size)]
        for n, arguments in enumerate(self.calls):
            first = {"index": n, "id": f"call_{n}", "type": "function", "function": {"name": "f", "arguments": ""}}
            found.append({"tool_calls": [first]})
            found += [{"tool_calls": [{"index": n, "function": {"arguments": p}}]} for p in parts(arguments, size)]
        return found

    def chunks(self, size: int) -> list[dict[str, Any]]:
        role = chunk({"role": "assistant", "content": "" if self.text or not self.calls else None, "refusal": None})
        last = [envelope(choices=[], **self.counts)] if self.usage else []
        return [role, *map(chunk, self.deltas(size)), chunk({}, self.finish), *last]


def parts(text: str, size: int) -> list[str]:
    return [text[n : n + size] for n in range(0, len(text), size)]


ANSWERS = st.builds(
    Said,
    st.just("") | TEXT,
    st.just("") | TEXT,
    st.lists(ARGUMENTS, max_size=2),
    st.sampled_from(["stop", "length", "content_filter"]),
    st.booleans(),
).filter(lambda said: said.text or said.calls or said.thought)


def folded(played: Played) -> dict[str, Any]:
    """The message that an SDK's accumulator makes of a stream."""
    message: dict[str, Any] = {"content": None}
    calls: dict[int, dict[str, Any]] = {}
    for choice in (c for p in played.payloads for c in p["choices"]):
        for name in ("content", "reasoning_content"):
            piece = choice["delta"].get(name)
            if piece:
                message[name] = (message.get(name) or "") + piece
        for entry in choice["delta"].get("tool_calls", ()):
            call = calls.setdefault(
                entry["index"], {"id": entry.get("id"), "name": entry["function"].get("name"), "arguments": ""}
            )
            call["arguments"] += entry["function"]["arguments"]
        message["finish"] = choice["finish_reason"] or message.get("finish")
    return {**message, "calls": list(calls.values())}


def kept(played: Played) -> dict[str, Any]:
    """The same of a whole reply."""
    choice = played.body["choices"][0]
    message = choice["message"]
    calls = [{"id": c["id"], **c["function"]} for c in message.get("tool_calls", ())]
    thought = {"reasoning_content": message["reasoning_content"]} if "reasoning_content" in message else {}
    return {"content": message["content"] or None, **thought, "finish": choice["finish_reason"], "calls": calls}


PREFIXES = st.sampled_from([b"data: ", b"data:", b"", b"event: message\ndata: "])
GAPS = st.sampled_from([b"\n\n", b"\n", b"\r\n\r\n", b"\r\r", b"\n\n\n"])
NONSENSE = st.lists(st.tuples(st.integers(0, 20), st.sampled_from(NOISE)), max_size=3)


@given(ANSWERS, st.integers(1, 5), PREFIXES, GAPS, NONSENSE, CUTS)
@settings(max_examples=400)
def test_cuts_and_framing_change_nothing(
    said: Said, size: int, prefix: bytes, gap: bytes, noise: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    request = chat(stream=True, tools=TOOLS, stream_options={"include_usage": said.usage})
    data = framed(said.chunks(size), prefix, gap, noise, DONE)
    if gap == b"\n":
        data = framed(said.chunks(size), prefix, gap, [], DONE)

    expected = play(framed(said.chunks(size), b"data: ", b"\n\n", [], DONE), request)
    assert expected.faults.keys() <= {"content-cumulative", "content-null-first-delta", "usage-null-absent"}

    played = play(data, request)
    assert played.out == expected.out
    for some in (cuts, range(len(data))):
        again = play(pieces(data, some), request)
        assert (again.out, again.faults) == (played.out, played.faults)


@given(ANSWERS, st.integers(1, 5))
@settings(max_examples=400)
def test_forms_agree(said: Said, size: int) -> None:
    """Streamed or whole, asked for as either: the same message."""
    data = framed(said.chunks(size), b"data: ", b"\n\n", [], DONE)
    streaming, keeping = chat(stream=True, tools=TOOLS), chat(tools=TOOLS)

    whole_kept = kept(play(dumps(said.reply()), keeping))

    assert folded(play(dumps(said.reply()), streaming)) == whole_kept
    assert folded(play(data, streaming)) == whole_kept
    assert kept(play(data, keeping)) == whole_kept


PLAIN = st.builds(FormatOptions, extras=st.sampled_from(["keep", "drop"]), id=st.sampled_from(["keep", "openai"]))
# Thoughts under two names, totals that only look like it, and usage that is kept where it came: read anew, they are
# read otherwise, and rightly.
AMBIGUOUS = {"content-cumulative", "final-full-repeat", "think-in-content", "reasoning-other-names", "usage-x-groq"}


def again(played: Played, asked: dict[str, Any], options: FormatOptions) -> Played:
    return play(played.out, chat(**asked), FormatOptions(extras=options.extras, think_tags="keep"))


@given(garbage.STREAM, garbage.REQUEST, PLAIN)
@settings(max_examples=500)
def test_what_was_mended_needs_no_mending(data: bytes, asked: dict[str, Any], options: FormatOptions) -> None:
    asked = {**asked, "n": 1, "stream": True}
    played = play(data, chat(**asked), options)
    if played.error is not None or b'"x_groq"' in played.out:
        return

    second = again(played, asked, options)

    if not AMBIGUOUS & (played.faults.keys() | second.faults.keys()):
        assert second.out == played.out
        assert second.faults.keys() <= {"err-mid-stream", *LEFT_ALONE}


@given(garbage.WHOLE, garbage.REQUEST, PLAIN)
@settings(max_examples=500)
def test_a_whole_reply_that_was_mended_needs_no_mending(
    payload: Any, asked: dict[str, Any], options: FormatOptions
) -> None:
    asked = {k: v for k, v in asked.items() if k not in ("n", "stream_options")}
    played = play(dumps(payload), chat(**asked), options)
    if played.error is not None or not played.body["usage"]["total_tokens"]:
        return

    second = again(played, asked, options)

    if not AMBIGUOUS & (played.faults.keys() | second.faults.keys()):
        assert second.out == played.out
        assert second.faults.keys() <= LEFT_ALONE
