"""The oracle of the shared specification."""

from __future__ import annotations

from engine.conftest import rules

__all__ = ["rules"]
