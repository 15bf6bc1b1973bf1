"""OpenAI's chat request as typed values: what the writers of other APIs' requests read.

Everything that OpenAI's schema allows has a place here; what it does not know stays in `extras`.  A message that no
API could be told is refused here, with its path: `messages[2].content[0].image_url`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

from msgspec import Struct

from ..errors import RequestError
from ..wire import jsonio

__all__ = [
    "Audio",
    "Conversation",
    "File",
    "Part",
    "Picture",
    "Text",
    "Tool",
    "ToolUse",
    "Turn",
    "kind_of",
    "read_conversation",
    "read_tools",
    "read_turns",
]

Fields: TypeAlias = dict[str, Any]

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_AT_ONCE = 1 << 16
"""Characters of base64 that are looked at in one step."""
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?((?:;[\w.+-]+=[^;,]*)*)(;base64)?,", re.ASCII)
_ROLES = {"developer": "system", "function": "tool"}
_KNOWN_ROLES = ("system", "user", "assistant", "tool")
_AUDIO_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg", "flac": "audio/flac", "ogg": "audio/ogg", "aac": "audio/aac"}


class Text(Struct):
    text: str
    extras: Fields = {}
    """Such as `cache_control`, which some APIs understand."""


class Picture(Struct):
    """A picture: `data` in base64, or a `url` of elsewhere."""

    media_type: str | None
    data: str | None = None
    url: str | None = None
    detail: str | None = None
    where: str = ""
    """Its place in the request, for errors."""
    extras: Fields = {}


class Audio(Struct):
    """Sound; `data` in base64."""

    media_type: str
    data: str
    where: str = ""


class File(Struct):
    """A document: `data` in base64, a `url`, or the `id` of an upload."""

    media_type: str
    name: str | None = None
    data: str | None = None
    url: str | None = None
    id: str | None = None
    where: str = ""
    extras: Fields = {}


Part: TypeAlias = Text | Picture | Audio | File


def kind_of(part: Part) -> str:
    """What a part is called in a request."""
    return _CALLED[type(part)]


_CALLED: dict[type, str] = {Text: "text", Picture: "image_url", Audio: "input_audio", File: "file"}


class ToolUse(Struct):
    """A call that the assistant made; `arguments` is the JSON text as it was."""

    id: str
    name: str
    arguments: str
    where: str = ""
    extras: Fields = {}
    kind: str = "function"
    """`custom` for a call whose arguments are free text."""

    @property
    def input(self) -> Fields:
        """The arguments as an object; text that is none stands under `arguments`."""
        try:
            value = jsonio.decode_strict(self.arguments.encode("utf-8", "replace")) if self.arguments.strip() else {}
        except jsonio.JSONError:
            value = self.arguments
        return value if isinstance(value, dict) else {"arguments": value}


class Turn(Struct):
    """One message: `role` is system, user, assistant or tool."""

    role: str
    parts: list[Part] = []
    calls: list[ToolUse] = []
    call_id: str | None = None
    """Of a tool's turn: the call that it answers."""
    name: str | None = None
    refusal: str | None = None
    reasoning: str | None = None
    extras: Fields = {}
    where: str = ""

    @property
    def text(self) -> str:
        """All text of the turn in one piece."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))


class Tool(Struct):
    name: str
    description: str | None = None
    parameters: Fields | None = None
    strict: bool | None = None
    kind: str = "function"
    extras: Fields = {}
    where: str = ""


class Conversation(Struct):
    """`system` holds what all system and developer messages say, `turns` the others."""

    system: list[Text]
    turns: list[Turn]


def read_conversation(body: Fields) -> Conversation:
    """The messages of a chat request.  Raises RequestError with the place of what cannot be read."""
    system: list[Text] = []
    turns: list[Turn] = []
    for turn in read_turns(body):
        if turn.role == "system":
            system += [part for part in turn.parts if isinstance(part, Text)]
        else:
            turns.append(turn)
    return Conversation(system, turns)


def read_turns(body: Fields) -> list[Turn]:
    """The messages of a chat request, one by one; those of the system and of developers stay where they stand.

    Raises RequestError with the place of what cannot be read.
    """
    turns: list[Turn] = []
    calls = _Calls()
    for position, message in enumerate(body["messages"]):
        turn = _turn(message, f"messages[{position}]")
        if turn.calls:
            calls.ask(turn.calls)
        if turn.role == "tool":
            calls.answer(turn)
        turns.append(turn)
    return turns


class _Calls:
    """The calls of a conversation, each with an id of its own.

    Servers that count from `call_0` in every turn give ids again, and so does `function_call`, which has none but its
    name; other APIs want them to differ.  A result answers the latest call of its id that has none.
    """

    def __init__(self) -> None:
        self._times: dict[str, int] = {}
        """By id: how often it was given."""
        self._waiting: dict[str, list[ToolUse]] = {}
        self._last: dict[str, ToolUse] = {}

    def ask(self, calls: list[ToolUse]) -> None:
        """Calls of one turn."""
        for given in {call.id for call in calls}:
            self._waiting[given] = []
        for call in calls:
            given = call.id
            while call.id in self._times:
                self._times[given] += 1
                call.id = f"{given}_{self._times[given]}"
            self._times[call.id] = 1
            self._waiting[given].append(call)
            self._last[given] = call

    def answer(self, turn: Turn) -> None:
        """The result of a call: it is given the id and the name of that call."""
        given = turn.call_id or ""
        waiting = self._waiting.get(given)
        call = waiting.pop(0) if waiting else self._last.get(given)
        if call is not None:
            turn.call_id = call.id
            turn.name = turn.name or call.name


def _turn(message: Fields, where: str) -> Turn:
    said = message["role"]
    role = _ROLES.get(said, said)
    if role not in _KNOWN_ROLES:
        supported = ", ".join(f"'{name}'" for name in ("system", "assistant", "user", "function", "tool", "developer"))
        raise RequestError(
            f"Invalid value: '{said[:50]}'. Supported values are: {supported}.",
            param=f"{where}.role",
            code="invalid_value",
        )
    turn = Turn(role, list(_parts(message.get("content"), f"{where}.content")), [], name=_text_of(message.get("name")))
    turn.where = where
    turn.call_id = _text_of(message.get("tool_call_id")) or (turn.name if said == "function" else None)
    turn.refusal = _text_of(message.get("refusal"))
    turn.reasoning = _text_of(message.get("reasoning_content")) or _text_of(message.get("reasoning"))
    turn.calls = list(_calls(message, where))
    turn.extras = {name: value for name, value in message.items() if name not in _OF_A_MESSAGE}
    return turn


_OF_A_MESSAGE = frozenset(
    (
        "role",
        "content",
        "name",
        "tool_calls",
        "tool_call_id",
        "function_call",
        "refusal",
        "reasoning_content",
        "reasoning",
    )
)


def _text_of(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _wrong(where: str, want: str, value: Any) -> RequestError:
    return RequestError(
        f"Invalid type for '{where}': expected {want}, but got {type(value).__name__} instead.",
        param=where,
        code="invalid_type",
    )


# -- content ----------------------------------------------------------------------------------------------------------


def _parts(content: Any, where: str) -> Iterator[Part]:
    if content is None:
        return
    if isinstance(content, str):
        if content:
            yield Text(content)
        return
    if not isinstance(content, list):
        raise _wrong(where, "one of a string or an array of objects", content)
    for position, part in enumerate(content):
        at = f"{where}[{position}]"
        if isinstance(part, str):
            yield Text(part)
        elif not isinstance(part, dict):
            raise _wrong(at, "an object", part)
        else:
            read = _PARTS.get(str(part.get("type")))
            if read is None:
                raise RequestError(
                    f"Invalid value: '{str(part.get('type'))[:50]}'. Supported values are: "
                    + ", ".join(f"'{name}'" for name in _PARTS)
                    + ".",
                    param=f"{at}.type",
                    code="invalid_value",
                )
            yield read(part, at)


def _text_part(part: Fields, where: str) -> Part:
    text = part.get("text", part.get("refusal", ""))
    if not isinstance(text, str):
        raise _wrong(f"{where}.text", "a string", text)
    return Text(text, {name: value for name, value in part.items() if name not in ("type", "text", "refusal")})


def _image_part(part: Fields, where: str) -> Part:
    where += ".image_url"
    image = part.get("image_url")
    image = {"url": image} if isinstance(image, str) else image
    url = image.get("url") if isinstance(image, dict) else None
    if not isinstance(image, dict) or not isinstance(url, str) or not url:
        raise RequestError(
            f"Missing required parameter: '{where}.url'.", param=f"{where}.url", code="missing_required_parameter"
        )
    extras = {name: value for name, value in part.items() if name not in ("type", "image_url")}
    detail = _text_of(image.get("detail"))
    if url[:5].lower() != "data:":
        return Picture(None, url=url, detail=detail, where=f"{where}.url", extras=extras)
    media_type, data = _data_url(url, f"{where}.url")
    return Picture(media_type or "image/png", data, detail=detail, where=f"{where}.url", extras=extras)


def _audio_part(part: Fields, where: str) -> Part:
    where += ".input_audio"
    audio = part.get("input_audio")
    data = audio.get("data") if isinstance(audio, dict) else None
    if not isinstance(audio, dict) or not isinstance(data, str):
        raise RequestError(
            f"Missing required parameter: '{where}.data'.", param=f"{where}.data", code="missing_required_parameter"
        )
    kind = str(audio.get("format") or "wav")
    return Audio(_AUDIO_TYPES.get(kind, f"audio/{kind}"), _checked(data, f"{where}.data"), where=f"{where}.data")


def _file_part(part: Fields, where: str) -> Part:
    where += ".file"
    file = part.get("file")
    if not isinstance(file, dict):
        raise RequestError(f"Missing required parameter: '{where}'.", param=where, code="missing_required_parameter")
    name, given, identity = (_text_of(file.get(key)) for key in ("filename", "file_data", "file_id"))
    extras = {key: value for key, value in part.items() if key not in ("type", "file")}
    if given is None:
        url = _text_of(file.get("file_url"))
        if identity is None and url is None:
            raise RequestError(
                f"Missing required parameter: '{where}.file_data'.",
                param=f"{where}.file_data",
                code="missing_required_parameter",
            )
        return File(_type_of(name or url), name, url=url, id=identity, where=where, extras=extras)
    if given[:5].lower() == "data:":
        media_type, data = _data_url(given, f"{where}.file_data")
        return File(media_type or _type_of(name), name, data, where=where, extras=extras)
    if re.match(r"https?://", given):
        return File(_type_of(name or given), name, url=given, where=where, extras=extras)
    return File(_type_of(name), name, _checked(given, f"{where}.file_data"), where=where, extras=extras)


_PARTS = {
    "text": _text_part,
    "image_url": _image_part,
    "input_audio": _audio_part,
    "file": _file_part,
    "refusal": _text_part,
}

_TYPES = {
    ".pdf": "application/pdf",
    ".txt": "text/plain",
    ".md": "text/markdown",
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def _type_of(name: str | None) -> str:
    ending = re.search(r"\.\w+$", (name or "").partition("?")[0].lower())
    return _TYPES.get(ending[0] if ending else "", "application/pdf")


def _data_url(url: str, where: str) -> tuple[str | None, str]:
    """Media type and base64 of a data URL."""
    found = _DATA_URL.match(url[:256])
    if found is None or found[3] is None:
        raise RequestError(
            f"Invalid '{where}': a data URL must be of the form 'data:<media type>;base64,<data>'.",
            param=where,
            code="invalid_value",
        )
    return found[1], _checked(url[found.end() :], where)


def _checked(data: str, where: str) -> str:
    """Base64 as every API takes it: no white space, padded, and with `+` and `/`."""
    if len(data) % 4 == 0 and _is_base64(data):
        return data
    plain = "".join(data.split()).rstrip("=").replace("-", "+").replace("_", "/")
    plain += "=" * (-len(plain) % 4)
    if not _is_base64(plain):
        raise RequestError(f"Invalid '{where}': it is not base64.", param=where, code="invalid_base64")
    return plain


def _is_base64(data: str) -> bool:
    """Every character is looked at; nothing is decoded, and little of it copied at a time."""
    end = len(data) - 2 if data.endswith("==") else len(data) - data.endswith("=")
    if end % 4 == 1 or not data.isascii():
        return False
    return not any(
        data[start : min(start + _AT_ONCE, end)].encode("ascii").translate(None, _BASE64)
        for start in range(0, end, _AT_ONCE)
    )


# -- tools ------------------------------------------------------------------------------------------------------------


def _calls(message: Fields, where: str) -> Iterator[ToolUse]:
    legacy = message.get("function_call")
    if isinstance(legacy, dict):
        name = str(legacy.get("name") or "")
        yield ToolUse(name, name, str(legacy.get("arguments") or ""), f"{where}.function_call")
    calls = message.get("tool_calls")
    if calls is None:
        return
    if not isinstance(calls, list):
        raise _wrong(f"{where}.tool_calls", "an array", calls)
    for position, call in enumerate(calls):
        at = f"{where}.tool_calls[{position}]"
        if not isinstance(call, dict):
            raise _wrong(at, "an object", call)
        inner = call.get("function") or call.get("custom")
        if not isinstance(inner, dict) or not isinstance(inner.get("name"), str):
            raise RequestError(
                f"Missing required parameter: '{at}.function.name'.",
                param=f"{at}.function.name",
                code="missing_required_parameter",
            )
        given = inner.get("arguments", inner.get("input", ""))
        arguments = given if isinstance(given, str) else jsonio.encode(given).decode()
        extras = {
            name: value for name, value in call.items() if name not in ("id", "type", "function", "custom", "index")
        }
        kind = "function" if isinstance(call.get("function"), dict) else "custom"
        yield ToolUse(str(call.get("id") or f"call_{position}"), inner["name"], arguments, at, extras, kind)


def read_tools(body: Fields) -> list[Tool]:
    """The tools of a chat request, legacy `functions` among them.  Raises RequestError."""
    tools: list[Tool] = []
    given = [(f"tools[{n}]", tool) for n, tool in enumerate(body.get("tools") or [])]
    given += [
        (f"functions[{n}]", {"type": "function", "function": function})
        for n, function in enumerate(body.get("functions") or [])
    ]
    for where, tool in given:
        if not isinstance(tool, dict):
            raise _wrong(where, "an object", tool)
        kind = str(tool.get("type") or "function")
        inner = tool.get(kind)
        if kind not in ("function", "custom"):
            tools.append(Tool(str(tool.get("name") or kind), kind=kind, extras=tool, where=where))
            continue
        if not isinstance(inner, dict) or not isinstance(inner.get("name"), str):
            raise RequestError(
                f"Missing required parameter: '{where}.{kind}.name'.",
                param=f"{where}.{kind}.name",
                code="missing_required_parameter",
            )
        parameters = inner.get("parameters")
        if parameters is not None and not isinstance(parameters, dict):
            raise _wrong(f"{where}.function.parameters", "an object", parameters)
        tools.append(
            Tool(
                inner["name"],
                _text_of(inner.get("description")),
                parameters,
                inner.get("strict"),
                kind,
                {name: value for name, value in tool.items() if name not in ("type", kind)},
                where,
            )
        )
    return tools
