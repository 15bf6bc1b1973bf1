"""The start screen of `trueline serve`: which upstream and why, the URL to use, and commands to try that work."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..settings import Settings, Upstream, is_loopback
from .discover import ask_models
from .terminal import paint
from .version import version_text

__all__ = ["Samples", "base_url", "sample_models", "start_screen"]

_SAMPLE_SECONDS = 0.25
_IMAGE_WORDS = ("image", "dall-e", "flux", "stable-diffusion", "sdxl", "imagen", "z-image")
_OTHER_WORDS = ("embed", "whisper", "tts", "moderation", "rerank", "transcribe", "realtime", "audio")
_KNOWN_SAMPLES = {
    "api.openai.com": ("gpt-4o-mini", "gpt-image-1"),
    "api.deepseek.com": ("deepseek-chat", None),
    "api.mistral.ai": ("mistral-small-latest", None),
    "api.groq.com": ("llama-3.1-8b-instant", None),
    "openrouter.ai": ("openai/gpt-4o-mini", None),
}
_PLACEHOLDER = "MODEL"
_PROVIDERS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Samples:
    """Model names for the commands; None where none is known."""

    chat: str | None = None
    image: str | None = None


def sample_models(settings: Settings, listed: Sequence[str] = ()) -> Samples:
    """Names that will be answered: aliases, else what the upstream listed, else what its host is known for.

    May ask a local upstream for its list, for a quarter of a second at most.
    """
    if any(upstream.demo for upstream in settings.upstreams.values()):
        return Samples("gpt-4o-mini", "gpt-image-1")
    if settings.models:
        return _pick(tuple(settings.models))
    if listed:
        return _pick(listed)
    if len(settings.upstreams) != 1:
        return Samples()
    (upstream,) = settings.upstreams.values()
    known = _KNOWN_SAMPLES.get(urlsplit(upstream.url).hostname or "")
    return Samples(*known) if known else _pick(_asked(upstream))


def _asked(upstream: Upstream) -> Sequence[str]:
    parts = urlsplit(upstream.url)
    if parts.scheme != "http" or not is_loopback(parts.hostname or ""):
        return ()
    return ask_models(upstream.url, upstream.key, _SAMPLE_SECONDS) or ()


def _pick(names: Sequence[str]) -> Samples:
    def first(kinds: Sequence[str]) -> str | None:
        return next((name for name in names if any(word in name.lower() for word in kinds)), None)

    others = (*_IMAGE_WORDS, *_OTHER_WORDS)
    chat = next((name for name in names if not any(word in name.lower() for word in others)), None)
    return Samples(chat, first(_IMAGE_WORDS))


def base_url(host: str, port: int, scheme: str = "http") -> str:
    """The URL for clients on this machine."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"{scheme}://{reachable}:{port}/v1"


def start_screen(
    settings: Settings,
    port: int,
    why: str,
    samples: Samples,
    sources: Sequence[str],
    *,
    warnings: Sequence[str] = (),
    colour: bool = False,
) -> str:
    """The whole text; `port` is the one that is really listened on, or 0 for a unix socket."""
    scheme = "https" if settings.tls_cert else "http"
    url = f"{scheme}://localhost/v1" if settings.socket else base_url(settings.host, port, scheme)
    facts = [("Upstream", text) for text in _upstream_lines(settings, why)]
    known = [name for name in settings.known if name not in settings.upstreams]
    if known:
        more = f" and {len(known) - _PROVIDERS_SHOWN} more" if len(known) > _PROVIDERS_SHOWN else ""
        facts.append(("Providers", ", ".join(f"{name}/MODEL" for name in known[:_PROVIDERS_SHOWN]) + more))
    facts.append(("Settings", ", ".join(sources) or "defaults"))
    if settings.workers > 1:
        facts.append(("Workers", str(settings.workers)))
    if settings.socket:
        facts.append(("Socket", settings.socket))
    facts.append(("Base URL", paint(url, "bold", colour)))
    lines = [paint(f"Trueline {version_text()}", "bold", colour), ""]
    shown = [name if index == 0 or facts[index - 1][0] != name else "" for index, (name, _) in enumerate(facts)]
    lines += [f"  {name:<10}{text}" for name, (_, text) in zip(shown, facts, strict=True)]
    for title, command in _commands(settings, url, samples):
        lines += ["", f"  {paint(title, 'dim', colour)}", *("  " + line for line in command.splitlines())]
    warnings = [*_warnings(settings), *warnings]
    lines += [""] * bool(warnings) + [f"  {paint('warning', 'yellow', colour)}: {text}" for text in warnings]
    return "\n".join([*lines, "", "  Ready. Stop with Ctrl-C.", ""])


def _upstream_lines(settings: Settings, why: str) -> list[str]:
    upstreams = list(settings.upstreams.values())
    if len(upstreams) == 1:
        shown = "the embedded demo" if upstreams[0].demo else upstreams[0].url
        return [shown, why]
    return [*(f"{upstream.name}: {upstream.url}" for upstream in upstreams), why]


def _commands(settings: Settings, url: str, samples: Samples) -> list[tuple[str, str]]:
    curl = f"curl --unix-socket {shlex.quote(settings.socket)}" if settings.socket else "curl"
    head = _headers(settings)
    chat = samples.chat or _PLACEHOLDER
    messages = [{"role": "user", "content": "Say hello."}]
    commands: list[tuple[str, str]] = []
    if samples.chat is None:
        title = f"which models there are (put one in the place of {_PLACEHOLDER})"
        commands.append((title, f"{curl} {url}/models{_authorization(settings)}"))
    whole = {"model": chat, "messages": messages}
    commands.append(("a whole reply", _curl(f"{curl} {url}/chat/completions", head, whole)))
    commands.append(("a streamed reply", _curl(f"{curl} -N {url}/chat/completions", head, {**whole, "stream": True})))
    if samples.image is not None:
        image = {"model": samples.image, "prompt": "A lighthouse at dawn"}
        commands.append(("an image", _curl(f"{curl} {url}/images/generations", head, image)))
    return commands


def _curl(call: str, head: str, body: object) -> str:
    return f"{call}{head} \\\n  -d {shlex.quote(json.dumps(body, separators=(',', ':')))}"


def _headers(settings: Settings) -> str:
    return f" -H 'Content-Type: application/json'{_authorization(settings)}"


def _authorization(settings: Settings) -> str:
    """The header with a variable in the place of the key: a key on the screen ends up in recordings and tickets."""
    hosts = [urlsplit(u.url).hostname or "" for u in settings.upstreams.values() if not u.demo and u.key is None]
    if settings.keys:
        one_variable = settings.origin("keys").name == "TRUELINE_KEYS" and len(settings.keys) == 1
        variable = "TRUELINE_KEYS" if one_variable else "KEY"
    elif any(not is_loopback(host) for host in hosts):
        variable = "OPENAI_API_KEY" if "api.openai.com" in hosts else "KEY"
    else:
        return ""
    return f' -H "Authorization: Bearer ${variable}"'


def _warnings(settings: Settings) -> list[str]:
    warnings = list(settings.warnings)
    if settings.record is not None:
        warnings.append(f"every exchange is recorded in {settings.record}, prompts and answers included")
    if not settings.keys and not is_loopback(settings.host):
        warnings.append("no `keys` are set: whoever reaches this port may use its upstreams")
    warnings += [
        f"the TLS certificate of {upstream.name} is not verified"
        for upstream in settings.upstreams.values()
        if not upstream.verify
    ]
    return warnings
