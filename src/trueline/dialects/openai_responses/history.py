"""OpenAI's messages as input items, each where it stood, with what an earlier answer had beyond a message's form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from ...errors import RequestError
from ..conversation import Audio, File, Part, Picture, Text, ToolUse, Turn, read_turns
from ..parameters import leave_out
from ..provider import Asked
from .meaning import FORMAT, NAME

__all__ = ["write_input"]

Fields: TypeAlias = dict[str, Any]

_OF_A_PART: Final = ("prompt_cache_breakpoint",)
_OF_A_CALL: Final = ("namespace", "caller")
_LONGEST_ID: Final = 64
_OUTPUTS: Final = {"function": "function_call_output", "custom": "custom_tool_call_output"}
_AUDIO: Final = {"audio/wav": "wav", "audio/mp3": "mp3", "audio/mpeg": "mp3"}
_ENDINGS: Final = {"application/pdf": "pdf", "text/plain": "txt", "text/markdown": "md", "text/csv": "csv"}


def write_input(body: Fields, asked: Asked) -> list[Fields]:
    """The input items of a chat request.  Raises RequestError."""
    writer = _Writer(asked)
    items: list[Fields] = []
    for turn, message in zip(read_turns(body), body["messages"], strict=True):
        items += writer.items(turn, message["role"])
    return items


class _Writer:
    """Writes turns, one after another; remembers the calls, whose kind and id their results take up."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._kinds: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        self._messages = 0

    def items(self, turn: Turn, role: str) -> list[Fields]:
        """The items of one turn; `role`: as the client wrote it."""
        if turn.role == "assistant":
            return self._assistant(turn)
        if turn.role == "tool":
            return [self._result(turn)]
        return [{"type": "message", "role": role, "content": self._content(turn)}]

    # -- the assistant ------------------------------------------------------------------------------------------------

    def _assistant(self, turn: Turn) -> list[Fields]:
        for call in turn.calls:
            self._kinds[call.id] = call.kind
        given = _as_given(turn)
        if given is not None:
            return given
        items = self._thoughts(turn)
        text = turn.text
        phase = turn.extras.get("phase")
        phased = {"phase": phase} if phase in ("commentary", "final_answer") else {}
        if turn.refusal:
            parts: list[Fields] = [{"type": "output_text", "text": text, "annotations": []}] if text else []
            parts.append({"type": "refusal", "refusal": turn.refusal})
            self._messages += 1
            named = {"id": f"msg_{self._messages}", "status": "completed"}
            items.append({"type": "message", "role": "assistant", **named, "content": parts, **phased})
        elif text or not (turn.calls or items):
            items.append({"type": "message", "role": "assistant", "content": text, **phased})
        return items + [self._call(call) for call in turn.calls]

    def _thoughts(self, turn: Turn) -> list[Fields]:
        """Thoughts that the API sealed or told in full; no others may come back."""
        found: dict[Any, Fields] = {}
        details = turn.extras.get("reasoning_details")
        for one in details if isinstance(details, list) else ():
            if isinstance(one, dict) and one.get("format") == FORMAT:
                name = one.get("id") if isinstance(one.get("id"), str) else None
                named = {"id": name} if name else {}
                item = found.setdefault(name, {"type": "reasoning", **named, "summary": []})
                _put_detail(item, one)
        items = [item for item in found.values() if item.get("encrypted_content") or item.get("content")]
        if turn.reasoning and not items:
            self._asked.note(f"{turn.where}.reasoning_content dropped")
        return items

    def _call(self, call: ToolUse) -> Fields:
        kept = {name: call.extras[name] for name in _OF_A_CALL if call.extras.get(name)}
        named: Fields = {"call_id": self._id(call.id), "name": call.name, **kept}
        if call.kind == "custom":
            return {"type": "custom_tool_call", **named, "input": call.arguments}
        return {"type": "function_call", **named, "arguments": call.arguments or "{}"}

    def _id(self, given: str) -> str:
        """The id of a call, no longer than the API takes it: the same for the call and its result."""
        if len(given) <= _LONGEST_ID:
            return given
        if given not in self._ids:
            self._ids[given] = f"{given[: _LONGEST_ID - 8]}_{len(self._ids)}"
        return self._ids[given]

    def _result(self, turn: Turn) -> Fields:
        call = turn.call_id
        if not call:
            raise RequestError(
                f"Missing required parameter: '{turn.where}.tool_call_id'.",
                param=f"{turn.where}.tool_call_id",
                code="missing_required_parameter",
            )
        kind = _OUTPUTS[self._kinds.get(call, "function")]
        return {"type": kind, "call_id": self._id(call), "output": self._content(turn)}

    # -- parts --------------------------------------------------------------------------------------------------------

    def _content(self, turn: Turn) -> str | list[Fields]:
        parts = turn.parts
        if not parts or (len(parts) == 1 and isinstance(parts[0], Text) and not parts[0].extras):
            return turn.text
        return [written for part in parts if (written := self._part(turn, part)) is not None]

    def _part(self, turn: Turn, part: Part) -> Fields | None:
        if isinstance(part, Text):
            return _with({"type": "input_text", "text": part.text}, part.extras)
        if isinstance(part, Picture):
            url = part.url if part.url is not None else f"data:{part.media_type};base64,{part.data}"
            image = {"type": "input_image", "image_url": url, "detail": part.detail or "auto"}
            return _with(image, part.extras)
        if isinstance(part, Audio):
            return self._audio(part)
        return self._file(part)

    def _audio(self, part: Audio) -> Fields | None:
        kind = _AUDIO.get(part.media_type)
        if kind is None:
            leave_out(self._asked, "input_audio", "Sound is taken as wav and mp3.", part.where)
            return None
        return {"type": "input_audio", "input_audio": {"data": part.data, "format": kind}}

    def _file(self, file: File) -> Fields:
        item: Fields = {"type": "input_file"}
        if file.data is not None:
            item["filename"] = file.name or f"file.{_ENDINGS.get(file.media_type, 'pdf')}"
            item["file_data"] = f"data:{file.media_type};base64,{file.data}"
        elif file.url is not None:
            item["file_url"] = file.url
        else:
            item["file_id"] = file.id
        return _with(item, file.extras)


def _with(item: Fields, extras: Fields) -> Fields:
    """An item with what the API knows of the extras of its part."""
    return {**item, **{name: extras[name] for name in _OF_A_PART if extras.get(name) is not None}}


def _put_detail(item: Fields, one: Fields) -> None:
    """Add an entry of `reasoning_details` to its item."""
    match one:
        case {"type": "reasoning.summary", "summary": str(text)}:
            item["summary"].append({"type": "summary_text", "text": text})
        case {"type": "reasoning.text", "text": str(text)}:
            item.setdefault("content", []).append({"type": "reasoning_text", "text": text})
        case {"type": "reasoning.encrypted", "data": str(data)}:
            item["encrypted_content"] = data


def _as_given(turn: Turn) -> list[Fields] | None:
    """All items of an earlier answer, if the message still says what they say; None where it does not."""
    kept = turn.extras.get(NAME)
    output = kept.get("output") if isinstance(kept, dict) else None
    if not isinstance(output, list) or not output or not all(isinstance(item, dict) for item in output):
        return None
    text = "".join(_text_of(item) for item in output)
    calls = [str(item.get("call_id") or item.get("id")) for item in output if item.get("type") in _CALLS]
    if text.strip() != turn.text.strip() or calls != [call.id for call in turn.calls]:
        return None
    pictures = _pictures(turn)
    return [_given_back(item, pictures) for item in output]


def _given_back(item: Fields, pictures: Iterator[str]) -> Fields:
    """An item as a request has it: without what is null, and with the picture that it made."""
    item = {name: value for name, value in item.items() if value is not None or name in _NULLS}
    if item.get("type") == "image_generation_call" and not item.get("result"):
        item["result"] = next(pictures, None)
    return item


def _pictures(turn: Turn) -> Iterator[str]:
    """What the pictures in `images` hold, in base64."""
    images = turn.extras.get("images")
    for one in images if isinstance(images, list) else ():
        inner = one.get("image_url") if isinstance(one, dict) else None
        url = inner.get("url") if isinstance(inner, dict) else None
        if isinstance(url, str) and url[:5] == "data:":
            yield url.partition(",")[2]


_CALLS: Final = ("function_call", "custom_tool_call")
_NULLS: Final = ("call_id", "result", "results", "outputs", "code", "error", "output")
"""What hosted tools have as null, and must have."""


def _text_of(item: Fields) -> str:
    content = item.get("content") if item.get("role") == "assistant" else None
    if isinstance(content, str):
        return content
    parts = [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    return "".join(str(part.get("text") or "") for part in parts if part.get("type") in ("output_text", "text"))
