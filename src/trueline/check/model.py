"""What the check is made of: probes, the exchanges they cause, what was found in them, and the verdicts.

Probe      what is asked and what must hold, as data        (probes/)
Exchange   one request and all that came back               (ask.py makes them)
Issue      one deviation, named and with its evidence       (judging.py, checks.py)
Result     a probe with its verdict
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from ..faults import FAULTS
from ..judge.rows import ROWS
from ..wire import jsonio
from .heard import Heard, hear

__all__ = [
    "ENDPOINTS",
    "EXCERPT",
    "LEVELS",
    "Call",
    "Check",
    "Exchange",
    "Expect",
    "Failure",
    "Issue",
    "Json",
    "Level",
    "Probe",
    "Result",
    "Shade",
    "Verdict",
    "endpoint_of",
]

Json = dict[str, Any]
Level = Literal["must", "exact", "legal"]
Verdict = Literal["pass", "wrong", "unsupported", "skipped", "unreachable"]
Shade = Literal["pass", "differs", "wrong", "unsupported", "skipped", "unreachable"]
Slot = Literal["chat", "image", "image_stream", "embedding", "completion"]
Failure = Literal["", "connect", "timeout", "cut", "format", "dropped"]

LEVELS: tuple[Level, ...] = ("must", "exact", "legal")
EXCERPT = 160
"""Characters of a reply that are shown as evidence."""
ENDPOINTS: Mapping[str, str] = {
    "/chat/completions": "chat",
    "/images/generations": "images",
    "/images/edits": "images",
    "/images/variations": "images",
    "/embeddings": "embeddings",
    "/completions": "completions",
    "/models": "models",
}


def endpoint_of(path: str) -> str:
    """Which endpoint a path belongs to, with or without the base path before it: `other` for one that is not known."""
    plain = path.partition("?")[0].rstrip("/")
    if "/models/" in plain:
        return "model"
    for ending in sorted(ENDPOINTS, key=len, reverse=True):
        if plain.endswith(ending):
            return ENDPOINTS[ending]
    return "other"


@dataclass(frozen=True, slots=True)
class Call:
    """One request, before the base URL, the key and the model are known."""

    path: str = "/chat/completions"
    body: Json | bytes | None = None
    method: str = "POST"
    slot: Slot | None = "chat"
    """Which model is put into the body; None: none."""
    key: Literal["own", "none", "wrong"] = "own"
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False
    """The connection is dropped once the first bytes of the body are there."""


@dataclass(frozen=True)
class Exchange:
    """A request as it was sent and the reply as it came.  Keys are masked in it already."""

    method: str
    path: str
    request: Json
    """The body that was sent; empty where there was none, or it was no object."""
    status: int = 0
    """0: no reply."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    failure: Failure = ""
    why: str = ""
    """In words, how the exchange failed or was refused by this side."""
    tolerated: tuple[str, ...] = ()
    """Ids of faults that the HTTP client put up with."""
    first_byte: float = 0.0
    """Seconds from the request to the first byte of the body."""
    seconds: float = 0.0
    origin: str = ""
    """host:port of the server."""

    @property
    def endpoint(self) -> str:
        return endpoint_of(self.path)

    @property
    def content_type(self) -> str | None:
        """The header as it came; "" where it was missing, None where the headers are not known."""
        return self.headers.get("content-type", "" if self.headers else None)

    @property
    def streaming(self) -> bool:
        """Was a stream asked for?"""
        return self.request.get("stream") is True

    @property
    def answered(self) -> bool:
        """A reply with a good status, complete or cut."""
        return 200 <= self.status < 300

    @cached_property
    def json(self) -> Any:
        """The body as JSON, read leniently; None where it is none."""
        try:
            return jsonio.decode(self.body)
        except jsonio.JSONError:
            return None

    @cached_property
    def heard(self) -> Heard:
        """What the reply says, however it is written."""
        return hear(self.body)


_OPENAI: Mapping[str, str] = {
    "buffered-stream": "sends each piece as it is written",
    "code-other": "says why in `code`, for those who read it",
    "emb-uneven": "sends vectors of one length",
    "emb-zeros": "sends vectors that say something",
    "err-200-for-4xx": "refuses such a request with a status of 400 or more",
    "finish-length-false": "says length where a limit cut the reply, else stop",
    "finish-length-masked": "says length where a limit cut the reply",
    "finish-lost-with-logprobs": "finishes every choice, with log probabilities or without",
    "good-request-refused": "answers such a request",
    "id-shared": "gives each reply an id of its own",
    "parallel-tool-calls-ignored": "makes one call at most where parallel ones are forbidden",
    "schema-not-kept": "keeps to the schema of the tool",
    "status-other": "has one status for each kind of refusal",
    "text-lost": "sends the text of the tokens that it counts",
    "text-of-another-request": "keeps its requests apart",
    "usage-counts-nothing": "counts the tokens that were read and written",
    "usage-differs-streamed": "counts the same prompt in the same way",
}
"""What OpenAI does instead of what only a probe can find."""


@dataclass(frozen=True, slots=True)
class Issue:
    """One deviation, as often as it was met in one exchange."""

    level: Level
    name: str
    """Id in the catalogue of faults, or a name of the judge's or the probes' own."""
    text: str
    """What is wrong, as a clause."""
    openai: str = ""
    """What OpenAI sends instead, as a clause."""
    rule: str = ""
    """Rule of OpenAI's wire format that it breaks."""
    place: str = ""
    excerpt: str = ""
    count: int = 1

    @property
    def fault(self) -> str | None:
        """The name, where it is one of the catalogue's."""
        return self.name if self.name in FAULTS else None

    @classmethod
    def of(cls, level: Level, name: str, text: str, excerpt: str = "", *, rule: str = "", openai: str = "") -> Issue:
        """An issue in the words of a probe; what OpenAI does is the judge's to know where nothing is said."""
        row = ROWS.get(name)
        return cls(
            level,
            name,
            text,
            openai or (row.openai if row else _OPENAI.get(name, "")),
            rule or (row.rule if row else ""),
            excerpt=excerpt if len(excerpt) <= EXCERPT else excerpt[: EXCERPT - 1] + "…",
        )


Check = Callable[[Exchange], Iterable[Issue]]
"""Looks at one exchange that was answered, for what only this probe can know."""
Across = Callable[[Sequence[Exchange]], Iterable[Issue]]


@dataclass(frozen=True, slots=True)
class Expect:
    """A refusal that the probe provokes: OpenAI's status, and its code and param where they are known."""

    statuses: tuple[int, ...]
    code: str | None = None
    param: str | None = None
    strict: bool = True
    """False: a server that answers all the same is only more lenient than OpenAI."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One question to the server."""

    id: str
    """`group.name`."""
    title: str
    calls: tuple[Call, ...]
    checks: tuple[Check, ...] = ()
    across: Across | None = None
    """Looks at all exchanges of the probe together."""
    together: bool = False
    """The calls are sent at once, not one after the other."""
    expect: Expect | None = None
    feature: str | None = None
    """What the server lacks if it refuses; None: it must not refuse."""
    tokens: int = 60
    """Estimate for all calls, prompt and completion."""
    pictures: int = 0

    @property
    def group(self) -> str:
        return self.id.partition(".")[0]


@dataclass(slots=True)
class Result:
    """A probe and what came of it."""

    probe: Probe
    verdict: Verdict = "pass"
    reason: str = ""
    """Why it is not a pass."""
    exchanges: list[Exchange] = field(default_factory=list)
    issues: list[tuple[Issue, Exchange]] = field(default_factory=list)
    tokens: int = 0
    """As the server reported them."""

    @property
    def shade(self) -> Shade:
        """The verdict, with a reply that only differs from OpenAI told apart from one that breaks clients."""
        if self.verdict == "wrong" and not any(issue.level == "must" for issue, _ in self.issues):
            return "differs"
        return self.verdict
