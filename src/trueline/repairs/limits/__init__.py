"""What the request asked for, kept where the upstream did not keep it: stop strings, limits, JSON, calls of tools."""

from .answers import Answers
from .asked import FORMAT, LIMITS, asks, is_within
from .rule import Limits

__all__ = ["FORMAT", "LIMITS", "Answers", "Limits", "asks", "is_within"]
