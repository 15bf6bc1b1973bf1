"""Trueline, the OpenAI-format proxy: every reply is exact OpenAI format, or an honest OpenAI error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = ["FormatOptions", "StreamFixer", "TruelineError", "__version__", "count_tokens", "fix"]

if TYPE_CHECKING:
    from .context import FormatOptions
    from .errors import TruelineError
    from .library import StreamFixer, count_tokens, fix

_HOMES = {
    "FormatOptions": "context",
    "StreamFixer": "library",
    "TruelineError": "errors",
    "count_tokens": "library",
    "fix": "library",
}


def __getattr__(name: str) -> Any:
    """Import the engine when it is asked for, not before: `import trueline` is cheap."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
