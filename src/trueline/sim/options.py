"""What the model server is told to do: one table of options, for flags, for tests and for one request (`x_sim`).

A request chooses for itself with a field in its body, or with a header where it has no JSON body:

    {"model": "gpt-4o", "messages": […], "x_sim": {"faults": ["id-missing"], "rate": 50, "tokens": 200}}
    x-sim: {"fail": "reset", "fail_after": 3}

The names in `x_sim` are the names of `SimOptions`.  What a request says replaces what the server was started with.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

__all__ = ["FAILURES", "REFUSALS", "OptionError", "SimOptions", "checked", "did_you_mean", "with_overrides"]

FAILURES: dict[str, str] = {
    "cut": "the connection is closed after `fail_after` events: the chunked body has no end",
    "cut-event": "as cut, in the middle of the next event",
    "reset": "the connection is reset (TCP RST) after `fail_after` events",
    "stall": "after `fail_after` events nothing more comes, and the connection stays open",
    "error": "after `fail_after` events an error event and [DONE]; a whole reply is a 500",
    "refuse": "the connection is reset before any answer",
    "silent": "the request is read and never answered",
    "slow-headers": "the head of the answer comes one byte every 50 ms",
    "garbage": "the answer is not HTTP",
    "close-idle": "the answer is good, but the kept-alive connection is closed right after it, unannounced",
    "http-NNN": "the answer is an OpenAI error with that status, e.g. http-500, http-503, http-429 (with Retry-After)",
}
"""`fail` -> what happens."""

REFUSALS: dict[str, str] = {
    "stream_options": "streams do not know `stream_options`",
    "n": "one choice only",
    "max_tokens": "the limit is called `max_completion_tokens`",
    "max_completion_tokens": "the limit is called `max_tokens`",
    "developer": "the role is called `system`",
    "functions": "tools only",
    "parts": "a message's content is a string",
    "seed": "no `seed`",
}
"""`refuses` -> what the server does not take, and answers with 400."""

ENCODINGS = ("gzip", "deflate", "br", "zstd")


class OptionError(ValueError):
    """An option that does not exist, or has a value that is not allowed; the message says which and what is."""


class SimOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the server answers.  The default is OpenAI's own answer, whole and at once."""

    faults: tuple[str, ...] = ()
    """Ids of the faults to commit, in any order; `PLANTERS` lists them."""
    like: str | None = None
    """Commit the habits of this provider (a key of `PROVIDERS`), apart from those that spoil the whole reply."""
    variant: int = 0
    """Which form of a fault that has several (e.g. the word of `finish-foreign-vocab`); wraps around."""
    text: str | None = None
    """The answer.  Default: what the prompt says after `echo: `, else a sentence about the prompt."""
    tokens: int | None = None
    """Length of the answer, in pieces (each one event of a stream)."""
    endless: bool = False
    """A stream that never ends."""
    calls: int | None = None
    """Number of tool calls where tools are given.  0: text.  Default: those the prompt names, or one."""
    refusal: str | None = None
    """The model refuses, with this text."""
    rate: float = 0.0
    """Events per second; 0: all at once, in writes of up to 64 KiB."""
    first_token: float = 0.0
    """Seconds before the first event, or before a whole reply."""
    fail: str | None = None
    """How the exchange fails: a key of `FAILURES`."""
    fail_after: int | None = None
    """Events before the failure.  Default: half of them."""
    fail_every: int = 1
    """Only every n-th request fails."""
    hold_after: int | None = None
    """A stream waits after this many events until `SimServer.release()`: for tests that must not sleep."""
    random_cuts: bool = False
    """The body is cut into pieces of random length, each in a write of its own."""
    encoding: str | None = None
    """Content encoding, where the client accepts it: gzip, deflate, br or zstd."""
    seed: int | None = None
    """Makes ids, `created` and cuts the same each time."""
    obfuscation: bool = True
    """Pad the chunks of a stream as OpenAI does, where the request allows it; never with `like`."""
    refuses: tuple[str, ...] = ()
    """What it does not take of a request: keys of `REFUSALS`."""
    require_key: bool = False
    """Answer 401 where no API key came."""
    image_host: str | None = None
    """Scheme and host of image URLs.  Default: this server, which serves the pictures."""

    def failure(self, count: int) -> str | None:
        """How request number `count` (from 1) fails, if it does."""
        return self.fail if self.fail and count % max(self.fail_every, 1) == 0 else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean 'x'?` for a misspelt word, or nothing."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f" Did you mean '{close[0]}'?" if close else ""


def with_overrides(options: SimOptions, given: Mapping[str, Any]) -> SimOptions:
    """Replace what `given` names.  Raises OptionError for an unknown name or a value of the wrong type."""
    fields = {name: getattr(options, name) for name in SimOptions.__struct_fields__}
    for name, value in given.items():
        if name not in fields:
            raise OptionError(f"Unknown option: 'x_sim.{name}'.{did_you_mean(name, fields)}")
        if name in ("faults", "refuses") and isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        fields[name] = value
    try:
        made = msgspec.convert(fields, SimOptions)
    except msgspec.ValidationError as error:
        raise OptionError(f"Invalid x_sim: {error}") from None
    return checked(made)


def checked(options: SimOptions) -> SimOptions:
    """The options, if their words are known.  Raises OptionError.  (Fault ids: see `trueline.sim.render`.)"""
    fail = options.fail
    if fail is not None and fail not in FAILURES and not (fail[:5] == "http-" and fail[5:].isdigit()):
        raise OptionError(f"Unknown failure: '{fail}'.{did_you_mean(fail, FAILURES)} Known: {', '.join(FAILURES)}.")
    for name in options.refuses:
        if name not in REFUSALS:
            raise OptionError(f"Unknown refusal: '{name}'.{did_you_mean(name, REFUSALS)} Known: {', '.join(REFUSALS)}.")
    if options.encoding is not None and options.encoding not in ENCODINGS:
        raise OptionError(f"Unknown encoding: '{options.encoding}'. Known: {', '.join(ENCODINGS)}.")
    return options
