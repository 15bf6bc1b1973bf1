"""What OpenAI's own schema knows beside the core of a reply: audio, citations, moderation, metadata.

An upstream may use one of these names for something of its own, which would break a client that reads OpenAI's.  Such
a value moves out of the way, to `upstream_<name>`; with `extras: drop` it goes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

__all__ = ["Beside"]

Fields = dict[str, Any]


class _Location(Struct):
    start_index: int
    end_index: int
    url: str
    title: str


class _Citation(Struct):
    type: Literal["url_citation"]
    url_citation: _Location


class _Audio(Struct):
    id: str
    expires_at: int
    data: str
    transcript: str


class _AudioDelta(Struct):
    id: str | UnsetType = UNSET
    data: str | UnsetType = UNSET
    transcript: str | UnsetType = UNSET
    expires_at: int | UnsetType = UNSET


class _Verdict(Struct):
    type: Literal["moderation_result"]
    model: str
    flagged: bool
    categories: dict[str, bool]
    category_scores: dict[str, float]
    category_applied_input_types: dict[str, list[Literal["text", "image"]]]


class _Verdicts(Struct, tag_field="type", tag="moderation_results"):
    model: str
    results: list[_Verdict]


class _NoVerdict(Struct, tag_field="type", tag="error"):
    code: str
    message: str


class _Moderation(Struct):
    input: _Verdicts | _NoVerdict
    output: _Verdicts | _NoVerdict


_MODERATION: Any = _Moderation | None
_IN_REPLY: dict[bool, Fields] = {
    True: {"obfuscation": str, "moderation": _MODERATION},
    False: {"metadata": dict[str, str] | None, "moderation": _MODERATION},
}
_IN_MESSAGE: dict[bool, Fields] = {
    True: {"audio": _AudioDelta | None, "annotations": list[_Citation]},
    False: {"audio": _Audio | None, "annotations": list[_Citation]},
}


class Beside:
    """Extras of a reply and of its messages (deltas, where it is streamed), lawful under their names."""

    def __init__(self, stream: bool, drop: bool, note: Callable[[str], None]) -> None:
        self._in_reply = _IN_REPLY[stream]
        self._in_message = _IN_MESSAGE[stream]
        self._stream = stream
        self._drop = drop
        self._note = note

    def of_reply(self, extras: Fields) -> Fields:
        """The extras of a whole reply or of a chunk."""
        if not self._stream and "obfuscation" in extras:  # it padded a chunk that is no more
            extras = {k: v for k, v in extras.items() if k != "obfuscation"}
        return self._settle(extras, self._in_reply)

    def of_message(self, extras: Fields) -> Fields:
        """The extras of a message or of a delta."""
        return self._settle(extras, self._in_message)

    def _settle(self, extras: Fields, kinds: Fields) -> Fields:
        names = extras.keys() & kinds.keys()
        if not names:
            return extras
        settled: Fields = {}
        for name, value in extras.items():
            if name in names:
                self._take(name, value, kinds[name], settled)
            else:
                settled[name] = value
        return settled

    def _take(self, name: str, value: Any, kind: Any, settled: Fields) -> None:
        lawful, known = _convert(value, kind)
        if lawful:
            settled[name] = known if self._drop else value
        elif name == "annotations" and value is None:
            self._note("annotations-null")
        else:
            self._note("annotations-foreign" if name == "annotations" else "extra-foreign-type")
            if name == "annotations" and isinstance(value, list):
                read = [(citation, *_convert(citation, _Citation)) for citation in value]
                settled[name] = [known if self._drop else citation for citation, lawful, known in read if lawful]
            if not self._drop:
                settled["upstream_" + name] = value


def _convert(value: Any, kind: Any) -> tuple[bool, Any]:
    """Whether `value` is of this kind, and what the schema knows of it."""
    try:
        return True, msgspec.to_builtins(msgspec.convert(value, kind))
    except (msgspec.ValidationError, UnicodeEncodeError, RecursionError):
        return False, None
