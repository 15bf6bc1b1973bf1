"""What pictures, sounds and files in a prompt cost."""

from __future__ import annotations

from base64 import b64encode
from math import ceil
from struct import pack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.tokens.families import Count
from trueline.tokens.images import Size, part_tokens, picture_tokens

# (model, size, detail, tokens): OpenAI's guide to images, recorded replies, and measurements in OpenAI's forum.
# Patches have one more than the guide says, which is what was reported.
EXACT: list[tuple[str, Size, str | None, int]] = [
    ("gpt-4o", (1024, 1024), "high", 765),
    ("gpt-4o", (2048, 4096), "high", 1105),
    ("gpt-4o", (4096, 8192), "low", 85),
    ("gpt-4o", (640, 480), None, 425),
    ("gpt-4o-2024-08-06", (100, 100), "auto", 255),
    ("openai/gpt-4o-mini", (240, 277), "auto", 8500),
    ("gpt-4o-mini", (9, 9), "low", 2833),
    ("gpt-4-vision-preview", (800, 400), None, 425),
    ("gpt-4-turbo", (1024, 1024), None, 765),
    ("gpt-4.1", (512, 512), None, 255),
    ("gpt-4.1", (513, 512), None, 425),
    ("gpt-4.5-preview", (512, 512), "low", 85),
    ("gpt-5", (512, 512), None, 210),
    ("gpt-5-2025-08-07", (1, 1), "low", 70),
    ("gpt-5-chat-latest", (512, 512), None, 210),
    ("o1", (1024, 1024), "high", 675),
    ("o3", (1024, 1024), "low", 75),
    ("o1-pro", (512, 512), None, 225),
    ("computer-use-preview", (1024, 768), None, 581),
    ("gpt-4.1-mini", (1024, 1024), None, 1660),
    ("gpt-4.1-mini", (1800, 2400), None, 2354),
    ("gpt-4.1-nano", (128, 128), None, 41),
    ("gpt-4.1-nano", (275, 183), None, 134),
    ("gpt-4.1-nano", (540, 360), None, 503),
    ("gpt-5-mini", (576, 768), None, 520),
    ("gpt-5-nano", (128, 128), None, 25),
    ("gpt-5-nano", (275, 183), None, 82),
    ("gpt-5.4-mini", (576, 768), None, 520),
    ("o4-mini", (640, 480), None, 517),
    ("codex-mini-latest", (32, 32), None, 3),
    ("ft:gpt-4o-2024-08-06:acme::A1", (640, 480), None, 425),
]
# The same on the Responses API, where patches have nothing besides from gpt-5 on.
RESPONSES: list[tuple[str, Size, str | None, int]] = [
    ("gpt-4o", (100, 100), "auto", 255),
    ("gpt-4.1-mini", (1800, 2400), None, 2354),
    ("gpt-5-mini", (512, 512), None, 308),
    ("gpt-5-mini", (1280, 720), None, 1104),
    ("gpt-5-mini", (2048, 768), None, 1844),
    ("gpt-5-mini", (400, 301), None, 156),
    ("gpt-5-mini-2025-08-07", (597, 566), "high", 411),
    ("gpt-5-nano", (239, 178), None, 72),
    ("gpt-5.4-nano", (576, 768), None, 519),
    ("o4-mini", (640, 480), None, 517),
]


@pytest.mark.parametrize(("model", "size", "detail", "tokens"), EXACT)
def test_a_picture(model: str, size: Size, detail: str | None, tokens: int) -> None:
    assert picture_tokens(model, size, detail) == Count(tokens, True)


@pytest.mark.parametrize(("model", "size", "detail", "tokens"), RESPONSES)
def test_a_picture_on_the_responses_api(model: str, size: Size, detail: str | None, tokens: int) -> None:
    assert picture_tokens(model, size, detail, responses=True) == Count(tokens, True)
    part = {"type": "input_image", "image_url": png(*size), "detail": detail}
    assert part_tokens(part, model) == Count(tokens, True)


@pytest.mark.parametrize(
    "model", ["gpt-5.2", "gpt-5.4", "gpt-6", "claude-sonnet-4", "gemini-2.5-pro", "llava", None, ""]
)
def test_no_rule_is_known(model: str | None) -> None:
    count = picture_tokens(model, (1024, 768), "low")

    assert count.tokens > 0
    assert not count.exact


def test_no_size_is_known() -> None:
    assert picture_tokens("gpt-4o", None) == Count(765, False)
    assert picture_tokens("gpt-4o", (0, 7)) == Count(765, False)
    assert picture_tokens("gpt-4o", None, "low") == Count(85, True)  # it costs that whatever its size is
    assert not picture_tokens("gpt-5-mini", (512, 512), "low").exact


@given(
    model=st.sampled_from(["gpt-4o", "gpt-5-mini", "gpt-5.4", "o4-mini", "claude-3", "x"]),
    size=st.tuples(st.integers(-1, 1 << 34), st.integers(-1, 1 << 34)),
    detail=st.sampled_from([None, "low", "high", "auto", "original"]),
)
def test_any_size(model: str, size: Size, detail: str | None) -> None:
    assert 0 < picture_tokens(model, size, detail).tokens <= 4_000


def png(width: int, height: int) -> str:
    data = b"\x89PNG\r\n\x1a\n" + pack(">I4sII", 13, b"IHDR", width, height) + bytes(9)
    return "data:image/png;base64," + b64encode(data).decode()


def wav(seconds: int, rate: int = 16_000) -> str:
    data = bytes(seconds * rate * 2)
    head = b"RIFF" + pack("<I", len(data) + 36) + b"WAVEfmt " + pack("<IHHIIHH", 16, 1, 1, rate, rate * 2, 2, 16)
    return b64encode(head + b"data" + pack("<I", len(data)) + data).decode()


PARTS: list[tuple[dict[str, Any], Count | None]] = [
    ({"type": "image_url", "image_url": {"url": png(640, 480)}}, Count(425, True)),
    (
        {"type": "image_url", "image_url": {"url": png(640, 480).replace("data:", "DATA:"), "detail": "low"}},
        Count(85, True),
    ),
    ({"type": "image_url", "image_url": png(640, 480)}, Count(425, True)),
    ({"type": "input_image", "image_url": png(640, 480), "detail": "low"}, Count(85, True)),
    ({"type": "image_url", "image_url": {"url": "https://example.com/known.png"}}, Count(425, True)),
    ({"type": "image_url", "image_url": {"url": "https://example.com/other.png"}}, Count(765, False)),
    ({"type": "image_url", "image_url": {"url": "data:image/png;base64,????"}}, Count(765, False)),
    ({"type": "image_url", "image_url": {"url": 7, "detail": 7}}, Count(765, False)),
    ({"type": "image_url"}, Count(765, False)),
    ({"type": "input_audio", "input_audio": {"data": wav(3), "format": "wav"}}, Count(30, False)),
    ({"type": "input_audio", "input_audio": {"data": b64encode(bytes(32_000)).decode()}}, Count(20, False)),
    ({"type": "input_audio", "input_audio": {"data": "é"}}, Count(1, False)),
    ({"type": "input_audio"}, Count(0, False)),
    ({"type": "file", "file": {"file_data": "data:application/pdf;base64," + "A" * 200_000}}, Count(3000, False)),
    ({"type": "file", "file": {"file_id": "file-1"}}, Count(1000, False)),
    ({"type": "text", "text": "Hello"}, None),
    ({"type": ["image_url"]}, None),
    ({}, None),
]


@pytest.mark.parametrize(("part", "count"), PARTS)
def test_a_part(part: dict[str, Any], count: Count | None) -> None:
    assert part_tokens(part, "gpt-4o", {"https://example.com/known.png": (640, 480)}.get) == count


UNSPLASH = "https://source.unsplash.com/8xznAGy4HcY/800x400"


def test_what_a_url_says_is_not_exact() -> None:
    part = {"type": "image_url", "image_url": {"url": UNSPLASH}}
    small = {"type": "image_url", "image_url": {"url": UNSPLASH, "detail": "low"}}

    assert part_tokens(part, "gpt-4-turbo") == Count(425, False)
    assert part_tokens(part, "gpt-4-turbo", {UNSPLASH: (512, 512)}.get) == Count(255, True)  # looked at
    assert part_tokens(part, "gpt-4-turbo", lambda url: None) == Count(425, False)  # looked for, and not found
    assert part_tokens(part, "gpt-5-nano") == Count(ceil(25 * 13 * 1.5) + 1, False)
    assert part_tokens(small, "gpt-4-turbo") == Count(85, True)


def test_a_remote_picture_is_not_asked_for() -> None:
    part = {"type": "image_url", "image_url": {"url": "https://example.com/known.png"}}

    assert part_tokens(part, "gpt-4o") == Count(765, False)
