"""Recorded replies whose server ignored a stop string, or a limit: they come out cut right, and exact."""

from __future__ import annotations

import base64
import json
import warnings
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from engine.kit import CountingMint, load_module, pieces
from trueline.context import Enforce, FormatOptions
from trueline.messages import read_chat_request
from trueline.pipeline import Route, chat_pipeline
from trueline.tokens import ESTIMATE, Tokenizer, tokenizer_for

pytestmark = pytest.mark.no_cover

EXACT = FormatOptions(extras="drop")
STRICT = FormatOptions(extras="drop", enforce=Enforce(max_tokens="on"))
LIMITS = ("stop", "max_tokens", "max_completion_tokens")
SEEDS = 3
"""Ways in which each reply comes in: the first is in one piece."""


class Reply(NamedTuple):
    """A recorded reply of one choice that ended by itself."""

    name: str
    asked: dict[str, Any]
    body: bytes
    text: str
    """What a client hears of it through Trueline."""
    thoughts: str
    reported: int | None
    model: str
    before: frozenset[Any]
    """What is wrong with it as it leaves: nothing can be, but for what no proxy mends."""


def said_in(asked: dict[str, Any], out: bytes) -> tuple[str, str, str | None, Any]:
    """The content of choice 0, its thoughts, its finish, and what calls there are."""
    if not asked.get("stream"):
        choice = json.loads(out)["choices"][0]
        said = choice["message"]
        return said.get("content") or "", said.get("reasoning_content") or "", choice["finish_reason"], _calls(said)
    text, thoughts, finish, calls = "", "", None, None
    for line in out.split(b"\n\n"):
        if line.startswith(b"data: {"):
            for choice in json.loads(line[6:])["choices"]:
                text += choice["delta"].get("content") or ""
                thoughts += choice["delta"].get("reasoning_content") or ""
                calls = calls or _calls(choice["delta"])
                finish = choice["finish_reason"] or finish
    return text, thoughts, finish, calls


def _calls(said: dict[str, Any]) -> Any:
    return said.get("tool_calls") or said.get("function_call") or said.get("refusal")


def played(reply_to: dict[str, Any], body: bytes, seed: int, options: FormatOptions = EXACT) -> tuple[bytes, Any]:
    random = Random(seed)
    pipe = chat_pipeline(read_chat_request(json.dumps(reply_to).encode()), Route("up"), CountingMint(), options)
    cuts = [random.randrange(len(body) + 1) for _ in range((0, 5, 60)[seed % 3])]
    out = b"".join([*map(pipe.feed, pieces(body, cuts)), pipe.close()])
    return out, pipe


@pytest.fixture(scope="module")
def oracle(shared: Path) -> Any:
    return load_module(shared / "spec" / "oracle.py", "shared_oracle_of_limits")


def problems(oracle: Any, asked: dict[str, Any], out: bytes) -> frozenset[Any]:
    with warnings.catch_warnings(action="ignore"):  # it leaves the closing of its files to the collector
        if asked.get("stream"):
            found = oracle.chat_stream(asked, out, "text/event-stream; charset=utf-8")
        else:
            found = oracle.chat_json(asked, json.loads(out))
    return frozenset(tuple(problem[:3]) for problem in found if problem[0] == "must")


@pytest.fixture(scope="module")
def replies(shared: Path, oracle: Any) -> list[Reply]:
    """Every recorded reply, of any server, that says something in one choice and ends by itself."""
    path = shared / "corpus" / "chat.jsonl.gz"
    if not path.is_file():
        pytest.skip("needs the recordings of ../shared/corpus/chat.jsonl.gz")
    with warnings.catch_warnings(action="ignore"):
        player = load_module(shared / "play.py", "shared_player_of_limits")
        records = player.load(str(path), None, lambda r: r["dialect"] == "openai-chat")
    found = []
    for record in records:
        response, recorded = record["response"], record["request"]["body"]
        if response["status"] != 200 or not isinstance(recorded, dict) or recorded.get("n", 1) != 1:
            continue
        coded = response.get("body_b64")
        body = base64.b64decode(coded) if coded else response["body"].encode("utf-8", "surrogatepass")
        asked = {"messages": [{"role": "user", "content": "Hi"}], **recorded, "stream": bool(record["stream"])}
        asked = {name: value for name, value in asked.items() if name not in (*LIMITS, "logprobs", "tools")}
        asked["model"] = record["model"] or asked.get("model") or "gpt-4o"
        try:
            read_chat_request(json.dumps(asked).encode())
        except Exception:
            continue
        out, pipe = played(asked, body, 0)
        if pipe.error is not None or b'"error":{' in out[-2000:]:
            continue
        text, _, finish, calls = said_in(asked, out)
        thoughts = said_in(asked, played(asked, body, 0, FormatOptions())[0])[1]
        if finish != "stop" or calls or len(text) < 12:
            continue
        usage = pipe.tally()
        reported = usage.completion if usage and usage.source in ("reported", "mended") else None
        model = json.loads(out if out[:1] == b"{" else out[6 : out.index(b"\n")])["model"]
        before = problems(oracle, asked, out)
        found.append(Reply(record["id"], asked, body, text, thoughts, reported, model, before))
    assert len(found) > 300
    return found


def check(
    oracle: Any, reply: Reply, more: dict[str, Any], wanted: str, finish: str, options: FormatOptions
) -> list[Any]:
    """What is wrong with the reply to a request that asks for more."""
    asked = {**reply.asked, **more}
    wrong: list[Any] = []
    for seed in range(SEEDS):
        out, pipe = played(asked, reply.body, seed, options)
        if pipe.error is not None:
            wrong.append((reply.name, seed, str(pipe.error)))
            continue
        said = said_in(asked, out)
        if (said[0], said[2]) != (wanted, finish):
            wrong.append((reply.name, seed, more, said[2], said[0][-40:], wanted[-40:], reply.model))
        new = problems(oracle, reply.asked, out) - reply.before
        wrong += [(reply.name, seed, more, *new)] if new else []
    return wrong


def test_ignored_stop_strings(replies: list[Reply], oracle: Any) -> None:
    wrong = []
    for reply in replies:
        at = len(reply.text) // 2
        stop = reply.text[at : at + 5]
        wrong += check(oracle, reply, {"stop": [stop]}, reply.text[: reply.text.index(stop)], "stop", EXACT)

    assert wrong == []


def tokenizer_of(reply: Reply) -> Tokenizer:
    """Where the reply is of another model than was asked for, nobody knows."""
    asked = tokenizer_for(reply.asked["model"])
    return asked if tokenizer_for(reply.model) is asked else ESTIMATE


def test_ignored_limits(replies: list[Reply], oracle: Any) -> None:
    wrong, played_ = [], 0
    for reply in replies:
        tokenizer = tokenizer_of(reply)
        thought, said = tokenizer.count(reply.thoughts), tokenizer.count(reply.text)
        limit = thought + max(said // 2, 1)
        if not tokenizer.exact or (reply.reported is not None and reply.reported <= limit):
            continue  # edited by hand: it says that it is shorter than it is, and is believed
        wanted = reply.text[: tokenizer.cut(reply.text, limit - thought)]
        wrong += check(oracle, reply, {"max_completion_tokens": limit}, wanted, "length", EXACT)
        played_ += 1

    assert wrong == []
    assert played_ > 100


def test_ignored_limits_of_models_that_nobody_can_count(replies: list[Reply], oracle: Any) -> None:
    wrong, played_ = [], 0
    for reply in replies:
        if tokenizer_of(reply).exact or reply.thoughts:
            continue
        said = ESTIMATE.count(reply.text)
        limit = max(said // 2, 1)
        wanted = reply.text[: ESTIMATE.cut(reply.text, limit)]
        wrong += check(oracle, reply, {"max_tokens": limit}, wanted, "length", STRICT)
        within = max(said * 3 // 4, said - 15, 1)
        if reply.asked["stream"]:
            wrong += check(oracle, reply, {"max_tokens": within}, reply.text, "stop", EXACT)
        played_ += 1

    assert wrong == []
    assert played_ > 50
