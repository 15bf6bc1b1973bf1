"""Excerpts of replies that an operator may see: the shape of what a server sent, and nothing of what was said.

Names of fields, numbers, punctuation, tags and the words of the format stay; letters of every other text become `x`.
It reads bytes that may be cut or broken anywhere, so it goes by quotation marks and not by a parser.
"""

from __future__ import annotations

import re

__all__ = ["MOST", "excerpt"]

MOST = 2000
"""Bytes of a reply that are looked at."""
_SHOWN = 700
"""Characters of an excerpt."""
_LONG = 24

_KEPT_FIELDS = frozenset(
    (
        *("code", "finish_reason", "id", "model", "object", "param", "role", "service_tier", "status"),
        *("stop_reason", "system_fingerprint", "type"),
    )
)
"""Their values are words of a format, or ids."""
_KEPT_WORDS = frozenset(
    (
        *("data", "event", "id", "retry", "DONE", "done", "true", "false", "null", "None", "True", "False", "NaN"),
        *("Infinity", "undefined", "error", "ping", "message", "html", "body", "head", "title", "x"),
    )
)
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)("\s*:|"|$)|(<[/!|]?[A-Za-z_:|]{1,24}[|]?>)|([^\W\d_]+)', re.DOTALL)
_LETTER = re.compile(r"(<[/|]?[A-Za-z_:|]{1,24}[|]?>|\\u[0-9A-Fa-f]{4}|\\.)|[^\W_]", re.DOTALL)
_INDENT = re.compile(r"\n {2,}")
_RUN = re.compile(rf"x(?:[x ]{{{_LONG},}})x")


def excerpt(data: bytes) -> str:
    """The beginning of `data`, without its words."""
    text = data[:MOST].decode("utf-8", "replace").strip()
    field = ""

    def token(match: re.Match[str]) -> str:
        nonlocal field
        quoted, end, tag, word = match.groups()
        if tag is not None:
            return tag
        if word is not None:
            return word if word in _KEPT_WORDS else "x" * len(word)
        if end.endswith(":"):
            field = quoted
            return match[0]
        return f'"{quoted if field in _KEPT_FIELDS and len(quoted) <= 80 else _masked(quoted)}{end}'

    masked = _RUN.sub("xx…xx", _TOKEN.sub(token, text))
    masked = _INDENT.sub("\n ", masked)
    shown = "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in masked)
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"


def _masked(text: str) -> str:
    return _LETTER.sub(lambda match: match[1] or "x", text)
