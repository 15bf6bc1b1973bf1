"""The words that every report uses, so that they say the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from ..card import Card, Entry, Group
from ..grade import ESSENTIAL
from ..model import Level, Shade

__all__ = [
    "HEADINGS",
    "MARKS",
    "VERDICTS",
    "alike",
    "behind",
    "counted",
    "facts",
    "openai",
    "others",
    "summary",
    "together",
    "where",
]

HEADINGS: Mapping[Level, tuple[str, str]] = MappingProxyType(
    {
        "must": ("Breaks clients", "against OpenAI's schema, or misread by an official client"),
        "exact": ("Differs from OpenAI", "tolerated by most clients; strict ones stumble"),
        "legal": ("Remarks", "allowed, and good to know"),
    }
)
VERDICTS: Mapping[Shade, str] = MappingProxyType(
    {
        "pass": "pass",
        "differs": "differs",
        "wrong": "wrong",
        "unsupported": "unsupported",
        "skipped": "skipped",
        "unreachable": "no answer",
    }
)
MARKS: Mapping[Shade, str] = MappingProxyType(
    {"pass": "✓", "differs": "≈", "wrong": "✗", "unsupported": "–", "skipped": "○", "unreachable": "!"}
)
_COUNTED: Mapping[Shade, str] = MappingProxyType({**VERDICTS, "differs": "differ", "unsupported": "lacking"})
_SHOWN_PROBES = 3


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 fault`, `2 faults`, `1,200 tokens`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def together(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def summary(card: Card) -> str:
    """What was found, in one sentence."""
    if card.grade.letter == "?":
        return "Nothing could be examined."
    silent = next((why for why in map(_silence, card.groups) if why), "")
    if silent and not card.level("must"):
        return silent
    must, exact = len(card.level("must")), len(card.level("exact"))
    if not must and not exact:
        return "Every reply is exact OpenAI format."
    parts = []
    if must:
        parts.append(f"{counted(must, 'fault')} {'breaks' if must == 1 else 'break'} clients")
    if exact:
        what = str(exact) if must else counted(exact, "thing")
        parts.append(f"{what} {'differs' if exact == 1 else 'differ'} from OpenAI")
    return f"{silent} {', '.join(parts)}.".lstrip()


def _silence(group: Group) -> str:
    """That the plain chat does not answer, where it does not."""
    chat = next((result for result in group.results if result.probe.id in ESSENTIAL), None)
    if chat is None or chat.verdict not in ("unsupported", "unreachable"):
        return ""
    return f"The plain {'chat' if group.name == 'chat' else 'stream'} does not answer."


def facts(card: Card) -> str:
    """How the probes came out, in one line."""
    total = sum(len(group.results) for group in card.groups)
    parts = [f"{number} {_COUNTED[verdict]}" for verdict in VERDICTS if (number := card.count(verdict))]
    what = "recorded reply" if card.offline else "probe"
    return f"{counted(total, what, 'recorded replies' if card.offline else None)}: {', '.join(parts)}"


def others(group: Group) -> str:
    """The verdicts other than pass, in one line."""
    counts = {verdict: group.count(verdict) for verdict in VERDICTS if verdict != "pass"}
    return ", ".join(f"{number} {_COUNTED[verdict]}" for verdict, number in counts.items() if number)


def behind(card: Card) -> str:
    """What becomes of the faults behind Trueline, in one line; empty where there are none."""
    real = [entry for entry in card.entries if entry.level != "legal"]
    if not real:
        return ""
    left = sum(not entry.cured for entry in real)
    if len(real) == 1:
        return f"Behind Trueline it is {'still there' if left else 'gone'}."
    return f"Behind Trueline {left or 'none'} of these {len(real)} {'is' if left == 1 else 'are'} left."


def openai(entry: Entry) -> str:
    """What OpenAI does instead, to be read behind its name."""
    return entry.issue.openai.removeprefix("OpenAI ")


def where(entry: Entry, room: int | None = None) -> str:
    """`12 replies: chat.whole, stream.plain and 4 more`, with as many names as there is room for."""
    replies = counted(entry.replies, "reply", "replies")
    for count in range(_SHOWN_PROBES, 0, -1):
        shown = list(entry.probes[:count])
        more = len(entry.probes) - len(shown)
        said = f"{replies}: {together([*shown, f'{more} more'] if more else shown)}"
        if room is None or len(said) <= room:
            return said
    return replies


def alike(card: Card) -> list[tuple[list[str], str]]:
    """The features that are lacking, together where the server's words for it are the same."""
    found: dict[str, list[str]] = {}
    for feature, why in card.lacking:
        found.setdefault(why, []).append(feature)
    return [(features, why) for why, features in found.items()]
