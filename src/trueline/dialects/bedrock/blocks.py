"""Streamed blocks that have no place in OpenAI's format, put together as a whole message would have them."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from typing import Any

from ...wire import jsonio

__all__ = ["OtherBlock"]

Fields = dict[str, Any]


class OtherBlock:
    """A picture, a tool that the server ran, its result, or what comes next: how it began, and its increments."""

    def __init__(self, start: Fields) -> None:
        self._start = start
        self._deltas: list[Fields] = []

    def add(self, delta: Fields) -> None:
        """One increment."""
        self._deltas.append(delta)

    def whole(self) -> Fields:
        """The block, once it has ended."""
        block = {name: dict(value) if isinstance(value, dict) else value for name, value in self._start.items()}
        inputs: list[str] = []
        pictures: list[str] = []
        for delta in self._deltas:
            for name, value in delta.items():
                if isinstance(value, list):
                    value = {"content": value}  # results of a tool
                if not isinstance(value, dict):
                    block[name] = value
                    continue
                held = block.setdefault(name, {})
                if isinstance(held, dict):
                    _add(held, value, inputs, pictures)
        call, picture = block.get("toolUse"), block.get("image")
        if inputs and isinstance(call, dict):
            call["input"] = _input("".join(inputs))
        if pictures and isinstance(picture, dict):
            picture["source"] = {"bytes": _joined(pictures)}
        return block


def _add(held: Fields, more: Fields, inputs: list[str], pictures: list[str]) -> None:
    for name, value in more.items():
        data = value.get("bytes") if isinstance(value, dict) else None
        if name == "input" and isinstance(value, str):
            inputs.append(value)
        elif name == "source" and isinstance(data, str):
            pictures.append(data)
        elif isinstance(value, list) and isinstance(held.get(name), list):
            held[name] = held[name] + value
        else:
            held[name] = value


def _input(text: str) -> Any:
    try:
        return jsonio.decode_strict(text.encode("utf-8", "replace"))
    except jsonio.JSONError:
        return text


def _joined(pieces: list[str]) -> str:
    """Base64 of what the pieces, each in base64, are together."""
    try:
        return b64encode(b"".join(b64decode(piece, validate=True) for piece in pieces)).decode()
    except (binascii.Error, ValueError):
        return "".join(pieces)
