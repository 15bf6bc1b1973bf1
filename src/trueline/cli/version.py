"""What runs: the version, and whether its hot path was compiled."""

from __future__ import annotations

from importlib.util import find_spec

from .. import __version__

__all__ = ["version_text"]


def version_text() -> str:
    """`0.1.0`, or `0.1.0 (compiled)` where `scripts/compile` made what runs."""
    spec = find_spec("trueline.context")
    compiled = spec is not None and not (spec.origin or "").endswith(".py")
    return f"{__version__} (compiled)" if compiled else __version__
