"""Sound that Gemini speaks, as OpenAI's."""

from __future__ import annotations

import io
import json
import wave
from base64 import b64decode, b64encode
from typing import Any

import pytest

from dialects.gemini_sdk import accepted
from dialects.kit import Notes, chat, play, play_at_cuts, written
from trueline.dialects.gemini import DIALECT
from trueline.errors import RequestError

Fields = dict[str, Any]

SAMPLES = bytes(range(100)) * 2
SPEAKING: Fields = {"modalities": ["text", "audio"], "audio": {"voice": "Kore", "format": "wav"}}


def _part(data: bytes, kind: str = "audio/L16;codec=pcm;rate=24000") -> Fields:
    return {"inlineData": {"mimeType": kind, "data": b64encode(data).decode()}}


def _reply(*parts: Fields, finish: str | None = "STOP") -> Fields:
    candidate: Fields = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    used = {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}
    return {
        "candidates": [candidate if finish is None else {**candidate, "finishReason": finish}],
        "usageMetadata": used,
    }


def _stream(*payloads: Fields) -> bytes:
    return b"".join(b"data: " + json.dumps(payload).encode() + b"\r\n\r\n" for payload in payloads)


def test_a_whole_reply_is_a_wav_file() -> None:
    data = json.dumps(_reply(_part(SAMPLES[:90]), _part(SAMPLES[90:]))).encode()
    played = play_at_cuts(DIALECT, data, **SPEAKING)

    choice = played.body["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"], played.faults) == (None, "stop", {})
    audio = choice["message"]["audio"]
    assert list(audio) == ["id", "expires_at", "data", "transcript"]
    with wave.open(io.BytesIO(b64decode(audio["data"]))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 24000)
        assert file.readframes(1000) == SAMPLES


def test_bare_samples_stay_bare() -> None:
    data = json.dumps(_reply({"text": "Hi"}, _part(SAMPLES, "audio/pcm;rate=16000"))).encode()
    message = play(DIALECT, data, audio={"format": "pcm16"}).body["choices"][0]["message"]

    assert (message["content"], b64decode(message["audio"]["data"])) == ("Hi", SAMPLES)


def test_a_stream_has_samples_as_they_come() -> None:
    data = _stream(
        _reply(_part(SAMPLES[:4]), finish=None), _reply(_part(SAMPLES[4:51]), finish=None), _reply(_part(SAMPLES[51:]))
    )
    played = play_at_cuts(DIALECT, data, stream=True, modalities=["audio"], audio={"format": "pcm16"})
    deltas = [chunk["choices"][0]["delta"] for chunk in played.chunks]
    spoken = [delta["audio"] for delta in deltas if "audio" in delta]

    assert played.faults == {}
    assert b64decode("".join(audio.get("data", "") for audio in spoken)) == SAMPLES
    assert ["id" in audio for audio in spoken] == [True, *[False] * (len(spoken) - 1)]
    assert [list(audio) for audio in spoken][-1] == ["expires_at"]
    assert played.chunks[-1]["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("part", [{"inlineData": {"mimeType": "audio/L16", "data": "*"}}, _part(b"x", "audio/mp3")])
def test_other_sound_stays_as_it_is(part: Fields) -> None:
    message = play(DIALECT, json.dumps(_reply({"text": "a"}, part)).encode()).body["choices"][0]["message"]
    assert message["google_parts"] == [part]
    assert "audio" not in message


def test_how_sound_is_asked_for() -> None:
    config = {
        "responseModalities": ["AUDIO"],
        "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}},
    }
    assert written(DIALECT, "gemini-2.5-flash-preview-tts", **SPEAKING)["generationConfig"] == config
    sent = written(DIALECT, "gemini-4", **SPEAKING)
    assert sent["generationConfig"] == {**config, "responseModalities": ["TEXT", "AUDIO"]}
    accepted(sent)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"audio": {"format": "mp3"}}, "audio.format"),
        ({"audio": {"format": "wav"}, "stream": True}, "audio.format"),
        ({"audio": {"format": "wav", "voice": {"id": "v"}}}, "audio.voice"),
    ],
)
def test_what_is_not_had_is_refused_by_name(fields: Fields, named: str) -> None:
    request = chat(modalities=["audio"], **fields)
    with pytest.raises(RequestError) as refused:
        DIALECT.write_request(request, Notes().asked())
    assert (refused.value.param, refused.value.code) == (named, "unsupported_parameter")
    notes = Notes()
    DIALECT.write_request(request, notes.asked(drop=True))
    assert notes == [f"{named} dropped"]
