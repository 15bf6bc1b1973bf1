"""Which vocabulary a model's text is counted with: OpenAI's encodings by model name (rules T1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType

__all__ = ["ENCODINGS", "bare_name", "encoding_name", "file_of"]

ENCODINGS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        name: re.compile("|".join(f"(?:{row})" for row in rows))
        for name, rows in {
            "o200k_harmony": (r"gpt-oss(?![a-z0-9])",),
            "o200k_base": (
                r"(?:chat)?gpt-4o(?![a-z0-9])",
                r"gpt-4\.[15](?!\d)",
                r"gpt-(?:[5-9]|[12]\d)(?![a-z0-9])",
                r"chatgpt-(?:4o|[5-9]|image)",
                r"o[1-9](?![a-z0-9.])",
                r"codex-mini",
                r"computer-use-preview",
                r"gpt-(?:audio|realtime|image)",
            ),
            "cl100k_base": (
                r"gpt-4(?![a-z0-9.])",
                r"gpt-3\.?5(?!\d)",
                r"text-embedding-(?:ada-002|3-(?:small|large))$",
                r"(?:davinci|babbage)-002(?!\d)",
            ),
            "p50k_base": (
                r"text-davinci-00[23]$",
                r"code-(?:davinci|cushman)-00[12]$",
                r"(?:davinci|cushman)-codex$",
            ),
            "r50k_base": (
                r"text-(?:davinci|curie|babbage|ada)-001$",
                r"(?:davinci|curie|babbage|ada)$",
                r"(?:text|code)-(?:similarity|search)-",
                r"gpt-?2$",
            ),
        }.items()
    }
)
"""Encoding -> the beginnings of the names of its models; snapshots, sizes and dates follow them.

p50k_base and r50k_base have no vocabulary here, as OpenAI serves no model of theirs: a count for one is an estimate.
"""

_PREFIX = re.compile(r"(?:.*/)?(?:(?:[a-z]{2,6}\.)?openai[.:])?(?:ft:)?", re.DOTALL)


def bare_name(model: str) -> str:
    """A model's own name, in lower case: no provider before it (`openai/`, `us.openai.`), and no `ft:`."""
    name = model.strip().lower()
    found = _PREFIX.match(name)
    return name[found.end() :] if found else name


def encoding_name(model: str) -> str | None:
    """The name of the encoding of an OpenAI model, a snapshot or a fine-tune; None for any other model."""
    name = bare_name(model)
    return next((encoding for encoding, names in ENCODINGS.items() if names.match(name)), None)


def file_of(model: str, files: Mapping[str, str]) -> str | None:
    """The file that is given for a model: under its very name, else under the first pattern (`llama*`) that fits."""
    if not files:
        return None
    exact = files.get(model)
    return exact or next((file for pattern, file in files.items() if fnmatchcase(model, pattern)), None)
