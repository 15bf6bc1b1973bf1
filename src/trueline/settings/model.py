"""What the rest of Trueline receives: frozen, complete, and with every override already applied."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from trueline.context import FormatOptions
from trueline.prices import Price

from .errors import DEFAULT, Origin
from .rows import default
from .secret import Secret

__all__ = ["Limits", "ModelAlias", "Proxy", "Settings", "Timeouts", "Upstream", "is_loopback"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds; None means no limit."""

    connect: float | None = default("timeouts.connect")
    first_byte: float | None = default("timeouts.first_byte")
    stall: float | None = default("timeouts.stall")
    total: float | None = default("timeouts.total")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bytes."""

    request_bytes: int = default("limits.request_bytes")
    reply_bytes: int = default("limits.reply_bytes")
    header_bytes: int = default("limits.header_bytes")
    recorded_body: int = default("limits.recorded_body")
    recorded_total: int = default("limits.recorded_total")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    name: str
    url: str
    """Base URL with no slash at its end; paths such as `/chat/completions` are appended to it."""
    key: Secret | None = None
    """None: the client's own key is forwarded."""
    headers: Mapping[str, Secret] = field(default_factory=dict)
    verify: bool = default("upstreams.*.verify")
    ca_file: str | None = None
    timeouts: Timeouts = Timeouts()
    format: FormatOptions = FormatOptions()
    provider: str | None = None
    """Name of its row in the table of providers, where the settings name one."""
    dialect: str = "openai"
    auth: str = "bearer"
    """How its key is shown (`providers.Auth`)."""
    path: str = "{path}"
    """See `Provider.path`; only `{path}` and `{model}` are still to be filled."""
    plain_path: str = ""
    places: Mapping[str, str] = field(default_factory=dict)
    """What filled the placeholders of the provider's row: `region`, `api_version` …"""
    on_unsupported: Literal["error", "drop"] = "error"
    """What becomes of a parameter that the API of a `dialect` cannot express."""
    capabilities: Mapping[str, Any] = field(default_factory=dict)
    """What the settings say of it: some fields of `providers.Capabilities`, in place of what is known otherwise."""
    demo: bool = False
    """The embedded demo upstream: the application starts it, and `url` is only a marker."""


@dataclass(frozen=True, slots=True)
class ModelAlias:
    upstream: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """HTTP proxies on the way to upstreams; their URLs may hold passwords."""

    http: Secret | None = None
    https: Secret | None = None
    no_proxy: tuple[str, ...] = ()


def is_loopback(host: str) -> bool:
    """Whether a host name or address literal can only mean this machine; no name is looked up but `localhost`."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    host: str = default("host")
    port: int = default("port")
    socket: str | None = default("socket")
    """Path of a unix socket, in place of `host` and `port`; one named in a settings file is relative to that file."""
    tls_cert: str | None = default("tls_cert")
    tls_key: str | None = default("tls_key")
    workers: int = default("workers")
    grace: float = default("grace")
    """Seconds that running replies get after SIGTERM."""
    client_timeout: float | None = default("client_timeout")
    """Seconds; None means no limit."""
    server: str = default("server")
    allow_public: bool = default("allow_public")
    keys: tuple[Secret, ...] = default("keys")
    """Keys that clients must send to Trueline; empty: none is demanded."""
    allowed_hosts: tuple[str, ...] = default("allowed_hosts")
    """Lower-case hosts, each with its port where it was given one, that `/{host}/v1/…` may reach."""
    log_level: str = default("log_level")
    log_format: str = default("log_format")
    record: str | None = default("record")
    """Folder for recorded exchanges; one named in a settings file is relative to that file."""
    upstreams: Mapping[str, Upstream] = field(default_factory=dict)
    models: Mapping[str, ModelAlias] = field(default_factory=dict)
    """Aliases; each names an upstream that exists."""
    prices: Mapping[str, Price] = field(default_factory=dict)
    """By model, or by `upstream/model`; before the table of prices."""
    providers: str = default("providers")
    known: Mapping[str, Upstream] = field(default_factory=dict)
    """Providers with their key in the environment, which `provider/model` reaches; see `providers`."""
    tokenizers: Mapping[str, str] = field(default_factory=dict)
    """Files that count for models, by name or pattern; one named in a settings file is relative to that file."""
    count_remote_images: bool = default("count_remote_images")
    format: FormatOptions = FormatOptions()
    timeouts: Timeouts = Timeouts()
    limits: Limits = Limits()
    proxy: Proxy = Proxy()
    warnings: tuple[str, ...] = ()
    """One line each, for the start screen: what was read but cannot be used."""
    origins: Mapping[str, Origin] = field(default_factory=dict, repr=False, compare=False)

    def origin(self, key: str) -> Origin:
        """Where the value of a key (`port`, `upstreams.local.url`) came from."""
        return self.origins.get(key, DEFAULT)
