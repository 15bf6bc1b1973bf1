"""Which models think, as their names tell: only of these may encrypted thoughts be asked."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["thinks"]

_THINKS: Final = re.compile(
    r"(?:^|[/.:])(?:o[1-9](?:-|$)|gpt-(?:[5-9]|[1-9]\d)(?!.*chat)|codex-|computer-use|grok-(?:[4-9]|code)(?!.*non-reasoning))"
)


def thinks(model: str) -> bool:
    """Whether a model gives encrypted thoughts; others refuse to be asked."""
    return _THINKS.search(model.lower()) is not None
