"""Precedence, references, short forms: what `load_settings` makes of its sources."""

from __future__ import annotations

import copy
import dataclasses
import pickle  # noqa: TID251  (that it is refused is the point)
from pathlib import Path
from typing import Any

import msgspec
import pytest

from trueline.context import FormatOptions
from trueline.settings import (
    ROWS,
    Limits,
    ModelAlias,
    Secret,
    Settings,
    Timeouts,
    find_settings_file,
    is_loopback,
    load_settings,
)

MIB = 1024 * 1024


def load(text: str, folder: Path, env: dict[str, str] | None = None, **flags: str) -> Settings:
    file = folder / "trueline.yaml"
    file.write_text(text, encoding="utf-8")
    return load_settings(flags, env, file)


def test_no_sources_give_the_defaults() -> None:
    settings = load_settings()

    assert settings == Settings()
    assert (settings.host, settings.port, settings.workers, settings.grace) == ("127.0.0.1", 4000, 1, 30.0)
    assert settings.timeouts == Timeouts(connect=10.0, first_byte=600.0, stall=120.0, total=None)
    assert settings.limits.request_bytes == 64 * MIB
    assert (settings.upstreams, settings.models, settings.keys, settings.allow_public) == ({}, {}, (), False)
    assert str(settings.origin("port")) == "default"


def test_the_table_and_the_engine_have_the_same_format_options() -> None:
    rows = {row.key: row.default for row in ROWS if row.path[0] in ("format", "enforce")}
    written, kept = msgspec.structs.asdict(FormatOptions()), msgspec.structs.asdict(FormatOptions().enforce)
    del written["enforce"]

    assert rows == {f"format.{k}": v for k, v in written.items()} | {f"enforce.{k}": v for k, v in kept.items()}


SOURCES: list[tuple[dict[str, str], dict[str, str], str, int, str]] = [
    ({"port": "1"}, {"TRUELINE_PORT": "2"}, "port: 3", 1, "--port"),
    ({}, {"TRUELINE_PORT": "2"}, "port: 3", 2, "TRUELINE_PORT"),
    ({}, {}, "host: localhost\nport: 3", 3, "trueline.yaml:2"),
    ({}, {"TRUELINE_PORT": ""}, "port: 3", 3, "trueline.yaml:1"),
    ({}, {"TRUELINE_PORT": "tcp://10.0.0.1:4000"}, "port: 3", 3, "trueline.yaml:1"),  # a Kubernetes service link
    ({}, {}, "", 4000, "default"),
]


@pytest.mark.parametrize(("flags", "env", "text", "port", "origin"), SOURCES)
def test_precedence(
    flags: dict[str, str], env: dict[str, str], text: str, port: int, origin: str, tmp_path: Path
) -> None:
    settings = load(text, tmp_path, env, **flags)

    assert settings.port == port
    assert str(settings.origin("port")).endswith(origin)
    assert settings.warnings == ()


REFERENCES = [
    ("${A}", "alpha"),
    ("env:A", "alpha"),
    ("os.environ/A", "alpha"),
    ("x-${A}-${B}", "x-alpha-beta"),
    ("$A", "$A"),
    ("$${A}", "${A}"),
    ("see env:A", "see env:A"),
    ("${INDIRECT}", "${A}"),
]


@pytest.mark.parametrize(("written", "value"), REFERENCES)
def test_references(written: str, value: str, tmp_path: Path) -> None:
    env = {"A": "alpha", "B": "beta", "INDIRECT": "${A}"}
    text = f"upstreams:\n  u: {{url: http://x, headers: {{X-H: '{written}'}}}}\n"

    assert load(text, tmp_path, env).upstreams["u"].headers["X-H"].reveal() == value


def test_references_stand_in_for_any_kind_and_in_every_source(tmp_path: Path) -> None:
    env = {"P": "81", "W": "2", "HOST": "localhost", "TRUELINE_WORKERS": "${W}"}
    settings = load("port: ${P}\nallowed_hosts: ['${HOST}:${P}']", tmp_path, env, host="env:HOST")

    assert (settings.port, settings.workers, settings.host) == (81, 2, "localhost")
    assert settings.allowed_hosts == ("localhost:81",)


VALUES: list[tuple[str, str, Any]] = [
    ("port: '80'", "port", 80),
    ("grace: 0", "grace", 0.0),
    ("grace: 2m", "grace", 120.0),
    ("timeouts: {total: 500ms}", "timeouts.total", 0.5),
    ("timeouts: {first_byte: null}", "timeouts.first_byte", None),
    ("timeouts: {stall: none}", "timeouts.stall", None),
    ("timeouts: {connect: 1.5}", "timeouts.connect", 1.5),
    ("timeouts:", "timeouts", Timeouts()),
    ("limits: {request_bytes: 64MiB}", "limits.request_bytes", 64 * MIB),
    ("limits: {request_bytes: 20MB}", "limits.request_bytes", 20_000_000),
    ("limits: {request_bytes: 1.5 KiB}", "limits.request_bytes", 1536),
    ("limits: {request_bytes: 7}", "limits", Limits(request_bytes=7)),
    ("allow_public: yes", "allow_public", True),
    ("allow_public: 'off'", "allow_public", False),
    ("host: '[::1]'", "host", "::1"),
    ("allowed_hosts: [API.Example.com, '[::1]:80']", "allowed_hosts", ("api.example.com", "[::1]:80")),
    ("allowed_hosts:", "allowed_hosts", ()),
    ("keys: [a, 7]", "keys", (Secret("a"), Secret("7"))),
    ("format: {reasoning: think}", "format", FormatOptions(reasoning="think")),
]


@pytest.mark.parametrize(("text", "key", "value"), VALUES, ids=[text for text, _, _ in VALUES])
def test_values(text: str, key: str, value: Any, tmp_path: Path) -> None:
    found: Any = load(text, tmp_path)
    for name in key.split("."):
        found = getattr(found, name)

    assert found == value


URLS = [
    ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1"),
    ("http://127.0.0.1:11434/v1/", "http://127.0.0.1:11434/v1"),
    ("http://127.0.0.1:11434", "http://127.0.0.1:11434/v1"),
    ("https://api.example.com/", "https://api.example.com"),
    ("https://h/a/b/", "https://h/a/b"),
    ("http://[::1]:80/v1", "http://[::1]:80/v1"),
    ("HTTP://h/v1", "HTTP://h/v1"),
]


@pytest.mark.parametrize(("written", "url"), URLS)
def test_urls(written: str, url: str) -> None:
    (upstream,) = load_settings({"upstream": written}).upstreams.values()

    assert upstream.url == url


def test_upstreams_and_their_overrides(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("", encoding="utf-8")
    settings = load(
        """
        format: {extras: drop, id: openai}
        timeouts: {stall: 60}
        upstreams:
          local: http://127.0.0.1:11434/v1
          far:
            url: https://h/v1
            key: sk-1
            headers: {X-Team: seven}
            verify: no
            ca_file: ca.pem
            timeouts: {total: 9, connect: null}
            format: {reasoning: drop, extras: keep}
        models:
          short: far/meta-llama/llama-3
          long: {upstream: local, model: "qwen3:8b"}
          same: {upstream: local}
          gpt-4.1: {upstream: far, model: 2024-10-01}
        """,
        tmp_path,
    )
    far, local = settings.upstreams["far"], settings.upstreams["local"]

    assert (far.key, far.headers, far.verify, far.ca_file) == (
        Secret("sk-1"),
        {"X-Team": Secret("seven")},
        False,
        str(tmp_path / "ca.pem"),
    )
    assert far.timeouts == Timeouts(connect=None, stall=60.0, total=9.0)
    assert far.format == FormatOptions(extras="keep", id="openai", reasoning="drop")
    assert (local.key, local.verify, local.timeouts, local.format) == (None, True, settings.timeouts, settings.format)
    assert settings.models == {
        "short": ModelAlias("far", "meta-llama/llama-3"),
        "long": ModelAlias("local", "qwen3:8b"),
        "same": ModelAlias("local", "same"),
        "gpt-4.1": ModelAlias("far", "2024-10-01"),
    }
    assert str(settings.origin("upstreams.far.key")).endswith("trueline.yaml:8")
    assert str(settings.origin("models.gpt-4.1.model")).endswith("trueline.yaml:18")


def test_a_model_belongs_to_the_only_upstream(tmp_path: Path) -> None:
    settings = load("upstream: http://x:1/v1\nmodels: {gpt-4o: {model: llama3}}", tmp_path)

    assert settings.models == {"gpt-4o": ModelAlias("x:1", "llama3")}


def test_yaml_anchors_and_merge_keys(tmp_path: Path) -> None:
    settings = load(
        """
        upstreams:
          a: &base {url: http://x/v1, timeouts: &slow {stall: 5}}
          b: {<<: *base, url: http://y/v1}
          c: {<<: [*base], timeouts: {<<: *slow, total: 7}}
        """,
        tmp_path,
    )

    assert [u.url for u in settings.upstreams.values()] == ["http://x/v1", "http://y/v1", "http://x/v1"]
    assert settings.upstreams["b"].timeouts.stall == 5.0
    assert settings.upstreams["c"].timeouts == Timeouts(stall=5.0, total=7.0)


def test_an_upstream_from_a_flag_sets_the_files_aside(tmp_path: Path) -> None:
    text = "upstreams: {a: {url: http://x, key: sk-a}}\nmodels: {m: a/b}"
    settings = load(text, tmp_path, {"TRUELINE_KEY": "sk-u"}, upstream="http://other:9")

    assert list(settings.upstreams) == ["other:9"]
    assert settings.upstreams["other:9"].key == Secret("sk-u")
    assert settings.models == {}
    assert settings.warnings == (
        f"the upstreams and models of {tmp_path / 'trueline.yaml'} are set aside by --upstream",
    )


def test_a_key_is_never_carried_to_another_upstream(tmp_path: Path) -> None:
    settings = load("upstream: http://x\nkey: sk-x", tmp_path, upstream="http://other")

    assert settings.upstreams["other"].key is None
    assert settings.warnings == (f"the key of {tmp_path / 'trueline.yaml'}:2 is set aside by --upstream",)


def test_proxies_come_from_the_usual_variables() -> None:
    env = {
        "HTTP_PROXY": "proxy:3128",
        "https_proxy": "http://u:p@s:1/",
        "HTTPS_PROXY": "x",
        "NO_PROXY": "a, .b 10.0.0.0/8",
    }
    proxy = load_settings(env=env).proxy

    assert proxy.http and proxy.http.reveal() == "http://proxy:3128"
    assert proxy.https and proxy.https.reveal() == "http://u:p@s:1"
    assert proxy.no_proxy == ("a", ".b", "10.0.0.0/8")


def test_a_variable_that_is_no_setting_is_named() -> None:
    env = {"TRUELINE_PROT": "1", "TRUELINE_ZZZZZZ": "1", "TRUELINE_SERVICE_HOST": "h", "TRUELINE_PORT_4000_TCP": "x"}

    assert load_settings(env=env).warnings == (
        'the environment variable TRUELINE_PROT is no setting; did you mean "TRUELINE_PORT"?',
        "the environment variable TRUELINE_ZZZZZZ is no setting",
    )


def test_lists_in_variables_and_flags_are_separated_by_commas() -> None:
    settings = load_settings({"allowed_hosts": "a.example, b.example:80"}, {"TRUELINE_KEYS": "one,two"})

    assert settings.allowed_hosts == ("a.example", "b.example:80")
    assert [key.reveal() for key in settings.keys] == ["one", "two"]


def test_the_file_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_settings_file(None, {}) is None
    (tmp_path / "trueline.yaml").touch()
    assert find_settings_file(None, {}) == Path("trueline.yaml")
    assert find_settings_file(None, {"TRUELINE_CONFIG": "b"}) == Path("b")
    assert find_settings_file("a", {"TRUELINE_CONFIG": "b"}) == Path("a")
    assert load_settings(file="trueline.yaml") == Settings()


def test_a_secret_is_not_seen(tmp_path: Path) -> None:
    settings = load("upstreams: {a: {url: http://x, key: SEKRET, headers: {A: SEKRET}}}\nkeys: [SEKRET]", tmp_path)
    secret = settings.keys[0]

    assert secret.reveal() == "SEKRET"
    assert "SEKRET" not in f"{settings!r} {settings} {secret} {secret!r} {dataclasses.asdict(settings)}"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(settings)
    assert copy.deepcopy(secret) is secret
    assert secret.matches("SEKRET") and not secret.matches("SEKRETS") and not secret.matches("\ud800")
    assert secret == Secret("SEKRET") and secret != "SEKRET" and len({secret, Secret("SEKRET")}) == 1
    assert secret and not Secret("")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("localhost", True), ("127.0.0.9", True), ("::1", True), ("a.localhost", True), ("0.0.0.0", False), ("h", False)],
)
def test_is_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
