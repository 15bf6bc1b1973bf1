"""Named rules over canonical events, in the order in which they run.

A rule declares the event types that it wants to see and answers each with the event itself, another one, a list, or
None (dropped).  Rules are bound by type when an exchange begins, so that an event meets only those that asked for it.
There is no streaming version of a rule: a whole reply is unfolded into the same events.
"""

from ..context import ReplyContext
from .answers import AnswerInThoughts, PicturesInChat
from .arguments import MissingArguments
from .base import Result, Rule
from .calls import WholeCalls
from .counted import MissingUsage
from .envelope import Envelope
from .extras import DropExtras, HiddenThoughts
from .finish import FinishReasons
from .functions import CallsOfFunctions
from .leaks import JsonFences, PrefillEcho, TextEnds
from .limits import LIMITS, Answers, Limits, asks, is_within
from .logprobs import Logprobs
from .markup import PrintedCalls
from .repeats import Repeats
from .surrogates import Surrogates
from .tally import Tally, tally
from .thinking import ThinkTags
from .tools import ToolCalls
from .usage import UsageTotals

__all__ = ["LIMITS", "REPAIRS", "Plan", "Result", "Rule", "Tally", "is_within", "plan_for", "tally"]

REPAIRS: tuple[type[Rule], ...] = (
    Envelope,
    Surrogates,
    Repeats,
    ThinkTags,
    AnswerInThoughts,
    PicturesInChat,
    PrefillEcho,
    PrintedCalls,
    TextEnds,
    JsonFences,
    ToolCalls,
    Logprobs,
    Limits,
    FinishReasons,
    MissingArguments,
    UsageTotals,
    MissingUsage,
    WholeCalls,
    CallsOfFunctions,
    Answers,
    HiddenThoughts,
    DropExtras,
)


class Plan:
    """The rules that have anything to do in an exchange, and which of them see which events."""

    __slots__ = ("_seeing", "rules")

    def __init__(self, context: ReplyContext) -> None:
        self.rules = tuple(rule for rule in REPAIRS if rule.wanted(context))
        self._seeing: dict[type, tuple[int, ...]] = {}

    def seeing(self, kind: type) -> tuple[int, ...]:
        """Positions of the rules that see events of this type."""
        positions = self._seeing.get(kind)
        if positions is None:
            positions = tuple(i for i, rule in enumerate(self.rules) if kind in rule.sees)
            self._seeing[kind] = positions
        return positions


_MAX_KEPT = 256
_kept: dict[tuple[object, ...], Plan] = {}


def plan_for(context: ReplyContext) -> Plan:
    """The plan of an exchange: the same one for all requests that are alike.

    Only what an option switches on looks at a request's words, and what the request asks of its answer.
    """
    request, options = context.request, context.options
    if options.options:
        return Plan(context)
    key = (options, context.chat, request.stream, request.include_usage, asks(context))
    plan = _kept.get(key)
    if plan is None:
        if len(_kept) >= _MAX_KEPT:
            _kept.clear()
        plan = _kept[key] = Plan(context)
    return plan
