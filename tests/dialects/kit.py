"""What the tests of native dialects share: requests to write, replies to play, and recordings of their providers."""

from __future__ import annotations

import base64
import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from engine.kit import CountingMint, Fields, load_module
from trueline.context import FormatOptions, ReplyContext, Route
from trueline.dialects.provider import Asked, Fetched, ProviderDialect
from trueline.errors import TruelineError
from trueline.messages import ChatRequest, read_chat_request
from trueline.pipeline import chat_pipeline

ROUTE = Route("native", "some-model")


def chat(**fields: Any) -> ChatRequest:
    """A chat request; `messages` may be left out."""
    body = {"model": "some-model", "messages": [{"role": "user", "content": "hi"}], **fields}
    return read_chat_request(json.dumps(body).encode())


class Notes(list[str]):
    """What was named on the way."""

    def asked(self, model: str = "some-model", *, drop: bool = False, **settings: str) -> Asked:
        files: dict[str, Fetched] = {}
        return Asked(model, self.append, "drop" if drop else "error", files, settings)


def written(dialect: ProviderDialect, model: str = "some-model", *, drop: bool = False, **fields: Any) -> Fields:
    """The body of the native request for a chat request of these fields."""
    body: Fields = json.loads(dialect.write_request(chat(**fields), Notes().asked(model, drop=drop)).body)
    return body


class Played(NamedTuple):
    """What came out, and which faults were noted."""

    out: bytes
    error: TruelineError | None
    faults: dict[str, int]

    @property
    def body(self) -> Fields:
        """A whole reply."""
        assert self.error is None, self.error
        body: Fields = json.loads(self.out)
        return body

    @property
    def chunks(self) -> list[Fields]:
        """The chunks of a stream, without `[DONE]`."""
        assert self.error is None, self.error
        lines = [line[6:] for line in self.out.decode().split("\n\n") if line and line != "data: [DONE]"]
        return [json.loads(line) for line in lines]


def play(
    dialect: ProviderDialect,
    data: bytes,
    *,
    pieces: list[int] | None = None,
    options: FormatOptions = FormatOptions(),
    **fields: Any,
) -> Played:
    """A reply through the pipeline, cut at `pieces`; `stream` is among the fields of the request."""
    pipe = chat_pipeline(chat(**fields), ROUTE, CountingMint(), options, dialect=dialect)
    ends = [*(pieces or []), len(data)]
    out, at = b"", 0
    for end in ends:
        if end > at:
            out += pipe.feed(data[at:end])
            at = end
    out += pipe.close()
    return Played(out, pipe.error, dict(pipe.faults))


def play_at_cuts(dialect: ProviderDialect, data: bytes, **fields: Any) -> Played:
    """As `play`, having seen that whole, byte by byte and random cuts give the same."""
    whole = play(dialect, data, **fields)
    dice = random.Random(len(data))
    cuts = [list(range(len(data)))] + [sorted(dice.sample(range(len(data) + 1), min(4, len(data)))) for _ in range(6)]
    for pieces in cuts:
        other = play(dialect, data, pieces=pieces, **fields)
        assert (other.out, str(other.error)) == (whole.out, str(whole.error)), pieces[:8]
    return whole


def context(**fields: Any) -> ReplyContext:
    """The context of an exchange with an upstream that speaks an API of its own."""
    made = ReplyContext(chat(**fields), ROUTE, CountingMint())
    made.translated = True
    return made


def said(chunks: list[Fields], name: str = "content") -> str:
    """The text of a stream."""
    deltas = (choice["delta"] for chunk in chunks for choice in chunk["choices"])
    return "".join(delta.get(name) or "" for delta in deltas)


def records(shared: Path, name: str) -> list[Fields]:
    """The recordings of a file of the corpus, as its player reads them."""
    player = load_module(shared / "play.py", "play")
    rows = player.load(str(shared / "corpus" / f"{name}.jsonl.gz"))
    return [row for row in rows if row["dialect"] in player.PLAYED]


def all_records(shared: Path, name: str) -> list[Fields]:
    """Every record of a file, also those that the player does not know."""
    with gzip.open(shared / "corpus" / f"{name}.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]


def verdicts(
    shared: Path, name: str, dialect: ProviderDialect, flavour: str = "wire"
) -> Iterator[tuple[str, str, Any]]:
    """Play the recordings in random cuts: id, verdict, and what the judge has against it."""
    player = load_module(shared / "play.py", "play")
    yield from judged(player, records(shared, name), dialect, flavour)


def judged(
    player: Any, rows: list[Fields], dialect: ProviderDialect, flavour: str, *, turned: bool = False
) -> Iterator[tuple[str, str, Any]]:
    """As `verdicts`, by a player of one's own; `turned`: what was streamed is asked for whole, and the reverse."""
    options = FormatOptions(extras="drop" if flavour == "wire-closed" else "keep")
    for number, row in enumerate(rows):
        asked = player.client_request(row, number, "")
        if turned:
            asked["stream"] = not asked.get("stream")
            asked.pop("stream_options", None)
        status, headers, body = _answer(dialect, row, asked, number, options)
        verdict, problems = player.judge(row, asked, status, headers, body, flavour)
        yield row["id"], verdict, problems


def _answer(
    dialect: ProviderDialect, row: Fields, asked: Fields, number: int, options: FormatOptions
) -> tuple[int, dict[str, str], bytes]:
    reply = row["response"]
    given = reply.get("body_b64")
    data = base64.b64decode(given) if given else reply["body"].encode("utf-8", "surrogatepass")
    kind = "application/json"
    try:
        if reply["status"] >= 400:
            headers = {key.lower(): value for key, value in (reply.get("headers") or {}).items()}
            raise dialect.read_error(reply["status"], headers, data)
        dice = random.Random(number)
        pieces = sorted(dice.sample(range(len(data) + 1), min(9, len(data))))
        played = play(dialect, data, pieces=pieces, options=options, **asked)
        if played.error is not None:
            raise played.error
        if asked.get("stream"):
            kind = "text/event-stream; charset=utf-8"
        status, body = 200, played.out
    except TruelineError as error:
        status, body = error.status, json.dumps(error.body()).encode()
    return status, {"content-type": kind, "x-request-id": "req_1"}, body
