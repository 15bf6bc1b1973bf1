"""Trueline before a model server with each fault in turn: the check finds nothing, but for what no proxy can mend."""

from __future__ import annotations

import pytest

from check.kit import card_of, examine, probes_for, worse_than
from proxy.running import running, settings
from trueline.faults import FAULTS
from trueline.sim import PLANTERS, SimOptions, SimServer

PARTS = 8
"""The faults are spread over so many tests, which may run side by side."""

SPOILED = {
    "the model's own words, which stand in the reply as text": (
        "stop-echoed stop-ignored special-token-leak prefill-echo json-mode-fenced think-open-missing tool-markup-leak "
        "multi_tool_use-parallel tool-args-double-encoded tool-args-invalid-json reasoning-holds-answer img-in-chat "
        "replacement-chars lone-surrogate"
    ),
    "what the model was asked for and did not do": (
        "n-ignored max_completion_tokens-ignored finish-length-masked finish-length-false think-unclosed"
    ),
    "an error that a good request is answered with": "err-200-first-event",
}
"""Why -> faults that spoil what is said: whatever is found behind them, it is the model's."""

LOST = {
    # They are not in the reply, and are not made up.
    "logprobs-asked": "logprobs-missing-key logprobs-object-of-nulls finish-with-content final-full-repeat "
    "whitespace-around",
    "logprobs-object-of-nulls": "logprobs-object-of-nulls",
    "n-ignored": "choice-index-missing choice-index-all-zero",
    "tool-choice-ignored": "text-not-message",
    "schema-not-kept": "tool-args-empty",
    "img-partial-n": "img-partial-n img-single-field img-binary-body",
    "img-url-private": "img-url-private img-embedding-shape",
    # The finish is taken from what the server said at the end, and it said no more.
    "finish-length-masked": "finish-missing finish-null-nonstream",
    # Trueline's estimates are no counts.
    "usage-differs-streamed": "usage-missing-nonstream usage-missing-stream usage-only-chunk-dropped sse-for-nonstream",
    "usage-counts-nothing": "usage-null-fields",
    "max_completion_tokens-ignored": "usage-excl-reasoning sse-for-nonstream usage-missing-nonstream "
    "usage-empty-object",
    # What a server says beyond OpenAI is kept, unless `extras: drop` is set.
    "usage-x-groq": "usage-x-groq",
    "usage-unasked": "usage-x-groq",
    "usage-dup": "usage-x-groq",
    "usage-cached-elsewhere": "usage-cached-elsewhere",
    "finish-with-content": "extra-foreign-type",
    "err-moderation-200": "err-moderation-200",
    # Text repeats itself three times before it is known to be repeated.
    "content-cumulative": "content-cumulative",
    "json-mode-broken": "content-cumulative",
    # The empty arguments of a first call are known to be empty when the second one has begun.
    "tool-index-back": "tool-args-empty",
}
"""What is found -> the faults behind which it may be found: what is lost, no proxy brings back."""

OF_ERRORS = {
    "code-other": "an error without a code keeps none",
    "err-context-code": "a code is set by option only",
    "err-type": "the type is the upstream's",
    "err-500-for-4xx": "the status is the upstream's",
    "err-429-as-other": "the status is the upstream's",
    "status-other": "the status is the upstream's",
    "good-request-refused": "this server refuses good requests where such a fault is asked for",
    "err-in-200-body": "paths that are only passed through",
    "err-200-for-4xx": "paths that are only passed through",
    "err-200-code-msg": "paths that are only passed through",
    "err-200-baseresp": "paths that are only passed through",
    "err-unknown-endpoint-200": "paths that are only passed through",
}
"""What may be found behind faults of errors, and why: words and statuses are the upstream's own."""


def allowed(fault: str) -> set[str] | None:
    """What may be left behind a fault; None: anything, since what is said is spoiled."""
    if any(fault in faults.split() for faults in SPOILED.values()):
        return None
    left = {name for name, faults in LOST.items() if fault in faults.split()}
    return left | (set(OF_ERRORS) if "errors" in PLANTERS[fault].on else set())


def part(number: int) -> list[str]:
    return [fault for place, fault in enumerate(PLANTERS) if place % PARTS == number]


@pytest.mark.parametrize("number", range(PARTS))
async def test_nothing_is_found_behind_trueline(number: int) -> None:
    left: dict[str, dict[str, str]] = {}
    async with SimServer() as sim, running(settings(sim.url), noisy=True) as proxy:
        for fault in part(number):
            sim.options = SimOptions(faults=(fault,))
            results = await examine(f"http://127.0.0.1:{proxy.port}/v1", *probes_for(fault, few=True))
            found, may = worse_than(results), allowed(fault)
            if may is not None and set(found) - may:
                left[fault] = {name: said for name, said in found.items() if name not in may}

    assert left == {}


async def test_a_clean_server_stays_clean() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        results = await examine(f"http://127.0.0.1:{proxy.port}/v1")

    assert worse_than(results) == {}
    assert card_of(results).grade == ("A+", 100)


async def test_many_faults_at_once() -> None:
    """All that leave the reply readable and its words alone, in one reply."""
    together = [
        fault
        for fault, planter in PLANTERS.items()
        if not planter.spoils and allowed(fault) == set() and fault in FAULTS and FAULTS[fault].action == "mends"
        if planter.mode is None and planter.on & {"chat"} and not planter.needs
        if FAULTS[fault].severity != "legal" and not fault.startswith(("reasoning", "think", "content", "finish"))
    ]
    groups = [together[start::12] for start in range(12)]
    left: dict[str, dict[str, str]] = {}
    async with SimServer() as sim, running(settings(sim.url), noisy=True) as proxy:
        for group in groups:
            sim.options = SimOptions(faults=tuple(group))
            found = worse_than(await examine(f"http://127.0.0.1:{proxy.port}/v1", "chat.whole", "stream.plain"))
            left |= {" ".join(group): found} if found else {}

    assert sum(map(len, groups)) >= 60
    assert left == {}
