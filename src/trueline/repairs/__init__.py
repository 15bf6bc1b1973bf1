"""Named rules over canonical events, in the order in which they run.

A rule declares the event types that it wants to see and answers each with the event itself, another one, a list, or
None (dropped).  Rules are bound by type when an exchange begins, so that an event meets only those that asked for it.
There is no streaming version of a rule: a whole reply is unfolded into the same events.
"""

from .answers import AnswerInThoughts, PicturesInChat
from .arguments import MissingArguments
from .base import Result, Rule
from .calls import WholeCalls
from .envelope import Envelope
from .extras import DropExtras
from .finish import FinishReasons
from .leaks import JsonFences, PrefillEcho, TextEnds
from .logprobs import Logprobs
from .markup import PrintedCalls
from .repeats import Repeats
from .surrogates import Surrogates
from .thinking import ThinkTags
from .tools import ToolCalls
from .usage import MissingUsage, UsageTotals

__all__ = ["REPAIRS", "Result", "Rule"]

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
    FinishReasons,
    MissingArguments,
    MissingUsage,
    UsageTotals,
    WholeCalls,
    DropExtras,
)
