"""The messages of a chat request as Anthropic's: turns, content blocks, calls and their results."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from ...errors import RequestError
from ..conversation import Audio, Conversation, File, Part, Picture, Text, ToolUse, Turn
from ..parameters import leave_out
from ..provider import Asked, Fetched, FileNeeded
from .meaning import FORMAT

__all__ = ["MessageWriter"]

Fields: TypeAlias = dict[str, Any]

_IMAGES: Final = ("image/jpeg", "image/png", "image/gif", "image/webp")
_SAME_TYPE: Final = {"image/jpg": "image/jpeg", "image/x-png": "image/png"}
_NOT_IN_AN_ID: Final = re.compile(r"[^a-zA-Z0-9_-]")
_OF_A_DOCUMENT: Final = ("cache_control", "citations", "context", "title")


class MessageWriter:
    """Writes the turns of one request."""

    def __init__(self, asked: Asked, takes_urls: bool) -> None:
        self._asked = asked
        self._takes_urls = takes_urls
        self._ids: dict[str, str] = {}
        self._taken: set[str] = set()
        self._needed: list[str] = []
        self.uploads = False
        """Whether a file is named by the id of its upload."""

    def system(self, conversation: Conversation) -> str | list[Fields] | None:
        """What all system and developer messages say."""
        blocks = self._written(list(conversation.system))
        if len(blocks) == 1 and len(blocks[0]) == 2:
            text: str = blocks[0]["text"]
            return text
        return blocks or None

    def messages(self, turns: list[Turn]) -> list[Fields]:
        """The turns; those of one side that follow each other are one.  Raises RequestError and FileNeeded.

        The API refuses text of white space alone: it is left out, and where nothing else is, so is its turn.
        """
        messages: list[Fields] = []
        for turn in turns:
            role = "assistant" if turn.role == "assistant" else "user"
            blocks = _WRITERS[turn.role](self, turn)
            if not blocks:
                continue
            if messages and messages[-1]["role"] == role:
                messages[-1]["content"] += blocks
            else:
                messages.append({"role": role, "content": blocks})
        if self._needed:
            raise FileNeeded(list(dict.fromkeys(self._needed)))
        if messages and messages[-1]["role"] == "assistant":
            _trim(messages[-1]["content"])
        messages = [message for message in messages if message["content"]]
        for message in messages:
            blocks = message["content"]
            if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
                message["content"] = blocks[0]["text"]
        return messages

    # -- turns --------------------------------------------------------------------------------------------------------

    def _user(self, turn: Turn) -> list[Fields]:
        return self._marked(turn, self._parts(turn))

    def _tool(self, turn: Turn) -> list[Fields]:
        result: Fields = {"type": "tool_result", "tool_use_id": self._id(turn.call_id or turn.name or "")}
        parts = self._parts(turn)
        if len(parts) == 1 and parts[0].keys() == {"type", "text"}:
            result["content"] = parts[0]["text"]
        elif parts:
            result["content"] = parts
        if isinstance(turn.extras.get("is_error"), bool):
            result["is_error"] = turn.extras["is_error"]
        return self._marked(turn, [result])

    def _assistant(self, turn: Turn) -> list[Fields]:
        native = self._native(turn)
        if native is not None:
            return native
        blocks = self._thoughts(turn)
        blocks += self._parts(turn)
        if turn.refusal and turn.refusal.strip() and not turn.text.strip():
            blocks.append({"type": "text", "text": turn.refusal})
        blocks += [self._call(call) for call in turn.calls]
        return self._marked(turn, blocks)

    def _native(self, turn: Turn) -> list[Fields] | None:
        """The blocks of a reply as it was given, if the client left its text and its calls alone."""
        given = turn.extras.get("anthropic")
        blocks = given.get("content") if isinstance(given, dict) else None
        if not isinstance(blocks, list) or not blocks or not all(isinstance(block, dict) for block in blocks):
            return None
        text = "".join(str(block.get("text") or "") for block in blocks if block.get("type") == "text")
        calls = [str(block.get("id")) for block in blocks if block.get("type") == "tool_use"]
        if text.strip() != turn.text.strip() or calls != [call.id for call in turn.calls]:
            return None
        return [block for block in blocks if block.get("type") != "text" or str(block.get("text") or "").strip()]

    def _thoughts(self, turn: Turn) -> list[Fields]:
        """Thoughts that the model signed; no others may come back."""
        blocks: list[Fields] = []
        details = turn.extras.get("reasoning_details")
        for one in details if isinstance(details, list) else ():
            if not isinstance(one, dict) or one.get("format", FORMAT) != FORMAT:
                continue
            if one.get("signature") and isinstance(one.get("text"), str):
                blocks.append({"type": "thinking", "thinking": one["text"], "signature": str(one["signature"])})
            elif one.get("type") == "reasoning.encrypted" and one.get("data"):
                blocks.append({"type": "redacted_thinking", "data": str(one["data"])})
        given = turn.extras.get("thinking_blocks")
        for one in given if isinstance(given, list) and not blocks else ():
            if isinstance(one, dict) and one.get("type") in ("thinking", "redacted_thinking"):
                blocks.append({name: value for name, value in one.items() if name != "index"})
        if turn.reasoning and not blocks:
            self._asked.note(f"{turn.where}.reasoning_content dropped")
        return blocks

    def _call(self, call: ToolUse) -> Fields:
        block: Fields = {"type": "tool_use", "id": self._id(call.id), "name": call.name, "input": call.input}
        if "cache_control" in call.extras:
            block["cache_control"] = call.extras["cache_control"]
        return block

    def _id(self, given: str) -> str:
        """The id of a call as the API takes it: the same for the call and its result, and no other's."""
        known = self._ids.get(given)
        if known is None:
            known = _NOT_IN_AN_ID.sub("_", given) or "call"
            while known in self._taken:
                known += "_"
            self._taken.add(known)
            self._ids[given] = known
        return known

    def _marked(self, turn: Turn, blocks: list[Fields]) -> list[Fields]:
        """A cache mark of the message is one of its last block."""
        if blocks and turn.extras.get("cache_control") and "cache_control" not in blocks[-1]:
            blocks[-1] = {**blocks[-1], "cache_control": turn.extras["cache_control"]}
        return blocks

    # -- parts --------------------------------------------------------------------------------------------------------

    def _parts(self, turn: Turn) -> list[Fields]:
        return self._written(turn.parts)

    def _written(self, parts: list[Part]) -> list[Fields]:
        """The blocks of parts; a cache mark on a blank text is one of the block before it."""
        blocks: list[Fields] = []
        for part in parts:
            if not isinstance(part, Text) or part.text.strip():
                block = self._part(part)
                if block is not None:
                    blocks.append(block)
            elif blocks and part.extras.get("cache_control"):
                blocks[-1].setdefault("cache_control", part.extras["cache_control"])
        return blocks

    def _part(self, part: Part) -> Fields | None:
        if isinstance(part, Text):
            return self._text(part)
        if isinstance(part, Picture):
            return self._picture(part)
        if isinstance(part, Audio):
            leave_out(self._asked, "input_audio", "Claude takes no sound.", part.where)
            return None
        return self._file(part)

    def _text(self, part: Text) -> Fields:
        block: Fields = {"type": "text", "text": part.text}
        if part.extras.get("cache_control"):
            block["cache_control"] = part.extras["cache_control"]
        return block

    def _picture(self, picture: Picture) -> Fields:
        source = self._source(picture.media_type, picture.data, picture.url, self._takes_urls)
        if source["type"] == "base64":
            source["media_type"] = _image_type(source["media_type"], picture.where)
        return _with({"type": "image", "source": source}, picture.extras, ("cache_control",))

    def _source(self, media_type: str | None, data: str | None, url: str | None, takes_urls: bool) -> Fields:
        """Where a picture or a document is: here, or at an address that the API fetches itself."""
        if url is not None:
            fetched = self._asked.files.get(url)
            if fetched is None and takes_urls and url[:8].lower() == "https://":
                return {"type": "url", "url": url}
            if fetched is None:
                self._needed.append(url)
                fetched = Fetched("image/png" if media_type is None else media_type, b"")
            media_type, data = fetched.media_type.partition(";")[0].strip(), base64.b64encode(fetched.data).decode()
        return {"type": "base64", "media_type": (media_type or "").lower(), "data": data}

    def _file(self, file: File) -> Fields | None:
        if file.id is not None and file.data is None and file.url is None:
            if not self._takes_urls:
                leave_out(self._asked, "file_id", "There are no uploads at this host.", f"{file.where}.file_id")
                return None
            self.uploads = True
            source: Fields = {"type": "file", "file_id": file.id}
        else:
            is_pdf = file.media_type == "application/pdf"
            source = self._source(file.media_type, file.data, file.url, self._takes_urls and is_pdf)
        media_type = source.get("media_type", file.media_type)
        if media_type.startswith("image/") and source["type"] != "url":
            source["media_type"] = _image_type(media_type, file.where)
            return _with({"type": "image", "source": source}, file.extras, ("cache_control",))
        if source["type"] == "base64" and media_type != "application/pdf":
            source = {"type": "text", "media_type": "text/plain", "data": _plain(source, file.where)}
        block: Fields = {"type": "document", "source": source}
        if file.name:
            block["title"] = file.name
        return _with(block, file.extras, _OF_A_DOCUMENT)


_WRITERS: Final[dict[str, Callable[[MessageWriter, Turn], list[Fields]]]] = {
    "user": MessageWriter._user,
    "assistant": MessageWriter._assistant,
    "tool": MessageWriter._tool,
}


def _trim(blocks: list[Fields]) -> None:
    """The beginning of an answer may not end in white space."""
    last = blocks[-1]
    if last.get("type") == "text" and last["text"] != last["text"].rstrip():
        blocks[-1] = {**last, "text": last["text"].rstrip()}
        if not blocks[-1]["text"]:
            del blocks[-1]


def _with(block: Fields, extras: Fields, names: tuple[str, ...]) -> Fields:
    return {**block, **{name: extras[name] for name in names if extras.get(name) is not None}}


def _image_type(media_type: str, where: str) -> str:
    named = _SAME_TYPE.get(media_type, media_type)
    if named in _IMAGES:
        return named
    raise RequestError(
        f"Unsupported image: '{where}' is {named or 'of no known type'}, and this model takes {', '.join(_IMAGES)}.",
        param=where,
        code="invalid_image_format",
    )


def _plain(source: Fields, where: str) -> str:
    """The text of a document that is text."""
    media_type = source["media_type"]
    if media_type.startswith("text/") or media_type in ("application/json", "application/xml"):
        try:
            return base64.b64decode(source["data"] or "").decode()
        except (binascii.Error, UnicodeDecodeError):
            pass
    raise RequestError(
        f"Unsupported file: '{where}' is {media_type}, and this model takes PDFs and text.",
        param=where,
        code="invalid_file_type",
    )
