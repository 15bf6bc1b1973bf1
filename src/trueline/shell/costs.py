"""What an exchange cost: its usage, from wherever that is known, at the price of its model."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import msgspec

from ..pipeline import Pipeline
from ..prices import Price, cost

__all__ = ["at_usual_tier", "spent"]

_USUAL: Final = frozenset({"auto", "default", "standard", "standard_only", "on_demand"})
"""Words of providers for the service tier that the table's prices are of."""


class _Body(msgspec.Struct):
    usage: dict[str, Any] | None = None


_USAGE = msgspec.json.Decoder(_Body)


def at_usual_tier(pipe: Pipeline) -> bool:
    """Neither the request nor the reply names a service tier that has prices of its own."""
    return all(not isinstance(tier, str) or tier.lower() in _USUAL for tier in pipe.facts.tiers)


def spent(pipe: Pipeline, price: Price, body: bytes = b"") -> Decimal | None:
    """US dollars so far; `body`: a whole reply, whose usage counts where the pipeline keeps none, as of pictures."""
    tally = pipe.tally()
    if tally is not None:
        return cost(tally.usage, price)
    if not body or pipe.error is not None:
        return None
    try:
        usage = _USAGE.decode(body).usage
    except msgspec.MsgspecError:
        return None
    return None if usage is None else cost(usage, price)
