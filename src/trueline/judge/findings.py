"""What a judge finds, and the docket in which it writes it down.

A docket groups findings of one kind: the first place and the count are kept, so that a fault of every chunk is one
finding.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from ..faults import FAULTS
from ..wire import jsonio
from .rows import ROWS, Level
from .schema import ABSENT

__all__ = ["Docket", "Extras", "Finding", "Level", "excerpt_of"]

Extras = Literal["allow", "forbid"]
"""Whether fields beyond OpenAI's schema are tolerated (an "exact" finding) or break it (a "must" finding)."""

_EXCERPT = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of deviation in one reply."""

    level: Level
    """"must": it breaks OpenAI's schema, or an official SDK misreads it; "exact": OpenAI sends something else now."""
    rule: str
    """The rule of `rules.md` that it breaks: F1, C5, U1…, or SCHEMA."""
    fault: str | None
    """The id of `trueline.faults.FAULTS` that names it, if one does."""
    key: str
    """The kind of finding: the name of the fault, known to this version or not, or a name of the judge's own."""
    what: str
    """What is wrong, as a clause."""
    openai: str
    """What OpenAI sends instead, as a clause."""
    where: str
    """The first place: `chunk 3, choices[0].delta.role`; empty for the reply as a whole."""
    excerpt: str
    """What stands there, shortened."""
    count: int
    """How often it was found."""

    @property
    def text(self) -> str:
        """One sentence for a person: where, what, how often, and what OpenAI does."""
        place = f"{self.where}: " if self.where else ""
        again = f" (and {self.count - 1} more)" if self.count > 1 else ""
        seen = f" [{self.excerpt}]" if self.excerpt else ""
        return f"{place}{self.what}{again}{seen}. {self.openai}."


def excerpt_of(value: Any) -> str:
    """A value as short text: JSON, cut in the middle of long ones; nothing for what is absent."""
    if value is ABSENT:
        return ""
    if isinstance(value, bytes):
        text = value[: 2 * _EXCERPT].decode("utf-8", "replace").replace("\r", "\\r").replace("\n", "\\n")
    else:
        try:
            text = jsonio.encode(value).decode("utf-8", "replace")
        except (TypeError, ValueError, RecursionError):
            text = repr(value)
    return text if len(text) <= _EXCERPT else text[: _EXCERPT - 1] + "…"


class Docket:
    """The findings about one reply."""

    def __init__(self, extras: Extras = "allow") -> None:
        self.extras = extras
        self._found: dict[tuple[str, str, str], Finding] = {}

    def note(
        self,
        key: str,
        where: str = "",
        value: Any = ABSENT,
        *,
        level: Level | None = None,
        rule: str | None = None,
        what: str | None = None,
        **words: str,
    ) -> None:
        """Write down a finding of the kind `key` (a row of the tables), at a place, with what stands there.

        `level`, `rule` and `what` say it otherwise than the row; `words` fill its blanks.
        """
        row = ROWS[key]
        level = level or row.level
        what = what or row.what
        openai = row.openai.format(**words) if words else row.openai
        group = (key, what, openai)
        before = self._found.get(group)
        if before is not None:
            worse: Level = "must" if "must" in (level, before.level) else "exact"
            self._found[group] = replace(before, count=before.count + 1, level=worse)
            return
        fault = key if key in FAULTS else None
        self._found[group] = Finding(level, rule or row.rule, fault, key, what, openai, where, excerpt_of(value), 1)

    def has(self, *keys: str) -> bool:
        """Whether one of these kinds was found."""
        return any(finding.key in keys for finding in self._found.values())

    @property
    def extra_level(self) -> Level:
        """How bad a field is that OpenAI's schema does not know."""
        return "must" if self.extras == "forbid" else "exact"

    def findings(self) -> list[Finding]:
        """All findings: what must be mended first, each level in the order in which it was found."""
        return sorted(self._found.values(), key=lambda finding: finding.level != "must")
