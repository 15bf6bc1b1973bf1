"""Watches one exchange: a `Tracer` that writes down what becomes of each event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..events import Event
from .form import Act, Did, Seen, Step, plain

__all__ = ["Watcher"]

Result = Event | list[Event] | None


class Watcher:
    """The steps of one exchange; `begin` opens the next one."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._act: dict[str, int] | None = None  # the faults of the rule whose turn it is
        self._waiting: dict[str, list[tuple[Event, Act]]] = {}  # per rule: what it has not given back

    def begin(self, came: bytes) -> Step:
        """The next step."""
        self.steps.append(Step(came, {}, []))
        return self.steps[-1]

    def noted(self, fault: str) -> None:
        """See Tracer."""
        faults = self._faults if self._act is None else self._act
        faults[fault] = faults.get(fault, 0) + 1

    @property
    def _faults(self) -> dict[str, int]:
        return (self.steps[-1] if self.steps else self.begin(b"")).faults

    def took(self, event: Event) -> None:
        """See Tracer."""
        self.steps[-1].events.append(Seen(plain(event), [], []))

    def gave(self, events: list[Event]) -> None:
        """See Tracer."""
        self.steps[-1].events[-1].left = [plain(event) for event in events]

    def watch(self, rule: str, see: Callable[[Any], Result]) -> Callable[[Any], Result]:
        """See Tracer."""

        def watched(event: Any) -> Result:
            saw = plain(event)
            faults: dict[str, int] = {}
            self._act = faults
            try:
                result = see(event)
            finally:
                self._act = None
            given = result if isinstance(result, list) else [] if result is None else [result]
            act = Act(rule, saw, "kept", [plain(each) for each in given], faults)
            act.did = self._did(act, event, given)
            self.steps[-1].events[-1].acts.append(act)
            return result

        return watched

    def _did(self, act: Act, event: Event, given: list[Event]) -> Did:
        waiting = self._waiting.setdefault(act.rule, [])
        released = [one for one in waiting if any(one[0] is each for each in given)]
        for one in released:
            one[1].did = "held"
            waiting.remove(one)
        if not given:
            waiting.append((event, act))
            return "dropped"  # until it comes out again
        if released:
            return "released"
        if len(given) == 1 and given[0] is event and act.gave[0] == act.saw:
            return "kept"
        for earlier, taken in waiting:
            # What was taken away without a word, and has now gone into what the rule gives, was held.
            if not taken.faults and _says_something(earlier) and _same_choice(earlier, event):
                taken.did = "held"
        if len(given) == 1:
            return "changed"
        return "added" if any(each is event for each in given) else "split"


def _same_choice(one: Event, other: Event) -> bool:
    mine, theirs = getattr(one, "choice", None), getattr(other, "choice", None)
    return mine is None or theirs is None or mine == theirs


def _says_something(event: Event) -> bool:
    return any(getattr(event, name, None) for name in ("text", "arguments", "id", "name", "reason", "data"))
