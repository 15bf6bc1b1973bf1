"""The readers of providers' own APIs: any JSON may come, and none of them raises.

What they are given is made of the words that the source of their dialect has, so that it gets far into them.
"""

from __future__ import annotations

import ast
import gzip
import json
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from dialects.kit import chat, context
from engine.kit import ROUTE, CountingMint, load_module
from fuzz.cases import Case
from trueline import dialects
from trueline.dialects.provider import DIALECTS, ProviderDialect, ProviderRequest, dialect_of
from trueline.errors import TruelineError
from trueline.judge import judge_error
from trueline.messages import EmbeddingRequest, ImageRequest
from trueline.pipeline import Pipeline, chat_pipeline, embedding_pipeline
from trueline.wire import jsonio

__all__ = ["anything", "of_native", "of_providers"]

FOLDER = Path(dialects.__file__).parent
FILES = {
    **{name: name for name in ("anthropic", "gemini", "ollama", "cohere", "dashscope")},
    "responses": "openai_responses",
    "hf": "hf_tgi",
}
"""Recordings of the corpus, and what reads them."""
EACH = 20
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 0.5, 1e300, 10**30, "", "x", "1", "\ud800", "https://x.y/z", "eyJhIjoxfQ=="),
    *([], {}, [None], [1], [[]], [{}], {"": None}, [[[1]]]),
)


@cache
def words(name: str) -> tuple[str, ...]:
    """What is quoted in the source of a dialect: names of fields, kinds of events, reasons."""
    folder = FOLDER / DIALECTS[name].lstrip(".").partition(".")[0]
    found = {
        node.value
        for path in sorted(folder.glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and 0 < len(node.value) < 50
    }
    return tuple(sorted(found))


def anything(name: str, dice: random.Random, depth: int = 0) -> Any:
    """JSON of the words of a dialect."""
    known = words(name)
    turn = dice.random() + depth * 0.12
    if turn > 0.9:
        return dice.choice(ODD) if dice.random() < 0.5 else dice.choice(known)
    if depth and turn < 0.2:
        return [anything(name, dice, depth + 1) for _ in range(dice.randrange(3))]
    made = {dice.choice(known): anything(name, dice, depth + 1) for _ in range(dice.randrange(1, 6))}
    if dice.random() < 0.5:
        made["type"] = dice.choice(known)
    return made


def of_providers(corpus: Path) -> Iterator[Case]:
    """Payloads for each dialect: made of its words, and recorded where there are recordings."""
    dice = random.Random(1)
    for name in DIALECTS:
        for number in range(EACH):
            yield _case(name, [anything(name, dice) for _ in range(dice.randrange(1, 4))], f"{name} {number}")
    player = corpus.parent / "play.py"
    for file, name in FILES.items():
        path = corpus / f"{file}.jsonl.gz"
        if not path.exists() or not player.exists():
            continue
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for number, line in zip(range(EACH), lines, strict=False):
                try:
                    payloads = load_module(player, "play").payloads(json.loads(line))
                except ValueError:
                    continue
                yield _case(name, payloads[:40], f"recorded {name} {number}")


def _case(name: str, payloads: list[Any], origin: str) -> Case:
    body = b"\n".join(json.dumps(payload).encode() for payload in payloads)
    return Case("native", body, {"dialect": name}, name=origin)


def of_native(case: Case) -> list[str]:
    """What is wrong with how a dialect reads these payloads; a reader that raises is found where this is called."""
    dialect = dialect_of(case.request["dialect"])
    payloads = []
    for line in case.body.split(b"\n"):
        try:
            payloads.append(jsonio.decode(line))
        except jsonio.JSONError:
            continue
    found = _of_chats(dialect, payloads, case.body) if dialect.chats else []
    for payload in payloads:
        _of_others(dialect, payload)
        found += _of_errors(dialect, jsonio.encode(payload))
    return found + _of_errors(dialect, case.body)


def _of_chats(dialect: ProviderDialect, payloads: list[Any], body: bytes) -> list[str]:
    found: list[str] = []
    reader = dialect.reader(context(stream=True))
    place, probe = getattr(reader, "place", None), getattr(reader, "probe", None)
    for payload in payloads:
        kind = payload.get("type") if isinstance(payload, dict) else None
        events = reader.read(payload, kind.encode("utf-8", "replace") if isinstance(kind, str) else None)
        if place is not None and probe is not None and len(events) == 1 and place(payload) is not None:
            probe(payload)
        dialect.read_whole(payload, context())
    for stream in (False, True):
        written = b"".join(b"data: " + jsonio.encode(payload) + b"\n\n" for payload in payloads)
        for data in (body, written, *(jsonio.encode(payload) for payload in payloads[:2])):
            pipe = chat_pipeline(chat(stream=stream), ROUTE, CountingMint(), dialect=dialect)
            found += _ran(pipe, data)
    return found


def _of_others(dialect: ProviderDialect, payload: Any) -> None:
    if dialect.embeddings is not None:
        asked = EmbeddingRequest({"model": "m", "input": ["a", "b"]}, b"")
        dialect.embeddings.read(payload, asked)
        pipe = embedding_pipeline(asked, ROUTE, CountingMint(), dialect=dialect)
        _ran(pipe, jsonio.encode(payload))
    if dialect.models is not None:
        dialect.models.read(payload)
    if dialect.images is not None:
        drawn = ImageRequest({"model": "m", "prompt": "a cat", "n": 2}, b"")
        dialect.images.read(payload, drawn, ProviderRequest("/x:predict", b"{}"))
        dialect.images.read(payload, drawn, ProviderRequest("/x", b"{}"))


def _ran(pipe: Pipeline, data: bytes) -> list[str]:
    out = pipe.feed(data) + pipe.close()
    if pipe.error is not None:
        return _not_openai(pipe.error)
    return [] if out else ["neither bytes nor an error"]


def _of_errors(dialect: ProviderDialect, body: bytes) -> list[str]:
    headers = {"content-type": "application/json"}
    return [why for status in (400, 429, 503) for why in _not_openai(dialect.read_error(status, headers, body))]


def _not_openai(error: TruelineError) -> list[str]:
    found = [] if 400 <= error.status <= 599 else [f"status {error.status} of an error"]
    body = jsonio.encode(error.body())
    return found + [f.text for f in judge_error(error.status, {"x-request-id": "r"}, body) if f.level == "must"]
