"""`SettingsError`: a mistake in the settings, with the place where it was made."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

__all__ = ["DEFAULT", "Origin", "SettingsError", "did_you_mean"]


class SettingsError(ValueError):
    """What was found where, and what is allowed.

    `str()` is one line for a person: ``trueline.yaml:3: port: found "x"; allowed: …``.  It never holds a secret.
    """

    def __init__(self, file: str | None, line: int | None, key: str | None, message: str) -> None:
        self.file = file
        """The settings file, or the flag or environment variable that the value came from."""
        self.line = line
        self.key = key
        self.message = message
        place = f"{file}:{line}" if file and line else file
        # The name of a flag or variable says the key already.
        shown_key = key if line or not file else None
        super().__init__(": ".join(part for part in (place, shown_key, message) if part))


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value came from: a flag (`--port`), a variable (`TRUELINE_PORT`), a line of a file, or the default."""

    kind: Literal["flag", "env", "file", "default"]
    name: str = ""
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.name}:{self.line}" if self.line else (self.name or self.kind)

    def error(self, key: str, message: str) -> SettingsError:
        return SettingsError(self.name or None, self.line, key, message)


DEFAULT = Origin("default")


def did_you_mean(word: str, known: Iterable[str], *, prefix: str = "") -> str:
    """` did you mean "port"?` with a leading space, or nothing when no known word is near.

    A prefix that all words share is not compared: with it, any two of them look alike.
    """
    by_lower = {name.removeprefix(prefix).lower(): name for name in known if name != "*"}
    near = difflib.get_close_matches(word.removeprefix(prefix).lower(), by_lower, n=1, cutoff=0.6)
    return f' did you mean "{by_lower[near[0]]}"?' if near else ""
