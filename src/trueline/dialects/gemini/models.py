"""Gemini's list of models as OpenAI's.

{"models": [{"name": "models/gemini-2.5-flash", "displayName": …, "inputTokenLimit": …}], "nextPageToken": …}
https://ai.google.dev/api/models#method:-models.list (seen 2026-11-22)
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from ..provider import ProviderModels

__all__ = ["MODELS", "read_models"]

Fields: TypeAlias = dict[str, Any]

_OWNER: Final = "google"


def read_models(payload: Any) -> Any:
    """OpenAI's list; what is none of Gemini's goes on as it is."""
    if not isinstance(payload, dict):
        return payload
    entries = next(
        (payload[name] for name in ("models", "publisherModels") if isinstance(payload.get(name), list)), None
    )
    if entries is None:
        return _model(payload) if isinstance(payload.get("name"), str) else payload
    return {"object": "list", "data": [_model(one) for one in entries if isinstance(one, dict) and _name(one)]}


def _name(entry: Fields) -> str:
    """`models/x` and `publishers/google/models/x` as `x`; a tuned model keeps its whole name."""
    name = entry.get("name")
    if not isinstance(name, str):
        return ""
    return name.rpartition("models/")[2] if not name.startswith("tunedModels/") else name


def _model(entry: Fields) -> Fields:
    beside = {
        name: value for name, value in entry.items() if name not in ("name", "id", "object", "created", "owned_by")
    }
    return {"id": _name(entry), "object": "model", "created": 0, "owned_by": _OWNER, **beside}


MODELS: Final = ProviderModels("/models?pageSize=1000", read_models)
