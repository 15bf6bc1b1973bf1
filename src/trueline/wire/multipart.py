"""The text fields of a multipart form: read, written, and changed in place; files are stepped over, never copied apart.

https://www.rfc-editor.org/rfc/rfc7578
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["boundary_of", "replace_field", "text_fields", "write_fields"]

MAX_FIELD = 65536
"""Bytes of a text field that are read; what is longer is no parameter."""

_BOUNDARY = re.compile(rb'multipart/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"]+)"|([^\s;]+))', re.IGNORECASE)
_NAME = re.compile(rb"content-disposition:\s*form-data\s*;(?P<rest>[^\r\n]*)", re.IGNORECASE)


def boundary_of(content_type: bytes) -> bytes | None:
    """The boundary that a `content-type` header names, or None where it is no form."""
    match = _BOUNDARY.match(content_type.strip())
    return (match[1] or match[2]) if match else None


def _parts(body: bytes, boundary: bytes) -> list[tuple[bytes, int, int]]:
    """Name, begin and end of each text field's value."""
    found: list[tuple[bytes, int, int]] = []
    mark = b"--" + boundary
    at = body.find(mark)
    while at >= 0:
        head = at + len(mark) + 2
        value = body.find(b"\r\n\r\n", head)
        following = body.find(b"\r\n" + mark, value) if value >= 0 else -1
        if value < 0 or following < 0:
            break
        match = _NAME.search(body[head : min(value, head + MAX_FIELD)])
        rest = match["rest"] if match else b""
        name = re.search(rb'\bname="([^"]*)"', rest)
        if name and b"filename" not in rest:
            found.append((name[1], value + 4, following))
        at = following + 2
    return found


def text_fields(body: bytes, boundary: bytes) -> dict[str, str]:
    """The fields that are no files, by name; the first one of a name."""
    fields: dict[str, str] = {}
    for name, begin, end in _parts(body, boundary):
        if end - begin <= MAX_FIELD:
            fields.setdefault(name.decode("utf-8", "replace"), body[begin:end].decode("utf-8", "replace"))
    return fields


def replace_field(body: bytes, boundary: bytes, name: str, value: str) -> bytes:
    """`body` with another value in one text field; unchanged where it has no such field."""
    for found, begin, end in _parts(body, boundary):
        if found == name.encode():
            return body[:begin] + value.encode() + body[end:]
    return body


def write_fields(fields: Mapping[str, str]) -> tuple[bytes, bytes]:
    """A form of text fields, and its content type."""
    texts = [value.encode("utf-8", "replace") for value in fields.values()]
    boundary = b"trueline-form"
    while any(boundary in text for text in texts):
        boundary += b"-x"
    parts = [
        b'--%b\r\ncontent-disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (boundary, name.encode(), text)
        for name, text in zip(fields, texts, strict=True)
    ]
    return b"%b--%b--\r\n" % (b"".join(parts), boundary), b"multipart/form-data; boundary=" + boundary
