"""Which upstream is served when the settings name none, and why."""

from __future__ import annotations

import contextlib
import json
import socket

import pytest

from cli.local import http_server
from trueline.cli.discover import Choice, LocalServer, ask_models, choose_upstream, find_upstream, is_own_address
from trueline.settings import Secret, Settings, SettingsError, Timeouts, load_settings

MODELS = json.dumps({"object": "list", "data": [{"id": "a"}, {"id": "b"}]}).encode()

VARIABLES = [
    ({"OPENAI_API_KEY": "sk"}, "https://api.openai.com/v1", "OPENAI_API_KEY is set", "sk"),
    ({"OPENAI_BASE_URL": "http://h:1/v1"}, "http://h:1/v1", "OPENAI_BASE_URL is set", None),
    (
        {"OPENAI_BASE_URL": "http://h:1/v1/", "OPENAI_API_KEY": "sk"},
        "http://h:1/v1",
        "OPENAI_BASE_URL and OPENAI_API_KEY are set",
        "sk",
    ),
    # What a client of this very proxy has in its environment.
    (
        {"OPENAI_BASE_URL": "http://localhost:4000/v1", "OPENAI_API_KEY": "sk"},
        "https://api.openai.com/v1",
        "OPENAI_API_KEY is set",
        "sk",
    ),
]


@pytest.mark.parametrize(("env", "url", "why", "key"), VARIABLES)
def test_openai_variables(env: dict[str, str], url: str, why: str, key: str | None) -> None:
    settings, reason = choose_upstream(Settings(timeouts=Timeouts(stall=5)), env, servers=())

    (upstream,) = settings.upstreams.values()
    assert (upstream.url, reason, upstream.key) == (url, why, Secret(key) if key else None)
    assert upstream.timeouts.stall == 5
    assert not upstream.demo


def test_a_base_url_that_is_none() -> None:
    with pytest.raises(SettingsError, match=r'^OPENAI_BASE_URL: found "nonsense"; allowed: an http'):
        choose_upstream(Settings(), {"OPENAI_BASE_URL": "nonsense"}, servers=())


@pytest.mark.parametrize("env", [{}, {"OPENAI_API_KEY": " "}, {"OPENAI_BASE_URL": "http://127.0.0.1:4000/v1"}])
def test_the_demo_comes_last(env: dict[str, str]) -> None:
    settings, why = choose_upstream(Settings(), env, servers=())

    assert settings.upstreams["demo"].demo
    assert why.startswith("no upstream is set")


def test_what_is_set_stays() -> None:
    settings = load_settings({"upstream": "http://x:1"}, {"OPENAI_API_KEY": "sk"})

    assert choose_upstream(settings, {"OPENAI_API_KEY": "sk"}) == (settings, "set by --upstream")
    assert find_upstream(settings, {}) is None


def test_a_local_model_server() -> None:
    with http_server(MODELS) as (port, seen):
        settings, why = choose_upstream(Settings(), {}, [LocalServer("Ollama", port)])

    assert settings.upstreams[f"127.0.0.1:{port}"].url == f"http://127.0.0.1:{port}/v1"
    assert why == "found on the usual port of Ollama (2 models)"
    assert seen == ["/v1/models"]


def test_the_first_that_has_models_wins() -> None:
    empty = b'{"object":"list","data":null}'
    with http_server(empty) as (first, _), http_server(MODELS) as (second, _), http_server(MODELS) as (third, _):
        servers = [LocalServer("A", first), LocalServer("B", second), LocalServer("C", third)]
        choice = find_upstream(Settings(), {}, servers)
        lonely = find_upstream(Settings(), {}, servers[:1])

    assert choice and (choice.url, choice.models) == (f"http://127.0.0.1:{second}/v1", ("a", "b"))
    assert lonely and lonely.why == "found on the usual port of A (0 models)"


def test_our_own_port_is_not_asked() -> None:
    with http_server(MODELS) as (port, seen):
        choice = find_upstream(Settings(port=port), {}, [LocalServer("vLLM", port)])

    assert choice and choice.demo
    assert seen == []


NO_MODEL_SERVERS: list[tuple[bytes, int, dict[str, str]]] = [
    (b"<html>It works!</html>", 200, {}),
    (b"{}", 200, {}),
    (b"[]", 200, {}),
    (b'{"data":"x"}', 200, {}),
    (b'{"data":["x"]}', 200, {}),
    (MODELS, 404, {}),
    (MODELS, 302, {"Location": "/"}),
    (MODELS, 200, {"x-trueline-upstream": "a"}),
    (b"[" * 100_000, 200, {}),
]


@pytest.mark.parametrize(("body", "status", "headers"), NO_MODEL_SERVERS, ids=range(len(NO_MODEL_SERVERS)))
def test_any_other_web_server_is_none(body: bytes, status: int, headers: dict[str, str]) -> None:
    with http_server(body, status=status, headers=headers) as (port, seen):
        choice = find_upstream(Settings(), {}, [LocalServer("vLLM", port)])

    assert choice and choice.demo
    assert len(seen) == 1


def test_a_server_that_never_answers_is_not_waited_for() -> None:
    with contextlib.ExitStack() as stack:
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port, _ = stack.enter_context(http_server(MODELS))
        servers = [LocalServer("silent", silent.getsockname()[1]), LocalServer("good", port)]
        choice = find_upstream(Settings(), {}, servers)

    assert choice and choice.name == f"127.0.0.1:{port}"


MODEL_LISTS = [
    (b'{"data":[{"id":"a"},{"name":"b"},{"id":7}]}', ["a"]),
    (b'{"models":[{"name":"a"},{"model":"b"}]}', ["a", "b"]),
    (b'{"data":[]}', []),
]


@pytest.mark.parametrize(("body", "names"), MODEL_LISTS)
def test_lists_of_models(body: bytes, names: list[str]) -> None:
    with http_server(body) as (port, seen):
        assert ask_models(f"http://127.0.0.1:{port}/api", Secret("k")) == names

    assert seen == ["/api/models Bearer k"]


OWN = [
    ("http://127.0.0.1:4000/v1", "127.0.0.1", True),
    ("http://localhost:4000", "127.0.0.1", True),
    ("http://127.0.0.1:4000", "0.0.0.0", True),
    ("http://127.0.0.1:4001", "127.0.0.1", False),
    ("http://10.0.0.1:4000", "10.0.0.1", True),
    ("http://10.0.0.1:4000", "0.0.0.0", False),
    ("http://127.0.0.1:4000", "10.0.0.1", False),
]


@pytest.mark.parametrize(("url", "host", "own"), OWN)
def test_own_address(url: str, host: str, own: bool) -> None:
    assert is_own_address(url, Settings(host=host)) is own


def test_a_choice_holds_no_secret() -> None:
    choice = find_upstream(Settings(), {"OPENAI_API_KEY": "SEKRET"}, ())

    assert isinstance(choice, Choice)
    assert "SEKRET" not in repr(choice)
