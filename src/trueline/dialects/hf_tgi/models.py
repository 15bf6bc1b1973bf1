"""The one model that a server of text-generation-inference has.

https://huggingface.github.io/text-generation-inference/#/Text%20Generation%20Inference/get_model_info (seen 2026-11)
"""

from __future__ import annotations

from typing import Any

__all__ = ["read_models"]

_BESIDE = ("max_total_tokens", "max_input_tokens", "model_dtype", "model_sha", "version")


def read_models(payload: Any) -> Any:
    """See ProviderModels."""
    name = payload.get("model_id") if isinstance(payload, dict) else None
    if not isinstance(name, str) or not name:
        return payload
    beside = {field: payload[field] for field in _BESIDE if payload.get(field) is not None}
    owner = name.partition("/")[0] if "/" in name else "huggingface"
    return {"object": "list", "data": [{"id": name, "object": "model", "created": 0, "owned_by": owner, **beside}]}
