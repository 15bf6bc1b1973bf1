"""The start screen: its commands are complete, and never show a key."""

from __future__ import annotations

import json
import shlex

import pytest

from cli.local import http_server
from trueline.cli.discover import Choice
from trueline.cli.screen import Samples, base_url, sample_models, start_screen
from trueline.settings import Settings, load_settings

DEMO = Choice(name="demo", url="demo:", why="because", demo=True).apply(Settings(), {})


def commands(screen: str) -> list[list[str]]:
    joined = screen.replace("\\\n", " ")
    return [shlex.split(line) for line in joined.splitlines() if line.strip().startswith("curl")]


def screen_of(settings: Settings, samples: Samples | None = None) -> str:
    return start_screen(settings, 4000, "because", samples or sample_models(settings), [])


def test_the_screen_of_the_demo() -> None:
    screen = screen_of(DEMO)

    assert "Upstream  the embedded demo\n            because\n" in screen
    assert "Settings  defaults\n" in screen
    assert "Base URL  http://127.0.0.1:4000/v1\n" in screen
    whole, streamed, image = commands(screen)
    assert whole[:2] == ["curl", "http://127.0.0.1:4000/v1/chat/completions"]
    assert streamed[:3] == ["curl", "-N", "http://127.0.0.1:4000/v1/chat/completions"]
    assert image[:2] == ["curl", "http://127.0.0.1:4000/v1/images/generations"]
    bodies = [json.loads(command[command.index("-d") + 1]) for command in (whole, streamed, image)]
    assert bodies[0]["messages"] and "stream" not in bodies[0]
    assert bodies[1] == {**bodies[0], "stream": True}
    assert set(bodies[2]) == {"model", "prompt"}
    assert all(
        command[command.index("-H") + 1] == "Content-Type: application/json" for command in (whole, streamed, image)
    )


def test_the_providers_whose_keys_are_there() -> None:
    few = load_settings({}, {"GROQ_API_KEY": "gsk-secret", "XAI_API_KEY": "xai-secret"})
    many = load_settings(
        {}, {f"{name}_API_KEY": "k" for name in ("GROQ", "XAI", "OPENAI", "MISTRAL", "NOVITA", "AI21")}
    )
    named = Choice(name="groq", url="https://api.groq.com/openai/v1", why="because").apply(few, {})

    assert "Providers xai/MODEL, groq/MODEL\n" in screen_of(few)
    assert "Providers xai/MODEL\n" in screen_of(named)
    assert " and " in next(line for line in screen_of(many).splitlines() if "Providers" in line)
    assert "Providers" not in screen_of(DEMO)
    assert "secret" not in screen_of(few)


SAMPLES = [
    ("https://api.openai.com/v1", (), Samples("gpt-4o-mini", "gpt-image-1")),
    ("https://unknown.example/v1", (), Samples()),
    ("http://127.0.0.1:9", ("text-embedding-3", "flux-1", "llama3"), Samples("llama3", "flux-1")),
    ("http://127.0.0.1:9", ("nomic-embed",), Samples()),
]


@pytest.mark.parametrize(("url", "listed", "samples"), SAMPLES)
def test_sample_models(url: str, listed: tuple[str, ...], samples: Samples) -> None:
    assert sample_models(load_settings({"upstream": url}), listed) == samples


def test_a_local_upstream_is_asked_for_its_models() -> None:
    with http_server(b'{"data":[{"id":"qwen3"}]}') as (port, seen):
        settings = load_settings({"upstream": f"http://127.0.0.1:{port}", "key": "sk"})
        assert sample_models(settings) == Samples("qwen3")

    assert seen == ["/v1/models Bearer sk"]


def test_without_a_known_model_the_list_is_shown_first() -> None:
    screen = screen_of(load_settings({"upstream": "https://unknown.example/v1"}))

    first, whole, _ = commands(screen)
    assert first[:2] == ["curl", "http://127.0.0.1:4000/v1/models"]
    assert '"model":"MODEL"' in whole[-1]


AUTHORIZATION = [
    ({}, {"TRUELINE_KEYS": "SEKRET"}, "$TRUELINE_KEYS"),
    ({}, {"TRUELINE_KEYS": "SEKRET,SEKRET2"}, "$KEY"),
    ({"upstream": "https://api.openai.com/v1"}, {}, "$OPENAI_API_KEY"),
    ({"upstream": "https://far.example/v1"}, {}, "$KEY"),
    ({"upstream": "https://far.example/v1", "key": "SEKRET"}, {}, None),
    ({"upstream": "http://localhost:9"}, {}, None),
]


@pytest.mark.parametrize(("flags", "env", "variable"), AUTHORIZATION)
def test_a_key_is_a_variable_on_the_screen(flags: dict[str, str], env: dict[str, str], variable: str | None) -> None:
    screen = screen_of(load_settings(flags, env), Samples("m"))

    assert "SEKRET" not in screen
    assert (f"Authorization: Bearer {variable}" in screen) if variable else ("Authorization" not in screen)


WARNINGS = [
    (Settings(host="0.0.0.0"), "no `keys` are set: whoever reaches this port may use its upstreams"),
    (Settings(warnings=("one", "two")), "warning: one\n  warning: two\n"),
    (load_settings(env={"TRUELINE_XYZ": "1"}), "the environment variable TRUELINE_XYZ is no setting"),
]


@pytest.mark.parametrize(("settings", "warning"), WARNINGS)
def test_warnings(settings: Settings, warning: str) -> None:
    assert warning in screen_of(settings, Samples("m"))
    assert "warning" not in screen_of(DEMO)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:1/v1"),
        ("0.0.0.0", "http://127.0.0.1:1/v1"),
        ("::", "http://[::1]:1/v1"),
        ("::1", "http://[::1]:1/v1"),
        ("box", "http://box:1/v1"),
    ],
)
def test_base_url(host: str, url: str) -> None:
    assert base_url(host, 1) == url
