"""What a caller may set, with defaults that suit model servers: slow to start, long to finish."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits", "TLSOptions", "Timeouts"]

_KIB = 1024
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds; None means no limit."""

    connect: float | None = 10.0
    """Waiting for a free connection, DNS, TCP, proxy and TLS together."""
    first_byte: float | None = 600.0
    """From the request sent to the head of the response."""
    stall: float | None = 300.0
    """No body byte for this long, in either direction.  Time in which the reader holds us back does not count."""
    total: float | None = None
    """From the start of the request to the last byte of the response."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on what one client holds and on what one upstream may send."""

    max_idle_per_host: int = 64
    idle_expiry: float = 60.0
    """Seconds an unused connection is kept."""
    max_connections_per_host: int | None = None
    max_headers: int = 256
    """Header lines of one response, interim responses included."""
    max_head_bytes: int = 64 * _KIB
    max_body_bytes: int | None = 256 * _MIB
    """Bytes of one response body after decoding."""
    max_expansion: int = 100
    """How many times larger than its compressed form a body may be, past the allowance."""
    expansion_allowance: int = 16 * _MIB
    """Decoded bytes below which `max_expansion` is not looked at: small bodies compress absurdly well."""
    high_water: int = 256 * _KIB
    """Decoded bytes waiting for a reader above which the socket is no longer read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TLSOptions:
    """How an https upstream is verified."""

    verify: bool = True
    """False accepts any certificate: for servers in one's own network only."""
    ca_file: str | None = None
    """PEM file of the authorities to trust, in place of the system's."""
