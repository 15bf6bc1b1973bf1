"""Every mistake in a settings file is answered with its file, line and key, what was found and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from trueline.settings import SettingsError, load_settings
from trueline.settings.rows import TREE

TOP = ", ".join(sorted(TREE))
_UPSTREAMS = TREE["upstreams"]
assert isinstance(_UPSTREAMS, dict)
EACH = ", ".join(sorted(_UPSTREAMS["*"]))  # type: ignore[arg-type]  # a section, which is a dict
URL = "an http:// or https:// URL, such as http://127.0.0.1:11434/v1"
SECONDS = 'seconds, such as 30, 1.5, "500ms" or "2m"; null for no limit'

MISTAKES = [
    # unknown, double and misplaced keys
    ("prot: 4000", f'1: prot: unknown key; did you mean "port"? allowed: {TOP}'),
    ("zzz: 1", f"1: zzz: unknown key; allowed: {TOP}"),
    ("'*': 1", f"1: *: unknown key; allowed: {TOP}"),
    ("port: 1\nhost: localhost\nport: 2", "3: port: duplicate key; it stands in line 1 already"),
    (
        "upstreams:\n  a:\n    url: http://x\n    verfy: no",
        f'4: upstreams.a.verfy: unknown key; did you mean "verify"? allowed: {EACH}',
    ),
    ("upstreams:\n  a: http://x\n  a: http://y", "3: upstreams.a: duplicate key; it stands in line 2 already"),
    ("? [a]\n: 1", "1: found a list as a key; allowed: a name"),
    # shapes
    ("- port", "1: found a list; allowed: a mapping"),
    ("upstreams: [a]", "1: upstreams: found a list; allowed: a mapping"),
    ("port: [1]", "1: port: found a list; allowed: a whole number from 0 to 65535"),
    ("timeouts: 5", '1: timeouts: found "5"; allowed: a mapping'),
    (
        "keys: abc",
        "1: keys: found a value that is kept secret; allowed: a list of text, or better a reference such as env:NAME",
    ),
    # values
    ("port: eighty", '1: port: found "eighty"; allowed: a whole number from 0 to 65535'),
    ("port: 65536", '1: port: found "65536"; allowed: a whole number from 0 to 65535'),
    ("port:", "1: port: found nothing; allowed: a whole number from 0 to 65535"),
    ("workers: 0", '1: workers: found "0"; allowed: a whole number from 1 to 256'),
    ("allow_public: maybe", '1: allow_public: found "maybe"; allowed: true or false'),
    ("timeouts:\n  stall: soon", f'2: timeouts.stall: found "soon"; allowed: {SECONDS}'),
    ("timeouts: {stall: 0}", f'1: timeouts.stall: found "0"; allowed: {SECONDS}'),
    ("timeouts: {stall: .inf}", f'1: timeouts.stall: found ".inf"; allowed: {SECONDS}'),
    ("grace: null", '1: grace: found nothing; allowed: seconds, such as 30, 1.5, "500ms" or "2m"'),
    (
        "limits: {request_bytes: 64MeB}",
        '1: limits.request_bytes: found "64MeB"; allowed: bytes above 0, such as 1048576, 64MiB or 20MB',
    ),
    (
        "limits: {request_bytes: 0}",
        '1: limits.request_bytes: found "0"; allowed: bytes above 0, such as 1048576, 64MiB or 20MB',
    ),
    ("format: {extras: maybe}", '1: format.extras: found "maybe"; allowed: keep, drop'),
    (
        "format: {reasoning: thoughts}",
        '1: format.reasoning: found "thoughts"; allowed: reasoning_content, reasoning, think, drop',
    ),
    ("host: a:1", '1: host: found "a:1"; allowed: a host name or address without a port, such as 127.0.0.1'),
    (
        "allowed_hosts:\n- api.example.com\n- https://x",
        '3: allowed_hosts[1]: found "https://x"; allowed: a host name with or without a port, such as api.example.com',
    ),
    (
        "allowed_hosts: ['*']",
        '1: allowed_hosts[0]: found "*"; allowed: a host name with or without a port, such as api.example.com',
    ),
    # upstreams
    (
        "upstreams:\n  a: {key: k}",
        "2: upstreams.a.url: is missing; allowed: the base URL of the upstream, or a `provider`",
    ),
    ("upstreams:\n  a:", "2: upstreams.a.url: is missing; allowed: the base URL of the upstream, or a `provider`"),
    (
        "upstreams:\n  a/b: http://x",
        '2: upstreams.a/b: found the name "a/b"; allowed: letters, digits, dot, dash and underscore',
    ),
    ("upstreams: {a: ftp://x}", f'1: upstreams.a: found "ftp://x"; allowed: {URL}'),
    ("upstreams: {a: {url: localhost:80}}", f'1: upstreams.a.url: found "localhost:80"; allowed: {URL}'),
    ("upstreams: {a: {url: 'http://x:0/v1'}}", f'1: upstreams.a.url: found "http://x:0/v1"; allowed: {URL}'),
    ("upstreams: {a: {url: 'http://x:99999'}}", f'1: upstreams.a.url: found "http://x:99999"; allowed: {URL}'),
    ("upstreams: {a: {url: 'http://[::1'}}", f'1: upstreams.a.url: found "http://[::1"; allowed: {URL}'),
    (
        "upstreams: {a: {url: 'http://x/v1?k=1'}}",
        f"1: upstreams.a.url: a base URL has no query and no fragment; allowed: {URL}",
    ),
    (
        "upstreams: {a: {url: 'http://me:hunter2@x:bad/v1'}}",
        "1: upstreams.a.url: holds a user name or password; put the key under `key` and the rest under `headers`",
    ),
    (
        "upstreams:\n  a: {url: http://x, ca_file: none.pem}",
        '2: upstreams.a.ca_file: found "none.pem", but there is no such file',
    ),
    ("upstream: http://x\nupstreams: {a: http://y}", "1: upstream: stands beside `upstreams`; use one of the two"),
    (
        "key: abc\nupstreams: {a: http://y}",
        "1: key: belongs to `upstream`, which is not set; each of `upstreams` has its own `key`",
    ),
    (
        'upstream: http://x\nkey: "a\\nb"',
        "2: key: is empty or holds characters that a header cannot carry; allowed: printable ASCII text",
    ),
    (
        "upstreams: {a: {url: http://x, headers: {'X A': b}}}",
        '1: upstreams.a.headers.X A: found "X A"; allowed: the name of an HTTP header',
    ),
    (
        "upstreams: {a: {url: http://x, headers: {Host: b}}}",
        "1: upstreams.a.headers.Host: Trueline writes this header itself; "
        "allowed: any but connection, content-length, host, transfer-encoding",
    ),
    # models
    ("models: {'*': a/b}", "1: models.*: a * stands for nothing here; allowed: one name after the other"),
    ("models:\n  m: a/b", '2: models.m: there is no upstream "a"; allowed: none, as `upstreams` is empty'),
    (
        "upstreams: {local: http://x}\nmodels:\n  m: locl/b",
        '3: models.m: there is no upstream "locl"; did you mean "local"? allowed: local',
    ),
    (
        "upstreams: {local: http://x}\nmodels:\n  m: {upstream: far}",
        '3: models.m.upstream: there is no upstream "far"; allowed: local',
    ),
    ("upstreams: {local: http://x}\nmodels: {m: llama}", '2: models.m: found "llama"; allowed: upstream/model'),
    ("upstreams: {a: http://x, b: http://y}\nmodels:\n  m:", "3: models.m.upstream: is missing; allowed: a, b"),
    # references
    ("port: ${NOPE}", "1: port: the environment variable NOPE is not set"),
    ("upstream: http://x\nkey: env:NOPE", "2: key: the environment variable NOPE is not set"),
    ("upstream: http://x\nkey: os.environ/NOPE", "2: key: the environment variable NOPE is not set"),
    ("keys:\n- a\n- ${NOPE}", "3: keys[1]: the environment variable NOPE is not set"),
    (
        "upstreams:\n  a:\n    url: http://x\n    headers:\n      X-A: Basic ${NOPE}",
        "5: upstreams.a.headers.X-A: the environment variable NOPE is not set",
    ),
    ("host: ${A B}", '1: host: found "${A B}"; allowed: ${NAME}, env:NAME or os.environ/NAME'),
    ("host: ${A", '1: host: found "${A"; allowed: ${NAME}, env:NAME or os.environ/NAME'),
    ("host: 'env:'", '1: host: found "env:"; allowed: ${NAME}, env:NAME or os.environ/NAME'),
    # YAML itself
    ("a: b: c", "1: is not YAML: mapping values are not allowed here"),
    ("port: 1\n\thost: 2", "2: is not YAML: found character '\\t' that cannot start any token"),
    ("port: *x", "1: is not YAML: found undefined alias 'x'"),
    ("timeouts: &x\n  <<: *x", "holds a mapping that is merged into itself"),
    ("port: 1\n---\nport: 2", "2: is not YAML: but found another document"),
    (
        "port: \x07",
        "is not YAML: unacceptable character #x0007: special characters are not allowed in "
        '"<unicode string>", position 6',
    ),
    ("[" * 3000, "is nested too deep"),
]


def mistake(text: str | bytes, folder: Path, env: dict[str, str] | None = None) -> SettingsError:
    file = folder / "trueline.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(SettingsError) as caught:
        load_settings(env=env, file=file)
    return caught.value


@pytest.mark.parametrize(("text", "message"), MISTAKES, ids=[message[:60] for _, message in MISTAKES])
def test_a_mistake_in_the_file(text: str, message: str, tmp_path: Path) -> None:
    error = mistake(text, tmp_path)

    separator = ":" if message[0].isdigit() else ": "
    assert str(error) == f"{tmp_path / 'trueline.yaml'}{separator}{message}"


def test_the_parts_of_an_error(tmp_path: Path) -> None:
    error = mistake("host: localhost\nport: x", tmp_path)

    assert (error.file, error.line, error.key) == (str(tmp_path / "trueline.yaml"), 2, "port")
    assert error.message == 'found "x"; allowed: a whole number from 0 to 65535'


@pytest.mark.parametrize(
    "text",
    [
        "keys: [SEKRET\u00e9]",
        "upstream: http://x\nkey: SEKRET\u00e9",
        "upstream: http://u:SEKRET@x/v1",
        "proxy: {http: 'ftp://u:SEKRET@x'}",
        "keys: SEKRET",
        "keys: {SEKRET: 1}",
    ],
)
def test_an_error_never_shows_a_secret(text: str, tmp_path: Path) -> None:
    assert "SEKRET" not in str(mistake(text, tmp_path))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.yaml: cannot be read: No such file or directory$"):
        load_settings(file=tmp_path / "none.yaml")
    with pytest.raises(SettingsError, match=r"cannot be read: Is a directory$"):
        load_settings(file=tmp_path)


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    assert str(mistake(b"port: \xff", tmp_path)).endswith("trueline.yaml: is not UTF-8 text (byte 6)")


@pytest.mark.parametrize(
    ("flags", "env", "message"),
    [
        ({"port": "x"}, {}, '--port: found "x"; allowed: a whole number from 0 to 65535'),
        (
            {"timeouts.first_byte": "x"},
            {},
            f'--timeouts-first-byte: found "x"; allowed: {SECONDS}',
        ),
        (
            {},
            {"TRUELINE_WORKERS": "many"},
            'TRUELINE_WORKERS: found "many"; allowed: a whole number from 1 to 256',
        ),
        ({"key": "env:NOPE", "upstream": "http://x"}, {}, "--key: the environment variable NOPE is not set"),
        (
            {},
            {"HTTPS_PROXY": "socks5://x"},
            "HTTPS_PROXY: found a value that is kept secret; allowed: an http:// or https:// proxy URL",
        ),
    ],
)
def test_a_mistake_in_a_flag_or_variable(flags: dict[str, str], env: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(flags, env)
    assert str(caught.value) == message
