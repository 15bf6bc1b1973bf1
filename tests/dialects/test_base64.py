"""Files in base64: as people write it, and what is none; all of it is looked at, whatever its size."""

from __future__ import annotations

import base64

import pytest

from dialects.kit import chat
from trueline.dialects.conversation import Picture, read_conversation
from trueline.errors import RequestError

LONG = base64.b64encode(bytes(range(256)) * 1024).decode()
URLSAFE = base64.urlsafe_b64encode(b"\xfb\xff\xfe" * 3).decode()


def read(data: str) -> str | None:
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    (turn,) = read_conversation(chat(messages=[{"role": "user", "content": [picture]}]).body).turns
    (part,) = turn.parts
    assert isinstance(part, Picture)
    return part.data


@pytest.mark.parametrize(
    ("given", "want"),
    [
        ("AAAA", "AAAA"),
        ("AA==", "AA=="),
        ("AAA=", "AAA="),
        ("AA", "AA=="),
        ("AAA", "AAA="),
        ("AA=", "AA=="),
        ("AA AA\r\nAA==", "AAAAAA=="),
        (URLSAFE, base64.b64encode(b"\xfb\xff\xfe" * 3).decode()),
        (LONG, LONG),
        (LONG[:76] + "\n" + LONG[76:], LONG),
        ("", ""),
    ],
)
def test_is_made_what_every_api_takes(given: str, want: str) -> None:
    assert read(given) == want


@pytest.mark.parametrize(
    "given",
    [
        "A",
        "AAAAA",
        "AAA!",
        "AA=A",
        "A=====",
        "A===",
        "%41%41%41%41",
        "AAA\N{LATIN SMALL LETTER E WITH ACUTE}",
        LONG[:-4] + "A*AA",
        LONG[:200_000] + "*" + LONG[200_001:],
        LONG[:400] + "=" + LONG[401:],
    ],
    ids=range(11),
)
def test_is_none(given: str) -> None:
    with pytest.raises(RequestError) as refused:
        read(given)
    assert (refused.value.status, refused.value.code) == (400, "invalid_base64")
    assert refused.value.param == "messages[0].content[0].image_url.url"
