"""Trueline before a model server with each fault in turn: the check finds nothing, but for what no proxy can mend.

Trueline is set as an operator sets it who wants replies to be exact: `extras: drop`, and every option on.
"""

from __future__ import annotations

import pytest

from check.kit import card_of, examine, probes_for, worse_than
from proxy.running import running, settings, upstream
from trueline.context import FormatOptions
from trueline.faults import FAULTS
from trueline.settings import Settings
from trueline.sim import PLANTERS, PROVIDERS, SimOptions, SimServer
from trueline.switches import OPTIONS

PARTS = 8
"""The faults are spread over so many tests, which may run side by side."""

OF_A_SERVER = "think-open-missing"
"""An option that says something of the server: all of its replies begin inside a thought."""

LEFT = {
    "the server has lost it, and nothing is made up": {
        "img-partial-n": "img-partial-n img-single-field img-binary-body",
        "replacement-chars": "replacement-chars lone-surrogate",
        "schema-not-kept": "tool-args-empty",
        "logprobs-asked": "logprobs-missing-key logprobs-object-of-nulls",
        # Its type tells 400, not 404; or all that is wrong is called a login failure.
        "status-other": "err-200-for-4xx err-200-baseresp",
        "err-500-for-4xx": "err-500-for-4xx err-200-code-msg",  # of a message as long as ten thousand letters
    },
    "a server that gave all choices before is believed, until it does not": {
        "n-ignored": "choice-index-missing choice-index-all-zero images-shape-on-chat n-ignored",
    },
    "a limit shows in the usage, and none was asked for, or the server sends none": {
        "finish-length-masked": "finish-length-masked finish-missing",
        "finish-length-false": "finish-length-false think-unclosed",
    },
    "Trueline's estimates are no counts; null is read as 0, as the catalogue rules": {
        "usage-differs-streamed": "usage-missing-stream usage-only-chunk-dropped usage-flag-rejected",
        "usage-counts-nothing": "usage-null-fields",
    },
    "no token waits: text has to repeat itself before it is known to be repeated": {
        "content-cumulative": "content-cumulative",
        "json-mode-broken": "content-cumulative",
    },
    "an answer is passed on as it is, unless `enforce.on_invalid` says otherwise": {
        "json-mode-broken": "json-mode-broken",
        "json-schema-not-kept": "json-schema-not-kept",
        "tool_choice-named-ignored": "tool_choice-named-ignored",
        "tool_choice-none-ignored": "tool_choice-none-ignored",
        "tool_choice-required-ignored": "tool_choice-required-ignored",
    },
    "all that was said is thoughts, which `extras: drop` leaves out": {"text-lost": "think-unclosed"},
    "here a good request is answered with an error, which leaves as one": {
        "good-request-refused": "err-200-first-event",
    },
}  # fmt: skip
"""Why -> what is found -> the faults behind which it may be found."""

KEPT = {
    "usage-x-groq": "usage-x-groq",
    "usage-unasked": "usage-x-groq",
    "usage-dup": "usage-x-groq",
    "usage-cached-elsewhere": "usage-cached-elsewhere",
    "err-moderation-200": "err-moderation-200",
    "tool-index-back": "tool-args-empty tool-index-back",
    "err-context-code": "err-200-first-event",
}
"""What is found with the settings that are the default: fields beyond OpenAI's are kept, and options are off."""

OF_THE_SIMULATOR = {
    "logprobs-asked": "finish-with-content final-full-repeat whitespace-around think-in-content think-open-missing "
    "content-parts-list",
    "max_completion_tokens-ignored": "usage-excl-reasoning usage-empty-object think-open-missing",
    "finish-length-false": "content-parts-list reasoning-field-name reasoning-mirrored reasoning-other-names "
    "reasoning-tag-variants think-in-content think-open-missing",
}
"""What the model server's own way to commit a fault brings with it, where every probe is asked: words that it adds
have no log probabilities and do not count towards its limit.  Where it thinks beyond that, Trueline ends the thought
at the limit, and `extras: drop` leaves nothing of it."""


def exact(*faults: str) -> FormatOptions:
    """Everything on; an option that says something of the server only where it is true."""
    return FormatOptions(extras="drop", options=tuple(sorted(OPTIONS - ({OF_A_SERVER} - {*faults}))))


def before(url: str, *faults: str) -> Settings:
    """The settings for a server with these faults."""
    return settings(upstream(url, format=exact(*faults)))


def left_by(fault: str, *tables: dict[str, str]) -> set[str]:
    """What may be found behind a fault."""
    return {name for table in (*LEFT.values(), *tables) for name, faults in table.items() if fault in faults.split()}


def part(number: int) -> list[str]:
    """Some of the faults."""
    return [fault for place, fault in enumerate(PLANTERS) if place % PARTS == number and fault != OF_A_SERVER]


@pytest.mark.parametrize("number", range(PARTS))
async def test_nothing_is_found_behind_trueline(number: int) -> None:
    left: dict[str, dict[str, str]] = {}
    async with SimServer() as sim, running(before(sim.url), noisy=True) as proxy:
        for fault in part(number):
            sim.options = SimOptions(faults=(fault,))
            found = worse_than(await examine(f"http://127.0.0.1:{proxy.port}/v1", *probes_for(fault, few=True)))
            if set(found) - left_by(fault):
                left[fault] = {name: said for name, said in found.items() if name not in left_by(fault)}

    assert left == {}


@pytest.mark.parametrize("number", range(PARTS))
async def test_what_is_mended_by_default(number: int) -> None:
    left: dict[str, dict[str, str]] = {}
    async with SimServer() as sim, running(settings(sim.url), noisy=True) as proxy:
        for fault in part(number):
            if FAULTS[fault].action != "mends" or "errors" in PLANTERS[fault].on:
                continue
            sim.options = SimOptions(faults=(fault,))
            found = worse_than(await examine(f"http://127.0.0.1:{proxy.port}/v1", *probes_for(fault, few=True)))
            left[fault] = {name: said for name, said in found.items() if name not in left_by(fault, KEPT)}

    assert {fault: found for fault, found in left.items() if found} == {}


async def test_replies_that_begin_inside_a_thought() -> None:
    async with SimServer(SimOptions(faults=(OF_A_SERVER,))) as sim, running(before(sim.url, OF_A_SERVER)) as proxy:
        found = worse_than(await examine(f"http://127.0.0.1:{proxy.port}/v1", *probes_for(OF_A_SERVER, few=True)))

    assert found == {}


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_nothing_is_found_behind_trueline_before_a_known_server(provider: str) -> None:
    faults = PROVIDERS[provider]
    async with SimServer(SimOptions(like=provider)) as sim, running(before(sim.url, *faults), noisy=True) as proxy:
        found = worse_than(await examine(f"http://127.0.0.1:{proxy.port}/v1", models=None))

    may = {name for fault in faults for name in left_by(fault, OF_THE_SIMULATOR)}
    assert {name: said for name, said in found.items() if name not in may} == {}


async def test_a_clean_server_stays_clean() -> None:
    for chosen in (FormatOptions(), exact()):
        async with SimServer() as sim, running(settings(upstream(sim.url, format=chosen))) as proxy:
            results = await examine(f"http://127.0.0.1:{proxy.port}/v1")

        assert worse_than(results) == {}
        assert card_of(results).grade == ("A+", 100)


async def test_many_faults_at_once() -> None:
    """All that leave the reply readable and its words alone, in one reply."""
    together = [
        fault
        for fault, planter in PLANTERS.items()
        if not planter.spoils and not left_by(fault) and fault in FAULTS and FAULTS[fault].action == "mends"
        if planter.mode is None and planter.on & {"chat"} and not planter.needs
        if FAULTS[fault].severity != "legal" and not fault.startswith(("reasoning", "think", "content", "finish"))
    ]
    groups = [together[start::12] for start in range(12)]
    left: dict[str, dict[str, str]] = {}
    async with SimServer() as sim, running(before(sim.url), noisy=True) as proxy:
        for group in groups:
            sim.options = SimOptions(faults=tuple(group))
            found = worse_than(await examine(f"http://127.0.0.1:{proxy.port}/v1", "chat.whole", "stream.plain"))
            left |= {" ".join(group): found} if found else {}

    assert sum(map(len, groups)) >= 60
    assert left == {}
