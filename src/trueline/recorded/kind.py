"""Which endpoint a reply without its request comes from: by its `object` and its shape, and where both leave it open,
by its id.  `fix`, `explain`, `check --offline` and the library ask here; their `--as` overrules it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, get_args

__all__ = ["KINDS", "Kind", "kind_of"]

Kind = Literal["chat", "completions", "embeddings", "images", "models", "model"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

_PICTURE = frozenset({"url", "b64_json", "image", "image_url", "base64"})
_LOOKED_AT = 16
"""Payloads of a stream that are looked at for its kind."""


def kind_of(payloads: Sequence[Any], streamed: bool) -> Kind:
    """The kind of a reply, whole or streamed; a chat where nothing tells."""
    for payload in payloads[:_LOOKED_AT]:
        if isinstance(payload, dict) and str(payload.get("type")).startswith("image_"):
            return "images"  # image_generation.partial_image, image_edit.completed
        if isinstance(payload, dict) and isinstance(payload.get("choices"), list) and payload["choices"]:
            return "completions" if _is_completion(payload) else "chat"
    if streamed or len(payloads) != 1:
        return "chat"
    whole = payloads[0]
    if isinstance(whole, list):
        return _by_items(whole) or "chat"
    return _of_object(whole) if isinstance(whole, dict) and "choices" not in whole else "chat"


def _is_completion(payload: dict[str, Any]) -> bool:
    """Is a reply with choices one of the old completions?  Its choices have text; some say it in a message."""
    choice = payload["choices"][0]
    fields = set(choice) if isinstance(choice, dict) else set()
    named = str(payload.get("object")).startswith("text_completion")
    id_of_one = str(payload.get("id")).startswith("cmpl-")
    texts = "text" in fields and not fields & {"message", "delta"}
    return (named or id_of_one) if texts else (named and id_of_one)


def _of_object(whole: dict[str, Any]) -> Kind:
    """An object without choices."""
    if whole.get("object") == "model":
        return "model"
    if isinstance(whole.get("models"), list):
        return "models"
    if whole.keys() & {"embedding", "embeddings"}:
        return "embeddings"
    items = whole.get("data", whole.get("images"))
    if not isinstance(items, list) or whole.get("error"):
        return "chat"
    found = _by_items(items)
    if found is None and not items:
        found = "embeddings" if "usage" in whole else "images" if "created" in whole else "models"
    return found or "chat"


def _by_items(items: list[Any]) -> Kind | None:
    """What a list is of, by its first entry."""
    first = items[0] if items else None
    if isinstance(first, list):
        return "embeddings"
    if isinstance(first, str):
        return "images"
    fields = set(first) if isinstance(first, dict) else set()
    if fields & _PICTURE:
        return "images"
    if "embedding" in fields:
        return "embeddings"
    return "models" if "id" in fields and "choices" not in fields else None
