"""The table of known providers and model servers: how each is reached, and what is known of it.  Data, no behaviour.

`PROVIDERS` has a row by name; `provider_of` finds the row of a URL.  A branch on a provider's name has no place
anywhere: what differs is a field of the row.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from . import clouds, hosts, servers
from .row import AUTHS, DIALECTS, FETCHED, UNKNOWN, Auth, Capabilities, Dialect, Provider

__all__ = [
    "AUTHS",
    "DIALECTS",
    "FETCHED",
    "PROVIDERS",
    "UNKNOWN",
    "Auth",
    "Capabilities",
    "Dialect",
    "Provider",
    "named",
    "provider_of",
]

_ROWS: Final = (*clouds.ROWS, *hosts.ROWS, *servers.ROWS)

PROVIDERS: Final[Mapping[str, Provider]] = MappingProxyType({row.name: row for row in _ROWS})
_NAMES: Final = {name: row for row in _ROWS for name in (*row.also, row.name)}
_BEGINNINGS: Final = sorted(
    ((*host.partition("/")[::2], row) for row in _ROWS for host in row.hosts), key=lambda known: -len(known[1])
)
"""(host, path without its first slash, row), the longest path first."""


def named(name: str) -> Provider | None:
    """The row of a name, or of another name for it."""
    return _NAMES.get(name)


def provider_of(url: str, dialect: str = "openai") -> Provider | None:
    """The row that a URL belongs to, told by its host and the beginning of its path; None for any other server.

    `dialect`: what is spoken with it, as some hosts have an API of their own and one of OpenAI's under one URL.
    """
    rest = url.partition("://")[2]
    authority, _, path = rest.partition("?")[0].partition("/")
    host = authority.rpartition("@")[2].lower().removesuffix(":443")
    for known, beginning, row in _BEGINNINGS:
        if (
            row.dialect == dialect
            and _same(host, known)
            and (path + "/").startswith(beginning + "/" if beginning else "")
        ):
            return row
    return None


def _same(host: str, known: str) -> bool:
    """Whether a host is the known one, whose `*` stands for anything that is not empty."""
    start, star, end = known.partition("*")
    if not star:
        return host == known
    return len(host) > len(start) + len(end) and host.startswith(start) and host.endswith(end)
