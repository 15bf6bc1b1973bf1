"""Sound that Gemini speaks: asked for by OpenAI's `modalities` and `audio`, and given as its `message.audio`.

It comes as bare samples, 16 bits of one channel, which OpenAI calls `pcm16`; behind a header they are `wav`.
https://ai.google.dev/gemini-api/docs/speech-generation (seen 2026-11-22)
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from typing import Any, Final, NamedTuple, TypeAlias

from ...context import ReplyContext
from ...events import Event, Extras, Opaque
from ..parameters import leave_out
from ..provider import Asked

__all__ = ["Samples", "Sound", "samples", "write_sound"]

Fields: TypeAlias = dict[str, Any]

_RATE: Final = 24_000
_SAID_RATE: Final = re.compile(r"\brate=(\d{4,6})\b")
_WHOLE: Final = 6
"""Bytes of which each delta has a multiple: whole samples, and base64 that can be put together."""


class Samples(NamedTuple):
    """Sound without a header."""

    data: bytes
    rate: int
    """Samples in a second."""


def write_sound(body: Fields, stream: bool, asked: Asked) -> Fields:
    """`responseModalities` and `speechConfig`.  Raises RequestError."""
    made: Fields = {}
    modalities = body.get("modalities")
    if isinstance(modalities, list) and modalities != ["text"]:
        words = [str(one).upper() for one in modalities]
        if "tts" in asked.model and "AUDIO" in words:
            words = ["AUDIO"]  # such models say nothing else, and refuse to be asked
        made["responseModalities"] = words
    audio = body.get("audio")
    if not isinstance(audio, dict):
        return made
    form, voice = audio.get("format"), audio.get("voice")
    if form is not None and form not in (("pcm16",) if stream else ("pcm16", "wav")):
        leave_out(asked, "audio", f"Sound comes as pcm16{'' if stream else ' and wav'}.", "audio.format")
    if isinstance(voice, str):
        made["speechConfig"] = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}}
    elif voice is not None:
        leave_out(asked, "audio", "Voices have names.", "audio.voice")
    return made


def samples(given: Any) -> Samples | None:
    """The samples in an `inlineData`; None for what has none."""
    kind, data = (given.get("mimeType"), given.get("data")) if isinstance(given, dict) else (None, None)
    if not isinstance(kind, str) or not isinstance(data, str) or not data.isascii():
        return None
    if kind.partition(";")[0].strip().lower() not in ("audio/l16", "audio/pcm"):
        return None
    try:
        read = b64decode(data.replace("-", "+").replace("_", "/") + "=" * (-len(data) % 4), validate=True)
    except ValueError:
        return None
    said = _SAID_RATE.search(kind)
    return Samples(read, int(said[1]) if said else _RATE)


class Sound:
    """What one candidate speaks: in one piece for a whole reply, and as it comes in a stream."""

    def __init__(self, context: ReplyContext) -> None:
        given = context.request.body.get("audio")
        self._bare = isinstance(given, dict) and given.get("format") == "pcm16"
        self._stream = context.request.stream
        self._mint = context.mint
        self._rate = _RATE
        self._begun = False
        self._held: list[bytes] = []
        self._size = 0

    def add(self, index: int, given: Samples) -> list[Event]:
        """More of it."""
        self._rate = given.rate
        self._held.append(given.data)
        self._size += len(given.data)
        if not self._stream or self._size < _WHOLE:
            return []
        data = b"".join(self._held)
        whole = len(data) - len(data) % _WHOLE
        self._held, self._size = [data[whole:]], len(data) - whole
        return [self._delta(index, data[:whole])]

    def end(self, index: int) -> list[Event]:
        """The rest of it.  It is kept nowhere, so that its id leads to nothing: it expires at once."""
        data = b"".join(self._held)
        now = self._mint.now()
        if self._stream:
            rest = [self._delta(index, data)] if data else []
            return [*rest, _audio(index, {"expires_at": now})]
        data = data if self._bare else _header(len(data), self._rate) + data
        said = {"id": self._id(), "expires_at": now, "data": b64encode(data).decode(), "transcript": ""}
        return [_audio(index, said)]

    def _delta(self, index: int, data: bytes) -> Event:
        begins = {} if self._begun else {"id": self._id()}
        self._begun = True
        return _audio(index, {**begins, "data": b64encode(data).decode()})

    def _id(self) -> str:
        return "audio_" + self._mint.token(24)


def _audio(index: int, fields: Fields) -> Event:
    return Opaque(Extras(message={"audio": fields}), index)


def _header(size: int, rate: int) -> bytes:
    """RIFF's, before so many bytes of samples."""

    def number(value: int, width: int = 4) -> bytes:
        return min(value, 0xFFFFFFFF).to_bytes(width, "little")

    form = number(1, 2) + number(1, 2) + number(rate) + number(rate * 2) + number(2, 2) + number(16, 2)
    return b"RIFF" + number(size + 36) + b"WAVEfmt " + number(16) + form + b"data" + number(size)
