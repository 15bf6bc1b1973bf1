"""How the check behaves towards a server: its pace, its budget, its key, and whom it asks."""

from __future__ import annotations

import pytest

from check.kit import card_of, examine, names
from check.scripted import Answer, Asked, clean, refused, scripted
from trueline.check import (
    Probe,
    as_html,
    as_json,
    as_junit,
    chosen,
    estimate,
    runner,  # the module: its clock is replaced
    terminal,
)
from trueline.check.names import choose, listed

KEY = "sk-" + "Secret7" * 5


async def test_the_key_goes_to_the_server_and_nowhere_else() -> None:
    def answer(asked: Asked) -> Answer:
        status, headers, body = clean(asked)
        said = asked.headers.get("authorization", "")
        echoed = body.replace(b'"refusal"', f'"echo": "{said}", "refusal"'.encode())
        return status, {**headers, "x-echo": said}, echoed.replace(b"one two", said.encode())

    async with scripted(answer) as server:
        results = await examine(server.url, key=KEY)

    card = card_of(results, server.url)
    texts = (as_json(card), as_html(card), as_junit(card, "any"), terminal(card, 120, lambda text, style: text))
    sent = [asked.headers.get("authorization") for asked in server.requests]
    assert f"Bearer {KEY}" in sent
    assert set(names(results)), "the echo is something to report"
    assert all(KEY not in text and KEY[3:20] not in text for text in texts)
    assert all(KEY not in repr(result) for result in results)


async def test_the_probes_of_keys_send_other_ones() -> None:
    async with scripted(clean) as server:
        await examine(server.url, "errors.bad-key", "errors.no-key", key=KEY)

    sent = [asked.headers.get("authorization") for asked in server.requests if b"Say ok" not in asked.body]
    assert len(sent) == 2
    assert None in sent
    assert f"Bearer {KEY}" not in sent


async def test_a_budget_of_tokens() -> None:
    async with scripted(clean) as server:
        results = await examine(server.url, "chat", most_tokens=300, at_once=1)

    assert {result.verdict for result in results} == {"pass", "skipped"}
    assert sum(result.tokens for result in results) <= 300
    assert "300 tokens" in next(result.reason for result in results if result.verdict == "skipped")


async def test_a_retry_after_is_waited_for_and_asked_again() -> None:
    asked_before: set[bytes] = set()

    def answer(asked: Asked) -> Answer:
        if asked.body in asked_before:
            return clean(asked)
        asked_before.add(asked.body)
        return refused(429, "slow down", {"retry-after": "0"}, type="requests")

    async with scripted(answer) as server:
        results = await examine(server.url, "chat.whole")

    assert [result.verdict for result in results] == ["pass"]


async def test_a_retry_after_of_an_hour_is_not_waited_for() -> None:
    async with scripted(lambda asked: refused(429, "slow down", {"retry-after": "3600"}, type="requests")) as server:
        results = await examine(server.url, "chat.whole", patience=30.0)

    assert [result.verdict for result in results] == ["skipped"]


async def test_no_more_at_once_than_allowed() -> None:
    async with scripted(clean) as server:
        await examine(server.url, "chat", at_once=1)

    assert server.most_at_once == 1


def test_the_estimate_is_the_sum_of_its_probes() -> None:
    probes: tuple[Probe, ...] = chosen(("chat.whole", "concurrency.streams", "images.n"))
    cost = estimate(probes)

    assert (cost.requests, cost.tokens, cost.pictures) == (6, 300, 2)


async def test_the_estimate_is_not_far_from_the_truth() -> None:
    async with scripted(clean) as server:
        results = await examine(server.url)

    cost = estimate(chosen())
    # One more request finds out which name for the limit the model takes.
    assert len(server.requests) == cost.requests + 1
    assert cost.tokens / 2 < sum(result.tokens for result in results) < cost.tokens * 2


@pytest.mark.parametrize("words", [("nothing",), ("chat", "strem")])
def test_unknown_groups(words: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="groups: models, chat"):
        chosen(words)


# what is listed -> the models for chat, image, streamed image, embedding, completion
LISTS: dict[str, tuple[list[str], tuple[str | None, ...]]] = {
    "OpenAI": (
        ["gpt-5", "whisper-1", "gpt-4o-mini", "dall-e-3", "gpt-image-1.5", "text-embedding-3-small",
         "gpt-3.5-turbo-instruct", "omni-moderation-latest"],
        ("gpt-4o-mini", "dall-e-3", "gpt-image-1.5", "text-embedding-3-small", "gpt-3.5-turbo-instruct"),
    ),
    "one local model": (["qwen2.5:32b"], ("qwen2.5:32b", None, None, None, None)),
    "embeddings beside it": (["nomic-embed-text", "llama3"], ("llama3", None, None, "nomic-embed-text", None)),
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_which_models_are_asked(name: str) -> None:
    names_listed, wanted = LISTS[name]
    chosen_models = choose(names_listed)

    assert chosen_models is not None
    assert (
        chosen_models.chat,
        chosen_models.image,
        chosen_models.image_stream,
        chosen_models.embedding,
        chosen_models.completion,
    ) == wanted


def test_no_model_for_chats() -> None:
    assert choose(["text-embedding-3-small"]) is None
    given = choose([], chat="mine")
    assert given is not None
    assert given.for_slot("image") == "mine"


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        ({"data": [{"id": "a"}, {"id": "b"}]}, ["a", "b"]),
        ([{"id": "a"}], ["a"]),
        ({"models": [{"name": "models/a"}, {"model": "b"}]}, ["models/a", "b"]),
        ({"data": ["a"]}, ["a"]),
        ({"error": "no"}, []),
        (None, []),
        ("text", []),
    ],
)
def test_lists_of_any_shape(payload: object, found: list[str]) -> None:
    assert listed(payload) == found


async def test_requests_come_at_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evenly, by a clock of our own: two a second."""
    now, slept = [100.0], []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(runner, "monotonic", lambda: now[0])
    monkeypatch.setattr("trueline.check.runner.asyncio.sleep", sleep)
    pace = runner.Pace(2.0)
    for _ in range(4):
        await pace.turn()

    assert slept == [0.5, 0.5, 0.5]
