"""What is known of Claude's models by their names, as far as a request depends on it.

https://platform.claude.com/docs/en/about-claude/models/overview (output limits, seen 2026-11)
https://platform.claude.com/docs/en/build-with-claude/effort and …/thinking (levels, seen 2026-11)
https://platform.claude.com/docs/en/build-with-claude/structured-outputs (from 4.5 on, seen 2026-11)
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = ["STREAM_ABOVE", "Model", "model"]

STREAM_ABOVE: Final = 21_333
"""Tokens of a whole answer above which the API asks for a stream: they may take longer than ten minutes."""

_NAME: Final = re.compile(
    r"claude-(?:(?P<family>[a-z]+)-)?(?P<major>\d{1,2})(?:[-.](?P<minor>\d{1,2}))?(?!\d)(?:-(?P<old>[a-z]+))?"
)
_UNKNOWN: Final = (0, 0)

_OUTPUT: Final = (((4, 6), 128_000), ((3, 7), 64_000), ((3, 5), 8_192), ((1, 0), 4_096))
"""Most tokens of an answer, from a version on."""
_OUTPUT_OF_OPUS_4: Final = 32_000
_WHOLE_OF_OPUS_4: Final = 8_192
"""What one of the SDKs takes at most without a stream."""
_OUTPUT_UNKNOWN: Final = 8_192
"""What every model takes that is still served."""


class Model(NamedTuple):
    """A model, as its name tells it."""

    family: str
    version: tuple[int, int]
    """(0, 0) where it cannot be told."""

    @property
    def max_tokens(self) -> int:
        """Tokens of an answer, at most."""
        if self._is_opus_4:
            return _OUTPUT_OF_OPUS_4
        return next((tokens for version, tokens in _OUTPUT if self.version >= version), _OUTPUT_UNKNOWN)

    @property
    def max_whole(self) -> int:
        """Tokens of an answer that is not streamed, at most."""
        return _WHOLE_OF_OPUS_4 if self._is_opus_4 else min(self.max_tokens, STREAM_ABOVE)

    @property
    def _is_opus_4(self) -> bool:
        return self.family == "opus" and (4, 0) <= self.version < (4, 5)

    @property
    def thinks(self) -> bool:
        """Whether it can be asked for thoughts; of an unknown one that is assumed."""
        return self.version == _UNKNOWN or self.version >= (3, 7)

    @property
    def adapts(self) -> bool:
        """Whether it settles itself how much it thinks."""
        return self.version >= (4, 6) or self.family in _ALWAYS_THINKS

    @property
    def always_thinks(self) -> bool:
        """Whether thinking cannot be switched off."""
        return self.family in _ALWAYS_THINKS

    @property
    def thinks_unasked(self) -> bool:
        """Whether it thinks where a request does not say that it should not."""
        return self.version >= (5, 0)

    @property
    def hides_thoughts(self) -> bool:
        """Whether thoughts come without their text, unless asked for."""
        return self.adapts and self.version >= (4, 7)

    @property
    def efforts(self) -> tuple[str, ...]:
        """Levels of `output_config.effort`, from the lowest on."""
        if not self.adapts:
            return ()
        return _EFFORTS if self.version >= (4, 7) else tuple(level for level in _EFFORTS if level != "xhigh")

    @property
    def samples(self) -> bool:
        """Whether `temperature`, `top_p` and `top_k` may be set."""
        return self.version < (4, 7) and self.family not in _ALWAYS_THINKS

    @property
    def one_of_temperature_and_top_p(self) -> bool:
        """Whether only one of the two may be set."""
        return self.version >= (4, 1)

    @property
    def keeps_schemas(self) -> bool:
        """Whether it takes `output_config.format` and strict tools."""
        return self.version >= (4, 5) or self.family in _ALWAYS_THINKS


_EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")
_ALWAYS_THINKS: Final = ("fable", "mythos")


def model(name: str) -> Model:
    """What the name says, in any of its forms: dated, of Bedrock, of Vertex, with a point in the version."""
    lower = name.lower()
    found = _NAME.search(lower)
    if found is None:
        family = next((one for one in _ALWAYS_THINKS if f"claude-{one}" in lower), "")
        return Model(family, _UNKNOWN)
    return Model(found["family"] or found["old"] or "", (int(found["major"]), int(found["minor"] or 0)))
