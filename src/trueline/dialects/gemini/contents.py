"""Messages as Gemini's `contents`: turns of `user` and `model`, each a list of parts.

https://ai.google.dev/api/caching#Content (seen 2026-11-22)
https://ai.google.dev/gemini-api/docs/thought-signatures (seen 2026-11-22)
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from ...errors import RequestError
from ...wire import jsonio
from ..conversation import Audio, Conversation, File, Part, Picture, Text, ToolUse, Turn
from ..provider import Asked, FileNeeded
from .fields import camel
from .stream import CALL_ID, FORMAT
from .thinking import generation

__all__ = ["write_contents", "write_texts"]

Fields: TypeAlias = dict[str, Any]

_MINTED: Final = re.compile(re.escape(CALL_ID) + r"[0-9A-Za-z_-]{20,}")
"""An id that Gemini never saw: of a call that had none, or of another provider."""
_NO_SIGNATURE: Final = "skip_thought_signature_validator"
"""What Google has in place of a signature that is not known."""
_UNSIGNED: Final = "thought_signature unknown"
_TAKEN: Final = re.compile(
    r"gs://|https://generativelanguage\.googleapis\.com/[\w.]+/files/|https://(?:www\.|m\.)?youtube\.com/watch\?"
    r"|https://youtu\.be/|https://storage\.(?:mtls\.)?cloud\.google\.com/"
)
"""Addresses that Gemini fetches itself; others are fetched for it."""
_VIDEO_SITE: Final = re.compile(r"https://[\w.]*youtu\.?be")
_TYPES: Final = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "heic": "image/heic",
    "heif": "image/heif",
    "gif": "image/gif",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
    "mpeg": "video/mpeg",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
}


def write_texts(texts: list[Text], asked: Asked) -> list[Fields]:
    """Parts of text, such as those of the system instruction."""
    return [_part(text, asked, []) for text in texts if text.text]


def write_contents(conversation: Conversation, asked: Asked) -> list[Fields]:
    """`contents`.  Raises RequestError, and FileNeeded with all files that have to be fetched."""
    writer = _Writer(asked)
    for turn in conversation.turns:
        writer.take(turn)
    if writer.missing:
        raise FileNeeded(list(dict.fromkeys(writer.missing)))
    if generation(asked.model) >= 3:
        _sign(writer.contents, asked)
    return writer.contents


class _Writer:
    def __init__(self, asked: Asked) -> None:
        self.contents: list[Fields] = []
        self.missing: list[str] = []
        self._asked = asked
        self._open: list[ToolUse] = []
        """Calls of the last turn of the model that were not answered yet."""
        self._order: list[str] = []
        self._given: list[tuple[int, list[Fields]]] = []
        """What answered them, by the place of the call."""

    def take(self, turn: Turn) -> None:
        if turn.role == "tool":
            self._answer(turn)
        elif turn.role == "assistant":
            self._open = list(turn.calls)
            self._order = [call.id for call in turn.calls]
            self._add("model", list(self._said(turn)))
        else:
            parts = [_part(part, self._asked, self.missing) for part in turn.parts]
            self._add("user", parts or [{"text": ""}])

    def _add(self, role: str, parts: list[Fields]) -> None:
        """Turns alternate: what one role says twice in a row is one turn, but for answers of functions."""
        last = self.contents[-1] if self.contents else None
        if not parts:
            return
        if last is not None and last["role"] == role and _answers(last) == _answers({"parts": parts}):
            last["parts"] += parts
        else:
            self.contents.append({"role": role, "parts": parts})

    # -- the model's turns --------------------------------------------------------------------------------------------

    def _said(self, turn: Turn) -> Iterator[Fields]:
        signatures, of_calls = _signatures(turn)
        for part in turn.extras.get("google_parts") or []:
            if isinstance(part, dict) and part.get("thought") is not True:
                yield camel({name: value for name, value in part.items() if name != "index"})
        for data in signatures["thought"]:
            yield {"text": turn.reasoning or "", "thought": True, "thoughtSignature": data}
        if turn.reasoning and not signatures["thought"]:
            self._asked.note(f"{turn.where}.reasoning_content dropped")  # Gemini wants signatures only
        texts = [_part(part, self._asked, self.missing) for part in turn.parts]
        if not texts and turn.refusal:
            texts = [{"text": turn.refusal}]
        if texts and signatures["text"] and "text" in texts[-1]:
            texts[-1]["thoughtSignature"] = signatures["text"].pop()
        yield from texts
        for data in (*signatures["text"], *signatures["end"]):
            yield {"text": "", "thoughtSignature": data}
        yield from self._pictures(turn.extras.get("images"))
        for call in turn.calls:
            yield _call(call, of_calls.get(call.id))

    def _pictures(self, images: Any) -> Iterator[Fields]:
        """Pictures that the model made, as `images` have them."""
        for image in images if isinstance(images, list) else []:
            inner = image.get("image_url") if isinstance(image, dict) else None
            url = inner.get("url") if isinstance(inner, dict) else inner
            found = re.match(r"data:([\w.+-]+/[\w.+-]+);base64,", url[:100]) if isinstance(url, str) else None
            if found is not None and isinstance(url, str):
                part = _inline(found[1], url[found.end() :])
                signature = _signature_in(image)
                yield {**part, "thoughtSignature": signature} if signature else part

    # -- answers of functions -----------------------------------------------------------------------------------------

    def _answer(self, turn: Turn) -> None:
        call = next((one for one in self._open if one.id == turn.call_id), None)
        if call is None and turn.name:
            call = next((one for one in self._open if one.name == turn.name), None)
        if call is None and self._open and turn.name is None:
            call = self._open[0]
        if call is not None:
            self._open.remove(call)
        name = call.name if call is not None else turn.name
        if name is None:
            raise RequestError(
                f"Invalid parameter: '{turn.where}' has a 'tool_call_id' that no tool call before it has.",
                param=f"{turn.where}.tool_call_id",
                code="invalid_value",
            )
        answer: Fields = {"name": name, "response": _response(turn.text)}
        identity = call.id if call is not None else turn.call_id
        if identity and not _MINTED.fullmatch(identity) and identity != name:
            answer["id"] = identity
        files = [_part(part, self._asked, self.missing) for part in turn.parts if not isinstance(part, Text)]
        if files and generation(self._asked.model) >= 3:
            answer["parts"], files = files, []
        last = self.contents[-1] if self.contents else None
        if last is None or not _answers(last):
            self.contents.append({"role": "user", "parts": []})
            self._given = []
        place = self._order.index(identity) if identity in self._order else len(self._order)
        self._given.append((place, [{"functionResponse": answer}, *files]))
        self._given.sort(key=lambda one: one[0])  # without ids, they are told apart by the order of the calls
        self.contents[-1]["parts"] = [part for _, parts in self._given for part in parts]


def _answers(content: Fields) -> bool:
    return any("functionResponse" in part for part in content["parts"])


def _response(text: str) -> Fields:
    """An object as it is; anything else under `output`, as Google calls it."""
    try:
        value = jsonio.decode_strict(text.encode("utf-8", "replace")) if text.lstrip()[:1] == "{" else None
    except jsonio.JSONError:
        value = None
    return value if isinstance(value, dict) else {"output": text}


# -- calls and signatures ---------------------------------------------------------------------------------------------


def _call(call: ToolUse, signature: str | None) -> Fields:
    made: Fields = {"name": call.name, "args": call.input}
    if not _MINTED.fullmatch(call.id) and call.id != call.name:
        made["id"] = call.id
    part: Fields = {"functionCall": made}
    signature = _signature_in(call.extras) or signature
    if signature:
        part["thoughtSignature"] = signature
    return part


def _signature_in(owner: Fields) -> str | None:
    """`extra_content.google.thought_signature`, where Google's own OpenAI endpoint has it."""
    extra = owner.get("extra_content")
    google = extra.get("google") if isinstance(extra, dict) else None
    signature = google.get("thought_signature") if isinstance(google, dict) else None
    return signature if isinstance(signature, str) and signature else None


def _signatures(turn: Turn) -> tuple[dict[str, list[str]], dict[str, str]]:
    """The signatures of what the turn says, by place, and of its calls, by id (`reasoning_details`)."""
    places: dict[str, list[str]] = {"thought": [], "text": [], "end": []}
    of_calls: dict[str, str] = {}
    identities = {call.id for call in turn.calls}
    details = turn.extras.get("reasoning_details")
    for detail in details if isinstance(details, list) else []:
        data = detail.get("data") if isinstance(detail, dict) else None
        if not isinstance(data, str) or not data or detail.get("format") not in (FORMAT, None):
            continue
        if detail.get("id") in identities:
            of_calls[detail["id"]] = data
        else:
            places.get(str(detail.get("part")), places["end"]).append(data)
    of_turn = _signature_in(turn.extras)
    if of_turn is not None:
        places["text"].append(of_turn)
    return places, of_calls


def _sign(contents: list[Fields], asked: Asked) -> None:
    """Gemini 3 refuses calls of the turn that goes on if the first of each step has no signature."""
    start = max(
        (n for n, content in enumerate(contents) if content["role"] == "user" and not _answers(content)), default=0
    )
    for content in contents[start:]:
        calls = [part for part in content["parts"] if "functionCall" in part]
        if calls and "thoughtSignature" not in calls[0]:
            calls[0]["thoughtSignature"] = _NO_SIGNATURE
            asked.note(_UNSIGNED)


# -- parts ------------------------------------------------------------------------------------------------------------


def _part(part: Part, asked: Asked, missing: list[str]) -> Fields:
    """One part; the address of a file that has to be fetched first goes to `missing`."""
    match part:
        case Text():
            return {"text": part.text}
        case Audio():
            return _inline(part.media_type, part.data)
        case Picture():
            return _file(part.url, part.data, part.media_type, part.extras, asked, missing)
        case File(id=str() as identity):
            if not re.match(r"https?://|gs://", identity):
                identity = "https://generativelanguage.googleapis.com/v1beta/" + (
                    identity if identity.startswith("files/") else f"files/{identity}"
                )
            return {"fileData": {"mimeType": part.media_type, "fileUri": identity}}
    return _file(part.url, part.data, part.media_type, part.extras, asked, missing)


def _file(
    url: str | None, data: str | None, kind: str | None, extras: Fields, asked: Asked, missing: list[str]
) -> Fields:
    if data is not None:
        made = _inline(kind or "application/octet-stream", data)
    elif url is not None and _TAKEN.match(url):
        ending = url.partition("?")[0].rpartition(".")[2].lower()
        named = "video/mp4" if _VIDEO_SITE.match(url) else _TYPES.get(ending) or kind
        made = {"fileData": {**({"mimeType": named} if named else {}), "fileUri": url}}
    else:
        fetched = asked.files.get(url or "")
        if fetched is None:
            missing.append(url or "")
            return {"text": ""}
        made = _inline(fetched.media_type, base64.b64encode(fetched.data).decode())
    for name in ("videoMetadata", "mediaResolution"):
        value = camel(extras).get(name)
        if isinstance(value, dict):
            made[name] = value
    return made


def _inline(kind: str, data: str) -> Fields:
    return {"inlineData": {"mimeType": kind, "data": data}}
