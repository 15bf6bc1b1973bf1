"""Recorded replies whose server ignored a stop string, or a limit: they come out cut right, and exact."""

from __future__ import annotations

import base64
import json
import re
import warnings
from pathlib import Path
from random import Random
from typing import Any

import pytest

from engine.kit import CountingMint, load_module, pieces
from trueline.context import FormatOptions
from trueline.messages import read_chat_request
from trueline.pipeline import Route, chat_pipeline
from trueline.tokens import tokenizer_for

pytestmark = pytest.mark.no_cover

EXACT = FormatOptions(extras="drop")
EVERY = 1
"""One recording of so many is played."""


def said_in(body: bytes) -> tuple[list[str], str | None]:
    """The text of choice 0 of a reply, in its pieces, and its finish."""
    if not body.startswith(b"data:"):
        choice = json.loads(body)["choices"][0]
        return [choice["message"].get("content") or ""], choice["finish_reason"]
    parts, finish = [], None
    for line in body.split(b"\n\n"):
        if line.startswith(b"data: {"):
            for choice in json.loads(line[6:])["choices"]:
                parts.append(choice["delta"].get("content") or "")
                finish = choice["finish_reason"] or finish
    return parts, finish


@pytest.fixture(scope="module")
def replies(shared: Path) -> list[tuple[dict[str, Any], bytes, list[str]]]:
    """(request, body, text) of plain replies of OpenAI's own."""
    path = shared / "corpus" / "chat.jsonl.gz"
    if not path.is_file():
        pytest.skip("needs the recordings of ../shared/corpus/chat.jsonl.gz")
    found = []
    with warnings.catch_warnings(action="ignore"):
        player = load_module(shared / "play.py", "shared_player_of_limits")
        records = player.load(str(path), None, lambda r: r["dialect"] == "openai-chat")
    for record in records[::EVERY]:
        response = record["response"]
        if response["status"] != 200 or record["host"] != "api.openai.com":
            continue
        coded = response.get("body_b64")
        body = base64.b64decode(coded) if coded else response["body"].encode("utf-8", "surrogatepass")
        asked = {k: v for k, v in record["request"]["body"].items() if k not in ("max_tokens", "max_completion_tokens")}
        try:
            parts, finish = said_in(body)
        except (ValueError, KeyError, TypeError):
            continue
        if b'"reasoning' in body.replace(b'"reasoning_tokens"', b""):
            continue  # thoughts that can be seen count towards the limit, too
        calls = b"tool_calls" in body.replace(b'"tool_calls":null', b"")
        if finish == "stop" and len("".join(parts)) > 24 and not calls and asked.get("n", 1) == 1:
            found.append((asked, body, parts))
    assert len(found) > 20
    return found


@pytest.fixture(scope="module")
def oracle(shared: Path) -> Any:
    return load_module(shared / "spec" / "oracle.py", "shared_oracle_of_limits")


def played(asked: dict[str, Any], body: bytes, seed: int) -> tuple[bytes, dict[str, int]]:
    random = Random(seed)
    pipe = chat_pipeline(read_chat_request(json.dumps(asked).encode()), Route("up"), CountingMint(), EXACT)
    cuts = [random.randrange(len(body) + 1) for _ in range(random.choice((0, 5, 60)))]
    out = b"".join([*map(pipe.feed, pieces(body, cuts)), pipe.close()])
    assert pipe.error is None, pipe.error
    return out, pipe.faults


def judged(oracle: Any, asked: dict[str, Any], body: bytes, out: bytes) -> list[Any]:
    """What is wrong with a reply that was exact as recorded."""

    def problems(data: bytes) -> set[Any]:
        if asked.get("stream"):
            return {tuple(p[:3]) for p in oracle.chat_stream(asked, data, "text/event-stream; charset=utf-8")}
        return {tuple(p[:3]) for p in oracle.chat_json(asked, json.loads(data))}

    with warnings.catch_warnings(action="ignore"):  # it leaves the closing of its files to the collector
        return sorted(p for p in problems(out) - problems(body) if p[0] == "must")


def test_ignored_stop_strings(replies: Any, oracle: Any) -> None:
    for number, (asked, body, parts) in enumerate(replies):
        text = "".join(parts)
        at = len(text) // 2
        stop = text[at : at + 5]
        wanted = text[: text.index(stop)]
        for seed in range(3):
            out, faults = played({**asked, "stop": [stop]}, body, seed)
            assert ("".join(said_in(out)[0]), said_in(out)[1]) == (wanted, "stop"), number
            assert faults.keys() & {"stop-ignored", "stop-echoed"}
            assert judged(oracle, asked, body, out) == [], number


def test_ignored_limits(replies: Any, oracle: Any) -> None:
    for number, (asked, body, parts) in enumerate(replies):
        text, tokenizer = "".join(parts), tokenizer_for(asked["model"])
        named = re.search(rb'"model": ?"([^"]*)"', body)
        if not tokenizer.exact or named is None or tokenizer_for(named[1].decode()) is not tokenizer:
            continue  # of another model than was asked for
        limit = max(tokenizer.count(text) // 2, 1)
        reported = re.search(rb'"completion_tokens": ?(\d+)', body)
        if reported and int(reported[1]) <= limit:
            continue  # edited by hand: it says that it is shorter than it is, and is believed
        for seed in range(3):
            out, _ = played({**asked, "max_completion_tokens": limit}, body, seed)
            said, finish = said_in(out)
            assert ("".join(said), finish) == (text[: tokenizer.cut(text, limit)], "length"), number
            assert judged(oracle, asked, body, out) == [], number
