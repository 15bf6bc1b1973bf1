"""Runs the probes against one server, politely: at a rate, within a number of tokens, a few at a time.

estimate(probes)                    what they will cost, before anything is asked
await Runner(asker, options).run()  the results, in the order of the probes
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from time import monotonic

from ..dialects.error_bodies import read_error
from ..mint import Mint
from ..shell.clock import SystemMint
from .ask import Asker, ModelNames
from .judging import examine
from .model import Call, Exchange, Probe, Result, Verdict
from .names import choose, listed
from .probes.models import LISTED
from .refusals import blames_the_key

__all__ = ["Estimate", "NoModelError", "Options", "Pace", "Runner", "UnreachableError", "estimate"]

_SHOWN = 120
_PATIENCE = 2
"""How often a request is asked again after a 429 or 503 that says when."""
_OF_THE_SERVER = frozenset({"headers-lost"})
_RANK: tuple[Verdict, ...] = ("wrong", "unreachable", "skipped", "unsupported", "pass")


class UnreachableError(Exception):
    """The server cannot be asked at all; the message says why."""


class NoModelError(Exception):
    """The server names no model, and neither did the caller."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to ask."""

    model: str | None = None
    image_model: str | None = None
    embedding_model: str | None = None
    rate: float = 0.0
    """Requests per second; 0: as fast as the server answers."""
    most_tokens: int | None = None
    """No probe is begun that could go beyond this."""
    at_once: int = 4
    """Probes that run at the same time."""
    patience: float = 30.0
    """Longest `Retry-After`, in seconds, that is waited for."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a set of probes costs at most, about."""

    requests: int
    tokens: int
    pictures: int


def estimate(probes: Iterable[Probe]) -> Estimate:
    """Add up what the probes say of themselves."""
    chosen = list(probes)
    return Estimate(
        sum(len(probe.calls) for probe in chosen),
        sum(probe.tokens for probe in chosen),
        sum(probe.pictures for probe in chosen),
    )


class Pace:
    """At most so many requests per second, evenly."""

    def __init__(self, rate: float) -> None:
        self._gap = 1 / rate if rate > 0 else 0.0
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for the next place in the line."""
        if not self._gap:
            return
        now = monotonic()
        at = max(self._next, now)
        self._next = at + self._gap
        if at > now:
            await asyncio.sleep(at - now)


class Runner:
    """One check of one server."""

    def __init__(
        self,
        asker: Asker,
        options: Options,
        *,
        mint: Mint | None = None,
        done: Callable[[Result], None] = lambda result: None,
    ) -> None:
        self._asker = asker
        self._options = options
        self._mint = mint or SystemMint()
        self._done = done
        self._pace = Pace(options.rate)
        self._tokens = 0
        self._rename_limit = False
        self.requests = 0
        """Sent so far."""
        self.models: ModelNames | None = None
        self.available: list[str] = []
        """Names that the server listed."""
        self.results: list[Result] = []

    @property
    def tokens(self) -> int:
        """Used so far: as reported, else as estimated."""
        return self._tokens

    async def meet(self) -> ModelNames:
        """See whether the server is there, and choose the models.

        Raises UnreachableError, NoModelError.
        """
        first = await self._ask(LISTED)
        if first.status == 0:
            raise UnreachableError(first.why or "no reply")
        if first.status in (401, 403):
            raise UnreachableError(f"the server refuses the key ({first.status}); name one with --key")
        if first.answered:
            self.available = listed(first.json)
        options = self._options
        self.models = choose(self.available, options.model, options.image_model, options.embedding_model)
        if self.models is None:
            raise NoModelError(_no_models(first))
        return self.models

    async def run(self, probes: Sequence[Probe]) -> list[Result]:
        """Ask all probes.  Call `meet` first.  `results` has what is known so far, should it be cancelled."""
        self.results = results = [Result(probe, "skipped", "the check was stopped before") for probe in probes]
        await self._learn_limit(probes)
        gate = asyncio.Semaphore(self._options.at_once)

        async def one(result: Result) -> None:
            async with gate:
                await self._probe(result)
            self._done(result)

        async with asyncio.TaskGroup() as tasks:
            for result in results:
                tasks.create_task(one(result))
        _clear_the_key(results)
        return results

    async def _learn_limit(self, probes: Sequence[Probe]) -> None:
        """Does the model insist on `max_completion_tokens`, as OpenAI's reasoning models do?"""
        if not any(call.path == "/chat/completions" for probe in probes for call in probe.calls):
            return
        reply = await self._ask(Call(body={"messages": [{"role": "user", "content": "Say ok."}], "max_tokens": 16}))
        self._rename_limit = reply.status == 400 and b"max_completion_tokens" in reply.body

    async def _probe(self, result: Result) -> None:
        probe = result.probe
        most = self._options.most_tokens
        if most is not None and self._tokens + probe.tokens > most:
            result.verdict, result.reason = "skipped", f"it would go beyond {most} tokens"
            return
        calls = [self._suited(call, probe) for call in probe.calls]
        if probe.together:
            result.exchanges += await asyncio.gather(*map(self._ask, calls))
        else:
            for call in calls:
                result.exchanges.append(await self._ask(call))
        self._count(result)
        self._judge(result)

    def _suited(self, call: Call, probe: Probe) -> Call:
        """The call in the words that this server understands."""
        if self.models is not None and "{model}" in call.path:
            return replace(call, path=call.path.replace("{model}", self.models.chat))
        body = call.body
        if not self._rename_limit or not isinstance(body, dict) or probe.feature == "max_tokens":
            return call
        if "max_tokens" not in body or call.path != "/chat/completions":
            return call
        renamed = {("max_completion_tokens" if name == "max_tokens" else name): value for name, value in body.items()}
        return replace(call, body=renamed)

    async def _ask(self, call: Call) -> Exchange:
        for attempt in range(_PATIENCE + 1):
            await self._pace.turn()
            self.requests += 1
            exchange = await self._asker.ask(call, self.models)
            wait = _retry_after(exchange)
            if attempt == _PATIENCE or wait is None or wait > self._options.patience:
                return exchange
            await asyncio.sleep(wait)
        raise AssertionError("unreachable")

    def _count(self, result: Result) -> None:
        reported = [exchange.heard.tokens("total_tokens") for exchange in result.exchanges]
        share = result.probe.tokens // len(result.exchanges)
        answered = [each.answered for each in result.exchanges]
        result.tokens = sum(share if each is None else each for each, ok in zip(reported, answered, strict=True) if ok)
        self._tokens += result.tokens

    def _judge(self, result: Result) -> None:
        probe = result.probe
        verdicts: list[tuple[Verdict, str]] = []
        for exchange in result.exchanges:
            stands, issues = examine(probe, exchange, self._mint)
            # It is one fact about the server: told by one group of probes, it does not hide what the others find.
            issues = [issue for issue in issues if issue.name not in _OF_THE_SERVER or probe.group == "http"]
            result.issues += [(issue, exchange) for issue in issues]
            verdicts.append((stands.verdict or "pass", stands.reason))
        if probe.across is not None and all(verdict == "pass" for verdict, _ in verdicts):
            result.issues += [(issue, result.exchanges[0]) for issue in probe.across(result.exchanges)]
        result.verdict, result.reason = min(verdicts, key=lambda each: _RANK.index(each[0]))
        if result.verdict == "pass" and any(issue.level != "legal" for issue, _ in result.issues):
            result.verdict = "wrong"


def _clear_the_key(results: Sequence[Result]) -> None:
    """A key that opened an endpoint cannot be what is wrong with a bad request to it."""
    opened = {
        exchange.endpoint
        for result in results
        for call, exchange in zip(result.probe.calls, result.exchanges, strict=False)
        if exchange.answered and call.key == "own" and result.verdict in ("pass", "wrong")
    }
    for result in results:
        probe = result.probe
        own = all(call.key == "own" for call in probe.calls)
        if probe.expect is None or result.verdict != "unreachable" or not own:
            continue
        for exchange in result.exchanges:
            issue = blames_the_key(exchange, probe.expect) if exchange.endpoint in opened else None
            if issue is not None:
                result.issues.append((issue, exchange))
                result.verdict = "wrong"


def _no_models(listing: Exchange) -> str:
    """Why no model is known, from what came in the place of a list; and what to do."""
    what = f"GET {listing.path} is answered with {listing.status}"
    hint = "" if "/v1/" in listing.path else ", and base URLs mostly end in /v1"
    if not listing.answered:
        said = read_error(listing.status, listing.headers, listing.body).message
        return f"{what} ({said[:_SHOWN]}){hint}; if it has no list of models, name one with --model"
    if not isinstance(listing.json, dict | list):
        return f"{what} and no JSON{hint}: is this the base URL of an API?"
    return "the server lists no model for chats; name one with --model"


def _retry_after(exchange: Exchange) -> float | None:
    """Seconds to wait before asking again; None: not at all."""
    if exchange.status not in (429, 503):
        return None
    try:
        return max(float(exchange.headers.get("retry-after", "")), 0.0)
    except ValueError:
        return None
