"""The line that the log holds for each request: fields that people and machines can read alike.

As text it is `key=value`, one space between two; a value with a space in it, or with anything that cannot be printed,
is in quotes.  A formatter that wants the fields themselves finds them in `LogLine.fields`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

__all__ = ["LogLine"]

_LONGEST = 200
_PLAIN = re.compile(r"[!#-&(-<>-~]{1,200}")
"""ASCII without spaces, quotes and `=`: nearly all values, and told at once."""


class LogLine(NamedTuple):
    """The fields of one line; `str()` is the text."""

    request: str
    method: str = "-"
    path: str = "-"
    status: int = 0
    ms: int = 0
    upstream: str | None = None
    model: str | None = None
    bytes: int = 0
    faults: Mapping[str, int] = {}
    error: str | None = None
    changes: tuple[str, ...] = ()
    """What was changed of the request on its way; as text only where there is any."""
    usage: str | None = None
    """Who says how many tokens these are: `reported`, `mended`, `counted` or `estimated`; as text only if known."""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: str | None = None
    """What that cost; as text only if known."""

    @property
    def fields(self) -> dict[str, Any]:
        """By name, as they are."""
        return {**self._asdict(), "changes": list(self.changes)}

    def __str__(self) -> str:
        request, method, path, status, ms, upstream, model, size, faults, error, changes, *used, cost = self
        if not _PLAIN.fullmatch(request):
            request = _word(request)
        return (
            f"request={request} method={_word(method)} path={_word(path)} status={status} ms={ms} "
            f"upstream={_word(upstream)} model={_word(model)} bytes={size} "
            f"faults={','.join([f'{fault}:{count}' for fault, count in faults.items()]) if faults else '-'} "
            f"error={_word(error)}"
            f"{' changes=' + _word(','.join(changes)) if changes else ''}"
            f"{' usage={} prompt_tokens={} completion_tokens={}'.format(*used) if used[0] else ''}"
            f"{'' if cost is None else ' cost_usd=' + cost}"
        )


@lru_cache(maxsize=1024)
def _word(value: str | None) -> str:
    """A value that cannot break the line, whoever chose it; `-` where there is none."""
    if not value:
        return "-"
    if _PLAIN.fullmatch(value):
        return value
    plain = value.isprintable() and not any(letter in value for letter in " \"'=")
    return value if plain and len(value) <= _LONGEST else ascii(value[:_LONGEST])
