"""`prices.MODEL`: what a model costs where the table of prices does not say it, or says it wrongly."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from trueline.prices import Price

from .errors import Origin
from .kinds import Kind
from .values import Values

__all__ = ["DOLLARS", "read_prices"]

_MOST = Decimal(1_000_000)


def _dollars(found: str | None) -> Decimal:
    try:
        value = Decimal((found or "").strip())
    except InvalidOperation:
        raise ValueError from None
    if not value.is_finite() or not 0 <= value <= _MOST:
        raise ValueError
    return value


DOLLARS = Kind(
    "US dollars",
    "US dollars for a million tokens, such as 2.5",
    _dollars,
    {"anyOf": [{"type": "number", "minimum": 0, "maximum": int(_MOST)}, {"type": "string"}]},
)


def read_prices(values: Values) -> dict[str, Price]:
    """The prices of the settings by model, or by `upstream/model`.  Raises SettingsError."""
    given: dict[str, dict[str, Any]] = {}
    origins: dict[str, Origin] = {}
    for path, value in values.items():
        if path[0] == "prices" and len(path) == 2:
            given.setdefault(path[1], {})
            origins[path[1]] = value.origin
        elif path[0] == "prices":
            given.setdefault(path[1], {})[path[2]] = value.value
    return {model: _price(model, fields, origins) for model, fields in given.items()}


def _price(model: str, fields: dict[str, Any], origins: Mapping[str, Origin]) -> Price:
    if "input" not in fields:
        raise origins[model].error(f"prices.{model}.input", "is missing; allowed: US dollars for a million tokens")
    return Price(**fields)
