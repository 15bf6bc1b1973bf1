"""The list of models as OpenAI's."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, TypeAlias

from ..provider import ProviderModels
from .request import VERSIONS

__all__ = ["MODELS", "read_models"]

Fields: TypeAlias = dict[str, Any]

_ELSEWHERE: Final = ("type", "created_at")


def read_models(payload: Any) -> Any:
    """See ProviderModels."""
    given = payload.get("data") if isinstance(payload, dict) else None
    if not isinstance(given, list):
        return payload
    return {"object": "list", "data": [_model(one) for one in given if isinstance(one, dict) and one.get("id")]}


def _model(given: Fields) -> Fields:
    rest = {name: value for name, value in given.items() if name not in _ELSEWHERE}
    return {"id": given["id"], "object": "model", "created": _created(given), "owned_by": "anthropic", **rest}


def _created(given: Fields) -> int:
    """Unix seconds; 0 where the date is not known, as the API itself says 1970 then."""
    try:
        return max(int(datetime.fromisoformat(str(given.get("created_at"))).timestamp()), 0)
    except (ValueError, OverflowError):
        return 0


MODELS: Final = ProviderModels(
    "/v1/models?limit=1000", read_models, ((b"anthropic-version", VERSIONS["anthropic"].encode()),)
)
