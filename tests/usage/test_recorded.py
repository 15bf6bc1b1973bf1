"""Every recorded reply with its usage taken out: it leaves with one that Trueline counted, in the one right place."""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path
from typing import Any

import pytest

from engine.kit import CountingMint, load_module
from trueline.context import FormatOptions, Route
from trueline.messages import read_chat_request, read_completion_request
from trueline.pipeline import chat_pipeline, completion_pipeline

SIZES = (1, 7, 60, 300, 1500, 9000)
_NAMES = ("usage", "x_groq", "usageMetadata")


def without_usage(value: Any) -> Any:
    """The value without the usage of the reply, wherever servers put it."""
    if isinstance(value, list):
        return [without_usage(each) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {name: each for name, each in value.items() if name not in _NAMES}
    if isinstance(kept.get("choices"), list):
        kept["choices"] = without_usage(kept["choices"])
    return kept


def stripped(body: bytes) -> bytes:
    """The body of a reply without its usage; a chunk that has nothing else goes."""
    try:
        return json.dumps(without_usage(json.loads(body))).encode()
    except ValueError:
        lines: list[bytes] = []
    for line in body.split(b"\n"):
        start, data = (line[:6], line[6:]) if line.startswith(b"data: ") else (b"", line)
        try:
            value = json.loads(data)
        except ValueError:
            lines.append(line)
            continue
        without = without_usage(value)
        if start and isinstance(value, dict) and "usage" in value and without.get("choices") == []:
            continue
        lines.append(line if without == value else start + json.dumps(without).encode())
    return b"\n".join(lines)


def sent(row: dict[str, Any]) -> bytes:
    reply = row["response"]
    raw = reply.get("body_b64")
    return base64.b64decode(raw) if raw else reply["body"].encode("utf-8", "surrogatepass")


def rows(shared: Path, name: str) -> tuple[Any, list[dict[str, Any]]]:
    play = load_module(shared / "play.py", "shared_play")
    found = play.load(str(shared / "corpus" / name), None, lambda row: row["response"]["status"] < 300)
    return play, found


@pytest.mark.parametrize("extras", ["keep", "drop"])
def test_chats(shared: Path, rules: Any, extras: Any) -> None:
    play, found = rows(shared, "chat.jsonl.gz")
    counted, wrong = 0, []
    for number, row in enumerate(found):
        if row["dialect"] != "openai-chat":
            continue
        asked = play.client_request(row, number, "")
        asked["model"] = row["model"] or "gpt-4o"
        if asked.get("stream"):
            asked["stream_options"] = {"include_usage": True}
        request = read_chat_request(json.dumps(asked).encode())
        pipe: Any = chat_pipeline(request, Route(row["host"]), CountingMint(), FormatOptions(extras=extras))
        out = through(pipe, stripped(sent(row)), number)
        if pipe.error is not None or b'"error":{' in out[-2000:]:
            continue
        counted += 1
        wrong += [(row["id"], each) for each in problems(pipe, rules, asked, out, extras)]

    assert wrong == []
    assert counted > 700


def test_completions(shared: Path) -> None:
    _, found = rows(shared, "completions.jsonl.gz")
    for number, row in enumerate(found):
        asked = {**row["request"]["body"], "stream": row["stream"]}
        if row["stream"]:
            asked["stream_options"] = {"include_usage": True}
        pipe: Any = completion_pipeline(
            read_completion_request(json.dumps(asked).encode()), Route(row["host"]), CountingMint()
        )
        out = through(pipe, stripped(sent(row)), number)
        if pipe.error is None and b'"error":{' not in out[-2000:]:
            (usage,) = usages(out, row["stream"])
            assert pipe.usage_source in ("counted", "estimated") and usage["x_trueline"] == pipe.usage_source
            assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def through(pipe: Any, body: bytes, seed: int) -> bytes:
    dice, out = random.Random(seed), b""
    while body:
        size = dice.choice(SIZES)
        out, body = out + pipe.feed(body[:size]), body[size:]
    return bytes(out + pipe.close())


def problems(pipe: Any, rules: Any, asked: dict[str, Any], out: bytes, extras: str) -> list[Any]:
    """What is wrong with the usage of a reply."""
    found: list[Any] = []
    said = usages(out, bool(asked.get("stream")))
    if len(said) != 1 or pipe.usage_source not in ("counted", "estimated"):
        return [(len(said), pipe.usage_source)]
    rules.usage(said[0], found)
    tally = pipe.tally()
    if (tally.prompt, tally.completion) != (said[0]["prompt_tokens"], said[0]["completion_tokens"]):
        found.append(("must", "tally", str(tally)))
    marked = said[0].get("x_trueline")
    if marked != (pipe.usage_source if extras == "keep" else None):
        found.append(("must", "mark", str(marked)))
    return [each for each in found if each[0] == "must"]


def usages(out: bytes, stream: bool) -> list[Any]:
    """The usage of a whole reply, or of every chunk of a stream that has one; it stands in the last chunk."""
    if not stream:
        return [json.loads(out)["usage"]]
    events = [line[6:] for line in out.split(b"\n") if line.startswith(b"data: ") and line != b"data: [DONE]"]
    chunks = [json.loads(event) for event in events]
    found = [chunk for chunk in chunks if chunk.get("usage")]
    assert found and found[-1] is chunks[-1] and found[-1]["choices"] == []
    return [chunk["usage"] for chunk in found]
