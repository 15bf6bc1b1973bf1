"""A request for each fault that makes it show: what `needs` means, as request fields."""

from __future__ import annotations

from typing import Any

from trueline.sim.faults import PLANTERS, Planter

__all__ = ["NEEDS", "example_request", "streamed"]

Json = dict[str, Any]

_PROMPT = "Say something about tea."


def _tool(name: str, **properties: str) -> Json:
    parameters = {
        "type": "object",
        "properties": {key: {"type": kind} for key, kind in properties.items()},
        "required": list(properties),
    }
    return {"type": "function", "function": {"name": name, "description": f"Call {name}.", "parameters": parameters}}


NEEDS: dict[str, Json] = {
    "tools": {"tools": [_tool("get_weather", location="string", days="integer")]},
    "two_tools": {
        "tools": [_tool("get_weather", location="string"), _tool("get_time", timezone="string")],
        "messages": [{"role": "user", "content": "Use get_weather and get_time for Paris."}],
    },
    "empty_tool": {"tools": [_tool("get_time")]},
    "n": {"n": 2},
    "include_usage": {"stream_options": {"include_usage": True}},
    "logprobs": {"logprobs": True, "top_logprobs": 2},
    "max_tokens": {"max_tokens": 5},
    "stop": {"stop": ["answer"]},
    "json": {"response_format": {"type": "json_object"}},
    "schema": {
        "response_format": {
            "type": "json_schema",
            "json_schema": {
                "name": "verdict",
                "schema": {
                    "type": "object",
                    "properties": {"good": {"type": "boolean"}},
                    "required": ["good"],
                    "additionalProperties": False,
                },
            },
        },
    },
    "no_call": {"tools": [_tool("get_weather", location="string", days="integer")], "tool_choice": "none"},
    "some_call": {"tools": [_tool("get_weather", location="string", days="integer")], "tool_choice": "required"},
    "one_call": {
        "tools": [_tool("get_weather", location="string"), _tool("get_time", timezone="string")],
        "tool_choice": {"type": "function", "function": {"name": "get_time"}},
    },
    "prefill": {
        "messages": [{"role": "user", "content": _PROMPT}, {"role": "assistant", "content": "Tea is"}],
    },
    "b64": {"response_format": "b64_json"},
    "image_stream": {"model": "gpt-image-1.5", "stream": True, "partial_images": 1},
    "base64": {"encoding_format": "base64"},
    "inputs": {"input": ["one", "two"]},
}
"""Name -> the request fields."""

_BASES: dict[str, tuple[str, Json | None]] = {
    "chat": ("/v1/chat/completions", {"model": "gpt-4o", "messages": [{"role": "user", "content": _PROMPT}]}),
    "completions": ("/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": _PROMPT}),
    "images": ("/v1/images/generations", {"model": "dall-e-2", "prompt": _PROMPT}),
    "embeddings": ("/v1/embeddings", {"model": "text-embedding-3-small", "input": _PROMPT}),
    "models": ("/v1/models", None),
}


def streamed(planter: Planter) -> bool:
    """Does this fault show only in a stream?"""
    if planter.mode is not None:
        return planter.mode == "whole"
    only_stream = planter.whole is None and planter.raw is None
    return only_stream and (planter.chunks is not None or planter.frames is not None)


def example_request(fault: str, stream: bool | None = None) -> tuple[str, Json | None]:
    """The path and the body of a request in whose reply the fault shows; the body is None for a GET.

    `stream` chooses the mode where the fault has both; by default it is whole where that shows it.
    """
    planter = PLANTERS[fault]
    endpoint = next((name for name in _BASES if name in planter.on), "chat")
    path, base = _BASES[endpoint]
    if base is None:
        return path, None
    request: Json = dict(base)
    for need in planter.needs:
        request |= NEEDS[need]
    wanted = streamed(planter) if stream is None else stream
    if endpoint in ("chat", "completions") and (wanted or fault == "usage-flag-rejected"):
        request["stream"] = True
    else:
        request.pop("stream_options", None)
    return path, request
