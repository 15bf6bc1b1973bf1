"""The words in which the probes are written: prompts, tools, and short makers of calls."""

from __future__ import annotations

from typing import Any

from ..model import Call, Json

__all__ = [
    "LONG",
    "PICTURE",
    "TIME",
    "WEATHER",
    "ask_tool",
    "chat",
    "echo",
    "named",
    "stream",
    "tool",
    "with_usage",
]

_LIMIT = 64
"""Tokens that a reply may have, where a probe does not need more: the check is meant to be cheap."""

LONG = "Write a story of two hundred words about a lighthouse keeper and the sea, without a title."

PICTURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAJUlEQVR4nGNY+GQRHDVcqoEjXOIMg1"
    "ADMYqQxQejhkEYrCMxHgDF+fqQJ9J5VgAAAABJRU5ErkJggg=="
)
"""A small picture of squares."""


def echo(words: str) -> str:
    """A prompt that makes nearly every model say just these words."""
    return f"Say these words back to me and nothing else, as an echo: {words}"


def chat(prompt: Any = "", **fields: Any) -> Call:
    """A whole chat reply; `messages=` in the place of a prompt, and None takes a field out."""
    body: Json = {"messages": [{"role": "user", "content": prompt or echo("one two three")}], "max_tokens": _LIMIT}
    body.update(fields)
    return Call(body={name: value for name, value in body.items() if value is not None})


def stream(prompt: Any = "", **fields: Any) -> Call:
    """A streamed chat reply."""
    return chat(prompt, stream=True, **fields)


def with_usage(prompt: Any = "", **fields: Any) -> Call:
    """A streamed chat reply with its usage."""
    return stream(prompt, stream_options={"include_usage": True}, **fields)


def tool(name: str, description: str, **properties: str) -> Json:
    """A function that a model may call; its properties are all required."""
    parameters = {
        "type": "object",
        "properties": {key: {"type": kind} for key, kind in properties.items()},
        "required": list(properties),
        "additionalProperties": False,
    }
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


WEATHER = tool("get_weather", "The weather at a place.", location="string")
TIME = tool("get_time", "The local time at a place.", location="string")


def named(name: str) -> Json:
    """A tool_choice that names a function."""
    return {"type": "function", "function": {"name": name}}


def ask_tool(*tools: Json, **fields: Any) -> Call:
    """A chat about the weather with tools."""
    prompt = "What is the weather in Paris? Use the get_weather tool."
    return chat(prompt, **{"tools": list(tools) or [WEATHER], "max_tokens": 200, **fields})
