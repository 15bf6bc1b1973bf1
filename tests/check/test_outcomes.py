"""What the card says of Trueline is what happened to the replies that the card is of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trueline.check import Card, as_json, judge_files
from trueline.check.mend import mend
from trueline.check.model import Exchange
from trueline.check.offline import read_file
from trueline.shell.clock import SystemMint
from trueline.sim import render_json

Json = dict[str, Any]
CHAT: Json = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
PATH = "/v1/chat/completions"


def reply(*faults: str, **fields: Any) -> bytes:
    """A reply with faults."""
    return render_json(PATH, CHAT | fields, list(faults)).body


def har(request: Json, body: bytes) -> bytes:
    """A recorded exchange."""
    content = {"text": body.decode(), "mimeType": "application/json"}
    headers = [{"name": "content-type", "value": "application/json"}, {"name": "x-request-id", "value": "req_1"}]
    entry = {
        "request": {"method": "POST", "url": f"http://server.example{PATH}", "postData": {"text": json.dumps(request)}},
        "response": {"status": 200, "headers": headers, "content": content},
    }
    return json.dumps({"log": {"entries": [entry]}}).encode()


def entry_of(card: Card, name: str) -> Any:
    """What the card says of one fault."""
    return next(entry for entry in card.entries if entry.name == name)


def test_what_the_engine_does_not_note_is_not_said_to_be_counted() -> None:
    data = har(CHAT | {"n": 3}, reply())
    exchange: Exchange = next(iter(read_file("a.har", data)))[1]
    noted = mend(exchange, SystemMint()).faults

    entry = next(each for each in judge_files([("a.har", data)]).entries if each.name.startswith("n-"))

    assert ("counted" in entry.outcome) == (entry.name in noted)
    assert "passed on as it is" in entry.outcome
    assert not entry.cured


@pytest.mark.parametrize("fault", ["n-ignored", "stop-ignored", "id-prefix-wrong", "one-char-chunks", "img-in-chat"])
@pytest.mark.parametrize("stream", [False, True])
def test_counted_means_noted(fault: str, stream: bool) -> None:
    body = reply(fault, stream=stream)
    noted = mend(Exchange("POST", PATH, CHAT | {"stream": stream}, 200, body=body), SystemMint()).faults

    for entry in judge_files([("a.har", har(CHAT | {"stream": stream}, body))]).entries:
        if "counted" in entry.outcome:
            assert entry.name in noted


def test_one_refused_reply_does_not_speak_for_the_others() -> None:
    body = json.loads(reply("usage-total-mismatch"))
    hopeless = json.dumps({**body, "choices": [], "output": [{"type": "message", "content": []}]}).encode()
    files = [("a.json", reply("usage-total-mismatch")), ("b.json", reply("usage-total-mismatch"))]
    assert mend(Exchange("POST", PATH, CHAT, 200, body=hopeless), SystemMint()).status == 502

    card = judge_files([("c.json", hopeless), *files])

    entry = entry_of(card, "usage-total-mismatch")
    assert entry.replies == 3
    assert entry.outcome == "mended in 2, refused with an honest OpenAI error (502) in 1"
    assert '"usage"' in entry.excerpt.after[0]
    fault = next(each for each in json.loads(as_json(card))["faults"] if each["id"] == "usage-total-mismatch")
    assert (fault["outcomes"], fault["cured"]) == ({"mended": 2, "refused": 1}, True)


def test_a_stream_that_ends_in_an_error_is_not_called_mended() -> None:
    entry = entry_of(judge_files([("a.sse", reply("eof-truncated", stream=True))]), "eof-truncated")

    assert entry.outcome == "what came leaves, and then an honest OpenAI error"
    assert '"error"' in " ".join(entry.excerpt.after)
