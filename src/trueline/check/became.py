"""What became of one event of a stream: the events behind Trueline that say its part of the reply."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from .heard import Heard, hear_payload

__all__ = ["Part", "became"]


class Part(NamedTuple):
    """A choice in an event, and which stretch of its text and arguments it says."""

    payload: Any
    position: int
    """Where in the list of choices it stands."""
    start: int
    end: int


def became(was: Heard, number: int, position: int, now: Heard) -> list[Part] | None:
    """The parts behind Trueline that say what a choice of event `number` says; none where that cannot be told.

    None: nothing did, since it was a second finish.
    An event that says nothing became one that says nothing, at the same place in the text.
    """
    choice = _index(_choices(was.payloads[number]), position)
    old, old_text = _parts(was.payloads, choice)
    new, new_text = _parts(now.payloads, choice)
    mine = next((at for at, part in enumerate(old) if part.payload is was.payloads[number]), None)
    if mine is None or not new or old_text != new_text:
        return []
    part = old[mine]
    said = [other for other in new if other.start < part.end and other.end > part.start]
    if mine == 0:
        return [new[0], *(other for other in said if other is not new[0])]
    if said:
        return said
    silent = [other for other in new if other.start == other.end == part.start]
    finish = [other for other in old if _finish(other)]
    if part in finish:
        silent = [other for other in new if _finish(other)]
        return silent[:1] if part is finish[0] else None
    # Of several that say nothing at one place, the one of the same rank.
    rank = sum(other.start == other.end == part.start for other in old[:mine])
    return [silent[min(rank, len(silent) - 1)]] if silent else []


def _finish(part: Part) -> bool:
    return bool(_choices(part.payload)[part.position].get("finish_reason"))


def _parts(payloads: Sequence[Any], choice: Any) -> tuple[list[Part], str]:
    """What the events say of one choice, in order, and all its words together."""
    parts: list[Part] = []
    texts: list[str] = []
    at = 0
    for payload in payloads:
        choices = _choices(payload)
        for position, each in enumerate(choices):
            if _index(choices, position) == choice and isinstance(each, dict):
                words = _words(each)
                texts.append(words)
                parts.append(Part(payload, position, at, at + len(words)))
                at += len(words)
    return parts, "".join(texts)


def _choices(payload: Any) -> list[Any]:
    choices = payload.get("choices") if isinstance(payload, dict) else None
    return choices if isinstance(choices, list) else []


def _index(choices: list[Any], position: int) -> Any:
    """The number that a choice gives itself, else its position."""
    choice = choices[position] if position < len(choices) else None
    index = choice.get("index") if isinstance(choice, dict) else None
    return index if isinstance(index, int) else position


def _words(choice: dict[str, Any]) -> str:
    """The text and the arguments that a choice of an event adds: what a repair leaves as it is."""
    heard = hear_payload({"choices": [choice]})
    return heard.first.text + "".join(call.arguments for call in heard.calls)
