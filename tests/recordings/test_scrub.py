"""What a recording leaves out, and that the rest keeps its place."""

from __future__ import annotations

import pytest

from trueline.recordings import scrub_body, scrub_header, scrub_path

KEY = "sk-proj-4abcdefghijklmnop1234"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("nothing here", "nothing here"),
        (f"my key is {KEY}.", "my key is sk-proj[redacted]."),
        ('{"api_key":"hunter2 hunter2"}', '{"api_key":"[redacted]"}'),
        ('{"apiKey" : "x"}', '{"apiKey" : "[redacted]"}'),
        (r'{"arguments":"{\"password\":\"hunter2\"}"}', r'{"arguments":"{\"password\":\"[redacted]\"}"}'),
        ('{"authorization":"Basic Zm9v"}', '{"authorization":"[redacted]"}'),
        ('{"properties":{"password":{"type":"string"}}}', '{"properties":{"password":{"type":"string"}}}'),
        ("known-secret, twice known-secret", "[redacted], twice [redacted]"),
        ("the model ollama/llama3", "the model ollama/llama3"),
        (f'{{"secret":"{KEY}"}}', '{"secret":"[redacted]"}'),
        (f"ä {KEY} ä", "ä sk-proj[redacted] ä"),
    ],
)
def test_bodies(text: str, clean: str) -> None:
    assert scrub_body(text.encode(), (b"known-secret", b"ollama", b"ab"))[0].decode() == clean


def test_what_is_no_text_survives() -> None:
    data = bytes(range(256)) + KEY.encode() + b"\xff\xfe"

    assert scrub_body(data)[0] == bytes(range(256)) + b"sk-proj[redacted]\xff\xfe"


@pytest.mark.parametrize(
    ("marks", "moved"),
    [
        ([], []),
        ([0, 3], [0, 3]),
        ([4, 16, 18], [4, 14, 16]),  # before, at the end of and behind the secret
        ([7, 11, 18], [14, 14, 16]),  # in it: behind what stands there now
        ([4, 4, 18], [4, 4, 16]),
    ],
)
def test_places_move_with_the_text(marks: list[int], moved: list[int]) -> None:
    assert scrub_body(b"one known-secret x", (b"known-secret",), marks) == (b"one [redacted] x", moved)


@pytest.mark.parametrize(
    ("name", "value", "clean"),
    [
        ("authorization", "Bearer abc", "[redacted]"),
        ("x-api-key", "abc", "[redacted]"),
        ("x-goog-api-key", "abc", "[redacted]"),
        ("ocp-apim-subscription-key", "abc", "[redacted]"),
        ("cookie", "session=1", "[redacted]"),
        ("set-cookie", "session=1", "[redacted]"),
        ("proxy-authorization", "Basic abc", "[redacted]"),
        ("x-amz-security-token", "abc", "[redacted]"),
        ("x-ratelimit-remaining-tokens", "149", "149"),
        ("content-type", "text/event-stream", "text/event-stream"),
        ("x-odd", f"key={KEY}", "key=sk-proj[redacted]"),
        ("x-odd", "known-secret", "[redacted]"),
    ],
)
def test_headers(name: str, value: str, clean: str) -> None:
    assert scrub_header(name, value, (b"known-secret",)) == clean


@pytest.mark.parametrize(
    ("path", "clean"),
    [
        ("/v1/models", "/v1/models"),
        ("/v1/models?key=abc&limit=3", "/v1/models?key=[redacted]&limit=3"),
        ("/v1/x?a=b&api_key=abc", "/v1/x?a=b&api_key=[redacted]"),
        ("/v1/x?after=file-1", "/v1/x?after=file-1"),
    ],
)
def test_paths(path: str, clean: str) -> None:
    assert scrub_path(path) == clean
