"""`${VAR}`, `env:VAR` and `os.environ/VAR` inside a value: the text of the environment variable they name."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["expand"]

_WHOLE = re.compile(r"(?:env:|os\.environ/)(.*)", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PART = re.compile(r"(\$\$\{)|\$\{([^}]*)(\}?)")


def expand(text: str, env: Mapping[str, str]) -> str:
    """Replace references; `$${` is a literal `${`.  ValueError (its text is for a person) names a missing variable."""

    def lookup(name: str, written: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError(f'found "{written}"; allowed: ${{NAME}}, env:NAME or os.environ/NAME')
        if name not in env:
            raise ValueError(f"the environment variable {name} is not set")
        return env[name]

    def part(match: re.Match[str]) -> str:
        if match[1]:
            return "${"
        return lookup(match[2] if match[3] else "", "${" + match[2].split("\n")[0] + match[3])

    whole = _WHOLE.fullmatch(text)
    return lookup(whole[1].strip(), text) if whole else _PART.sub(part, text)
