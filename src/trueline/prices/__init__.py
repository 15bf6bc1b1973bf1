"""What tokens cost: a dated table, the settings before it, and the sum of one exchange.

    book = PriceBook("openai", own)         # of one upstream
    price = book.of("gpt-4o-2024-11-20")    # None: nobody knows, so no number is given
    cost(usage, price)

No clock is asked and nothing is fetched: what a provider changed since a row was read, the settings have to say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from .row import Long, Price, cost
from .table import FAMILIES, Family, Line

__all__ = ["NO_PRICES", "PRICES", "Long", "Price", "PriceBook", "cost", "shown"]

_DATED: Final = re.compile(r"-(?:20\d\d-?[01]\d-?[0-3]\d|latest)$")
_KEPT: Final = 1000
"""Model names that a book keeps in mind; clients choose them."""


def _price(family: Family, line: Line) -> Price:
    def dollars(text: str) -> Decimal | None:
        return Decimal(text) if text else None

    long = None
    if line.long:
        above, *rates = line.long.split()
        rates += [""] * (3 - len(rates))
        long = Long(above=int(above), input=Decimal(rates[0]), output=Decimal(rates[1]), cached=dollars(rates[2]))
    return Price(
        input=Decimal(line.input),
        output=dollars(line.output),
        cached=dollars(line.cached),
        written=dollars(line.written),
        written_1h=dollars(line.written_1h),
        image=dollars(line.image),
        long=long,
        source=family.source,
        seen=family.seen,
    )


PRICES: Final[Mapping[tuple[str, str], Price]] = MappingProxyType(
    {
        (provider, name): _price(family, line)
        for family in FAMILIES
        for name, line in family.names()
        for provider in family.providers
    }
)
"""(provider, model) -> price."""


class PriceBook:
    """The prices of one upstream: those of the settings, then those of its provider's row."""

    __slots__ = ("_known", "_own", "_provider")

    def __init__(self, provider: str | None, own: Mapping[str, Price]) -> None:
        self._provider = provider if any(known == provider for known, _ in PRICES) else None
        self._own = own
        self._known: dict[str, Price | None] = {}

    def __bool__(self) -> bool:
        """Whether any price is known."""
        return bool(self._own) or self._provider is not None

    def of(self, model: str | None) -> Price | None:
        """The price of a model by the upstream's name for it; a dated name may go without its date."""
        if not model:
            return None
        try:
            return self._known[model]
        except KeyError:
            if len(self._known) >= _KEPT:
                self._known.clear()
            price = self._known[model] = self._found(model) or self._found(_DATED.sub("", model))
            return price

    def _found(self, model: str) -> Price | None:
        own = self._own.get(model)
        if own is not None or self._provider is None:
            return own
        return PRICES.get((self._provider, model))


NO_PRICES: Final = PriceBook(None, {})


def shown(dollars: Decimal) -> str:
    """A cost as a plain number, with no more digits than it has."""
    text = f"{dollars:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
