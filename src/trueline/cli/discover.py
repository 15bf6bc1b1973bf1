"""Which upstream to serve when the settings name none: OpenAI's variables, a local model server, the demo.

Runs once, before the server starts, so it may block: all ports are asked at the same time, within one short limit.
"""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ..settings import Secret, Settings, SettingsError, Upstream, is_loopback
from ..settings.kinds import URL, read_url

__all__ = [
    "LOCAL_SERVERS",
    "Choice",
    "LocalServer",
    "ask_models",
    "choose_upstream",
    "find_upstream",
    "is_own_address",
    "why_configured",
]

PROBE_SECONDS = 0.3
_MOST_BYTES = 4 * 1024 * 1024
_OPENAI = "https://api.openai.com/v1"


@dataclasses.dataclass(frozen=True, slots=True)
class LocalServer:
    name: str
    port: int


LOCAL_SERVERS = (
    LocalServer("Ollama", 11434),
    LocalServer("vLLM", 8000),
    LocalServer("llama.cpp", 8080),
    LocalServer("LM Studio", 1234),
)
"""The usual ports, in the order of preference."""


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """An upstream that was found.  It holds the name of the variable with the key, never the key: it is handed on to
    worker processes."""

    name: str
    url: str
    why: str
    key_env: str | None = None
    models: tuple[str, ...] = ()
    """Names of the models it serves, as far as it said them."""
    demo: bool = False

    def apply(self, settings: Settings, env: Mapping[str, str]) -> Settings:
        """`settings` with this upstream as the only one."""
        key = Secret(env[self.key_env]) if self.key_env else None
        upstream = Upstream(
            name=self.name,
            url=self.url,
            key=key,
            timeouts=settings.timeouts,
            format=settings.format,
            demo=self.demo,
        )
        return dataclasses.replace(settings, upstreams={self.name: upstream})


def choose_upstream(
    settings: Settings, env: Mapping[str, str], servers: Sequence[LocalServer] = LOCAL_SERVERS
) -> tuple[Settings, str]:
    """(settings with an upstream, why that one).  Raises SettingsError for an OPENAI_BASE_URL that is no URL."""
    choice = find_upstream(settings, env, servers)
    return (choice.apply(settings, env), choice.why) if choice else (settings, why_configured(settings))


def find_upstream(
    settings: Settings, env: Mapping[str, str], servers: Sequence[LocalServer] = LOCAL_SERVERS
) -> Choice | None:
    """The upstream to use where the settings name none; None where they do."""
    if settings.upstreams:
        return None
    choice = _from_openai_variables(settings, env)
    if choice is None:
        wanted = [server for server in servers if server.port != settings.port]
        choice = _from_local_servers(wanted)
    return choice or Choice(
        name="demo",
        url="demo:",
        why="no upstream is set, no OPENAI_API_KEY, no local model server found; answers any model name",
        demo=True,
    )


def why_configured(settings: Settings) -> str:
    """Which source set the upstreams."""
    short = settings.origins.get("upstream")
    if short is not None:
        return f"set by {short}"
    names = {settings.origin(f"upstreams.{name}").name for name in settings.upstreams}
    return "set by " + (", ".join(sorted(name for name in names if name)) or "the caller")


def _from_openai_variables(settings: Settings, env: Mapping[str, str]) -> Choice | None:
    written = env.get("OPENAI_BASE_URL", "").strip()
    key_env = "OPENAI_API_KEY" if env.get("OPENAI_API_KEY", "").strip() else None
    url = _OPENAI
    if written:
        try:
            url = read_url(written)
        except ValueError as refused:
            reason = str(refused) or f'found "{written}"; allowed: {URL.allowed}'
            raise SettingsError("OPENAI_BASE_URL", None, "upstream", reason) from None
        if is_own_address(url, settings):
            # Set for the clients of this very proxy: not an upstream.
            written, url = "", _OPENAI
    if not written and not key_env:
        return None
    names = " and ".join(name for name in (written and "OPENAI_BASE_URL", key_env) if name)
    return Choice(
        name="openai" if url == _OPENAI else urlsplit(url).netloc,
        url=url,
        why=f"{names} {'are' if written and key_env else 'is'} set",
        key_env=key_env,
    )


def is_own_address(url: str, settings: Settings) -> bool:
    """Whether an upstream's URL is where Trueline itself listens: every request would go round in a circle."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return settings.port != 0 and port == settings.port and _is_own_host(parts.hostname or "", settings.host)


def _is_own_host(host: str, listening: str) -> bool:
    """Whether `host` is the address that is listened on, or loopback where that is among the addresses."""
    everywhere = listening in ("0.0.0.0", "::")
    return host == listening or (is_loopback(host) and (everywhere or is_loopback(listening)))


def _from_local_servers(servers: Sequence[LocalServer]) -> Choice | None:
    urls = [f"http://127.0.0.1:{server.port}/v1" for server in servers]
    found = [answer for answer in zip(servers, urls, _ask_all(urls), strict=True) if answer[2] is not None]
    if not found:
        return None
    # One that runs without a model cannot answer; it comes last.
    server, url, models = min(found, key=lambda answer: not answer[2])
    count = len(models or ())
    why = f"found on the usual port of {server.name} ({count} model{'' if count == 1 else 's'})"
    return Choice(name=f"127.0.0.1:{server.port}", url=url, why=why, models=tuple(models or ()))


def _ask_all(urls: Sequence[str]) -> list[list[str] | None]:
    """`ask_models` of all at the same time; who has not answered in time has not answered."""
    answers: list[list[str] | None] = [None] * len(urls)

    def ask(index: int) -> None:
        answers[index] = ask_models(urls[index])

    # Daemon threads, not an executor: one that hangs must delay neither the start nor the exit.
    threads = [threading.Thread(target=ask, args=(index,), daemon=True) for index in range(len(urls))]
    deadline = time.monotonic() + PROBE_SECONDS
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(deadline - time.monotonic(), 0))
    return list(answers)


def ask_models(url: str, key: Secret | None = None, seconds: float = PROBE_SECONDS) -> list[str] | None:
    """The model names behind an http:// base URL; None where no model server answers in time.

    A web server that happens to listen there answers with HTML, 404 or other JSON.  Another Trueline is left alone:
    two that find each other would pass requests round for ever.
    """
    import http.client  # a tenth of the time until requests are answered, for those who named their upstream

    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=seconds)
    try:
        connection.request(
            "GET", parts.path + "/models", headers={"Authorization": f"Bearer {key.reveal()}"} if key else {}
        )
        response = connection.getresponse()
        own = any(name.lower().startswith("x-trueline-") for name, _ in response.getheaders())
        if response.status != 200 or own:
            return None
        return _model_names(json.loads(response.read(_MOST_BYTES)))
    except (OSError, http.client.HTTPException, ValueError, RecursionError):
        return None
    finally:
        connection.close()


def _model_names(body: Any) -> list[str] | None:
    """OpenAI's `{"data": [{"id"}]}`, or `{"models": [{"name"|"model"}]}`."""
    if not isinstance(body, dict):
        return None
    if body.get("object") == "list" and body.get("data", 0) is None:
        return []  # Ollama before its first model
    for field, names in (("data", ("id",)), ("models", ("id", "name", "model"))):
        entries = body.get(field)
        if isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries):
            found = (
                next((entry[name] for name in names if isinstance(entry.get(name), str)), None) for entry in entries
            )
            return [name for name in found if name]
    return None
