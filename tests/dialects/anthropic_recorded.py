"""Recorded requests to Anthropic as an OpenAI client would have made them, written without a look at the dialect."""

from __future__ import annotations

import json
from typing import Any

Fields = dict[str, Any]

SAME = (
    *("temperature", "top_p", "top_k", "max_tokens", "thinking", "output_config", "output_format", "cache_control"),
    *("container", "context_management", "mcp_servers"),
)
KNOWN = {*SAME, "model", "messages", "system", "tools", "tool_choice", "stream", "stop_sequences", "anthropic_version"}
PLAIN = ("text", "tool_use", "thinking", "redacted_thinking")
CHOICES = {"auto": "auto", "any": "required", "none": "none"}


class NoEquivalentError(Exception):
    """OpenAI's format has no such request."""


def as_openai(body: Any) -> Fields:
    """The chat request that means the same.  Raises NoEquivalentError."""
    if not isinstance(body, dict) or set(body) - KNOWN or not isinstance(body.get("max_tokens"), int):
        raise NoEquivalentError
    asked: Fields = {name: body[name] for name in SAME if name in body}
    asked |= {"model": body.get("model", "claude"), "messages": []}
    if body.get("system"):
        asked["messages"].append({"role": "system", "content": parts(body["system"])})
    for message in body["messages"]:
        if not isinstance(message, dict):
            raise NoEquivalentError
        {"user": user, "assistant": assistant}.get(message["role"], nothing)(message["content"], asked["messages"])
    if body.get("tools"):
        asked["tools"] = [tool(one) for one in body["tools"]]
    choice = body.get("tool_choice")
    if choice:
        named = {"type": "function", "function": {"name": choice.get("name")}}
        asked["tool_choice"] = CHOICES.get(choice["type"], named)
        if choice.get("disable_parallel_tool_use"):
            asked["parallel_tool_calls"] = False
    if body.get("stop_sequences"):
        asked["stop"] = body["stop_sequences"]
    if body.get("stream"):
        asked["stream"] = True
    return asked


def nothing(content: Any, messages: list[Fields]) -> None:
    raise NoEquivalentError


def blocks(content: Any) -> list[Fields]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def parts(content: Any) -> list[Fields]:
    return [part(block) for block in blocks(content)]


def part(block: Fields) -> Fields:
    mark = {"cache_control": block["cache_control"]} if "cache_control" in block else {}
    source = block.get("source")
    if not isinstance(source, dict):
        source = {"type": None}
    url = source.get("url") or f"data:{source.get('media_type')};base64,{source.get('data')}"
    match block["type"]:
        case "text" if set(block) <= {"type", "text", "cache_control"}:
            return {"type": "text", "text": block["text"], **mark}
        case "image":
            return {"type": "image_url", "image_url": {"url": url}, **mark}
        case "document" if source["type"] in ("base64", "url"):
            more: Fields = {name: block[name] for name in ("title", "citations", "context") if name in block}
            return {"type": "file", "file": {"file_data": url, "filename": block.get("title", "x.pdf")}, **more}
    raise NoEquivalentError


def user(content: Any, messages: list[Fields]) -> None:
    plain = []
    for block in blocks(content):
        if block["type"] != "tool_result":
            plain.append(part(block))
            continue
        given = block.get("content", "")
        more: Fields = {name: block[name] for name in ("is_error", "cache_control") if name in block}
        said = given if isinstance(given, str) else parts(given)
        messages.append({"role": "tool", "tool_call_id": block["tool_use_id"], "content": said, **more})
    if plain:
        messages.append({"role": "user", "content": plain})


def assistant(content: Any, messages: list[Fields]) -> None:
    given = blocks(content)
    message: Fields = {"role": "assistant", "content": "".join(b["text"] for b in given if b["type"] == "text")}
    calls = [block for block in given if block["type"] == "tool_use"]
    if calls:
        message["tool_calls"] = [call(block) for block in calls]
    ordered = [block["type"] for block in given]
    if any(kind not in PLAIN for kind in ordered) or any("citations" in block for block in given):
        message["anthropic"] = {"content": given}
    elif any("thinking" in kind for kind in ordered):
        message["reasoning_details"] = [detail(block) for block in given if "thinking" in block["type"]]
    elif ordered.count("text") > 1:
        message["content"] = [part(block) for block in given if block["type"] == "text"]
    messages.append(message)


def call(block: Fields) -> Fields:
    more = {"cache_control": block["cache_control"]} if "cache_control" in block else {}
    inner = {"name": block["name"], "arguments": json.dumps(block["input"])}
    return {"id": block["id"], "type": "function", "function": inner, **more}


def detail(block: Fields) -> Fields:
    if block["type"] == "redacted_thinking":
        return {"type": "reasoning.encrypted", "data": block["data"], "format": "anthropic-claude-v1"}
    said = {"text": block["thinking"], "signature": block["signature"]}
    return {"type": "reasoning.text", **said, "format": "anthropic-claude-v1"}


def tool(given: Fields) -> Fields:
    if given.get("type", "custom") != "custom":
        return given
    inner = {"name": given["name"], "parameters": given["input_schema"]}
    inner |= {name: given[name] for name in ("description", "strict") if given.get(name)}
    more: Fields = {name: given[name] for name in ("cache_control", "defer_loading") if name in given}
    return {"type": "function", "function": inner, **more}


# -- the same in meaning ----------------------------------------------------------------------------------------------


def meaning(body: Fields) -> Fields:
    """A native request with one spelling for what may be said in several ways."""
    said = {name: value for name, value in body.items() if name not in ("model", "anthropic_version", "output_format")}
    if "output_format" in body:
        said["output_config"] = {"format": {"type": "json_schema", **body["output_format"]}}
    if not said.get("stream"):
        said.pop("stream", None)
    if said.get("temperature") == 1:
        said.pop("temperature")
    if said.get("system"):
        said["system"] = blocks(said["system"])
    merged: list[Fields] = []
    for message in body["messages"]:
        content = [one for block in blocks(message["content"]) if (one := spelled(block)) is not None]
        if merged and merged[-1]["role"] == message["role"]:
            merged[-1]["content"] += content
        else:
            merged.append({"role": message["role"], "content": content})
    for message in merged:  # results stand first in a turn
        message["content"].sort(key=lambda block: block["type"] != "tool_result")
    said["messages"] = [message for message in merged if message["content"]]
    said["tools"] = [spelled_tool(tool) for tool in body.get("tools") or []]
    choice = dict(body.get("tool_choice") or {"type": "auto"})
    if not choice.get("disable_parallel_tool_use"):
        choice.pop("disable_parallel_tool_use", None)
    said["tool_choice"] = choice
    if not said["tools"]:
        del said["tools"], said["tool_choice"]
    return said


def spelled(block: Fields) -> Fields | None:
    if block.get("type") == "text" and not block["text"]:
        return None
    said = {name: value for name, value in block.items() if value is not None}
    if block.get("type") == "tool_result":
        given = [one for b in blocks(block.get("content", "")) if (one := spelled(b)) is not None]
        said["content"] = given
        if not said.get("is_error"):
            said.pop("is_error", None)
    return said


def spelled_tool(tool: Fields) -> Fields:
    said = {name: value for name, value in tool.items() if value is not None}
    if said.get("type") == "custom":
        del said["type"]
    if not said.get("strict"):
        said.pop("strict", None)
    if not said.get("description"):
        said.pop("description", None)
    if "input_schema" in said:
        said["input_schema"] = {"type": "object", "properties": {}, **said["input_schema"]}
    return said
