"""What an operator sees of a running process: counts by upstream, status and fault, since it started.

Plain dictionaries that an exchange is added to when it ends; everything that costs is done when somebody asks.  Labels
are bounded: paths and faults are those of tables, upstreams those of the settings, and of model names, which clients
choose, only the first ones are told apart.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from .. import __version__
from ..excerpts import excerpt
from ..faults import FAULTS
from ..pipeline import Tally
from ..prices import shown
from .exchange import Exchange

__all__ = ["MODELS", "Metrics", "path_label"]

MODELS: Final = 100
"""Model names that are told apart; later ones are `other`."""
CHANGES = 200
"""Names of changes that are told apart."""
OTHER: Final = "other"
_NONE: Final = "-"
_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Seconds.  Model servers answer in anything from a few milliseconds to minutes."""
_PATHS = frozenset(
    (
        *("/chat/completions", "/completions", "/embeddings", "/models", "/responses", "/moderations"),
        *("/images/generations", "/images/edits", "/images/variations"),
        *("/audio/speech", "/audio/transcriptions", "/audio/translations"),
    )
)
_FAMILIES = frozenset(
    (
        *("assistants", "batches", "chat", "conversations", "files", "fine_tuning", "models", "realtime", "responses"),
        *("threads", "uploads", "vector_stores", "videos"),
    )
)

Labels = tuple[tuple[str, str], ...]


@lru_cache(maxsize=1024)
def path_label(path: str) -> str:
    """A request's path as a label: one of a few, whatever clients ask for."""
    _, version, rest = path.partition("/v1/")
    if not version:
        return OTHER
    parts = [part for part in rest.split("/") if part]
    tidy = "/" + "/".join(parts)
    if tidy in _PATHS:
        return "/v1" + tidy
    return f"/v1/{parts[0]}/*" if parts and parts[0] in _FAMILIES else OTHER


class _Histogram:
    def __init__(self) -> None:
        self.counts = [0] * (len(_BOUNDS) + 1)
        self.sum = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(_BOUNDS, seconds)] += 1
        self.sum += seconds


class _Count:
    """Requests that have ended, and bytes of their replies."""

    __slots__ = ("received", "requests", "sent")

    def __init__(self) -> None:
        self.requests = 0
        self.sent = 0
        self.received = 0


class _Used:
    """Replies whose usage is known from one source, and their tokens."""

    __slots__ = ("completion", "prompt", "replies")

    def __init__(self) -> None:
        self.replies = 0
        self.prompt = 0
        self.completion = 0


class _Noted:
    """Faults of one model of an upstream."""

    __slots__ = ("counts", "unshown")

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.unshown: set[str] = set()
        """Those of which there was no example."""


@dataclass(frozen=True, slots=True)
class _Example:
    at: str
    request: str
    excerpt: str


def _copied(noted: _Noted) -> _Noted:
    made = _Noted()
    made.counts, made.unshown = {**noted.counts}, {*noted.unshown}
    return made


def _anew(text: str) -> str:
    """Equal to `text`, and not the same object."""
    return "".join([*text])


class Metrics:
    """The counters of one process."""

    def __init__(self, workers: int = 1) -> None:
        self.since = _now()
        self.running: set[Exchange[Any]] = set()
        self._shared = workers > 1
        self._counts: dict[tuple[str, str, int], _Count] = {}
        """By path, upstream and status."""
        self._faults: dict[tuple[str, str], _Noted] = {}
        """By upstream and model."""
        self._used: dict[tuple[str, str], _Used] = {}
        """By upstream and source."""
        self._changes: dict[tuple[str, str], int] = {}
        self._costs: dict[tuple[str, str], Decimal] = {}
        """US dollars by upstream and model."""
        self._seconds: dict[str, _Histogram] = {}
        self._models: set[str] = set()
        self._examples: dict[str, dict[str, _Example]] = {}
        """By upstream and fault."""

    def end(self, exchange: Exchange[Any]) -> None:
        """Count an exchange that has ended."""
        self.running.discard(exchange)
        upstream, client = exchange.upstream or _NONE, exchange.client
        key = (path_label(client.path[:200]), upstream, exchange.status)
        count = self._counts.get(key)
        if count is None:
            count = self._counts[key] = _Count()
        count.requests += 1
        count.sent += client.sent
        count.received += exchange.received
        if exchange.upstream_seconds is not None:
            seconds = self._seconds.get(upstream)
            if seconds is None:
                seconds = self._seconds[upstream] = _Histogram()
            seconds.add(exchange.upstream_seconds)
        if exchange.used is not None:
            self._count_usage(exchange.used, upstream)
        if exchange.changes:
            for change in exchange.changes:
                known = (change, upstream) in self._changes or len(self._changes) < CHANGES
                _add(self._changes, (change if known else OTHER, upstream), 1)
        if exchange.spent is not None:
            _add(self._costs, (upstream, self._model(exchange.model)), exchange.spent)
        if exchange.faults:
            self._count_faults(exchange, upstream)

    def renew(self) -> None:
        """Make the rows anew, where new objects are made now: each lies amid what was freed since, and keeps that."""
        self._counts = {(*key,): copy(row) for key, row in self._counts.items()}
        self._used = {(*key,): copy(row) for key, row in self._used.items()}
        self._faults = {(*key,): _copied(row) for key, row in self._faults.items()}
        self._examples = {
            upstream: {
                fault: _Example(*(_anew(text) for text in (row.at, row.request, row.excerpt)))
                for fault, row in examples.items()
            }
            for upstream, examples in self._examples.items()
        }
        path_label.cache_clear()

    def _count_usage(self, used: Tally, upstream: str) -> None:
        count = self._used.get((upstream, used.source))
        if count is None:
            count = self._used[upstream, used.source] = _Used()
        count.replies += 1
        count.prompt += used.prompt
        count.completion += used.completion

    def _count_faults(self, exchange: Exchange[Any], upstream: str) -> None:
        key = (upstream, self._model(exchange.model))
        noted = self._faults.get(key)
        if noted is None:
            if FAULTS.keys().isdisjoint(exchange.faults):
                return
            noted = self._faults[key] = _Noted()
        counts, unshown = noted.counts, noted.unshown
        for fault, count in exchange.faults.items():
            before = counts.get(fault)
            if before is None:
                if fault not in FAULTS:
                    continue
                before = 0
                unshown.add(fault)
            counts[fault] = before + count
            if unshown and fault in unshown and self._is_shown(exchange, upstream, fault):
                unshown.remove(fault)

    def _is_shown(self, exchange: Exchange[Any], upstream: str, fault: str) -> bool:
        """Whether there is an example of a fault, which this exchange may give."""
        examples = self._examples.setdefault(upstream, {})
        if fault not in examples:
            sent = exchange.example_of(fault)
            if sent is None:
                return False
            examples[fault] = _Example(_now(), exchange.request_id.decode("latin-1"), excerpt(sent))
        return True

    def _model(self, name: str | None) -> str:
        if not name:
            return _NONE
        name = name[:100] if name.isascii() else name[:100].encode("utf-8", "replace").decode()
        if name not in self._models:
            if len(self._models) >= MODELS:
                return OTHER
            self._models.add(name)
        return name

    # ---- Prometheus

    def text(self) -> bytes:
        """The text format of Prometheus, version 0.0.4."""
        return ("\n".join(self._lines()) + "\n").encode("utf-8", "replace")

    def _lines(self) -> Iterator[str]:
        streams = sum(1 for each in self.running if each.streams)
        counts = self._counts.items()
        requests = [(_labels(path=p, upstream=u, status=str(s)), n.requests) for (p, u, s), n in counts]
        received: dict[str, int] = {}
        sent: dict[str, int] = {}
        for (_, upstream, _), count in counts:
            _add(received, upstream, count.received)
            _add(sent, upstream, count.sent)
        faults = (
            (_labels(fault=fault, upstream=upstream, model=model), count)
            for (upstream, model), noted in self._faults.items()
            for fault, count in noted.counts.items()
        )
        yield from self._family("info", "gauge", "The version that runs.", [(_labels(version=__version__), 1)])
        yield from self._family("requests_total", "counter", "Requests that have ended.", requests)
        yield from self._family("requests_running", "gauge", "Requests that have not ended.", [((), len(self.running))])
        yield from self._family("streams_open", "gauge", "Streams that have begun and not ended.", [((), streams)])
        yield from self._family("faults_total", "counter", "Deviations from OpenAI's format, by id.", faults)
        changes = ((_labels(change=c, upstream=u), n) for (c, u), n in self._changes.items())
        yield from self._family(
            "request_changes_total", "counter", "Changes of requests on their way to an upstream, by name.", changes
        )
        for name, sizes, what in (
            ("received_bytes_total", received, "Bytes of replies that upstreams sent, decoded."),
            ("sent_bytes_total", sent, "Bytes of replies that clients were sent."),
        ):
            yield from self._family(name, "counter", what, ((_labels(upstream=u), n) for u, n in sizes.items()))
        used = self._used.items()
        yield from self._family(
            "usage_total",
            "counter",
            "Replies, by who says what they used: the upstream, or Trueline.",
            ((_labels(upstream=u, source=s), n.replies) for (u, s), n in used),
        )
        kinds = ("prompt", "completion")
        tokens = ((u, s, kind, getattr(n, kind)) for (u, s), n in used for kind in kinds)
        yield from self._family(
            "tokens_total",
            "counter",
            "Tokens of prompts and completions.",
            ((_labels(upstream=u, kind=kind, source=s), n) for u, s, kind, n in tokens),
        )
        costs = ((_labels(upstream=u, model=m), dollars) for (u, m), dollars in self._costs.items())
        yield from self._family("cost_usd_total", "counter", "US dollars that exchanges of a known price cost.", costs)
        yield from self._family(
            "upstream_seconds", "histogram", "From the request to the head of the upstream's reply.", self._buckets()
        )

    def _buckets(self) -> Iterator[tuple[Labels, float, str]]:
        for upstream, histogram in self._seconds.items():
            total = 0
            for bound, count in zip((*_BOUNDS, float("inf")), histogram.counts, strict=True):
                total += count
                shown = "+Inf" if bound == float("inf") else f"{bound:g}"
                yield _labels(upstream=upstream, le=shown), total, "_bucket"
            yield _labels(upstream=upstream), histogram.sum, "_sum"
            yield _labels(upstream=upstream), total, "_count"

    def _family(self, name: str, kind: str, what: str, samples: Iterable[tuple[Any, ...]]) -> Iterator[str]:
        yield f"# HELP trueline_{name} {what}"
        yield f"# TYPE trueline_{name} {kind}"
        own: Labels = (("pid", str(os.getpid())),) if self._shared else ()
        for labels, value, *suffix in samples:
            shown = ",".join(f'{key}="{_escaped(text)}"' for key, text in (*labels, *own))
            yield f"trueline_{name}{''.join(suffix)}{f'{{{shown}}}' if shown else ''} {_number(value)}"

    # ---- GET /trueline/faults

    def document(self) -> dict[str, Any]:
        """The faults of each upstream since the start, each with one example."""
        upstreams: dict[str, Any] = {}
        for (_, upstream, _), ended in self._counts.items():
            known = upstreams.setdefault(upstream, {"requests": 0, "faults": {}})
            known["requests"] += ended.requests
        for (upstream, model), noted in self._faults.items():
            faults = upstreams.setdefault(upstream, {"requests": 0, "faults": {}})["faults"]
            for fault, count in noted.counts.items():
                entry = faults.setdefault(fault, self._entry(upstream, fault))
                entry["count"] += count
                entry["models"][model] = count
        for known in upstreams.values():
            known["faults"] = dict(sorted(known["faults"].items(), key=lambda item: -item[1]["count"]))
        return {"since": self.since, "version": __version__, "pid": os.getpid(), "upstreams": upstreams}

    def _entry(self, upstream: str, fault: str) -> dict[str, Any]:
        row = FAULTS[fault]
        example = self._examples.get(upstream, {}).get(fault)
        return {
            "count": 0,
            "severity": row.severity,
            "action": row.action,
            "line": row.line,
            "models": {},
            "example": {"at": example.at, "request": example.request, "excerpt": example.excerpt} if example else None,
        }


def _add(counts: dict[Any, Any], key: Any, count: int | Decimal) -> None:
    counts[key] = counts.get(key, 0) + count


def _labels(**labels: str) -> Labels:
    return tuple(labels.items())


def _number(value: float | Decimal) -> str:
    if isinstance(value, Decimal):
        return shown(value)
    return repr(value) if isinstance(value, int) else f"{value:.6f}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
