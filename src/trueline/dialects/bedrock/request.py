"""OpenAI's chat request as Converse's.

https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-call.html (seen 2026-11)
"""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from itertools import dropwhile
from typing import Any, Final

from ...errors import RequestError
from ...messages import ChatRequest
from ...wire import jsonio
from ..conversation import (
    Audio,
    Conversation,
    File,
    Part,
    Picture,
    Text,
    Tool,
    ToolUse,
    Turn,
    read_conversation,
    read_tools,
)
from ..parameters import (
    check_supported,
    in_path,
    leave_out,
    max_tokens,
    read_schema,
    read_stop,
    read_tool_choice,
    unsupported,
)
from ..provider import Asked, FileNeeded, ProviderRequest
from ..shapes import nothing_said, object_answer, object_input
from .meaning import FORCED_TOOL
from .models import reasoning_fields, takes_schema, top_k_fields

__all__ = ["write_request"]

Fields = dict[str, Any]

_PASSED = (
    "guardrailConfig",
    "performanceConfig",
    "promptVariables",
    "requestMetadata",
    "additionalModelResponseFieldPaths",
)
"""Members of a Converse request that a client may set by their own names."""
_SUPPORTED = frozenset(
    (
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "top_k",
        "stop",
        "tools",
        "tool_choice",
        "functions",
        "function_call",
        "parallel_tool_calls",
        "response_format",
        "reasoning_effort",
        "service_tier",
        "metadata",
        "additionalModelRequestFields",
        *_PASSED,
    )
)
_TIERS = {"priority": "priority", "flex": "flex", "default": "default"}
_IMAGES = {"image/png": "png", "image/jpeg": "jpeg", "image/jpg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
_SOUNDS = {"audio/wav": "wav", "audio/mpeg": "mp3", "audio/flac": "flac", "audio/ogg": "ogg", "audio/aac": "aac"}
_DOCUMENTS = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
    "application/msword": "doc",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}
_CACHE_POINT: Fields = {"cachePoint": {"type": "default"}}
_CALL_ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}", re.ASCII)
_KEPT_MEMBERS: Final = frozenset(
    ("message.cache_control", "text.cache_control", "reasoning_details", "is_error", "file.citations", "strict")
)
"""Of messages, their parts, calls and tools (`lost.py`)."""


def write_request(request: ChatRequest, asked: Asked) -> ProviderRequest:
    """See ProviderDialect.  Files that are named by their URL are fetched first: Converse takes bytes."""
    body = request.body
    check_supported(body, _SUPPORTED, asked, _KEPT_MEMBERS)
    conversation = read_conversation(body)
    writer = _Messages(asked)
    messages = writer.messages(conversation.turns)
    if writer.missing:
        raise FileNeeded(writer.missing)
    system = _led([block for text in conversation.system for block in _text_blocks(text)])
    if not messages:  # Converse wants a turn of the user's
        system, messages = [], writer.messages([Turn("user", list(conversation.system))])
    if not messages:
        raise nothing_said()
    written: Fields = {"messages": messages}
    if system:
        written["system"] = system
    inference = _inference(body, asked)
    if inference:
        written["inferenceConfig"] = inference
    more: Fields = dict(body.get("additionalModelRequestFields") or {})
    more |= top_k_fields(asked.model, body.get("top_k"))
    choice = read_tool_choice(body)
    forced = choice is not None and choice.mode in ("required", "named")
    more |= reasoning_fields(asked, body.get("reasoning_effort"), inference, forced)
    _write_tools(written, body, conversation, asked, more)
    if more:
        written["additionalModelRequestFields"] = more
    tier = _TIERS.get(str(body.get("service_tier")))
    if tier is not None:
        written["serviceTier"] = {"type": tier}
    metadata = body.get("metadata")
    if isinstance(metadata, dict) and metadata:
        written["requestMetadata"] = {str(name): str(value) for name, value in metadata.items()}
    written |= {name: body[name] for name in _PASSED if body.get(name) is not None}
    verb = "converse-stream" if request.stream else "converse"
    return ProviderRequest(f"/model/{in_path(asked.model, '')}/{verb}", jsonio.encode(written))


def _inference(body: Fields, asked: Asked) -> Fields:
    """`inferenceConfig`: what every model has."""
    config: Fields = {}
    limit = max_tokens(body)
    if limit is not None:
        config["maxTokens"] = limit
    temperature = body.get("temperature")
    if temperature is not None:
        if temperature > 1:
            leave_out(asked, "temperature", "Bedrock takes a temperature from 0 to 1.")
            temperature = 1
        config["temperature"] = temperature
    if body.get("top_p") is not None:
        config["topP"] = body["top_p"]
    stop = read_stop(body)
    if stop:
        config["stopSequences"] = stop
    return config


# -- tools ------------------------------------------------------------------------------------------------------------


def _write_tools(written: Fields, body: Fields, conversation: Conversation, asked: Asked, more: Fields) -> None:
    tools = read_tools(body)
    schema = read_schema(body)
    choice = read_tool_choice(body)
    if choice is not None and choice.mode != "named" and choice.names:  # those alone that it may call
        tools = [tool for tool in tools if tool.name in choice.names]
    specs = [spec for tool in tools if (spec := _spec(tool, asked)) is not None]
    mode = choice.mode if choice is not None else None
    root = object_answer(schema) if schema is not None else {}
    if mode == "none":
        specs = []
    picked: Fields | None = {"any": {}} if mode == "required" else {"auto": {}} if mode == "auto" else None
    if choice is not None and mode == "named":
        picked = {"tool": {"name": choice.names[0]}}
    if schema is not None and schema.schema is not None and takes_schema(asked.model):
        said: Fields = {"schema": jsonio.encode(schema.schema).decode(), "name": schema.name}
        if schema.description:
            said["description"] = schema.description
        written["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": said}}}
    elif schema is not None:
        if any(tool.name == FORCED_TOOL for tool in tools):
            raise unsupported("response_format", f"A tool of the name '{FORCED_TOOL}' stands in its way.")
        what = schema.description or "Give the answer: call this tool with all of it."
        specs.append(_tool_spec(FORCED_TOOL, what, root or {"type": "object"}))
        if "thinking" not in more:  # a model that thinks cannot be made to call
            picked = {"any": {}} if len(specs) > 1 else {"tool": {"name": FORCED_TOOL}}
        elif len(specs) == 1:
            more["tool_choice"] = {"type": "auto", "disable_parallel_tool_use": True}
    if not specs and mode == "none" and _names_used(conversation):
        leave_out(asked, "tool_choice", "Bedrock needs the tools of a conversation that used some.")
    if not specs:  # a conversation that used tools cannot be told without any
        specs = [_tool_spec(name, name, {"type": "object"}) for name in _names_used(conversation)]
        picked = None
    if not specs:
        return
    written["toolConfig"] = {"tools": specs} if picked is None else {"tools": specs, "toolChoice": picked}
    if body.get("parallel_tool_calls") is False:
        if "anthropic" not in asked.model and "claude" not in asked.model:
            leave_out(asked, "parallel_tool_calls")
        elif tools:
            more["tool_choice"] = {"type": _kind(picked), "disable_parallel_tool_use": True}
            if picked is not None and "tool" in picked:
                more["tool_choice"]["name"] = picked["tool"]["name"]


def _kind(picked: Fields | None) -> str:
    return next(iter(picked)) if picked else "auto"


def _names_used(conversation: Conversation) -> list[str]:
    names = [call.name for turn in conversation.turns for call in turn.calls]
    names += [turn.name or "tool" for turn in conversation.turns if turn.role == "tool"]
    return list(dict.fromkeys(names))


def _spec(tool: Tool, asked: Asked) -> Fields | None:
    if tool.kind == "systemTool":
        return {"systemTool": tool.extras.get("systemTool") or {"name": tool.name}}
    if tool.kind != "function":
        leave_out(asked, "tools", f"Bedrock has no tools of the type '{tool.kind}'.", tool.where)
        return None
    spec = _tool_spec(tool.name, tool.description, object_input(tool) or {"type": "object", "properties": {}})
    if tool.strict is not None:
        spec["toolSpec"]["strict"] = bool(tool.strict)
    return spec


def _tool_spec(name: str, description: str | None, schema: Fields) -> Fields:
    spec: Fields = {"name": name, "inputSchema": {"json": schema}}
    if description:
        spec["description"] = description
    return {"toolSpec": spec}


# -- messages ---------------------------------------------------------------------------------------------------------


def _text_blocks(text: Text) -> list[Fields]:
    """A blank text is none: Converse refuses it."""
    blocks: list[Fields] = [{"text": text.text}] if text.text.strip() else []
    return [*blocks, _CACHE_POINT] if text.extras.get("cache_control") else blocks


def _led(blocks: list[Fields]) -> list[Fields]:
    """The blocks without cache points that nothing stands before."""
    return list(dropwhile(lambda block: "cachePoint" in block, blocks))


def _trim(blocks: list[Fields]) -> None:
    """The beginning of an answer may not end in white space."""
    last = next(block for block in reversed(blocks) if "cachePoint" not in block)
    if "text" in last:
        last["text"] = last["text"].rstrip()


class _Messages:
    """The turns as Converse's messages: user and assistant in turn, results of tools among what the user says."""

    def __init__(self, asked: Asked) -> None:
        self.missing: list[str] = []
        self._asked = asked
        self._names: dict[str, int] = {}

    def messages(self, turns: list[Turn]) -> list[Fields]:
        written: list[Fields] = []
        for turn in turns:
            role = "assistant" if turn.role == "assistant" else "user"
            content = self._content(turn)
            if not content:
                continue
            if written and written[-1]["role"] == role:
                written[-1]["content"] += content
            else:
                written.append({"role": role, "content": content})
        if written and written[-1]["role"] == "assistant":
            _trim(written[-1]["content"])
        return written

    def _content(self, turn: Turn) -> list[Fields]:
        if turn.role == "tool":
            return [self._result(turn)]
        blocks = _thoughts(turn) if turn.role == "assistant" else []
        for part in turn.parts:
            blocks += self._part(part)
        if turn.refusal and turn.refusal.strip():
            blocks.append({"text": turn.refusal})
        blocks += [_call(call) for call in turn.calls]
        if turn.extras.get("cache_control"):
            blocks.append(_CACHE_POINT)
        return _led(blocks)

    def _result(self, turn: Turn) -> Fields:
        content = [block for part in turn.parts for block in self._part(part) if "cachePoint" not in block]
        if turn.call_id is None:
            raise RequestError(
                f"Missing required parameter: '{turn.where}.tool_call_id'.",
                param=f"{turn.where}.tool_call_id",
                code="missing_required_parameter",
            )
        result: Fields = {"toolUseId": _id(turn.call_id), "content": content or [{"text": "(no output)"}]}
        if turn.extras.get("is_error"):
            result["status"] = "error"
        return {"toolResult": result}

    def _part(self, part: Part) -> list[Fields]:
        match part:
            case Text():
                return _text_blocks(part)
            case Picture():
                data = part.data if part.url is None else self._fetched(part.url)
                media_type = part.media_type if part.url is None else self._type(part.url)
                kind = _known(_IMAGES, media_type, part.where)
                return [{"image": {"format": kind, "source": {"bytes": data}}}]
            case Audio():
                kind = _known(_SOUNDS, part.media_type, part.where)
                return [{"audio": {"format": kind, "source": {"bytes": part.data}}}]
            case File():
                return [self._document(part)]

    def _document(self, part: File) -> Fields:
        if part.id is not None:
            raise unsupported("file_id", "Bedrock knows no uploads: send `file_data`.", part.where)
        data = part.data if part.url is None else self._fetched(part.url)
        kind = _known(_DOCUMENTS, part.media_type, part.where)
        name = re.sub(r"[^a-zA-Z0-9\s()\[\]-]+", "-", (part.name or "document").rpartition(".")[0] or "document")
        name = re.sub(r"\s+", " ", name)[:180].strip() or "document"
        count = self._names[name] = self._names.get(name, 0) + 1  # two documents cannot have one name
        document: Fields = {"format": kind, "name": f"{name} {count}" if count > 1 else name}
        document["source"] = {"bytes": data}
        if part.extras.get("citations"):
            document["citations"] = {"enabled": True}
        return {"document": document}

    def _fetched(self, url: str) -> str | None:
        file = self._asked.files.get(url)
        if file is None:
            self.missing.append(url)
            return None
        return b64encode(file.data).decode()

    def _type(self, url: str) -> str | None:
        file = self._asked.files.get(url)
        return "image/png" if file is None else file.media_type


def _known(table: dict[str, str], media_type: str | None, where: str) -> str:
    kind = table.get((media_type or "").lower())
    if kind is None:
        raise RequestError(
            f"Invalid '{where}': Bedrock does not take '{media_type}'. Supported types are: {', '.join(table)}.",
            param=where,
            code="invalid_value",
        )
    return kind


def _thoughts(turn: Turn) -> list[Fields]:
    """What the model thought, where it was signed: the model wants it back before its calls."""
    blocks: list[Fields] = []
    details = turn.extras.get("reasoning_details")
    for detail in details if isinstance(details, list) else ():
        if not isinstance(detail, dict):
            continue
        signature, data = detail.get("signature"), detail.get("data")
        if isinstance(signature, str) and signature:
            said = {"text": str(detail.get("text") or ""), "signature": signature}
            blocks.append({"reasoningContent": {"reasoningText": said}})
        elif isinstance(data, str) and data:
            blocks.append({"reasoningContent": {"redactedContent": data}})
    return blocks


def _call(call: ToolUse) -> Fields:
    return {"toolUse": {"toolUseId": _id(call.id), "name": call.name, "input": call.input}}


def _id(given: str) -> str:
    """An id that Bedrock takes: the same one for a call and its result."""
    return given if _CALL_ID.fullmatch(given) else "call_" + sha256(given.encode("utf-8", "replace")).hexdigest()[:32]
