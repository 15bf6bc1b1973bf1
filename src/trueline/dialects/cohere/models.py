"""Cohere's list of models.

https://docs.cohere.com/reference/list-models (seen 2026-11)
"""

from __future__ import annotations

from typing import Any

__all__ = ["read_models"]


def read_models(payload: Any) -> Any:
    """See ProviderModels."""
    models = payload.get("models") if isinstance(payload, dict) else None
    if not isinstance(models, list):
        return payload
    named = [model for model in models if isinstance(model, dict) and isinstance(model.get("name"), str)]
    return {
        "object": "list",
        "data": [
            {"id": model["name"], "object": "model", "created": 0, "owned_by": "cohere", **_beside(model)}
            for model in named
        ],
    }


def _beside(model: dict[str, Any]) -> dict[str, Any]:
    return {name: model[name] for name in ("context_length", "endpoints", "features") if model.get(name) is not None}
