"""The kinds of value that come from the table of providers: its names, its dialects, what fills its placeholders."""

from __future__ import annotations

import re

from trueline.providers import AUTHS, DIALECTS, PROVIDERS, named

from . import kinds
from .errors import did_you_mean
from .kinds import Kind

__all__ = ["AUTH", "DIALECT", "PLACE", "PLACES", "PROVIDER", "TEMPLATE", "read_place"]

PLACES = ("resource", "region", "account", "project", "api_version")
"""Settings of an upstream that fill the placeholders of its provider's URL and paths."""
_TEMPLATES = ("chatml", "llama2", "llama3", "mistral", "zephyr", "gemma", "phi", "none")


def _provider(found: str | None) -> str:
    row = named((found or "").strip().lower())
    if row is None:
        near = did_you_mean(found or "", PROVIDERS)
        raise ValueError(
            f'there is no provider "{(found or "")[:200]}" in the table;{near} `trueline providers` lists it'
        )
    return row.name


def read_place(found: str | None) -> str:
    """A text that can stand in a host name; ValueError for any other."""
    text = (found or "").strip()
    if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?", text):
        raise ValueError
    return text


PROVIDER = Kind("provider", "the name of a provider", _provider, {"enum": list(PROVIDERS)})
DIALECT = kinds.choice(*DIALECTS)
AUTH = kinds.choice(*AUTHS)
TEMPLATE = kinds.choice(*_TEMPLATES)
PLACE = Kind("name", "letters, digits, dots, dashes and underscores", read_place, {"type": "string", "minLength": 1})
