"""What the request asked for, kept where the upstream did not keep it: stop strings, limits, JSON, calls of tools."""

from .answers import Answers
from .asked import FORMAT, asks
from .rule import Limits

__all__ = ["FORMAT", "Answers", "Limits", "asks"]
