"""Calls whose arguments come in increments (`streamFunctionCallArguments`), put together.

    {"name": "f", "willContinue": true}
    {"partialArgs": [{"jsonPath": "$.city", "stringValue": "Par", "willContinue": true}], "willContinue": true}
    {"partialArgs": [{"jsonPath": "$.city", "stringValue": "is"}], "willContinue": true}
    {}

https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling#streaming-fc (seen 2026-11-22)
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

__all__ = ["PartialCall", "is_partial"]

Fields: TypeAlias = dict[str, Any]

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d{1,4})\]|\[(?:'([^']*)'|\"([^\"]*)\")\]")
_VALUES = ("stringValue", "numberValue", "boolValue", "nullValue")
_MAX_DEPTH = 64


def is_partial(call: Fields) -> bool:
    """Whether more of the call follows, or this is more of one."""
    return call.get("willContinue") is True or isinstance(call.get("partialArgs"), list)


class PartialCall:
    """`add` each piece; the last one gives the call, and its signature."""

    def __init__(self) -> None:
        self._call: Fields = {}
        self._args: Fields = {}
        self._signature: str | None = None

    def add(self, piece: Fields, signature: str | None) -> tuple[Fields, str | None] | None:
        """None where more follows."""
        self._call.update({name: piece[name] for name in ("id", "name") if piece.get(name)})
        self._signature = self._signature or signature
        if isinstance(piece.get("args"), dict):
            self._args.update(piece["args"])
        pieces = piece.get("partialArgs")
        for one in pieces if isinstance(pieces, list) else []:
            if isinstance(one, dict):
                self._set(one)
        if piece.get("willContinue") is True:
            return None
        return {**self._call, "args": self._args}, self._signature

    def _set(self, piece: Fields) -> None:
        path = piece.get("jsonPath")
        name = next((name for name in _VALUES if name in piece), None)
        if not isinstance(path, str) or name is None:
            return
        steps: list[str | int] = [
            int(step[2]) if step[2] is not None else next(word for word in step.groups() if word is not None)
            for step in _STEP.finditer(path)
        ][:_MAX_DEPTH]
        value = None if name == "nullValue" else piece[name]
        if steps and isinstance(steps[0], str):
            _put(self._args, steps, value)


def _put(owner: Any, steps: list[Any], value: Any) -> None:
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        if isinstance(owner, list) and isinstance(step, int):
            owner.extend([None] * (step + 1 - len(owner)))
        elif not (isinstance(owner, dict) and isinstance(step, str)):
            return
        held = owner[step] if isinstance(owner, list) else owner.get(step)
        if following is None:
            owner[step] = held + value if isinstance(held, str) and isinstance(value, str) else value
        elif not isinstance(held, (dict, list)):
            held = owner[step] = [] if isinstance(following, int) else {}
        owner = held
