"""What the table of providers makes of an upstream's settings: its URL, its key and how it is shown, its paths.

`provider: NAME` stands for a row: what the upstream's own settings say comes first, then the row, whose placeholders
and key the environment may fill.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from trueline.context import FormatOptions
from trueline.dialects.bases import based
from trueline.dialects.provider import DIALECTS as NATIVE
from trueline.providers import DIALECTS, FETCHED, PROVIDERS, Auth, Provider, provider_of

from .errors import Origin
from .model import Timeouts, Upstream
from .secret import Secret
from .table import PLACES, read_place
from .values import Value

__all__ = ["from_environment", "reached", "spoken"]

_OURS = frozenset(("path", "model"))
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_KEY_HEADERS = frozenset(("authorization", "api-key", "x-api-key", "x-goog-api-key", "x-key"))


def spoken() -> tuple[str, ...]:
    """The dialects that there is code for."""
    return ("openai", *(name for name in DIALECTS if name in NATIVE))


def reached(name: str, given: Mapping[str, Value], section: Origin, env: Mapping[str, str]) -> dict[str, Any]:
    """The fields of an `Upstream` that say how it is reached; `given`: what its own settings say.

    Raises SettingsError for what is missing, and for a dialect that there is no code for.
    """
    key = f"upstreams.{name}"
    row = PROVIDERS[given["provider"].value] if "provider" in given else None
    dialect = given["dialect"].value if "dialect" in given else row.dialect if row else "openai"
    if dialect not in spoken():
        at, field = (given["dialect"], "dialect") if "dialect" in given else (given["provider"], "provider")
        raise at.origin.error(f"{key}.{field}", _not_spoken(dialect, row))
    own: dict[str, Any] = {field: given[field].value for field in ("url", "key", "auth") if field in given}
    own["dialect"] = dialect
    if "url" in own:
        own["url"] = based(own["url"], dialect)
    template = {"template": given["template"].value} if "template" in given else {}
    if row is None:
        if "url" not in own:
            raise section.error(f"{key}.url", "is missing; allowed: the base URL of the upstream, or a `provider`")
        own.setdefault("auth", _auth_of(dialect))
        return {**own, "places": template}
    places = {place: given[place].value for place in PLACES if place in given}
    missing = [place for place in _wanted(row, "url" not in own) if not _filled(row, place, places, env)]
    if missing:
        raise section.error(f"{key}.{missing[0]}", _is_missing(row, missing[0]))
    if "key" not in own and not any(header.lower() in _KEY_HEADERS for header in _headers(given)):
        secret = _key(row, env)
        if secret is not None:
            own["key"] = secret
    fields = {**_of_row(row, places, env), **own}
    return {**fields, "places": {**fields["places"], **template}}


def from_environment(
    env: Mapping[str, str], timeouts: Timeouts, format: FormatOptions
) -> Iterator[tuple[str, Upstream]]:
    """An upstream for each provider that the environment holds a key for, and whatever else its URL needs.

    OPENAI_API_KEY beside an OPENAI_BASE_URL of somebody else's is not OpenAI's key.
    """
    elsewhere = env.get("OPENAI_BASE_URL", "").strip()
    for row in PROVIDERS.values():
        secret = _key(row, env)
        if row.dialect not in spoken() or not (secret or (row.auth in FETCHED and _is_set(row, env))):
            continue
        if "OPENAI_API_KEY" in row.key_env and elsewhere and provider_of(elsewhere, row.dialect) is not row:
            continue
        if all(_filled(row, place, {}, env) for place in _wanted(row, True)):
            fields = _of_row(row, {}, env)
            yield row.name, Upstream(name=row.name, key=secret, timeouts=timeouts, format=format, **fields)


def _of_row(row: Provider, places: Mapping[str, str], env: Mapping[str, str]) -> dict[str, Any]:
    def fill(text: str) -> str:
        whole = _PLACEHOLDER.sub(lambda m: m[0] if m[1] in _OURS else _filled(row, m[1], places, env) or m[0], text)
        for made, host in row.spelled.items():
            whole = whole.replace(f"//{made}/", f"//{host}/")
        return whole

    filled = {place: value for place in PLACES if (value := _filled(row, place, places, env))}
    return {
        "url": fill(row.url) if row.dialect == "openai" else based(fill(row.url), row.dialect),
        "provider": row.name,
        "dialect": row.dialect,
        "auth": row.auth,
        "path": fill(row.path),
        "plain_path": fill(row.plain_path),
        "places": filled,
    }


def _wanted(row: Provider, with_url: bool) -> list[str]:
    """The placeholders that have to be filled."""
    text = (row.url if with_url else "") + row.path + row.plain_path
    return [place for place in dict.fromkeys(_PLACEHOLDER.findall(text)) if place not in _OURS]


def _filled(row: Provider, place: str, places: Mapping[str, str], env: Mapping[str, str]) -> str | None:
    if place in places:
        return places[place]
    for variable in row.places.get(place, ()):
        try:
            return read_place(env.get(variable))
        except ValueError:
            continue
    return None


def _is_set(row: Provider, env: Mapping[str, str]) -> bool:
    return any(env.get(variable, "").strip() for variable in row.key_env)


def _key(row: Provider, env: Mapping[str, str]) -> Secret | None:
    if row.auth in FETCHED:
        return None
    for variable in row.key_env:
        if text := env.get(variable, "").strip():
            return Secret(text) if text.isascii() and text.isprintable() else None
    return None


def _headers(given: Mapping[str, Value]) -> Mapping[str, Any]:
    headers: Mapping[str, Any] = given["headers"].value if "headers" in given else {}
    return headers


def _auth_of(dialect: str) -> Auth:
    """How a server that speaks a dialect is usually shown a key."""
    return next((row.auth for row in PROVIDERS.values() if row.dialect == dialect and row.auth != "none"), "bearer")


def _not_spoken(dialect: str, row: Provider | None) -> str:
    others = [other.name for other in PROVIDERS.values() if row and other.name.startswith(row.name + "-")]
    usable = [name for name in others if PROVIDERS[name].dialect in spoken()]
    instead = f"provider: {usable[0]}, or " if usable else ""
    return f'the dialect "{dialect}" is not spoken by this version; allowed: {instead}{", ".join(spoken())}'


def _is_missing(row: Provider, place: str) -> str:
    variables = "".join(f" or the environment variable {name}" for name in row.places.get(place, ())[:1])
    where = row.url if f"{{{place}}}" in row.url else row.path
    return f"is missing; {row.title} is at {where}: set `{place}`{variables}"
