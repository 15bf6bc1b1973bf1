"""What the request asked for, kept where the upstream did not keep it: stop strings, limits, JSON, calls of tools."""

from .asked import FORMAT, asks, json_format
from .rule import Limits

__all__ = ["FORMAT", "Limits", "asks", "json_format"]
