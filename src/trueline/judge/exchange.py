"""A whole exchange, judged by its path and status; and what no reply can show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .chat_stream import judge_chat_stream
from .chat_whole import judge_chat_whole
from .errors import judge_error, judge_headers
from .findings import Extras, Finding
from .images import judge_image_stream, judge_images
from .plain import judge_completions, judge_embeddings, judge_model, judge_models

__all__ = ["SHOWS_AS", "UNSEEN", "judge_exchange"]

Json = dict[str, Any]

UNSEEN: dict[str, str] = {
    "finish-length-masked": "a reply that ends by itself exactly at the limit looks the same: "
    "ask for more than the limit allows, and expect `length`",
    "finish-length-false": "a server may have a limit of its own: ask for a word, and expect `stop`",
    "buffered-stream": "the same bytes, all at once: measure when they arrive",
    "utf8-split": "the same bytes in other packets: legal, and invisible once they are put together",
    "json-split-read": "the same bytes in other packets: legal, and invisible once they are put together",
    "reasoning-dropped": "thoughts that a proxy has removed leave no trace",
    "n-interleave": "legal: OpenAI interleaves choices too",
    "json-schema-not-kept": "the judge reads no schemas of clients: `trueline check` sends one that it knows",
    "img-extra-format": "what a client asks for, not what a server answers",
}
"""Fault -> why no single reply shows it."""

SHOWS_AS: dict[str, tuple[str, str]] = {
    "object-literal-type": ("object-missing", "an empty `object` is the same in both"),
    "finish-lost-with-logprobs": ("finish-missing", "that it comes without logprobs, only another request can tell"),
    "usage-only-chunk-dropped": ("usage-missing-stream", "who lost the usage is not in the reply"),
    "err-mid-lost": ("eof-truncated", "why it broke off is not in the reply"),
    "abrupt-reset": ("eof-truncated", "how the connection ended is not in the body"),
    "err-200-for-4xx": ("err-in-200-body", "the status that it should have had is not in the reply"),
}
"""Fault -> the one that it cannot be told apart from in a single reply, and why."""


def judge_exchange(
    path: str,
    request: Json | None,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    extras: Extras = "allow",
) -> list[Finding]:
    """What is wrong with the answer to a request: body, content-type, headers.  `request`: None for a GET.

    `body` is decoded already, or its content-encoding is a lie, which is found.
    """
    asked = request or {}
    names = {name.lower(): value for name, value in headers.items()}
    if status >= 400:
        return judge_error(status, names, body, asked, path)
    kind = names.get("content-type", "")
    stream = bool(asked.get("stream"))
    route = path.partition("?")[0].rstrip("/")
    if route.endswith("/chat/completions"):
        found = (judge_chat_stream if stream else judge_chat_whole)(asked, body, kind, extras=extras)
    elif route.endswith("/completions"):
        found = judge_completions(asked, body, kind, stream=stream, extras=extras)
    elif "/images/" in route and stream:
        found = judge_image_stream(asked, body, kind, edit=not route.endswith("/generations"), extras=extras)
    elif "/images/" in route:
        found = judge_images(asked, body, kind, extras=extras)
    elif route.endswith("/embeddings"):
        found = judge_embeddings(asked, body, kind, extras=extras)
    elif route.endswith("/models"):
        found = judge_models(body, kind, extras=extras)
    elif "/models/" in route:
        found = judge_model(body, kind, extras=extras)
    else:
        found = []
    return [*found, *judge_headers(names, body)]
