"""What a row of the table of faults says."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

__all__ = ["CP", "CS", "CSI", "ECS", "SI", "C", "E", "Fault", "H", "I", "M", "P", "S", "V"]

Severity = Literal["must", "exact", "legal"]
Action = Literal["mends", "refuses", "leaves", "option"]
Setting = Literal[
    "",
    "off",
    "options",
    "extras",
    "fingerprint",
    "model_name",
    "think_tags",
    "enforce.max_tokens",
    "enforce.stop",
    "enforce.response_format",
    "enforce.on_invalid",
]


class Fault(NamedTuple):
    """One row: `where` holds some of chat, stream, images, embeddings, completions, models, errors and http."""

    id: str
    where: tuple[str, ...]
    severity: Severity
    action: Action
    line: str
    evidence: str
    """Where it was seen: the link of a report, or in words, behind `recorded:` (in replies of these servers),
    `reported:` (an issue whose repository's owner is not known), `source:` (in the code of who deals with it),
    `specified:` (from OpenAI's schema) or `inferred:` (from what is known of servers; no report was found)."""
    setting: Setting = ""
    """The setting that decides, of `format.…` where it names no other group: `off` switches a mend off, `options` one
    on, others say it in their words; empty where the reader or the writer is built so that there is no choice."""
    same_as: str = ""
    """The id under which it is noted, where nothing in the bytes tells the two apart."""


C: Final = ("chat",)
S: Final = ("stream",)
I: Final = ("images",)  # noqa: E741  # a column of initials
V: Final = ("embeddings",)
P: Final = ("completions",)
M: Final = ("models",)
E: Final = ("errors",)
H: Final = ("http",)
CS: Final = (*C, *S)
CP: Final = (*C, *P)
SI: Final = (*S, *I)
CSI: Final = (*C, *S, *I)
ECS: Final = (*E, *C, *S)
