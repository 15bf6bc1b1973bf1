"""Recorded replies without their requests: what they are, and what was asked."""

from __future__ import annotations

from .kind import KINDS, Kind, kind_of
from .look import Recorded, look

__all__ = ["KINDS", "Kind", "Recorded", "kind_of", "look"]
