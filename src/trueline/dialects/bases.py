"""Base URLs: what people write for a server, and what an API's paths are put behind.

A provider's documentation, its SDK and its users write one server in several ways: bare, with a slash, or with a
version.  OpenAI's paths begin behind the version, so a bare URL lacks it; the paths of other APIs begin with their own,
and a version that is not theirs is one too many.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

__all__ = ["based", "joined"]

_V1: Final = r"/v1"
_FOREIGN: Final[Mapping[str, str]] = {
    "bedrock": _V1,
    "anthropic_bedrock": _V1,
    "cohere": r"/v[12]",  # its chats are at one, its models at the other
    "ollama": _V1,
    "hf_tgi": _V1,
    "dashscope": r"(?<!/api)/v1",
    "stability": r"/v(?:1|2beta)",
    "fal": _V1,
    "sdwebui": r"(?<!/sdapi)/v1",
}
"""By dialect, the version at the end of a base URL that is none of its paths' place."""
_STARTS: Final[Mapping[str, tuple[str, str]]] = {
    "gemini": (r"/v\d+(?:(?:alpha|beta)\d*)?(?=/|$)|/(?:models|publishers|projects)(?=/|$)", "/v1beta"),
    "dashscope": (r"/api/v1(?=/|$)|/(?:text|multimodal)-generation$", "/api/v1"),
}
"""By dialect, what a base URL's path holds where it is complete, and what it ends in where it is not."""
_VERTEX: Final = "aiplatform.googleapis.com"


def based(url: str, dialect: str) -> str:
    """The URL that the paths of a dialect are put behind, with no slash at its end."""
    path = urlsplit(url).path
    bare = url.rstrip("/")
    if dialect == "openai":
        return url + "/v1" if not path else bare
    end = _FOREIGN.get(dialect)
    if end is not None and path:
        bare = re.sub(rf"{end}$", "", bare)
    complete, start = _STARTS.get(dialect, ("", ""))
    if start and not re.search(complete, urlsplit(bare).path) and not _of_vertex(bare):
        return bare + start
    return bare


def _of_vertex(url: str) -> bool:
    return (urlsplit(url).hostname or "").endswith(_VERTEX)


def joined(base: str, path: str) -> str:
    """`path` behind a base URL's path, without what the base ends in already: `/v1` and `/v1/messages`."""
    parts = path.split("/")
    for count in range(len(parts) - 1, 0, -1):
        start = "/".join(parts[: count + 1])
        if base == start or base.endswith(start):
            return path[len(start) :]
    return path
