"""A reply ends where the request said: before a stop string, and at its limit of tokens (`faults.md` section 12).

Where the upstream went on, the text is cut, the choice ends with OpenAI's finish reason, and when all choices have
ended nothing more is asked of the upstream.  Only what may begin a stop string waits, and near the limit the part of a
word that may be beyond it.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from ...context import ReplyContext
from ...events import (
    ChoiceStart,
    Event,
    Finish,
    Opaque,
    ReasoningDelta,
    ReplyEnd,
    ReplyStart,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from ...finish_words import meaning
from ..base import Passing, Result, Rule
from .asked import LIMIT, STOP, asks, limit_of, stops_of
from .choice import Choice
from .keeping import Keeping, visible
from .meter import AT_ONCE
from .stops import stops_for
from .texts import TEXTS, Measured, Texts, part, said_by, written
from .trim import joined

__all__ = ["Limits"]


class Limits(Rule):
    """End a choice before a stop string, and at the limit of tokens, where the upstream did not."""

    sees = (ReplyStart, ChoiceStart, *TEXTS, ToolCallStart, ToolCallDelta, Finish, Opaque, Usage, ReplyEnd)
    mends = ("stop-echoed", "stop-ignored", "max_completion_tokens-ignored")

    @classmethod
    def wanted(cls, context: ReplyContext) -> bool:
        return bool(asks(context) & (STOP | LIMIT))

    def __init__(self, context: ReplyContext) -> None:
        super().__init__(context)
        request, enforce = context.request, context.options.enforce
        stops = stops_of(request.body) if enforce.stop != "off" else ()
        limit = limit_of(request.body) if enforce.max_tokens != "off" else None
        self._stops = stops_for(stops) if stops else None
        self._keeping = Keeping(context, limit) if limit else None
        self._choices: dict[int, Choice] = {}
        self._over = self._ending = self._thought = False
        self._doubting = False
        """Something is held, or was, beyond the limit of a choice."""
        self._report: Usage | None = None
        self._waiting: list[Event] | None = None if request.stream else []
        """What is looked at together: a whole reply, or what came while a vocabulary is loaded."""
        self._loading = False
        self._apart: tuple[Choice, Any, list[Measured]] | None = None
        """What is measured beside the event loop."""
        self._seen: list[Event] = []
        self._all_at_once = False
        """Everything is."""

    def see(self, event: Any) -> Result:
        if self._waiting is None:
            return self._see(event)
        self._waiting.append(event)
        return self._see_whole() if type(event) is ReplyEnd and not self._loading else None

    def passing(self, kind: type) -> Passing | None:
        """Nearly all of a text is plainly within what was asked for."""
        choice = self._choices.get(0)
        if kind not in TEXTS or choice is None or self._waiting is not None:
            return Passing(-1)
        content = kind is TextDelta
        if choice.over or choice.ended or choice.stopping or choice.beyond is not None:
            return Passing(-1)
        if choice.waits and not content:
            return Passing(-1)
        holder = choice if content and choice.stops is not None else None
        if choice.texts is None:
            return Passing(holder=holder)
        return choice.texts.passing(kind, holder, self._likely, self._believe)

    def _likely(self, report: Usage) -> int:
        """How many bytes the rest of the only choice may well have, where the upstream kept the limit by its report."""
        keeping, choice = self._keeping, self._choices.get(0)
        said = visible(report, self._thought)
        if keeping is None or choice is None or choice.texts is None or said is None or not keeping.believes(said):
            return 0
        return choice.texts.likely(said)

    def _believe(self) -> None:
        """The rest of the only choice is not counted."""
        self._choices[0].texts = None

    def resume(self) -> Result:
        """See Rule: the vocabulary is there."""
        if not self._loading:
            return None
        self._loading = False
        if not self.context.request.stream:
            return self._whole_seen()
        return [*self._taken(), *self._see_all()]

    def _see_whole(self) -> Result:
        """A whole reply has come: how its limit is measured, it says itself."""
        keeping = self._keeping
        if keeping is None:
            return self._see_all()
        events = self._seen = self._waiting or []
        size, measured = keeping.measured(events)

        def work() -> None:
            if size:
                keeping.load()
            self._choices = {number: Choice(texts, self._stops) for number, texts in measured().items()}
            self._seen = self._see_all()

        if size and (size > AT_ONCE or not keeping.loaded):
            self._all_at_once = True
            if not self.context.owe(work, size=size):
                self._loading = True
                return None
        else:
            work()
        return self._whole_seen()

    def _whole_seen(self) -> list[Event]:
        """What is left of a whole reply; all of it, where measuring it failed."""
        self._waiting = None
        return self._seen

    def _see_all(self) -> list[Event]:
        events, self._waiting = self._waiting or [], None
        out: list[Event] = []
        for position, event in enumerate(events):
            result = self._see(event)
            out += result if isinstance(result, list) else [] if result is None else [result]
            if self._loading and not self._all_at_once:
                self._wait(events[position + 1 :])
                break
        return out

    def _wait(self, events: list[Event]) -> None:
        self._waiting = [*(self._waiting or ()), *events]

    # -- event by event -----------------------------------------------------------------------------------------------

    def _see(self, event: Any) -> Result:
        kind = type(event)
        if kind is TextDelta and self._passes(event):
            return event  # type: ignore[no-any-return]  # one of `sees`
        if self._over:
            return None
        if kind is ReplyEnd:
            return self._end(event)
        if kind is ReplyStart:
            if self._keeping is not None:
                self._keeping.hear(event.model)
            return event  # type: ignore[no-any-return]  # one of `sees`
        if kind is ReasoningDelta:
            self._thought = True
        choice = self._choices.get(event.choice) if kind is not Usage else None
        if kind is Usage:
            self._report = event
            out = self._settled_by(event)
            return [*out, event] if out else event
        if kind is Opaque or kind is ChoiceStart:
            return None if choice is not None and choice.over else event
        if choice is None:
            texts = self._keeping.texts() if self._keeping is not None else None
            choice = self._choices[event.choice] = Choice(texts, self._stops)
            if kind is TextDelta and self._passes(event):
                return event  # type: ignore[no-any-return]  # one of `sees`
        if kind is Finish:
            return self._finish(choice, event)
        if choice.beyond is not None:
            return self._doubted(choice, event, choice.beyond)
        return None if choice.over else self._text(choice, event)

    def _passes(self, event: TextDelta) -> bool:
        """Whether a content is plainly within what was asked for: as nearly all of them are."""
        choice = self._choices.get(event.choice)
        if choice is None or choice.over or choice.stopping or choice.waits or choice.beyond is not None:
            return False
        if self._stops is not None and not self._stops.passes(event.text):
            return False
        return choice.texts is None or choice.texts.passes(event)

    def _text(self, choice: Choice, event: Any) -> Result:
        number = event.choice
        if choice.stopping:
            return self._cut(choice, number, "stop", "stop-ignored") if said_by(event) else None
        texts, keeping = choice.texts, self._keeping
        if texts is None or keeping is None:
            return self._stopped(choice, event)
        if not self._all_at_once and texts.counts(event):
            size = texts.pending(event)
            if size > AT_ONCE or not keeping.loaded:
                return self._take_apart(choice, event, texts, keeping, size)
        if not keeping.measures:
            choice.texts = None
            return self._stopped(choice, event)
        parts, over = texts.take(event)
        out = self._through(choice, number, parts, over)
        return event if len(out) == 1 and out[0] is event else out

    def _take_apart(self, choice: Choice, event: Any, texts: Texts, keeping: Keeping, size: int) -> Result:
        """Measure what takes long beside the event loop."""
        found: list[Measured] = []

        def work() -> None:
            keeping.load()
            if keeping.measures:
                found.append(texts.take(event))

        self._apart = choice, event, found
        if self.context.owe(work, size=size):
            return self._taken()
        self._loading, self._waiting = True, []
        return None

    def _taken(self) -> list[Event]:
        """What was measured so; what could not be leaves as it came."""
        apart, self._apart = self._apart, None
        if apart is None:
            return []
        choice, event, found = apart
        if not found:
            choice.texts = None
            return self._stopped(choice, event)
        parts, over = found[0]
        return self._through(choice, event.choice, parts, over)

    def _through(self, choice: Choice, number: int, parts: list[Event], over: bool) -> list[Event]:
        """What is within the limit: up to a stop string; `over`: behind it, the limit was reached."""
        out: list[Event] = []
        for event in parts:
            if choice.stopping and not choice.over and type(event) is not Opaque and said_by(event):
                out += self._cut(choice, number, "stop", "stop-ignored")
            if not choice.over:
                out += self._stopped(choice, event)
        if not over or choice.over:
            return out
        keeping = self._keeping
        if keeping is None or not keeping.doubt or choice.texts is None:
            return [*out, *self._cut_off(choice, number)]
        self._doubting = True
        choice.beyond, choice.doubt = [], keeping.doubted()
        return [*out, *self._weighed(choice, number, choice.texts.beyond)]

    def _cut_off(self, choice: Choice, number: int) -> list[Event]:
        """The limit is where the choice ends."""
        parts = choice.texts.cut() if choice.texts is not None else []
        out = self._through(choice, number, parts, False)
        if choice.over:
            return out
        if choice.stopping:
            return [*out, *self._cut(choice, number, "stop", "stop-ignored")]
        return [*out, *self._let_go(choice, number), *self._cut(choice, number, "length", _TOO_LONG)]

    # -- beyond the limit, by a count that may not be the upstream's --------------------------------------------------

    def _doubted(self, choice: Choice, event: Any, beyond: list[Any]) -> list[Event]:
        beyond.append(event)
        if self._keeping is None or not self._keeping.counts(event):
            return []
        return self._weighed(choice, event.choice, said_by(event))

    def _weighed(self, choice: Choice, number: int, text: str) -> list[Event]:
        """More came behind the limit: beyond all doubt?"""
        doubt = choice.doubt
        if doubt is None or doubt.passes(text) or not doubt.take(text)[1]:
            return []
        choice.beyond = None
        return self._cut_off(choice, number)

    def _settled_by(self, usage: Usage | None) -> list[Event]:
        """The upstream ended shortly behind the limit: its own count, or else `length`, says that it kept that."""
        out: list[Event] = []
        if not self._doubting:
            return out
        report = usage or self._report
        said = visible(report, self._thought) if report is not None else None
        for number, choice in self._choices.items():
            if usage is not None and not choice.ended:
                continue  # it reports as it goes
            beyond, choice.beyond = choice.beyond, None
            if beyond is None or choice.texts is None or self._keeping is None:
                continue
            most = self._keeping.limit * max(len(self._choices), self.context.request.n)
            if said is not None and choice.ended:
                kept, reached = said <= most, said == most
            else:
                kept = reached = any(type(event) is Finish and meaning(event.reason) == "length" for event in beyond)
            if not kept:
                out += self._cut_off(choice, number)
                continue
            ends = [event for event in beyond if type(event) is Finish]
            texts = [event for event in beyond if type(event) is not Finish]
            out += self._through(choice, number, [*choice.texts.uncut(), *texts], False)
            for event in ends:
                out += self._ended(choice, event)
            self.context.kept = self.context.kept or reached
        return out

    def _stopped(self, choice: Choice, event: Any) -> list[Event]:
        """A text up to a stop string, which only a content can hold."""
        stops = self._stops
        if stops is None:
            return [event]
        if type(event) is not TextDelta:
            return [event] if type(event) is Opaque else [*self._let_go(choice, event.choice), event]
        if not choice.waits and stops.passes(event.text):
            return [event]
        text, number = choice.waits + event.text, event.choice
        end, rest = stops.take(text)
        choice.waits = "" if rest is not None else text[end:]
        event.logprobs, choice.logprobs = part(joined(choice.logprobs, event.logprobs), text, end)
        choice.stopping = rest is not None
        out = written(event, text[:end])
        return [*out, *self._cut(choice, number, "stop", "stop-ignored")] if rest else out

    @staticmethod
    def _let_go(choice: Choice, number: int) -> list[Event]:
        """What waited is no stop string."""
        if not choice.waits:
            return []
        event = TextDelta(number, choice.waits, choice.logprobs)
        choice.waits, choice.logprobs = "", UNSET
        return [event]

    # -- ends ---------------------------------------------------------------------------------------------------------

    def _cut(self, choice: Choice, number: int, reason: str, fault: str) -> list[Event]:
        """The upstream went on: the choice ends here, and with the last of them the reply."""
        self.note(fault)
        choice.over, choice.waits = True, ""
        self.context.recount = True
        if reason == "length" and self._keeping is not None:
            self._keeping.cut(len(self._choices))
        return [Finish(number, reason), *self._all_over()]

    def _all_over(self) -> list[Event]:
        """The end, where a stream has nothing more to say and its upstream does not know."""
        request = self.context.request
        if not self.context.recount:  # nothing was cut
            return []
        done = [choice for choice in self._choices.values() if choice.closed]
        if self._ending or not request.stream or len(done) < request.n or all(choice.ended for choice in done):
            return []
        self._over = self._ending = self.context.left = True
        return [*self._settled_by(None), ReplyEnd(True)]

    def _finish(self, choice: Choice, event: Finish) -> Result:
        if choice.ended:
            return event
        if choice.closed:
            choice.ended = True
            return None
        choice.ended = True
        held = choice.texts is not None and choice.texts.held
        out = self._released(choice, event.choice) if choice.beyond is None and (held or choice.waits) else []
        if choice.beyond is not None:
            choice.beyond.append(event)
            return out
        if choice.over:
            return out
        out += self._ended(choice, event)
        out += self._all_over()
        return event if len(out) == 1 and out[0] is event else out

    def _ended(self, choice: Choice, event: Finish) -> list[Event]:
        """The upstream's own end of a choice, with what it means."""
        if choice.over:
            return []
        if choice.stopping:
            self.note("stop-echoed")
            event.reason = "stop"
        elif self._keeping is not None and event.reason != "stop" and meaning(event.reason) == "length":
            self.context.kept = True
        return [*self._let_go(choice, event.choice), event] if choice.waits else [event]

    def _released(self, choice: Choice, number: int) -> list[Event]:
        """The choice is at its end: what was held of it."""
        parts, over = choice.texts.rest() if choice.texts is not None else ([], False)
        out = self._through(choice, number, parts, over) if parts or over else []
        waits = choice.waits and not choice.over and choice.beyond is None
        return [*out, *self._let_go(choice, number)] if waits else out

    def _end(self, event: ReplyEnd) -> Result:
        self._ending = True
        if event.done and not self._doubting and all(choice.ended for choice in self._choices.values()):
            return event
        out: list[Event] = []
        unfinished = [(number, one) for number, one in self._choices.items() if not (one.over or one.ended)]
        for number, choice in unfinished:
            choice.ended = True
            out += self._released(choice, number) if choice.beyond is None else []
        out += self._settled_by(None)
        for number, choice in unfinished:
            out += self._let_go(choice, number) if not choice.over else []
            if choice.stopping and not choice.over:  # what was asked for is complete, however the upstream ended
                self.note("stop-echoed")
                out.append(Finish(number, "stop"))
                choice.over = True
        if not event.done:
            over = [choice for choice in self._choices.values() if choice.over]
            event.done = len(over) == len(self._choices) >= self.context.request.n
        return [*out, event] if out else event


_TOO_LONG = "max_completion_tokens-ignored"
