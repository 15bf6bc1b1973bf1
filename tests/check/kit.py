"""Runs the check in a test's own loop, against servers on real sockets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trueline.check import Asker, Card, ModelNames, Options, Result, Runner, chosen, make_card
from trueline.shell.clock import SystemMint
from trueline.shell.upstream import Target, UpstreamClient
from trueline.sim import PLANTERS

__all__ = ["MODELS", "card_of", "examine", "names", "probes_for", "worse_than"]

MODELS = ModelNames("gpt-4o", "dall-e-2", "gpt-image-1.5", "text-embedding-3-small", "gpt-3.5-turbo-instruct")
SECONDS = 30.0
"""How long one reply may take before a test fails; nothing here waits that long on purpose."""

_GROUPS: dict[str, tuple[str, ...]] = {
    "chat": ("chat", "stream"),
    "completions": ("completions",),
    "embeddings": ("embeddings",),
    "images": ("images",),
    "models": ("models",),
    "errors": ("errors",),
}
_NEEDS: dict[str, tuple[str, ...]] = {
    "tools": ("tools",),
    "two_tools": ("tools",),
    "empty_tool": ("tools",),
    "n": ("chat.n", "stream.n"),
    "include_usage": ("usage",),
    "logprobs": ("chat.logprobs", "stream.logprobs"),
    "max_tokens": ("chat.max-tokens", "stream.max-tokens"),
    "stop": ("chat.stop", "stream.stop"),
    "json": ("structured",),
    "schema": ("structured",),
    "no_call": ("tools",),
    "some_call": ("tools",),
    "one_call": ("tools",),
    "prefill": ("chat.prefill",),
}


_FEW = ("chat.whole", "chat.n", "stream.plain", "stream.n", "usage.unasked")


def probes_for(fault: str, *, few: bool = False) -> tuple[str, ...]:
    """The probes that can meet a fault of the model server, by where it is committed and what it needs.

    `few`: for chats, only those that differ in what they make of a reply.
    """
    planter = PLANTERS[fault]
    needed = [probe for need in planter.needs for probe in _NEEDS.get(need, ())]
    places = [place for place in sorted(planter.on) if not (needed and place == "chat")]
    groups = {**_GROUPS, "chat": _FEW} if few else _GROUPS
    return (*needed, *(group for place in places for group in groups[place]))


async def examine(
    url: str, *only: str, key: str | None = None, models: ModelNames | None = MODELS, **options: Any
) -> list[Result]:
    """Ask the probes of these groups; None as models: choose them from the server's list."""
    client = UpstreamClient()
    timeout = options.pop("timeout", SECONDS)
    try:
        asker = Asker(client, Target.parse(url), key, timeout)
        runner = Runner(asker, Options(**{"patience": 0.0, "at_once": 8, **options}))
        if models is None:
            await runner.meet()
        else:
            runner.models = models
        return await runner.run(chosen(only))
    finally:
        await client.close()


def card_of(results: Sequence[Result], target: str = "http://server.example/v1") -> Card:
    """The report card."""
    return make_card(target, "gpt-4o", results, SystemMint())


def names(results: Sequence[Result]) -> dict[str, str]:
    """What was found: name -> level."""
    return {issue.name: issue.level for result in results for issue, _ in result.issues}


def worse_than(results: Sequence[Result], level: str = "legal") -> dict[str, str]:
    """What was found beyond remarks: name -> the first probe and text."""
    return {
        issue.name: f"{result.probe.id}: {issue.text} [{issue.excerpt}]"
        for result in results
        for issue, _ in result.issues
        if issue.level != level
    }
