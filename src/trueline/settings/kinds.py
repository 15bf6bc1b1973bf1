"""The kinds of value a setting can have: how each is read from text, described to people and to a JSON Schema.

Every source (YAML scalar, environment variable, flag) hands over text, or None for YAML's null; so a kind reads one
thing only, and `port: "4000"`, `port: ${PORT}` and `--port 4000` mean the same.  A kind refuses by raising ValueError:
with no message when "found …; allowed: …" says it all, else with the reason.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import SplitResult, urlsplit

from trueline.dialects.bases import based

from .secret import Secret

__all__ = [
    "BASE_URL",
    "BIND_HOST",
    "BOOLEAN",
    "FILE",
    "FOLDER",
    "NO_PROXY",
    "PROXY",
    "SECRET",
    "SIZE",
    "TEXT",
    "UPSTREAM_HOST",
    "URL",
    "Kind",
    "choice",
    "integer",
    "list_of",
    "map_of",
    "read_header_name",
    "read_url",
    "seconds",
]

_REFERENCE = r"^(\$\{.*|env:.*|os\.environ/.*)$"


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    """One or two words for the docs table."""
    allowed: str
    """Ends the sentence "found …; allowed: "."""
    read: Callable[[str | None], Any]
    """The value of a text; ValueError where the text is refused."""
    schema: dict[str, Any] = field(default_factory=dict)
    secret: bool = False
    """The text is never shown, not even in an error."""
    many: Literal["", "list", "map"] = ""
    item: Kind | None = None
    """What a list or a mapping holds."""


def _text(found: str | None) -> str:
    if not found:
        raise ValueError
    return found


def _secret(found: str | None) -> Secret:
    text = _text(found).strip()
    if not text or not text.isascii() or not text.isprintable():
        raise ValueError("is empty or holds characters that a header cannot carry; allowed: printable ASCII text")
    return Secret(text)


_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def _boolean(found: str | None) -> bool:
    value = _BOOLEANS.get(_text(found).strip().lower())
    if value is None:
        raise ValueError
    return value


def integer(low: int, high: int) -> Kind:
    """Whole numbers from `low` to `high`, both included."""

    def read(found: str | None) -> int:
        number = int(_text(found))
        if not low <= number <= high:
            raise ValueError
        return number

    schema = {"type": "integer", "minimum": low, "maximum": high}
    return Kind("integer", f"a whole number from {low} to {high}", _plain(read), _or_reference(schema))


def choice(*words: str) -> Kind:
    """One of a few words, in any case."""

    def read(found: str | None) -> str:
        word = _text(found).strip().lower()
        if word not in words:
            raise ValueError
        return word

    return Kind("one of " + ", ".join(f"`{word}`" for word in words), ", ".join(words), read, {"enum": list(words)})


def _plain(read: Callable[[str | None], Any]) -> Callable[[str | None], Any]:
    """Drop the words of int() and float(): "found …; allowed: …" is clearer than "invalid literal"."""

    def checked(found: str | None) -> Any:
        try:
            return read(found)
        except ValueError:
            raise ValueError from None

    return checked


def _or_reference(schema: dict[str, Any]) -> dict[str, Any]:
    """Accept `${VAR}` and its like in the place of a number, or else an editor would mark it as wrong."""
    return {"anyOf": [schema, {"type": "string", "pattern": _REFERENCE}]}


_DURATION = re.compile(r"([0-9]*\.?[0-9]+)\s*(ms|s|m|h|)", re.IGNORECASE)
_DURATION_UNITS = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_NO_LIMIT = frozenset({"none", "null", "off"})


def seconds(*, optional: bool = True) -> Kind:
    """A time span in seconds, as a float; None means that there is no limit, where `optional`."""

    def read(found: str | None) -> float | None:
        if optional and (found is None or found.strip().lower() in _NO_LIMIT):
            return None
        match = _DURATION.fullmatch(_text(found).strip())
        if not match:
            raise ValueError
        value = float(match[1]) * _DURATION_UNITS[match[2].lower()]
        if not math.isfinite(value) or (optional and value <= 0):
            raise ValueError
        return value

    allowed = 'seconds, such as 30, 1.5, "500ms" or "2m"' + ("; null for no limit" if optional else "")
    types: list[Any] = [{"type": "number", "minimum": 0}, {"type": "string"}]
    return Kind("seconds", allowed, read, {"anyOf": types + [{"type": "null"}] * optional})


_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmg]?)(i?)(b?)", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3}


def _size(found: str | None) -> int:
    match = _SIZE.fullmatch(_text(found).strip())
    if not match or (match[3] and not match[2]):
        raise ValueError
    value = int(float(match[1]) * (1024 if match[3] else 1000) ** _POWERS[match[2].lower()])
    if value < 1:
        raise ValueError
    return value


def _printable(found: str | None) -> str:
    text = _text(found).strip()
    if not text or not text.isprintable() or " " in text:
        raise ValueError
    return text


def read_url(found: str | None) -> str:
    """The base URL of a server with OpenAI's API, with no slash at its end.

    No path means `/v1`; a lone `/` means the root.
    """
    return based(_base_url(found), "openai")


def _base_url(found: str | None) -> str:
    """An http(s) base URL as it was written: whether it ends in a slash may count (`dialects.bases`)."""
    text = _printable(found)
    parts = _split_url(text, ("http", "https"))
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise ValueError("a base URL has no query and no fragment; allowed: " + URL.allowed)
    return text


def _split_url(text: str, schemes: tuple[str, ...], *, credentials: bool = False) -> SplitResult:
    authority = re.split(r"[/?#]", text.partition("://")[2], maxsplit=1)[0]
    if "@" in authority and not credentials:
        # Said before anything else is, and without the text: what stands before the @ may be a password.
        raise ValueError("holds a user name or password; put the key under `key` and the rest under `headers`")
    parts = _parts(text)
    if not parts or parts.scheme not in schemes or not parts.hostname:
        raise ValueError
    return parts


def _parts(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        return None if parts.port == 0 else parts
    except ValueError:
        return None


def _proxy(found: str | None) -> Secret:
    text = _printable(found)
    if "://" not in text:
        text = "http://" + text
    _split_url(text, ("http", "https"), credentials=True)
    return Secret(text.rstrip("/"))


def _bind_host(found: str | None) -> str:
    text = _printable(found)
    if "/" in text or (text.count(":") == 1):
        raise ValueError
    return text.removeprefix("[").removesuffix("]")


def _upstream_host(found: str | None) -> str:
    text = _printable(found).lower()
    parts = _parts("//" + text)
    if not parts or parts.netloc != text or not parts.hostname or parts.username is not None or "*" in text:
        raise ValueError
    return text


_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# What the upstream client writes itself: two of them would make two requests out of one.
_OWN_HEADERS = frozenset({"connection", "content-length", "host", "transfer-encoding"})


def read_header_name(found: str) -> str:
    """A header name that the user may set; ValueError with the reason otherwise."""
    if not _HEADER_NAME.fullmatch(found):
        raise ValueError(f'found "{found}"; allowed: the name of an HTTP header')
    if found.lower() in _OWN_HEADERS:
        raise ValueError(f"Trueline writes this header itself; allowed: any but {', '.join(sorted(_OWN_HEADERS))}")
    return found


def list_of(item: Kind) -> Kind:
    """A list of `item`; in an environment variable or a flag, separated by commas."""
    schema = {"type": "array", "items": item.schema}
    return Kind(f"list of {item.name}", f"a list of {item.allowed}", item.read, schema, item.secret, "list", item)


def map_of(item: Kind) -> Kind:
    """A mapping of names that the user chooses to `item`; in the file only."""
    schema = {"type": "object", "additionalProperties": item.schema}
    allowed = f"a mapping of names to {item.allowed}"
    return Kind(f"mapping to {item.name}", allowed, item.read, schema, item.secret, "map", item)


_STRING: dict[str, Any] = {"type": "string", "minLength": 1}

TEXT = Kind("text", "text", _text, _STRING)
SECRET = Kind("secret", "text, or better a reference such as env:NAME", _secret, _STRING, secret=True)
BOOLEAN = Kind("boolean", "true or false", _boolean, _or_reference({"type": "boolean"}))
SIZE = Kind(
    "size",
    "bytes above 0, such as 1048576, 64MiB or 20MB",
    _size,
    {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}]},
)
URL = Kind("URL", "an http:// or https:// URL, such as http://127.0.0.1:11434/v1", read_url, _STRING)
BASE_URL = Kind(URL.name, URL.allowed, _base_url, _STRING)
PROXY = Kind("proxy URL", "an http:// or https:// proxy URL", _proxy, _STRING, secret=True)
NO_PROXY = Kind("host", "host names, .domains, addresses or *", _printable, _STRING)
FILE = Kind("file", "the path of a file that exists", _text, _STRING)
FOLDER = Kind("folder", "the path of a folder; it is made if it is not there", _text, _STRING)
BIND_HOST = Kind("host", "a host name or address without a port, such as 127.0.0.1", _bind_host, _STRING)
UPSTREAM_HOST = Kind("host", "a host name with or without a port, such as api.example.com", _upstream_host, _STRING)
