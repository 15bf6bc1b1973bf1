"""Whether what a client hears is what a clean server would have said, but for what `expected.py` allows."""

from __future__ import annotations

import json
from typing import Any

from planted.exchange import Outcome
from planted.expected import CHANGED, NOT_SEEN, NOTED_AS, REFUSED
from planted.facts import Facts
from trueline.faults import FAULTS
from trueline.judge import UNSEEN
from trueline.tokens.completion import count_completion
from trueline.tokens.prompt import count_prompt

__all__ = ["complaints", "differences", "noted"]

UNCOUNTED = ("leaves", "option")
"""What is done about a fault that need not be noted."""


def complaints(faults: tuple[str, ...], wanted: Outcome, heard: Outcome) -> list[str]:
    """What is wrong with the outcome; `wanted`: of the clean reply."""
    if wanted.status == 200 and heard.refusal is not None:
        documented = {code for fault in faults for _, code in REFUSED.get(fault, ())}
        # Whether something was said before, and so the status, is the other one's doing.
        wrong = (
            []
            if heard.refusal[1] in documented or _unfinished(faults, heard)
            else [f"refused with {heard.refusal}: {heard.out[-300:]!r}"]
        )
        return wrong + _broken_off(faults, wanted.facts, heard.facts)
    wrong = []
    for kind in differences(wanted.facts, heard.facts):
        clean, got = wanted.facts.get(kind), heard.facts.get(kind)
        if kind == "usage" and "x_trueline" in (heard.facts.get("details") or {}):  # the simulator counts in words
            wrong += [] if _counted(clean, heard) else [f"the usage is {got}, and was {clean}: nobody counts so"]
            continue
        checks = [CHANGED[fault][kind] for fault in faults if kind in CHANGED.get(fault, ())]
        if len(checks) > 1 or (checks and checks[0](clean, got)):
            continue  # two that change one thing make of it what no table says
        wrong.append(f"{kind} is {got!r:.300}, and of the clean reply {clean!r:.300}")
    return wrong


def _counted(reported: Any, heard: Outcome) -> bool:
    """Whether a usage that Trueline made is what the server reported, or what there is to count."""
    prompt, completion, total = heard.facts["usage"]
    body = heard.body or {}
    asked = count_prompt(body, body.get("model")).tokens
    said = [
        count_completion(_messages(heard.facts), body.get("model"), body=body, cut=cut).tokens for cut in (False, True)
    ]
    return prompt in (reported[0], asked) and completion in (reported[1], *said) and total == prompt + completion


def _messages(facts: Facts) -> list[dict[str, Any]]:
    """What was said, choice by choice, as whole messages."""
    made = []
    for at in range(len(facts["indexes"])):
        message: dict[str, Any] = {
            "content": facts["content"][at],
            "refusal": facts["refusal"][at],
            "reasoning_content": facts["reasoning"][at],
        }
        calls = [{"name": name, "arguments": _written(arguments)} for name, arguments in facts["calls"][at]]
        message["tool_calls"] = [{"type": "function", "function": call} for call in calls]
        if facts["function"][at]:
            name, arguments = facts["function"][at]
            message["function_call"] = {"name": name, "arguments": arguments}
        made.append(message)
    return made


def _written(arguments: Any) -> str:
    """As the simulator writes them."""
    return json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))


FINISH_GONE = {"finish-missing", "finish-lost-with-logprobs", "n-finish-shared"}
DONE_GONE = {"done-missing", "json-array-stream", "ndjson-stream"}


def _unfinished(faults: tuple[str, ...], heard: Outcome) -> bool:
    """Neither a finish nor [DONE]: the reply has no end, and none is invented."""
    gone = not FINISH_GONE.isdisjoint(faults) and not DONE_GONE.isdisjoint(faults)
    return gone and heard.refusal in {(0, "upstream_cut"), (502, "upstream_cut")}


def differences(wanted: Facts, heard: Facts) -> list[str]:
    """The kinds of facts that differ."""
    return [kind for kind in {**wanted, **heard} if wanted.get(kind) != heard.get(kind)]


def _broken_off(faults: tuple[str, ...], wanted: Facts, heard: Facts) -> list[str]:
    """What a stream that ended in an error says besides what was said until then."""
    if "content" not in heard:
        return []
    wrong = ["a stream that failed has finished"] if any(heard["finish"]) else []
    if any("content" in CHANGED.get(fault, ()) for fault in faults):
        return wrong
    pairs = zip(wanted["content"], heard["content"], strict=False)
    return wrong if all(whole.startswith(part) for whole, part in pairs) else [*wrong, "what was said is not kept"]


def noted(fault: str, variant: int, heard: Outcome) -> bool:
    """Whether the fault was noted by its name, or need not be."""
    row = FAULTS.get(fault)
    if (
        row is None
        or row.action in UNCOUNTED
        or fault in UNSEEN
        or fault in NOT_SEEN
        or f"{fault}/{variant}" in NOT_SEEN
    ):
        return True
    return not heard.faults.keys().isdisjoint({fault, row.same_as, *NOTED_AS.get(fault, ())})
