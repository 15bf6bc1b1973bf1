"""Which upstream a request goes to, and how that upstream is reached."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import msgspec

from ..context import FormatOptions, Route
from ..dialects.provider import ProviderDialect, dialect_of
from ..errors import NotFoundError, RequestError
from ..prices import NO_PRICES, Price, PriceBook
from ..providers import FETCHED, PROVIDERS, UNKNOWN, Capabilities, Provider, provider_of
from ..settings import Settings, Upstream, is_loopback
from .headers import Pairs, credential, is_credential
from .paths import PLAIN, Paths
from .signing import SIGNERS, Signing, is_aws, region_of
from .upstream import Target, Timeouts, TLSOptions

__all__ = ["Backend", "Choice", "Routes", "spoken_by"]


@dataclass(frozen=True, slots=True)
class Backend:
    """An upstream, ready to be called."""

    name: str
    target: Target
    headers: Pairs
    """The upstream's own headers, its key among them; they replace the client's."""
    own_key: bool
    """Its key is Trueline's, so the client's own is not sent to it."""
    secrets: tuple[str, ...]
    """What no error may repeat: the keys in `headers`."""
    timeouts: Timeouts
    tls: TLSOptions
    options: FormatOptions
    guarded: bool = False
    """The request chose the host: its address is checked before it is connected to."""
    provider: Provider | None = None
    """Its row of the table of providers, named by the settings or told by its URL."""
    dialect: str = "openai"
    auth: str = "bearer"
    """How a key is shown to it.  For what has to be signed or fetched first (sigv4, azure_ad, google_token) `headers`
    holds nothing, unless the settings give a token as the key: that is `signing`'s."""
    paths: Paths = PLAIN
    """What its URL is followed by."""
    prices: PriceBook = NO_PRICES
    tokenizers: Mapping[str, str] = field(default_factory=dict)
    """Files of tokenizers, by model (`tokens.tokenizer_for`)."""
    capabilities: Capabilities = UNKNOWN
    """What is known of it before it was ever asked (`learned.py` has what it taught)."""
    on_unsupported: Literal["error", "drop"] = "error"
    """What becomes of a parameter that its API cannot express."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """What its API's requests are written with: `region`, `host` …"""
    signing: Signing | None = None
    """Makes the key of each request, where it is not one for all."""
    translated: bool = False
    """It speaks an API of its own, or each request is signed: whoever asks it has to be able to wait."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The backend for one request, and the model name to ask it for (None: as the client said)."""

    backend: Backend
    model: str | None = None
    route: Route = field(init=False)

    def __post_init__(self) -> None:
        route = Route(self.backend.name, self.model, self.backend.tokenizers)
        object.__setattr__(self, "route", route)


def _backend(upstream: Upstream, settings: Settings, url: str | None = None) -> Backend:
    headers: Pairs = [(n.lower().encode(), v.reveal().encode()) for n, v in upstream.headers.items()]
    paths = Paths(upstream.path, upstream.plain_path)
    secrets: tuple[str, ...] = ()
    if upstream.key is not None and not any(name == b"authorization" for name, _ in headers):
        key = upstream.key.reveal()
        if upstream.auth == "query":
            paths, secrets = paths.with_key(key), (key,)
        else:
            headers.append(credential(upstream.auth, key.encode()))
    if paths.as_they_are:
        paths = PLAIN
    given = upstream.timeouts
    provider = PROVIDERS.get(upstream.provider or "") or provider_of(url or upstream.url, upstream.dialect)
    target = Target.parse(url or upstream.url)
    signing = _signing(upstream, target)
    return Backend(
        upstream.name,
        target,
        headers,
        bool(secrets) or upstream.auth in FETCHED or any(is_credential(name) for name, _ in headers),
        (*secrets, *(value.decode().rpartition(" ")[2] for name, value in headers if is_credential(name))),
        Timeouts(connect=given.connect, first_byte=given.first_byte, stall=given.stall, total=given.total),
        TLSOptions(verify=upstream.verify, ca_file=upstream.ca_file),
        upstream.format,
        provider=provider,
        dialect=upstream.dialect,
        auth=upstream.auth,
        paths=paths,
        prices=_price_book(upstream, provider, settings.prices),
        tokenizers=settings.tokenizers,
        capabilities=_capabilities(upstream, provider),
        on_unsupported=upstream.on_unsupported,
        settings={**upstream.places, "host": target.host, "base_path": target.base_path},
        signing=signing,
        translated=upstream.dialect != "openai" or signing is not None,
    )


def _signing(upstream: Upstream, target: Target) -> Signing | None:
    """What makes the keys of an upstream that is not given one; AWS's signatures are of use to AWS alone."""
    make = SIGNERS.get(upstream.auth)
    if make is None or upstream.key is not None or (upstream.auth == "sigv4" and not is_aws(target.host)):
        return None
    return Signing(make(upstream.places.get("region") or region_of(target.host)))


def spoken_by(backend: Backend) -> ProviderDialect | None:
    """The API that an upstream speaks; None for OpenAI's."""
    return None if backend.dialect == "openai" else dialect_of(backend.dialect)


def _price_book(upstream: Upstream, provider: Provider | None, prices: Mapping[str, Price]) -> PriceBook:
    """What its models cost: `upstream/model` in the settings, then `model`, then its provider's."""
    start = upstream.name + "/"
    own = {model.removeprefix(start): price for model, price in prices.items() if model.startswith(start)}
    return PriceBook(provider.name if provider is not None else None, {**prices, **own})


def _capabilities(upstream: Upstream, provider: Provider | None) -> Capabilities:
    """What the settings say, in front of what is known of its provider."""
    spoken = provider is not None and provider.dialect == upstream.dialect
    known = provider.capabilities if provider is not None and spoken else UNKNOWN
    return msgspec.structs.replace(known, **upstream.capabilities) if upstream.capabilities else known


class Routes:
    """The table of upstreams and aliases.  `demo_url`: where the embedded demo upstream listens, if there is one."""

    def __init__(self, settings: Settings, demo_url: str | None = None) -> None:
        self._settings = settings
        self.backends = {
            name: _backend(upstream, settings, demo_url if upstream.demo else None)
            for name, upstream in settings.upstreams.items()
        }
        self._only = Choice(next(iter(self.backends.values()))) if len(self.backends) == 1 else None
        self.aliases = {
            alias: Choice(self.backends[entry.upstream], entry.model) for alias, entry in settings.models.items()
        }
        self._hosts: dict[str, Backend] = {}
        self._known: dict[str, Backend] = {}

    def for_model(self, model: str | None) -> Choice:
        """The way for a model name: an alias, `provider/model`, the only upstream, or `upstream/model`.

        Raises RequestError for no model with several upstreams, NotFoundError for a model that nobody serves.
        """
        if model is not None and model in self.aliases:
            return self.aliases[model]
        if model is not None and self._settings.known:
            found = self._of_provider(model)
            if found is not None:
                return found
        if self._only is not None:
            return self._only
        if not self.backends and not self._settings.known:
            raise NotFoundError("No upstream is configured.", code="upstream_not_found")
        if model is None:
            raise RequestError("you must provide a model parameter", param="model")
        name, slash, rest = model.partition("/")
        if slash and rest and name in self.backends:
            return Choice(self.backends[name], rest)
        raise NotFoundError(
            f"The model `{model}` does not exist or you do not have access to it. {self._served()}",
            param="model",
            code="model_not_found",
        )

    def _of_provider(self, model: str) -> Choice | None:
        """The way to a provider whose key is in the environment, unless an upstream has its name."""
        name, _, rest = model.partition("/")
        if not rest or name not in self._settings.known:
            return None
        backend = self.backends.get(name) or self._known.get(name)
        if backend is None:
            backend = self._known[name] = _backend(self._settings.known[name], self._settings)
        return Choice(backend, rest)

    def _served(self) -> str:
        aliases = ", ".join(list(self.aliases)[:10])
        names = dict.fromkeys((*self.backends, *self._settings.known))
        forms = ", ".join(f"{name}/MODEL" for name in list(names)[:10])
        return f"Trueline routes {f'the models {aliases}, and ' if aliases else ''}{forms}."

    def default(self) -> Choice:
        """The way for a request that names no model: the first upstream of the settings."""
        if not self.backends:
            raise NotFoundError("No upstream is configured.", code="upstream_not_found")
        return Choice(next(iter(self.backends.values())))

    def for_host(self, host: str) -> Choice | None:
        """The way for `/{host}/v1/…`, or None where the host is not on the allow-list."""
        host = host.lower()
        if host not in self._settings.allowed_hosts:
            return None
        backend = self._hosts.get(host)
        if backend is None:
            backend = self._hosts[host] = self._host_backend(host)
        return Choice(backend)

    def _host_backend(self, host: str) -> Backend:
        bare = host.rpartition(":")[0].strip("[]") if host.rpartition(":")[2].isdigit() else host.strip("[]")
        local = is_loopback(bare) or _is_private(bare)
        settings = self._settings
        backend = _backend(
            Upstream(
                name=host,
                url=f"{'http' if local else 'https'}://{host}/v1",
                timeouts=settings.timeouts,
                format=settings.format,
            ),
            settings,
        )
        # An address that the operator wrote down is meant; a name may resolve to anything.
        return backend if local else replace(backend, guarded=True)


def _is_private(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False
