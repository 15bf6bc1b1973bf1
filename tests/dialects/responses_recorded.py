"""Recordings of the Responses API: what was said in them, read without a look at the dialect, and their judge."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from dialects.kit import Played, all_records, play
from engine.kit import Fields, load_module
from trueline.context import FormatOptions
from trueline.dialects.openai_responses import DIALECT
from trueline.errors import TruelineError


class Said(NamedTuple):
    """What a reply says."""

    text: str
    refusal: str
    calls: list[tuple[str, str]]
    """Name and arguments."""
    finish: str | None
    thoughts: str


def payloads(row: Fields) -> list[Fields]:
    """The JSON values of a recorded reply."""
    body = row["response"]["body"]
    if not row["stream"]:
        return [json.loads(body)]
    lines = [line[5:].strip() for line in re.split(r"\r?\n", body) if line.startswith("data:")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def said(row: Fields) -> Said | None:
    """What the provider said; None for what is no answer, or for one that failed."""
    if row["response"]["status"] >= 400:
        return None
    given = payloads(row)
    if not row["stream"]:
        return _of_output(given[0], given[0].get("output"))
    ends = [one["response"] for one in given if one["type"] in ("response.completed", "response.incomplete")]
    if len(ends) != 1:
        return None
    done = {n: one["item"] for n, one in enumerate(given) if one["type"] == "response.output_item.done"}
    whole = _of_output(ends[0], list(done.values()))
    text = "".join(one["delta"] for one in given if one["type"] == "response.output_text.delta")
    assert whole is not None and whole.text == text, row["id"]
    return whole


def _of_output(response: Fields, output: Any) -> Said | None:
    if response.get("object") != "response" or response["status"] not in ("completed", "complete", "incomplete"):
        return None
    parts = [part for item in output if item["type"] == "message" for part in item["content"]]
    calls = [
        (item["name"], item["arguments"] if item["type"] == "function_call" else item["input"])
        for item in output
        if item["type"] in ("function_call", "custom_tool_call")
    ]
    finish = "tool_calls" if calls else "stop"
    if response["status"] == "incomplete":
        finish = {"max_output_tokens": "length"}[response["incomplete_details"]["reason"]]
    return Said(
        "".join(part["text"] for part in parts if part["type"] == "output_text"),
        "".join(part["refusal"] for part in parts if part["type"] == "refusal"),
        calls,
        finish,
        "\n\n".join(
            part["text"]
            for item in output
            if item["type"] == "reasoning"
            for part in item.get("content") or item.get("summary") or []
            if part["text"]
        ),
    )


def client_request(row: Fields, told: Said | None) -> Fields:
    """A chat request that such a reply may answer."""
    asked: Fields = {"model": "some-model", "messages": [{"role": "user", "content": "hi"}]}
    recorded = row["request"]["body"]
    custom = {tool["name"] for tool in recorded.get("tools") or [] if tool["type"] == "custom"}
    names = sorted({name for name, _ in (told.calls if told is not None else [])})
    if names:
        asked["tools"] = [
            {"type": "custom", "custom": {"name": name}}
            if name in custom
            else {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
            for name in names
        ]
    if "message.output_text.logprobs" in (recorded.get("include") or []):
        asked |= {"logprobs": True, "top_logprobs": recorded.get("top_logprobs") or 0}
    if row["stream"]:
        asked |= {"stream": True, "stream_options": {"include_usage": True}}
    return asked


def verdicts(shared: Path, flavour: str) -> Iterator[tuple[str, str, Any, Played | None]]:
    """Play every recording in random cuts: id, verdict, what is wrong, and what came out."""
    oracle = load_module(shared / "play.py", "play").O
    oracle.schema.__defaults__ = (flavour,)
    options = FormatOptions(extras="drop" if flavour == "wire-closed" else "keep")
    for number, row in enumerate(all_records(shared, "responses")):
        told = said(row)
        asked = client_request(row, told)
        data = row["response"]["body"].encode("utf-8", "surrogatepass")
        if row["response"]["status"] >= 400:
            headers = {name.lower(): value for name, value in (row["response"].get("headers") or {}).items()}
            error: TruelineError | None = DIALECT.read_error(row["response"]["status"], headers, data)
            played = None
        else:
            dice = random.Random(number)
            pieces = sorted(dice.sample(range(len(data) + 1), min(9, len(data))))
            played = play(DIALECT, data, pieces=pieces, options=options, **asked)
            error = played.error
        if error is not None:
            problems = [
                x for x in oracle.error_body(error.status, error.body(), {"x-request-id": "r"}) if x[0] == "must"
            ]
            verdict = "error" if told is None and not problems else "refused"
            yield row["id"], verdict, [*problems, str(error)], played
            continue
        assert played is not None
        problems = _problems(oracle, asked, played)
        if told is None:
            problems.append("a failed reply came out as a complete one")
        else:
            heard = _heard(played, bool(row["stream"]))
            if flavour == "wire-closed":  # thoughts are no part of it
                told = told._replace(thoughts="")
            problems += [f"{name}: {a!r} {b!r}" for name, a, b in zip(Said._fields, told, heard, strict=True) if a != b]
        yield row["id"], "invalid" if problems else "exact", problems, played


def _problems(oracle: Any, asked: Fields, played: Played) -> list[Any]:
    if asked.get("stream"):
        found = oracle.chat_stream(asked, played.out, "text/event-stream; charset=utf-8")
    else:
        found = oracle.chat_json(asked, oracle.loads(played.out), "application/json")
    return [problem for problem in found if problem[0] == "must"]


def _heard(played: Played, stream: bool) -> Said:
    """What the client got."""
    text = refusal = thoughts = ""
    calls: dict[int, list[str]] = {}
    finish = None
    for chunk in played.chunks if stream else [played.body]:
        for choice in chunk["choices"]:
            message = choice["delta"] if stream else choice["message"]
            text += message.get("content") or ""
            refusal += message.get("refusal") or ""
            thoughts += message.get("reasoning_content") or ""
            finish = choice["finish_reason"] or finish
            for n, call in enumerate(message.get("tool_calls") or []):
                inner = call.get("function") or call.get("custom") or {}
                kept = calls.setdefault(call.get("index", n), ["", ""])
                kept[0] += inner.get("name") or ""
                kept[1] += inner.get("arguments") or inner.get("input") or ""
    return Said(text, refusal, [(name, arguments) for name, arguments in calls.values()], finish, thoughts)
