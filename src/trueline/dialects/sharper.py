"""Errors under the wrong status or without their code, put right where an option asks for it (`faults.md` 11).

An upstream's 4xx stays the 4xx that it was (ruling 13), and nothing is read out of its words, unless an operator who
knows the server says so.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from ..errors import TruelineError, UpstreamReplyError, type_for_status

__all__ = ["sharpen"]

_TOO_LONG = re.compile(
    r"context[ _](length|window|size)|maximum (context|prompt|sequence|model) length|prompt is too long|"
    r"too many (input )?tokens|input (is )?too long|exceeds? the (model'?s )?(maximum|context)",
    re.IGNORECASE,
)
_BAD_REQUEST = re.compile(
    r"\binvalid (request|parameter|argument|value|type|input)|^invalid '|\bmust (be|provide)\b|\bnot supported\b"
    r"|\bonly allowed\b",
    re.I,
)
_ABSENT = re.compile(r"^invalid url\b|\bmodel\b.{0,300}\b(does not exist|not found)", re.I | re.S)
_RATE_WORDS = re.compile(r"\brate[ -]?limit|too many requests|quota exceeded|\bcapacity (exceeded|limit)", re.I)
_RATE_CODES = frozenset(
    ("RESOURCE_EXHAUSTED", "rate_limit_exceeded", "rate_limit_error", "capacity_exceeded", "1302", "1303", "1305")
)
_CONTEXT_CODE = "context_length_exceeded"


def sharpen(error: TruelineError, options: Collection[str]) -> TruelineError:
    """`error`, changed in place where one of `options` (fault ids) applies, with the fault added to its `faults`."""
    if not options or not isinstance(error, UpstreamReplyError):
        return error
    rated = error.code in _RATE_CODES or error.type in _RATE_CODES or error.status == 498
    if "err-429-as-other" in options and error.status != 429 and (rated or _RATE_WORDS.search(error.message)):
        _become(error, 429, "err-429-as-other")
        return error
    long = bool(_TOO_LONG.search(error.message)) or error.code == _CONTEXT_CODE
    if "err-500-for-4xx" in options and error.status in (500, 502):
        if _ABSENT.search(error.message):
            _become(error, 404, "err-500-for-4xx")
        elif long or _BAD_REQUEST.search(error.message):
            _become(error, 400, "err-500-for-4xx")
            error.code = _CONTEXT_CODE if long else error.code
    if "err-context-code" in options and long and error.status < 500 and error.code != _CONTEXT_CODE:
        error.code = _CONTEXT_CODE
        error.faults += ("err-context-code",)
    return error


def _become(error: TruelineError, status: int, fault: str) -> None:
    error.status = status
    error.type = type_for_status(status)
    error.faults += (fault,)
