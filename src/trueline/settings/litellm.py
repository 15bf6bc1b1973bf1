"""A LiteLLM `config.yaml`, accepted as it is: `model_list` -> our upstreams and models.

A prefix of LiteLLM's is a row of the table of providers; any other is an error that says so, because a model that is
quietly missing is found out much later.  What the file says beyond that (budgets, callbacks, routing) is named in a
warning.  LiteLLM's terms: https://docs.litellm.ai/docs/proxy/configs (read in 2025).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import yaml

from trueline.providers import PROVIDERS, named

from . import kinds
from .file import Document
from .providers import spoken
from .secret import Secret
from .table import PLACE
from .values import Value, Values

__all__ = ["read_litellm"]


@dataclass(frozen=True, slots=True)
class _Prefix:
    """What stands before the slash of a LiteLLM model; `url` is None where `api_base` must say it."""

    url: str | None
    key_env: tuple[str, ...] = ()
    provider: str | None = None
    bare_path: str = "/"
    """What LiteLLM puts in the place of an `api_base` path that is missing."""
    moved: bool = False
    """A server of the user's own: it is the same provider wherever `api_base` says that it is."""


_ROWS = {"azure": "azure-deployments"}
"""LiteLLM's `azure/` is the dated API."""
_NEEDS_BASE = frozenset({"hosted_vllm", "lm_studio"})
_BARE_PATHS = {"ollama": "/v1"}
_MOVED = frozenset({"vllm", "ollama", "ollama-native", "lmstudio", "llamacpp", "azure-deployments"})
_PLACES = {
    "api_version": "api_version",
    "vertex_project": "project",
    "vertex_location": "region",
    "aws_region_name": "region",
}
"""LiteLLM's parameters that fill the placeholders of a row."""


def _prefix(name: str) -> _Prefix | None:
    """The row of a prefix, or the one with OpenAI's format where its own is not spoken."""
    if name == "openai_like":
        return _Prefix(None, ("OPENAI_LIKE_API_KEY",))
    row = named(_ROWS.get(name, name))
    if row is not None and row.dialect not in spoken():
        row = PROVIDERS.get(row.name + "-openai")
    if row is None:
        return None
    url = None if name in _NEEDS_BASE else row.url
    return _Prefix(url, row.key_env, row.name, _BARE_PATHS.get(row.name, "/"), row.name in _MOVED)


_OPENAI_MODELS = ("gpt-", "chatgpt-", "o1", "o3", "o4", "dall-e", "text-embedding-", "whisper-", "tts-")
_USED = frozenset(
    {"model", "api_base", "base_url", "api_key", "extra_headers", "headers", "custom_llm_provider", *_PLACES}
)


@dataclass(frozen=True, slots=True)
class _Server:
    """What makes two entries share an upstream."""

    url: str
    key: Secret | None
    headers: tuple[tuple[str, Secret], ...]
    provider: str | None = None
    places: tuple[tuple[str, str], ...] = ()
    written: bool = True
    """Its URL is one of the file's, and not its provider's."""


def read_litellm(document: Document, sections: Mapping[str, yaml.Node], values: Values, warnings: list[str]) -> None:
    """Add the upstreams, models and master key of a LiteLLM file to `values`.  Raises SettingsError."""
    unused = {name for name in sections if name not in ("model_list", "general_settings")}
    names: dict[_Server, str] = {}
    wildcards: list[tuple[yaml.Node, str]] = []
    model_list = sections["model_list"]
    if not isinstance(model_list, yaml.SequenceNode):
        raise document.error(model_list, "model_list", "allowed: a list of {model_name, litellm_params}")
    for index, entry in enumerate(model_list.value):
        key = f"model_list[{index}]"
        alias, params = _entry(document, entry, key)
        server, model, provider = _server(document, entry, params, f"{key}.litellm_params")
        unused.update(f"litellm_params.{name}" for name in params if name not in _USED)
        upstream = _upstream_name(document, entry, server, provider, names, values)
        if "*" in alias or "*" in model:
            wildcards.append((entry, key))
        elif ("models", alias) in values:
            warnings.append(f"{document.name}: {alias} has several entries; the first one serves it")
        else:
            origin = document.origin(entry)
            values["models", alias] = Value(None, origin)
            values["models", alias, "upstream"] = Value(upstream, origin)
            values["models", alias, "model"] = Value(model, origin)
    if wildcards and len(names) > 1:
        # With one upstream every model goes there anyway; with several, the choice would be a guess.
        raise document.error(*wildcards[0], "a * is served only where all entries share one upstream; name each model")
    unused.update(_general(document, sections.get("general_settings"), values))
    if unused:
        warnings.append(f"{document.name}: not used by Trueline: {', '.join(sorted(unused))}")


def _entry(document: Document, entry: yaml.Node, key: str) -> tuple[str, dict[str, yaml.Node]]:
    fields = {name: child for name, _, child in document.pairs(entry, key)}
    for name in ("model_name", "litellm_params"):
        if name not in fields:
            raise document.error(entry, f"{key}.{name}", "is missing")
    alias = document.value(fields["model_name"], f"{key}.model_name", kinds.TEXT)
    params = {name: child for name, _, child in document.pairs(fields["litellm_params"], f"{key}.litellm_params")}
    if "model" not in params:
        raise document.error(entry, f"{key}.litellm_params.model", "is missing")
    return alias, params


def _server(
    document: Document, entry: yaml.Node, params: Mapping[str, yaml.Node], key: str
) -> tuple[_Server, str, str]:
    """(server, the upstream's name for the model, LiteLLM's prefix) of one entry."""
    base_node = params.get("api_base") or params.get("base_url")
    base = document.text(base_node, f"{key}.api_base", kinds.URL.allowed) if base_node else None
    written = document.value(params["model"], f"{key}.model", kinds.TEXT)
    prefix, model = _split(document, params, written, bool(base), key)
    provider = _prefix(prefix)
    if provider is None:
        raise document.error(
            params["model"],
            f"{key}.model",
            f'found "{written}"; allowed: a provider that `trueline providers` lists, '
            "or openai/ before the model and the URL of its server in api_base",
        )
    if base and base_node:
        bare = not urlsplit(base).path
        try:
            url = kinds.BASE_URL.read(base + provider.bare_path if bare else base)
        except ValueError as refused:
            reason = str(refused) or f'found "{base}"; allowed: {kinds.URL.allowed}'
            raise document.error(base_node, f"{key}.api_base", reason) from None
        url = url if urlsplit(url).path == "/" else url.rstrip("/")
    elif provider.url:
        url = provider.url
    else:
        raise document.error(entry, f"{key}.api_base", f"is missing; {prefix}/ needs the URL of its server")
    secret, headers = _key(document, params, provider, key), _headers(document, params, key)
    elsewhere = bool(base) and url.rstrip("/") != provider.url
    if elsewhere and not provider.moved:
        return _Server(url, secret, headers), model, prefix
    places = tuple(
        (_PLACES[name], document.value(params[name], f"{key}.{name}", PLACE)) for name in _PLACES if name in params
    )
    return _Server(url, secret, headers, provider.provider, places, elsewhere or not provider.provider), model, prefix


def _split(
    document: Document, params: Mapping[str, yaml.Node], written: str, has_base: bool, key: str
) -> tuple[str, str]:
    if "custom_llm_provider" in params:
        prefix = document.value(params["custom_llm_provider"], f"{key}.custom_llm_provider", kinds.TEXT)
        return prefix, written.removeprefix(prefix + "/")
    prefix, slash, model = written.partition("/")
    if slash:
        return prefix, model
    return ("openai" if has_base or written.startswith(_OPENAI_MODELS) else ""), written


def _key(document: Document, params: Mapping[str, yaml.Node], provider: _Prefix, key: str) -> Secret | None:
    node = params.get("api_key")
    text = document.text(node, f"{key}.api_key", kinds.SECRET.allowed) if node else None
    if not text and node is None:
        text = next((document.env[name] for name in provider.key_env if document.env.get(name, "").strip()), None)
    return Secret(text.strip()) if text and text.strip() else None


def _headers(document: Document, params: Mapping[str, yaml.Node], key: str) -> tuple[tuple[str, Secret], ...]:
    found: list[tuple[str, Secret]] = []
    for field in ("headers", "extra_headers"):
        if field in params:
            found += document.headers(params[field], f"{key}.{field}", kinds.SECRET).items()
    return tuple(found)


def _upstream_name(
    document: Document, entry: yaml.Node, server: _Server, provider: str, names: dict[_Server, str], values: Values
) -> str:
    """The upstream of a server: named after its provider, or after its host where only that tells it apart."""
    if server in names:
        return names[server]
    plain = urlsplit(server.url).netloc if server.written else provider
    name = next(name for name in _numbered(plain) if ("upstreams", name) not in values)
    names[server] = name
    origin = document.origin(entry)
    path = ("upstreams", name)
    values[path] = Value(None, origin)
    fields: dict[str, Any] = {"key": server.key, "headers": dict(server.headers), "provider": server.provider}
    fields |= dict(server.places)
    if server.written:
        fields["url"] = server.url
    values.update({(*path, field): Value(value, origin) for field, value in fields.items() if value})
    return name


def _numbered(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1


def _general(document: Document, node: yaml.Node | None, values: Values) -> set[str]:
    """`master_key` becomes our `keys`: a proxy that asked for a key must not open itself by moving here."""
    unused: set[str] = set()
    if node is None:
        return unused
    for name, _, child in document.pairs(node, "general_settings"):
        if name == "master_key":
            secret = document.value(child, "general_settings.master_key", kinds.SECRET)
            values["keys",] = Value((secret,), document.origin(child))
        else:
            unused.add(f"general_settings.{name}")
    return unused
