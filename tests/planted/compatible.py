"""Which faults can be planted together so that it still says something, and which cannot, and why."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import NamedTuple

from planted.expected import CHANGED, NO_CASE
from trueline.sim import PLANTERS
from trueline.sim.examples import NEEDS

__all__ = ["INCOMPATIBLE", "PAIRS", "incompatible"]

Pick = Callable[[str], bool]


def _of(names: str) -> Pick:
    chosen = set(names.split())
    return lambda fault: fault in chosen


def _family(prefix: str) -> Pick:
    return lambda fault: fault.startswith(prefix)


def _any(fault: str) -> bool:
    return True


def _needs(*names: str) -> Pick:
    return lambda fault: not set(PLANTERS[fault].needs).isdisjoint(names)


def _is_error(fault: str) -> bool:
    return PLANTERS[fault].error is not None


def _changes(*kinds: str) -> Pick:
    return lambda fault: not CHANGED.get(fault, {}).keys().isdisjoint(kinds)


class Rule(NamedTuple):
    """No fault of the one kind goes with one of the other."""

    one: Pick
    other: Pick
    why: str


_THE_FIRST = _of("tool-name-late usage-chunk-choices-nonempty usage-x-groq content-and-tool-same-delta")
_CALLS = _needs("tools", "two_tools", "empty_tool")
_RESHAPED_IMAGES = _of(
    "img-images-key img-list-of-strings img-single-field img-top-level-array img-embedding-shape img-binary-body "
    "img-url-private img-async-task"
)
_ARGUMENTS = _of(
    "tool-args-dup-full tool-args-object tool-args-cumulative tool-args-double-encoded tool-args-invalid-json "
    "tool-calls-other-shape multi_tool_use-parallel"
)

_HIDDEN_FINISH = _of("finish-missing finish-lost-with-logprobs finish-camel-or-details n-finish-shared")
_IN_FINISH = _of("usage-in-choice usage-x-groq usage-in-finish-chunk finish-error-value")

INCOMPATIBLE: tuple[Rule, ...] = (
    # -- the one takes away what the other is about
    Rule(_of("text-not-message native-shape err-moderation-200"), _CALLS, "there are no calls any more"),
    Rule(
        _of("envelope-wrapped"),
        lambda fault: _CALLS(fault) or _needs("logprobs")(fault),
        "one of the wrappers holds a text, and nothing else",
    ),
    Rule(_of("logprobs-object-of-nulls"), _needs("logprobs"), "there are no log probabilities any more"),
    Rule(
        _HIDDEN_FINISH,
        _IN_FINISH,
        "what stands in the chunk of the finish goes with it",
    ),
    Rule(_of("emb-index-object-missing emb-top-array"), _of("emb-order"), "neither order nor index is left"),
    Rule(_of("err-mid-lost eof-truncated abrupt-reset"), _any, "where it breaks off is the other's doing"),
    Rule(
        _of("err-moderation-200"),
        lambda fault: _needs("n", "logprobs")(fault) or _HIDDEN_FINISH(fault) or _IN_FINISH(fault),
        "a reply of two chunks has no place for it",
    ),
    Rule(
        _of("finish-null-string"),
        _of("finish-lost-with-logprobs think-unclosed control-characters n-finish-shared"),
        "every chunk is a finish",
    ),
    Rule(_of("think-unclosed"), _CALLS, "what `length` cut off may be without arguments or a name"),
    Rule(
        _of("created-varies service-tier-changes"),
        _of("choices-empty-first non-chunk-object"),
        "the first one went with its chunk",
    ),
    Rule(
        _of("choices-empty-first"),
        _of("huge-line err-moderation-200 choices-split-by-kind"),
        "the identity of the first chunk is empty",
    ),
    Rule(_of("usage-empty-object"), _of("usage-total-mismatch"), "only a total is left"),
    Rule(_of("error-key-on-success"), _of("finish-error-value"), "the error is emptied"),
    Rule(_of("empty-stream"), _family("sse-"), "comments and texts are all that there is"),
    # -- both change the same thing, and it is no longer either
    Rule(_is_error, _is_error, "two shapes of one body"),
    Rule(_RESHAPED_IMAGES, _RESHAPED_IMAGES, "two shapes of one body"),
    Rule(_of("img-stream-events"), _family("img-"), "the whole picture that answers a stream is shaped as well"),
    Rule(_ARGUMENTS, _ARGUMENTS, "arguments that are spoilt twice"),
    Rule(_of("tool-name-late"), _ARGUMENTS, "a call in one chunk has no later"),
    Rule(_of("tool-name-late"), _of("tool-whole-call-one-chunk"), "a call in one chunk has no later"),
    Rule(
        _of("content-and-tool-same-delta"),
        _of("role-repeated role-null-or-empty"),
        "the text is planted beside every role",
    ),
    Rule(_of("final-full-repeat"), _changes("content"), "what is repeated is not what was said"),
    Rule(_of("final-full-repeat"), _of("finish-null-string content-cumulative"), "each chunk seems the last"),
    Rule(_of("final-full-repeat"), _of("one-char-chunks"), "a repeat that is cut into letters"),
    Rule(_of("content-after-finish"), _changes("content", "finish"), "text that was cut off comes all the same"),
    Rule(
        _of("finish-with-content"),
        _of("content-after-finish finish-missing finish-twice n-finish-shared control-characters"),
        "the chunk of the finish is moved, doubled or dropped with the text in it",
    ),
    Rule(
        _of("json-array-stream"), lambda fault: fault[:4] == "sse-" or fault[:8] == "err-mid-", "an array has no events"
    ),
    Rule(_of("json-array-stream"), _of("ndjson-stream two-json-per-line native-shape"), "an array, or lines"),
    Rule(_of("ndjson-stream"), _of("sse-multiline-data native-shape"), "one JSON value per line, or other lines"),
    Rule(_of("content-after-finish"), _of("final-full-repeat"), "the repeat is no longer what comes last"),
    Rule(_of("img-binary-body"), _of("leading-blank-lines"), "a picture does not begin with blank lines"),
    Rule(_of("sse-multiline-data"), _of("err-mid-named-event"), "the name of the event is lost"),
    Rule(_of("sse-double-prefix"), _of("sse-multiline-data"), "the prefix is doubled on the first line alone"),
    Rule(
        _of("reasoning-holds-answer content-parts-list"),
        _family("reasoning-"),
        "two thoughts, of which one is kept under the name that it came with",
    ),
    Rule(_of("content-cumulative"), _changes("content", "reasoning"), "totals of texts that are not the answer's"),
    Rule(_of("content-cumulative"), _of("one-char-chunks"), "totals, cut into letters"),
    Rule(_of("content-cumulative"), _of("json-mode-fenced"), "the totals are without the fence around them"),
    Rule(_needs("max_tokens"), _CALLS, "the simulator cuts no call at a limit, and Trueline does"),
    Rule(_needs("logprobs"), _of("finish-with-content"), "the tokens of the text that was moved are lost"),
    Rule(_of("logprobs-legacy"), _of("logprobs-missing-key"), "there are no log probabilities any more"),
    # -- several choices, of which the planter knows one, or which nobody can tell apart
    Rule(
        _of("choice-index-missing choice-index-all-zero choices-split-by-kind n-ignored"),
        _needs("n"),
        "nobody can tell the choices apart",
    ),
    Rule(
        _needs("n"),
        lambda fault: _changes("reasoning", "finish")(fault) or _ARGUMENTS(fault) or _THE_FIRST(fault),
        "only the first choice is spoilt, or all as one",
    ),
    Rule(_needs("logprobs"), _of("one-char-chunks content-cumulative"), "text that is cut, and its tokens are not"),
)


def incompatible(one: str, other: str) -> str | None:
    """Why these two are not planted together; None where they are."""
    if not _share(one, other):
        return "no request shows both"
    for rule in INCOMPATIBLE:
        if (rule.one(one) and rule.other(other)) or (rule.one(other) and rule.other(one)):
            return rule.why
    return None


def _share(one: str, other: str) -> bool:
    """Whether one request can show both: an endpoint of both, and needs that do not undo each other."""
    first, second = PLANTERS[one], PLANTERS[other]
    if (first.error is None) != (second.error is None):
        return False  # an error has nothing of a reply
    if "errors" not in first.on & second.on and not first.on & second.on - {"errors"}:
        return False
    return all(
        NEEDS[mine].get(name, value) == value
        for mine in first.needs
        for theirs in second.needs
        for name, value in NEEDS[theirs].items()
    )


PAIRS = tuple(pair for pair in combinations(sorted(set(PLANTERS) - set(NO_CASE)), 2) if incompatible(*pair) is None)
