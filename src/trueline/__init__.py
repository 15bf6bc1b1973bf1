"""Trueline, the OpenAI-format proxy: every reply is exact OpenAI format, or an honest OpenAI error."""

from __future__ import annotations

__version__ = "0.1.0"
