"""Recorded replies of real servers, judged by the shared player: each comes out exact, or as an honest error."""

from __future__ import annotations

import base64
import json
import random
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from engine.kit import CountingMint, load_module, pieces
from trueline.context import FormatOptions, Route
from trueline.dialects.error_bodies import read_error
from trueline.errors import TruelineError
from trueline.messages import read_chat_request, read_image_request
from trueline.pipeline import Pipeline, chat_pipeline, image_pipeline

pytestmark = pytest.mark.no_cover  # what it runs over and over is covered elsewhere

Record = dict[str, Any]
DIALECTS = ("openai-chat", "openai-images")  # those that the engine speaks


@pytest.fixture(scope="session")
def player(shared: Path) -> ModuleType:
    with warnings.catch_warnings(action="ignore"):  # it leaves the closing of its files to the collector
        return load_module(shared / "play.py", "shared_player")


@pytest.fixture(scope="session", params=["chat", "images"])
def records(request: pytest.FixtureRequest, shared: Path, player: ModuleType) -> list[Record]:
    path = shared / "corpus" / f"{request.param}.jsonl.gz"
    if not path.is_file():
        pytest.skip(f"needs the recordings of ../shared/corpus/{path.name}")
    with warnings.catch_warnings(action="ignore"):
        found: list[Record] = player.load(str(path), None, lambda r: r["dialect"] in DIALECTS)
    return found


class Reply:
    """What a client gets for one recording."""

    def __init__(self, record: Record, asked: Record, options: FormatOptions, seed: int) -> None:
        response = record["response"]
        text, coded = response.get("body"), response.get("body_b64")
        self.sent = base64.b64decode(coded) if coded else text.encode("utf-8", "surrogatepass")
        self.status, self.type, self.body = 200, "application/json", b""
        self.faults: dict[str, int] = {}
        self._seed = seed
        try:
            pipe = self._play(record, asked, options)
            self.faults = pipe.faults
            self.type = pipe.content_type.decode()
        except TruelineError as error:
            self.status, self.body = error.status, json.dumps(error.body()).encode()

    def _play(self, record: Record, asked: Record, options: FormatOptions) -> Pipeline:
        raw = json.dumps(asked).encode()
        route = Route(record["host"], asked["model"])
        status, headers = record["response"]["status"], record["response"].get("headers") or {}
        pipe: Pipeline
        if record["dialect"] == "openai-images":
            pipe = image_pipeline(read_image_request(raw), route, CountingMint(), options)
        else:
            pipe = chat_pipeline(read_chat_request(raw), route, CountingMint(), options)
        if status >= 400:
            raise read_error(status, {k.lower(): v for k, v in headers.items()}, self.sent)
        rnd = random.Random(self._seed)
        cuts = [rnd.randrange(len(self.sent) + 1) for _ in range(rnd.choice((0, 3, 40, 400)))]
        self.body = b"".join([*map(pipe.feed, pieces(self.sent, cuts)), pipe.close()])
        if pipe.error is not None:
            raise pipe.error
        return pipe


@pytest.mark.parametrize(
    ("options", "flavour"),
    [(FormatOptions(), "wire"), (FormatOptions(extras="drop"), "wire-closed")],
    ids=["kept", "dropped"],
)
def test_every_record(
    records: list[Record], player: ModuleType, rules: Any, options: FormatOptions, flavour: str
) -> None:
    wrong = []
    with warnings.catch_warnings(action="ignore"):
        for position, record in enumerate(records):
            asked = player.client_request(record, position, "")
            reply = Reply(record, asked, options, position)
            headers = {"content-type": reply.type, "x-request-id": "req_1"}
            verdict, problems = player.judge(record, asked, reply.status, headers, reply.body, flavour)
            if verdict not in player.OK:
                wrong.append((record["id"], verdict, problems[:2]))

    assert wrong == []


def test_what_openai_sent_passes_unchanged_and_unnoted(records: list[Record], player: ModuleType, rules: Any) -> None:
    """Where the oracle finds nothing in it; `usage` may stand elsewhere in a chunk."""
    passed = 0
    with warnings.catch_warnings(action="ignore"):
        for position, record in enumerate(records):
            if record["host"] != "api.openai.com" or record["source"].get("fidelity") != "wire":
                continue
            asked = player.client_request(record, position, "")
            reply = Reply(record, asked, FormatOptions(), position)
            if reply.status != 200 or exact_problems(player.O, record, asked, reply):
                continue
            assert reply.faults == {}, record["id"]
            assert events(reply.body) == events(reply.sent) if asked.get("stream") else reply.body == reply.sent
            passed += 1

    assert passed or not any(r["host"] == "api.openai.com" for r in records)


def events(stream: bytes) -> list[Any]:
    datas = [line.removeprefix("data: ") for line in stream.decode().splitlines() if line.startswith("data: ")]
    return [data if data == "[DONE]" else json.loads(data) for data in datas]


def exact_problems(rules: Any, record: Record, asked: Record, reply: Reply) -> list[Any]:
    """What even the strictest reading finds in what OpenAI sent."""
    if record["dialect"] == "openai-images":
        return list(rules.images_json(asked, json.loads(reply.sent)))
    if asked.get("stream"):
        return list(rules.chat_stream(asked, reply.sent))
    return list(rules.chat_json(asked, json.loads(reply.sent)))
