"""The probes: a table per room, each row one question to the server.

chat stream tools structured usage errors images embeddings models completions http concurrency
"""

from __future__ import annotations

from collections.abc import Sequence

from ..model import Probe
from . import chat, completions, concurrency, embeddings, errors, http, images, models, stream, structured, tools, usage

__all__ = ["GROUPS", "PROBES", "chosen"]

PROBES: tuple[Probe, ...] = (
    *models.PROBES,
    *chat.PROBES,
    *stream.PROBES,
    *usage.PROBES,
    *tools.PROBES,
    *structured.PROBES,
    *errors.PROBES,
    *http.PROBES,
    *concurrency.PROBES,
    *completions.PROBES,
    *embeddings.PROBES,
    *images.PROBES,
)
GROUPS: tuple[str, ...] = tuple(dict.fromkeys(probe.group for probe in PROBES))


def chosen(only: Sequence[str] = ()) -> tuple[Probe, ...]:
    """The probes of these groups, or with these ids; all without any.  Raises ValueError for an unknown word."""
    known = {*GROUPS, *(probe.id for probe in PROBES)}
    for word in only:
        if word not in known:
            raise ValueError(f'there is no group or probe "{word}"; groups: {", ".join(GROUPS)}')
    return tuple(probe for probe in PROBES if not only or probe.group in only or probe.id in only)
