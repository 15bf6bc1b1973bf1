"""Whole replies of a shape that was seen before: what the rules do to them was learned from the rules themselves.

The skeleton of a reply, with slots for what differs from one reply to the next, is filled with probes and taken the
general way; where the probes stand in what leaves is the template.  A reply that matches is the template with its own
values in it.  A value that a rule might look at twice has no slot, or one with a check.  See `docs/adr/` ("lanes").
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

import msgspec

from ..context import ReplyContext
from ..dialects.openai_chat.fields import REASONING_NAMES
from ..errors import TruelineError
from ..faults import LEFT_ALONE
from ..messages import ChatRequest
from ..repairs import LIMITS, is_within
from ..repairs.credible import FEW, few_for, few_for_prompt
from ..repairs.limits.asked import limit_of
from .lane_looks import CONTENT, Look, look_of
from .probes import FIRST, SECOND, Probe, ProbeMint
from .skeleton import CHAT_ID, NAME, NUMBER, OTHER_ID, TEXT, VALUE, Path, Skeleton, Slot, find, get, is_sound, text_of

__all__ = ["Played", "WholeLane", "lane_for"]

MAX_LANES = 64
MAX_FORMS = 4
MAX_SEEN = 8
MAX_BODY = 256 * 1024
"""Bytes of a reply; beyond, a second look at its text costs more than the rules do."""
MAX_LITERAL = 4 * 1024
"""Bytes of a reply beside its slots: what is longer hardly comes again, and its pattern is dear."""
PATIENCE = 64
"""Replies that are looked at although nothing was learned from those before; after that one of so many is."""

_REQUEST: Final = frozenset(
    (
        "model", "messages", "stream", "temperature", "top_p", "top_k", "min_p", "max_tokens", "max_completion_tokens",
        "presence_penalty", "frequency_penalty", "repetition_penalty", "seed", "stop", "user", "store", "metadata",
        "service_tier", "reasoning_effort", "verbosity", "prompt_cache_key", "safety_identifier",
    )
)  # fmt: skip
"""Fields of a request that no rule looks at, unless an option is on."""

_MESSAGE: Path = ("choices", 0, "message")
_OPENAI_ID, _OTHER_ID, _CREATED = Slot(("id",), CHAT_ID), Slot(("id",), OTHER_ID), Slot(("created",), NUMBER)
_THOUGHTS = tuple(Slot((*_MESSAGE, name), TEXT) for name in REASONING_NAMES)
_PROMPT, _COMPLETION, _TOTAL = (
    Slot(("usage", name), NUMBER) for name in ("prompt_tokens", "completion_tokens", "total_tokens")
)
_CACHED = Slot(("usage", "prompt_tokens_details", "cached_tokens"), NUMBER)
_HIT = Slot(("usage", "prompt_cache_hit_tokens"), NUMBER)
_REASONING = Slot(("usage", "completion_tokens_details", "reasoning_tokens"), NUMBER)
_COUNTS = (_PROMPT, _COMPLETION, _TOTAL, _CACHED, _HIT, _REASONING)
_LOOKED_AT: Final = frozenset(
    (
        "input_tokens", "output_tokens", "promptTokens", "completionTokens", "totalTokens", "prompt_eval_count",
        "eval_count", "promptTokenCount", "candidatesTokenCount", "totalTokenCount", "prompt_cache_hit_tokens",
        "cached_tokens", "num_cached_tokens", "cache_read_input_tokens", "audio_prompt_tokens", "prompt_audio_tokens",
    )
)  # fmt: skip
"""Counts under other names, which rules read."""

_TIMES = ("queue_time", "prompt_time", "completion_time", "total_time")
_PACE = ("n", "ms", "per_token_ms", "per_second")
_PASSING: tuple[Slot, ...] = (
    *(Slot(("usage", name), VALUE) for name in ("prompt_cache_miss_tokens", "cost", *_TIMES)),
    *(Slot(("timings", f"{side}_{name}"), VALUE) for side in ("prompt", "predicted") for name in _PACE),
    *(Slot(("time_info", name), VALUE) for name in ("created", *_TIMES)),
    Slot(("timings", "cache_n"), VALUE),
    Slot(("x_groq", "id"), NAME),
    Slot(("request_id",), NAME),
)
"""Extras of known servers that differ in every reply; no rule looks at them."""

Values: TypeAlias = list[bytes]
Counts: TypeAlias = tuple[int, ...]
Play: TypeAlias = Callable[[ReplyContext, bytes], "Played"]


class Played(Protocol):
    """What a reply became the general way."""

    error: TruelineError | None

    def close(self) -> bytes: ...


class _Form(NamedTuple):
    """One shape of replies, and what becomes of them."""

    match: Callable[[bytes], re.Match[bytes] | None]
    skeleton: Skeleton
    slots: tuple[Slot, ...]
    looks: tuple[Look | None, ...]
    """How what stands in each slot is looked at; None: not at all, or as one of the counts."""
    same: bool
    """They leave as they came."""
    pieces: tuple[bytes, ...]
    """What leaves, with room for values at every second place."""
    fills: tuple[int, ...]
    """Which values: those of the slots, then the total, then what was minted."""
    minted: tuple[int, ...]
    """What is asked of the mint, in order: so many characters, or 0 for the time."""
    faults: dict[str, int]
    source: Any
    counted: tuple[int, ...]
    """Where the counts stand: prompt, completion, total, cached, reasoning; 0 for none, empty without any."""
    renamed: bool
    """The upstream's id was replaced."""
    tier: Any
    """The service tier that it names."""


class _Outcome(NamedTuple):
    out: bytes
    faults: dict[str, int]
    source: Any
    upstream_id: str | None
    minted: tuple[int, ...]
    tier: Any


class WholeLane:
    """What was learned of the replies to requests that are alike: `apply` it, or `learn` more."""

    __slots__ = ("_forms", "_looks", "_seen", "taken")

    def __init__(self) -> None:
        self.taken = 0
        """Replies that took the lane."""
        self._forms: list[_Form] = []
        self._seen: dict[Skeleton, bool] = {}
        self._looks = 0

    def apply(self, body: bytes, context: ReplyContext) -> bytes | None:
        """The exact reply, with its faults noted, or None for one that has to go the general way."""
        if len(body) > MAX_BODY:
            return None
        for form in self._forms:
            match = form.match(body)
            if match is None:
                continue
            counts = _counts(form, match)
            values = _values(form, match, counts) if counts is not None else None
            if counts is None or values is None:
                return None
            bounded = not LIMITS.isdisjoint(context.request.body)
            if bounded and not _ends_well(form, match, counts, body, context):
                return None
            if not _credible(counts, len(body), context, bounded):
                return None
            if form is not self._forms[0]:
                self._forms = [form, *(other for other in self._forms if other is not form)]
            self.taken += 1
            context.faults.update(form.faults)
            context.usage_source = form.source
            context.tier = form.tier
            if counts:
                context.usage = _usage(counts)
            if form.renamed:
                context.upstream_id = _identity(form, match)
            return body if form.same else _filled(form, values, context)
        return None

    def learn(self, body: bytes, payload: Any, context: ReplyContext, play: Play) -> None:
        """Learn from a reply that went the general way, if its shape was seen before."""
        self._looks += 1
        if len(body) > MAX_BODY or (self._looks > PATIENCE and self._looks % PATIENCE):
            return
        skeleton = _skeleton(body, payload)
        if skeleton is None:
            return
        before = self._seen.get(skeleton)
        if before is None:
            if len(self._seen) >= MAX_SEEN:
                self._seen.clear()
            self._seen[skeleton] = all(form.skeleton != skeleton for form in self._forms)
            return
        if not before:
            return
        self._seen[skeleton] = False  # learned now or never
        form = _learned(skeleton, body, payload, context, play) if is_sound(skeleton, payload) else None
        if form is not None:
            self._looks = 0
            forms = [form, *self._forms]
            for old in forms[MAX_FORMS:]:
                self._seen.pop(old.skeleton, None)
            self._forms = forms[:MAX_FORMS]


# -- the lanes of a process -------------------------------------------------------------------------------------------
# Threads may share them: what is kept is replaced or emptied in one step.

_lanes: dict[tuple[object, ...], WholeLane] = {}


def lane_for(context: ReplyContext) -> WholeLane | None:
    """The lane for the reply to a plain request; None for requests of which rules want to know more."""
    request, options = context.request, context.options
    if options.options or type(context) is not ReplyContext or not isinstance(request, ChatRequest):
        return None
    if not request.plain and not request.body.keys() <= _REQUEST:
        return None
    key = (options, context.route.upstream, context.route.model, request.model)
    lane = _lanes.get(key)
    if lane is None:
        if len(_lanes) >= MAX_LANES:
            _lanes.clear()
        lane = _lanes[key] = WholeLane()
    return lane


# -- applying ---------------------------------------------------------------------------------------------------------


def _counts(form: _Form, match: re.Match[bytes]) -> Counts | None:
    """The counts of the prompt, the completion, and of cached and reasoning tokens; empty where the reply has none.

    None where they do not add up.
    """
    if not form.counted:
        return ()
    first, second, third, fourth, fifth = form.counted
    prompt, completion = int(match[first]), int(match[second])
    cached, reasoning = int(match[fourth]) if fourth else 0, int(match[fifth]) if fifth else 0
    if (third and int(match[third]) != prompt + completion) or cached > prompt or reasoning > completion:
        return None
    return prompt, completion, cached, reasoning


def _values(form: _Form, match: re.Match[bytes], counts: Counts) -> Values | None:
    """What stands in the slots, as it will leave, and the total; None where a rule would look twice."""
    values: Values = list(match.groups())
    try:
        for number, look in enumerate(form.looks):
            if look is None:
                continue
            value = look(values[number])
            if value is None:
                return None
            values[number] = value
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    values.append(b"%d" % (counts[0] + counts[1]) if counts else b"")
    return values


def _ends_well(form: _Form, match: re.Match[bytes], counts: Counts, body: bytes, context: ReplyContext) -> bool:
    """Whether the reply plainly ends where the request, which sets a limit, wants it to."""
    asked = context.request.body
    completion = counts[1] if counts else 0
    if not asked.get("stop"):
        limit = asked.get("max_completion_tokens", asked.get("max_tokens"))
        if "max_tokens" in asked and "max_completion_tokens" in asked:
            limit = limit_of(asked)
        plain = type(limit) is int and 0 < completion < limit and context.options.enforce.max_tokens != "on"
        return plain or is_within(context, [], len(body), completion)
    if CONTENT not in form.slots:
        return is_within(context, [body.decode("utf-8", "replace")], len(body), completion)
    return is_within(context, [text_of(match[1 + form.slots.index(CONTENT)])], len(body), completion)


def _credible(counts: Counts, size: int, context: ReplyContext, bounded: bool) -> bool:
    """Whether the report is plainly one that can be; `size`: of the reply, in bytes; `bounded`: it has a limit."""
    if not counts:
        return True
    prompt, completion = counts[0], counts[1]
    if few_for(completion, size) or (prompt <= FEW and few_for_prompt(prompt, context)):
        return False
    return not bounded or completion <= (limit_of(context.request.body) or completion)


def _identity(form: _Form, match: re.Match[bytes]) -> str | None:
    """The upstream's own id."""
    place = next((number for number, slot in enumerate(form.slots) if slot.path == _OTHER_ID.path), None)
    return text_of(match[1 + place]) if place is not None else None


def _counted(slots: tuple[Slot, ...]) -> tuple[int, ...]:
    wanted = (_PROMPT, _COMPLETION, _TOTAL, _CACHED, _REASONING)
    return tuple(slots.index(slot) + 1 if slot in slots else 0 for slot in wanted) if _PROMPT in slots else ()


def _usage(counts: Counts) -> dict[str, Any]:
    """The usage that leaves, as far as somebody looks at it."""
    prompt, completion, cached, reasoning = counts
    usage: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    if cached:
        usage["prompt_tokens_details"] = {"cached_tokens": cached}
    if reasoning:
        usage["completion_tokens_details"] = {"reasoning_tokens": reasoning}
    return usage


def _filled(form: _Form, values: Values, context: ReplyContext) -> bytes:
    for length in form.minted:
        mint = context.mint
        values.append(mint.token(length).encode() if length else b"%d" % mint.now())
    parts = list(form.pieces)
    for number, value in enumerate(form.fills):
        parts[2 * number + 1] = values[value]
    return b"".join(parts)


# -- learning ---------------------------------------------------------------------------------------------------------


def _skeleton(body: bytes, payload: Any) -> Skeleton | None:
    """The skeleton of a reply in which nothing is odd that may differ in the next one."""
    usage = get(payload, ("usage",))
    ours = str(get(payload, ("id",))).startswith("chatcmpl-")
    slots = [_OPENAI_ID if ours else _OTHER_ID, _CREATED, CONTENT, *_PASSING]
    message = get(payload, _MESSAGE)
    thoughts = [slot for slot in _THOUGHTS if isinstance(message, dict) and slot.path[-1] in message]
    if len(thoughts) == 1:
        slots += thoughts
    if usage is not None:
        if not isinstance(usage, dict):
            return None
        slots += _COUNTS
    skeleton = find(body, payload, slots)
    if skeleton is None or sum(map(len, skeleton.pieces)) > MAX_LITERAL:
        return None
    found = frozenset(skeleton.slots)
    if usage is not None and not (_PROMPT in found and _COMPLETION in found and _adds_up(usage, found)):
        return None
    return skeleton


def _adds_up(usage: dict[str, Any], found: frozenset[Slot]) -> bool:
    """Whether these counts are of the kind that rules leave alone."""
    prompt, completion = usage["prompt_tokens"], usage["completion_tokens"]
    cached, reasoning = get(usage, _CACHED.path[1:]), get(usage, _REASONING.path[1:])
    if "total_tokens" in usage and (_TOTAL not in found or usage["total_tokens"] != prompt + completion):
        return False
    if any(usage.get(name) and not (name == _HIT.path[1] and _CACHED in found) for name in _LOOKED_AT):
        return False
    plain = all((slot in found) == bool(count) for slot, count in ((_CACHED, cached), (_REASONING, reasoning)))
    return plain and (cached or 0) <= prompt and (reasoning or 0) <= completion


def _learned(skeleton: Skeleton, body: bytes, payload: Any, context: ReplyContext, play: Play) -> _Form | None:
    """The form of a skeleton, if two probes of it and the reply itself bear it out."""
    one, two = (_probe(skeleton, probe, context, play) for probe in (FIRST, SECOND))
    own = _outcome(body, context.request.body, context, play)
    if one is None or two is None or own is None or not one.faults == two.faults == own.faults:
        return None
    if not (one.source == two.source == own.source and one.minted == two.minted == own.minted):
        return None
    same = all(o.out == b for o, b in ((own, body), (one, _body(skeleton, FIRST)), (two, _body(skeleton, SECOND))))
    pieces, fills = _template(skeleton, one)
    form = _Form(
        skeleton.compile().fullmatch,
        skeleton,
        skeleton.slots,
        tuple(map(look_of, skeleton.slots)),
        same and own.faults.keys() <= LEFT_ALONE,
        pieces,
        fills,
        own.minted,
        own.faults,
        own.source,
        _counted(skeleton.slots),
        own.upstream_id is not None,
        own.tier,
    )
    for outcome, sent in ((one, _body(skeleton, FIRST)), (two, _body(skeleton, SECOND)), (own, body)):
        if not _bears_out(form, sent, outcome, context):
            return None
    return form


def _bears_out(form: _Form, body: bytes, outcome: _Outcome, context: ReplyContext) -> bool:
    match = form.match(body)
    counts = _counts(form, match) if match is not None else None
    values = _values(form, match, counts) if match is not None and counts is not None else None
    if match is None or values is None:
        return False
    if outcome.upstream_id != (_identity(form, match) if form.renamed else None):
        return False
    probed = ReplyContext(context.request, context.route, ProbeMint(), context.options)
    return outcome.out == (body if form.same else _filled(form, values, probed))


def _body(skeleton: Skeleton, probe: Probe) -> bytes:
    return skeleton.fill(probe.token(number, slot) for number, slot in enumerate(skeleton.slots))


def _probe(skeleton: Skeleton, probe: Probe, context: ReplyContext, play: Play) -> _Outcome | None:
    asked = {**context.request.body, "messages": probe.messages}
    return _outcome(_body(skeleton, probe), asked, context, play)


def _outcome(body: bytes, asked: dict[str, Any], context: ReplyContext, play: Play) -> _Outcome | None:
    mint = ProbeMint()
    asked = {name: value for name, value in asked.items() if name not in LIMITS}  # looked at each time
    other = ReplyContext(ChatRequest(asked, b""), context.route, mint, context.options)
    played = play(other, body)
    out = played.close()
    if played.error is not None:
        return None
    return _Outcome(out, other.faults, other.usage_source, other.upstream_id, tuple(mint.asked), other.tier)


def _template(skeleton: Skeleton, outcome: _Outcome) -> tuple[tuple[bytes, ...], tuple[int, ...]]:
    """What left for the first probe, cut at the values of its slots."""
    marks = [FIRST.token(number, slot).strip(b'"') for number, slot in enumerate(skeleton.slots)]
    marks.append(FIRST.total(skeleton.slots))
    mint = ProbeMint()
    marks += [mint.token(length).encode() if length else b"%d" % mint.now() for length in outcome.minted]
    known = {mark: number for number, mark in enumerate(marks) if mark}
    if not known:
        return (outcome.out,), ()
    longest = sorted(map(re.escape, known), key=len, reverse=True)
    cut = re.split(rb"(?<![0-9])(" + b"|".join(longest) + rb")(?![0-9])", outcome.out)
    return tuple(cut), tuple(known[mark] for mark in cut[1::2])
