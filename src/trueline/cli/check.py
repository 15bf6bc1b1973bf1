"""`trueline check`: probes an endpoint, or judges recordings, and prints the report card."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .files import AS
from .terminal import has_colour, paint, width

if TYPE_CHECKING:
    from ..check import Asker, Card, Options, Probe, Result

__all__ = ["DESCRIPTION", "EPILOG", "USAGE", "add_arguments", "run"]

USAGE = """trueline check URL [--model NAME] [--key env:NAME] [--only GROUP,…] [flags]
       trueline check --offline FILE… [--as KIND] [--json] [--html FILE]"""
DESCRIPTION = (
    "Probe an OpenAI-compatible endpoint, or judge recorded replies, and print a report card: what is exact, what is "
    "wrong, which clients it breaks, and what Trueline makes of it."
)
EPILOG = """\
examples:
  trueline check http://127.0.0.1:11434/v1
  trueline check https://api.example.com/v1 --key env:EXAMPLE_API_KEY --model small-1 --rate 1
  trueline check http://127.0.0.1:8000/v1 --only stream,tools --html report.html
  trueline check URL --yes --fail-on exact --junit check.xml        in CI
  trueline check --offline reply.sse session.har                    judge recordings

exit code: 0 nothing found at the level of --fail-on, 1 something was, 2 the command makes no sense,
3 the server cannot be reached
"""

_FLAGS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("--model", {"metavar": "NAME", "help": "the model for chats (default: a cheap one of those that are listed)"}),
    ("--image-model", {"metavar": "NAME", "help": "the model for pictures (default: one that is listed)"}),
    ("--embedding-model", {"metavar": "NAME", "help": "the model for embeddings (default: one that is listed)"}),
    ("--key", {"metavar": "env:NAME", "help": "the API key, best as env:NAME (api.openai.com: env:OPENAI_API_KEY)"}),
    ("--only", {"metavar": "GROUP,…", "help": "only these groups of probes, or probes by their id"}),
    ("--list", {"action": "store_true", "help": "list the probes, and ask nothing"}),
    ("--offline", {"nargs": "+", "metavar": "FILE", "help": "judge recordings: .sse, .json, .har"}),
    ("--as", {**AS, "help": "with --offline: " + str(AS["help"])}),
    ("--json", {"action": "store_true", "help": "write the report as JSON"}),
    ("--html", {"metavar": "FILE", "help": "write the report as one page too"}),
    ("--junit", {"metavar": "FILE", "help": "write the report as JUnit XML too"}),
    (
        "--fail-on",
        {
            "choices": ("must", "exact", "any"),
            "default": "must",
            "help": "the level from which findings make exit code 1 (default: must)",
        },
    ),
    ("--rate", {"type": float, "metavar": "N", "help": "requests per second (default: 5; no limit for this machine)"}),
    ("--max-tokens-total", {"type": int, "metavar": "N", "help": "skip what would use more tokens than this in all"}),
    ("--timeout", {"type": float, "metavar": "SECONDS", "default": 60.0, "help": "for one reply (default: 60)"}),
    ("--yes", {"action": "store_true", "help": "do not ask before tokens are spent"}),
)
_RATE = 5.0
_LOOPBACK = ("127.", "localhost", "::1")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `trueline check`."""
    parser.add_argument("url", nargs="?", metavar="URL", help="base URL of the endpoint, such as http://host:8000/v1")
    for name, settings in _FLAGS:
        parser.add_argument(name, **settings)


class _UsageError(Exception):
    """The command makes no sense; the message says why."""


def run(args: argparse.Namespace) -> int:
    """Check; the exit code as in EPILOG."""
    try:
        if args.list:
            return _list(args)
        card = _offline(args) if args.offline else _online(args)
        if card is None:
            return 0
        _write(card, args)
    except _UsageError as error:
        print(f"trueline: {error}", file=sys.stderr)
        return 2
    except _Unreachable as error:
        print(f"trueline: {error}", file=sys.stderr)
        return 3
    return _exit_code(card, args.fail_on)


class _Unreachable(Exception):
    """There is no server, or it does not let us in."""


STOPPED = "Stopped before all was asked: what is said here is of a part only."
INTERRUPTED = 130


def _exit_code(card: Card, fail_on: str) -> int:
    from ..check import counts_as_failure

    if STOPPED in card.notes:
        return INTERRUPTED
    if any(counts_as_failure(entry.level, fail_on) for entry in card.entries):
        return 1
    examined = any(card.count(shade) for shade in ("pass", "differs", "wrong"))
    return 0 if examined else 3


def _list(args: argparse.Namespace) -> int:
    for probe in _chosen(args):
        print(f"{probe.id:<28} {probe.title}")
    return 0


def _chosen(args: argparse.Namespace) -> tuple[Probe, ...]:
    from ..check import chosen

    words = [word.strip() for word in (args.only or "").split(",") if word.strip()]
    try:
        return chosen(words)
    except ValueError as error:
        raise _UsageError(f"--only: {error}") from None


# ---- a server


def _online(args: argparse.Namespace) -> Card | None:
    """The card; None where the user did not want to go on."""
    import asyncio

    from ..check import Asker, NoModelError, UnreachableError
    from ..shell.upstream import Target, UpstreamClient

    if not args.url:
        raise _UsageError("which endpoint? trueline check URL, or --offline FILE")
    url, probes, options = _base_url(args.url), _chosen(args), _options(args)
    try:
        target = Target.parse(url)
    except ValueError as error:
        raise _UsageError(str(error)) from None
    key = _key(args.key, target.host, os.environ)

    async def check() -> Card | None:
        client = UpstreamClient()
        try:
            return await _examine(Asker(client, target, key, args.timeout), url, probes, options, args)
        finally:
            await client.close()

    try:
        return asyncio.run(check())
    except UnreachableError as error:
        raise _Unreachable(f"{url} cannot be checked: {error}") from None
    except NoModelError as error:
        raise _UsageError(f"{url}: {error}") from None


async def _examine(
    asker: Asker, url: str, probes: Sequence[Probe], options: Options, args: argparse.Namespace
) -> Card | None:
    import asyncio
    from dataclasses import replace

    from .. import __version__
    from ..check import Runner, make_card
    from ..shell.clock import SystemMint

    progress = _Progress(len(probes))
    runner = Runner(asker, options, done=progress.step)
    models = await runner.meet()
    if not _agreed(url, models.chat, probes, args):
        return None
    began = monotonic()
    notes: tuple[str, ...] = ()
    try:
        await runner.run(probes)
    except asyncio.CancelledError:  # Ctrl-C: what is known by then is reported
        asyncio.current_task().uncancel()  # type: ignore[union-attr]  # it runs in one
        notes = (STOPPED,)
    progress.close()
    card = make_card(url, models.chat, runner.results, SystemMint())
    return replace(
        card,
        notes=notes,
        requests=runner.requests,
        tokens=runner.tokens,
        seconds=monotonic() - began,
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        version=__version__,
    )


def _agreed(url: str, model: str, probes: Sequence[Probe], args: argparse.Namespace) -> bool:
    """Say what it will cost, and ask a person at a terminal."""
    from ..check import estimate

    cost = estimate(probes)
    pictures = f" and {cost.pictures} pictures" if cost.pictures else ""
    limit = f", {args.max_tokens_total:,} at most" if args.max_tokens_total else ""
    said = f"{cost.requests} requests to {url} ({model}), about {cost.tokens:,} tokens{limit}{pictures}"
    if args.yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
        print(f"trueline: {said}", file=sys.stderr)
        return True
    print(f"{said}. Go on? [Y/n] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("", "y", "yes")


class _Progress:
    """A bar on stderr, where that is a terminal."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._wrong = total, 0, 0
        self._shown = sys.stderr.isatty()

    def step(self, result: Result) -> None:
        """One probe is through."""
        self._done += 1
        self._wrong += result.verdict == "wrong"
        if self._shown:
            filled = 24 * self._done // self._total
            bar = "█" * filled + "░" * (24 - filled)
            text = f"\r\x1b[K{bar} {self._done}/{self._total}  {self._wrong} wrong  {result.probe.id}"
            print(text, end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Wipe the bar away."""
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _base_url(given: str) -> str:
    """The base URL; a host alone means its /v1."""
    url = given.strip().rstrip("/")
    if "://" in url and not urlsplit(url).path:
        return url + "/v1"
    for ending in ("/chat/completions", "/completions", "/embeddings", "/models"):
        url = url.removesuffix(ending)
    return url


def _options(args: argparse.Namespace) -> Options:
    from ..check import Options

    if args.rate is not None and args.rate < 0:
        raise _UsageError("--rate must not be negative; 0 means no limit")
    if args.timeout <= 0:
        raise _UsageError("--timeout must be more than 0 seconds")
    host = urlsplit(args.url).hostname or ""
    rate = (0.0 if host.startswith(_LOOPBACK) else _RATE) if args.rate is None else args.rate
    return Options(args.model, args.image_model, args.embedding_model, rate, args.max_tokens_total)


def _key(given: str | None, host: str, env: Mapping[str, str]) -> str | None:
    """The key: env:NAME, os.environ/NAME, ${NAME} or the key itself.  It is never printed, also not here."""
    if given is None:
        return env.get("OPENAI_API_KEY") or None if host == "api.openai.com" else None
    name = given[2:-1] if given.startswith("${") and given.endswith("}") else ""
    for prefix in ("env:", "os.environ/"):
        name = given.removeprefix(prefix) if given.startswith(prefix) else name
    key = given
    if name:
        if not env.get(name):
            raise _UsageError(f"--key: the environment has no variable {name}, or it is empty")
        key = env[name]
    if not key.isascii() or not key.isprintable() or " " in key:
        raise _UsageError("--key: a key has only printable ASCII letters, and no spaces")
    return key


# ---- recordings


def _offline(args: argparse.Namespace) -> Card:
    from .. import __version__
    from ..check import judge_files

    if args.url:
        raise _UsageError("either URL or --offline FILE, not both")
    contents = []
    for name in args.offline:
        try:
            contents.append((name, Path(name).read_bytes()))
        except OSError as failed:
            raise _UsageError(f"{name}: {failed.strerror or failed}") from None
    try:
        card = judge_files(contents, args.kind)
    except ValueError as error:
        raise _UsageError(str(error)) from None
    from dataclasses import replace

    return replace(card, when=datetime.now(UTC).isoformat(timespec="seconds"), version=__version__)


# ---- the reports


def _write(card: Card, args: argparse.Namespace) -> None:
    from ..check import as_html, as_json, as_junit

    files = [(args.html, as_html(card))] if args.html else []
    files += [(args.junit, as_junit(card, args.fail_on))] if args.junit else []
    for name, text in files:
        try:
            Path(name).write_text(text, encoding="utf-8")
        except OSError as failed:
            raise _UsageError(f"{name}: {failed.strerror or failed}") from None
    encoding = sys.stdout.encoding or "utf-8"
    text = as_json(card) if args.json else _screen(card)
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))  # a reply may hold halves of UTF-16 pairs
    sys.stdout.flush()
    for name, _ in files:
        print(f"trueline: wrote {name}", file=sys.stderr)


def _screen(card: Card) -> str:
    """The report in the width, the colours and the letters that stdout has."""
    from ..check import terminal

    colour, encoding = has_colour(sys.stdout), sys.stdout.encoding or "ascii"
    simple = not encoding.lower().startswith(("utf", "gb18030"))
    text = terminal(card, width(sys.stdout) or 100, lambda said, style: paint(said, style, colour), ascii_only=simple)
    return text.encode(encoding, "replace").decode(encoding) if simple else text
