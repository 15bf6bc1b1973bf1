"""What the headers of a reply say of its body, and where they say it wrongly."""

from __future__ import annotations

from .sse import looks_like_sse

__all__ = ["content_type_faults"]

_EVENTS = b"text/event-stream"
_JSON = (b"application/json", b"+json")


def content_type_faults(content_type: bytes | None, start: bytes) -> tuple[str, ...]:
    """The faults of a content type, judged by the first bytes of the body; none where they do not tell."""
    if content_type == b"application/json" and start[:1] == b"{":
        return ()
    kind, _, parameters = (content_type or b"").lower().partition(b";")
    begins = start.lstrip()
    if looks_like_sse(start):
        right = kind.strip() == _EVENTS
    elif begins[:1] in (b"{", b"["):
        right = kind.strip().endswith(_JSON) or kind.strip() == b"application/x-ndjson"
    else:
        return ()
    charset = parameters.partition(b"charset=")[2].strip(b" \"';")
    odd = bool(charset) and charset not in (b"utf-8", b"utf8")
    return ("ctype-missing",) * (not right) + ("ctype-charset",) * odd
