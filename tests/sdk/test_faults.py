"""Whatever a server does wrong, a program with OpenAI's SDK hears what a clean server would have said.

Each fault by itself, and the habits of each provider: whole, streamed, and through the SDK's helper.
"""

from __future__ import annotations

from typing import Any

import openai
import pytest

from sdk.heard import Heard, hear_helper, hear_helper_async, hear_stream, hear_whole
from sdk.world import SECONDS, World, sim
from trueline.faults import FAULTS
from trueline.sim import PLANTERS, PROVIDERS, example_request
from trueline.sim.examples import NEEDS

# Fault -> what the server itself has lost, or says besides: nobody downstream can tell what a clean server had said.
CHANGED: dict[str, set[str]] = {
    "choices-split-by-kind": {"content"},
    "content-and-tool-same-delta": {"content"},
    "finish-length-false": {"finish"},
    "legacy-function_call": {"ids"},
    "control-characters": {"content"},
    "lone-surrogate": {"content"},
    "max_completion_tokens-ignored": {"content", "finish"},  # the model server's tokens are words
    "replacement-chars": {"content"},
    "sse-for-nonstream": {"usage"},
    "stop-ignored": {"usage"},  # counted anew
    "think-open-missing": {"content"},
    "think-unclosed": {"content", "finish"},
    "tool-args-next-call-no-id": {"ids"},
    "tool-calls-other-shape": {"ids"},
    "tool-id-duplicate": {"ids"},
    "tool-id-missing": {"ids"},
    "usage-empty-object": {"usage"},
    "usage-excl-reasoning": {"usage"},
    "usage-missing-nonstream": {"usage"},
    "usage-missing-stream": {"usage"},
    "usage-null-fields": {"usage"},
    "usage-only-chunk-dropped": {"usage"},
    "usage-prompt-excl-cached": {"usage"},
    "whitespace-around": {"content"},  # trimmed behind a thought only: elsewhere it is the answer's
}
# Of a server that does this nobody can tell which of several choices a chunk belongs to.
ONE_CHOICE = {"choice-index-missing", "choice-index-all-zero", "choices-split-by-kind"}

MENDED = sorted(
    fault.id
    for fault in FAULTS.values()
    if fault.action == "mends"
    and fault.id in PLANTERS
    and "chat" in PLANTERS[fault.id].on
    and not PLANTERS[fault.id].spoils
)
BASE = example_request("id-missing")[1] or {}
REQUESTS: dict[str, dict[str, Any]] = {
    "text": BASE,
    "tool": {**BASE, **NEEDS["tools"]},
    "parallel tools": {**BASE, **NEEDS["two_tools"]},
    "n=3": {**BASE, "n": 3},
}


def assert_same(heard: Heard, clean: Heard, changed: set[str]) -> None:
    facts, wanted = heard.facts, clean.facts
    assert {k: v for k, v in facts.items() if k not in changed} == {k: v for k, v in wanted.items() if k not in changed}
    ids = [identity for choice in facts["ids"] for identity in choice]
    assert all(ids) and len(set(ids)) == len(ids)


@pytest.mark.parametrize("fault", MENDED)
def test_a_mended_fault_is_not_heard(fault: str, client: openai.OpenAI, direct: openai.OpenAI) -> None:
    request = example_request(fault)[1] or {}
    changed = CHANGED.get(fault, set())
    planted, clean = {"extra_body": sim(faults=[fault])}, {"extra_body": sim()}
    if "chat" in FAULTS[fault].where:
        assert_same(hear_whole(client, request, **planted), hear_whole(direct, request, **clean), changed)
    if "stream" in FAULTS[fault].where and not (request.get("n") and fault in ONE_CHOICE):
        wanted = hear_stream(direct, request, **clean)
        assert_same(hear_stream(client, request, **planted), wanted, changed)
        if "finish" not in changed:  # the helper raises for `length`
            assert_same(hear_helper(client, request, **planted), wanted, changed)


@pytest.mark.parametrize("kind", REQUESTS)
@pytest.mark.parametrize("provider", [None, *PROVIDERS])
async def test_a_provider_is_not_heard(
    provider: str | None, kind: str, world: World, client: openai.OpenAI, direct: openai.OpenAI
) -> None:
    request = REQUESTS[kind]
    faults = set(PROVIDERS[provider]) if provider else set()
    if request.get("n") and faults & ONE_CHOICE:
        return
    changed = {fact for fault in faults for fact in CHANGED.get(fault, ())}
    like, clean = {"extra_body": sim(like=provider)}, {"extra_body": sim()}
    assert_same(hear_whole(client, request, **like), hear_whole(direct, request, **clean), changed)
    wanted = hear_stream(direct, request, **clean)
    assert_same(hear_stream(client, request, **like), wanted, changed)
    if "finish" in changed:
        return
    async with openai.AsyncOpenAI(base_url=world.url, api_key="sk-test", max_retries=0, timeout=SECONDS) as later:
        assert_same(await hear_helper_async(later, request, **like), wanted, changed)
