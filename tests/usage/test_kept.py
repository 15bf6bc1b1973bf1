"""What is kept of a request whose reply may have to be counted, and what is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trueline.messages import ChatRequest, read_chat_request

PICTURE = "data:image/png;base64," + "iVBORw0K" * 100_000
LOOK = {
    "role": "user",
    "content": [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": PICTURE}}],
}
LONG = {"role": "user", "content": "a lighthouse " * 10_000}
SAYS = {"role": "user", "content": "hi"}


def request(*messages: Any) -> ChatRequest:
    return read_chat_request(json.dumps({"model": "gpt-4o", "messages": messages}).encode())


@pytest.mark.parametrize("keep", [True, False])
def test_small_requests_are_whole(keep: bool) -> None:
    made = request(SAYS)
    made.let_go(keep)

    assert made.whole and made.body["messages"] == [SAYS]


def test_words_are_kept_while_they_may_be_counted() -> None:
    kept, gone = request(LONG), request(LONG)
    kept.let_go(True)
    gone.let_go(False)

    assert kept.whole and kept.body["messages"] == [LONG]
    assert not gone.whole and "messages" not in gone.body
    assert abs(kept.prompt_size - gone.prompt_size) < 100 and gone.prompt_size > len(LONG["content"])


@pytest.mark.parametrize("keep", [True, False])
def test_a_picture_is_no_text(keep: bool) -> None:
    made = request(LOOK)
    made.let_go(keep)

    assert made.prompt_size < 8192
    assert len(json.dumps(made.body)) < 200_000
    if keep:
        url = made.body["messages"][0]["content"][1]["image_url"]["url"]
        assert PICTURE.startswith(url) and len(url) > 100_000
