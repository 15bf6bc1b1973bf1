"""What a recording leaves out: keys in headers, in queries and in bodies.

A secret is found in three ways: it is one that this exchange is known to carry, it looks like an API key, or it stands
under a name such as `api_key`.  Bodies are scrubbed as bytes, so that what is not text survives, and whoever calls
learns what moved where.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from ..dialects.error_bodies import secrets_in

__all__ = ["REDACTED", "scrub_body", "scrub_header", "scrub_path"]

REDACTED = "[redacted]"

_SHORTEST = 6
"""Letters of a known secret that is looked for in bodies: a shorter one would be found everywhere."""
_NO_SECRETS = frozenset({b"ollama", b"lm-studio", b"not-needed", b"no-key-required", b"sk-no-key-required"})
"""What clients send where a server wants no key."""

_NAME = r"(?:x-)?api[-_]?key|apikey|authorization|(?:access|refresh|id|auth)[-_]token|(?:client[-_])?secret(?:[-_]key)?"
_NAMED = re.compile(rf'\\*"(?:{_NAME}|password)\\*"\s*:\s*\\*"([^"\\]+)', re.IGNORECASE)
_QUERY = re.compile(rf"([?&;](?:key|token|sig|signature|{_NAME}|password)=)[^&;#]*", re.IGNORECASE)
_SECRET_HEADERS = frozenset({"api-key", "cookie", "proxy-authorization", "set-cookie"})
_SECRET_ENDINGS = ("-key", "-token", "authorization", "-secret", "-password", "-signature")


def scrub_header(name: str, value: str, secrets: Collection[bytes] = ()) -> str:
    """The value of a header without secrets; `name` is lower-case."""
    if name in _SECRET_HEADERS or name.endswith(_SECRET_ENDINGS):
        return REDACTED
    return scrub_body(value.encode("utf-8", "replace"), secrets)[0].decode("utf-8", "replace")


def scrub_path(path: str) -> str:
    """A path whose query names keys, without them."""
    return _QUERY.sub(rf"\g<1>{REDACTED}", path)


def scrub_body(data: bytes, secrets: Collection[bytes] = (), marks: Collection[int] = ()) -> tuple[bytes, list[int]]:
    """`data` without secrets, and where the offsets `marks`, which rise, are now.

    A mark within a secret moves behind what stands in its place.
    """
    spans = _merged(sorted(_spans(data, secrets)))
    if not spans:
        return data, list(marks)
    out: list[bytes] = []
    moved: list[int] = []
    waiting = iter(marks)
    mark = next(waiting, None)
    size = at = 0
    for start, end in (*spans, (len(data), len(data))):
        while mark is not None and mark <= start:
            moved.append(size + mark - at)
            mark = next(waiting, None)
        out.append(data[at:start])
        size += start - at
        if end > start:
            out.append(REDACTED.encode())
            size += len(REDACTED)
        while mark is not None and mark <= end:
            moved.append(size)
            mark = next(waiting, None)
        at = end
    return b"".join(out), moved


def _spans(data: bytes, secrets: Collection[bytes]) -> Iterator[tuple[int, int]]:
    for secret in secrets:
        if len(secret) < _SHORTEST or secret.lower() in _NO_SECRETS:
            continue
        at = data.find(secret)
        while at >= 0:
            yield at, at + len(secret)
            at = data.find(secret, at + len(secret))
    text = data.decode("ascii", "surrogateescape")  # one character per byte: places in it are places in `data`
    yield from secrets_in(text)
    for match in _NAMED.finditer(text):
        yield match.span(1)


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged
