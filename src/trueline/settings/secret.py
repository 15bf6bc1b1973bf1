"""A string that must never be seen: masked in `repr`, `str` and f-strings, refused by `pickle`."""

from __future__ import annotations

import hmac
from typing import Any, NoReturn

__all__ = ["Secret"]


class Secret:
    """A key or password.  `reveal()` is the only way to its text, so that every use can be found by name."""

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        return self.__text

    def matches(self, candidate: str) -> bool:
        """Whether `candidate` is this secret, in a time that does not depend on where they differ."""
        return hmac.compare_digest(self.__text.encode("utf-8"), candidate.encode("utf-8", "surrogatepass"))

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self.__text)

    def __eq__(self, other: object) -> bool:
        return self.matches(other.__text) if isinstance(other, Secret) else NotImplemented

    def __hash__(self) -> int:
        return hash((Secret, self.__text))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret is not pickled: pass the name of the setting and read it again")
