"""Chooses the models to ask from what the server lists: a cheap one for chats, and one of each other kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .ask import ModelNames

__all__ = ["choose", "listed"]

_KINDS: dict[str, tuple[str, ...]] = {
    "embedding": ("embed", "bge-", "e5-", "gte-", "minilm"),
    "image": ("dall-e", "image", "flux", "stable-diffusion", "sdxl", "imagen", "z-image"),
    "completion": ("instruct-0914", "turbo-instruct", "davinci-002", "babbage-002"),
    "other": ("whisper", "tts", "moderation", "rerank", "transcribe", "realtime", "audio", "guard", "sora", "search"),
}
_EVENTS = ("gpt-image", "chatgpt-image")
"""Picture models that can send events and never send URLs; the others are asked for the rest."""
_CHEAP = ("mini", "nano", "lite", "small", "flash", "haiku", "instant", "-1b", "-3b", "-4b", "-7b", "-8b", ":1b", ":3b")


def listed(payload: Any) -> list[str]:
    """The names in a list of models, in any of the shapes that servers have."""
    found = payload
    if isinstance(payload, dict):
        found = payload.get("data", payload.get("models"))
    names = []
    for item in found if isinstance(found, list) else ():
        name = (item.get("id") or item.get("name") or item.get("model")) if isinstance(item, dict) else item
        if isinstance(name, str) and name:
            names.append(name)
    return names


def choose(
    names: Sequence[str], chat: str | None = None, image: str | None = None, embedding: str | None = None
) -> ModelNames | None:
    """The models to ask; what is given wins.  None where no model for chats is known."""
    kinds = {kind: [name for name in names if _is(name, words)] for kind, words in _KINDS.items()}
    special = {name for found in kinds.values() for name in found}
    chats = [name for name in names if name not in special]
    chosen = chat or next((name for name in chats if _is(name, _CHEAP)), chats[0] if chats else None)
    if chosen is None:
        return None
    events = [name for name in kinds["image"] if name.startswith(_EVENTS)]
    plain = [name for name in kinds["image"] if name not in events]
    return ModelNames(
        chosen,
        image or _first([*plain, *events]),
        image or _first([*events, *plain]),
        embedding or _first(kinds["embedding"]),
        _first(kinds["completion"]),
    )


def _is(name: str, words: Iterable[str]) -> bool:
    lower = name.lower()
    return any(word in lower for word in words)


def _first(names: Sequence[str]) -> str | None:
    return names[0] if names else None
