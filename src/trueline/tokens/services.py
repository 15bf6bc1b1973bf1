"""Picture services whose URLs say how large their pictures are.

Only what a service's own documentation says is here, and for no other host is a size read from a URL.  A server may
answer with another size all the same: what comes from here is never exact.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from urllib.parse import parse_qs, urlsplit

__all__ = ["SERVICES", "Size", "said_size"]

Size = tuple[int, int]
"""Width and height in pixels."""

_LONGEST = 2048
"""Characters of a URL that says a size."""
_LARGEST = 10_000
"""Pixels of a side that is believed."""
_EXACT_FITS = frozenset({"crop", "clamp"})
"""Those of imgix's modes after which a picture has both sides as asked; the default keeps its proportions instead."""


def said_size(url: str) -> Size | None:
    """The width and height of the picture behind a URL, where its service documents that the URL says them."""
    if len(url) > _LONGEST:
        return None
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return None
    read = SERVICES.get(host)
    if read is None or parts.scheme not in {"http", "https"}:
        return None
    size = read(parts.path, parts.query)
    return size if size is not None and all(0 < side <= _LARGEST for side in size) else None


def _in_path(pattern: str) -> Callable[[str, str], Size | None]:
    """A width and a height in the path; a pattern whose second group matches nothing means a square."""
    compiled = re.compile(pattern, re.ASCII)

    def read(path: str, query: str) -> Size | None:
        found = compiled.match(path)
        if found is None:
            return None
        width, height = found.groups()
        return int(width), int(height or width)

    return read


def _imgix(path: str, query: str) -> Size | None:
    said = parse_qs(query)
    if said.get("fit", [""])[-1] not in _EXACT_FITS or "ar" in said:
        return None
    width, height, density = (said.get(name, [missing])[-1] for name, missing in (("w", ""), ("h", ""), ("dpr", "1")))
    if not all(len(number) < 6 and number.isdecimal() for number in (width, height, density)):
        return None
    return int(width) * int(density), int(height) * int(density)


_END = r"(?=[/.&]|$)"
SERVICES: Mapping[str, Callable[[str, str], Size | None]] = MappingProxyType(
    {
        # https://source.unsplash.com, until it was shut down: /{photo}/{W}x{H}, /user/{name}/{W}x{H}, /{W}x{H}/?{words}
        "source.unsplash.com": _in_path(r"/(?:[\w@-]{1,64}/){0,3}(\d{1,5})x(\d{1,5})(?:/(?:daily|weekly)?)?$"),
        # https://unsplash.com/documentation#dynamically-resizable-images, https://docs.imgix.com/apis/rendering/size
        "images.unsplash.com": _imgix,
        # https://picsum.photos: /{W}/{H}, /{side}, /id/{image}/{W}/{H}, /seed/{seed}/{W}/{H}; .jpg or .webp
        "picsum.photos": _in_path(r"/(?:id/\d+/|seed/[^/]+/)?(\d{1,5})(?:/(\d{1,5}))?(?:\.jpg|\.webp)?/?$"),
        # https://placeholder.com (also as placehold.it): /{W}x{H}, colours and a format behind it
        "via.placeholder.com": _in_path(rf"/(\d{{1,5}})x(\d{{1,5}}){_END}"),
        "placehold.it": _in_path(rf"/(\d{{1,5}})x(\d{{1,5}}){_END}"),
        # https://placehold.co: /{W}x{H}, /{side}, colours and a format behind it
        "placehold.co": _in_path(rf"/(\d{{1,5}})(?:x(\d{{1,5}}))?{_END}"),
        # https://dummyimage.com#documentation: /{W}x{H}, /{side}, colours and a format behind it
        "dummyimage.com": _in_path(rf"/(\d{{1,5}})(?:x(\d{{1,5}}))?{_END}"),
    }
)
"""Host -> how its URLs say a size, by the documentation that is named above each."""
