"""Recorded requests to the Responses API as a chat client would have made them."""

from __future__ import annotations

import json
from typing import Any

from engine.kit import Fields

SAME = (
    *("temperature", "top_p", "prompt_cache_key", "prompt_cache_options", "user", "service_tier", "truncation"),
    *("previous_response_id", "conversation", "prompt", "context_management", "parallel_tool_calls", "metadata"),
)
KNOWN = {
    *(*SAME, "model", "input", "instructions", "stream", "store", "tools", "tool_choice", "include", "text"),
    *("reasoning", "max_output_tokens"),
}
CALLS = ("function_call", "custom_tool_call")
OUTPUTS = ("function_call_output", "custom_tool_call_output")
SEALED = "reasoning.encrypted_content"


class NoEquivalentError(Exception):
    """A chat has no such request."""


def as_openai(body: Any) -> Fields:
    """The chat request that means the same.  Raises NoEquivalentError."""
    if not isinstance(body, dict) or set(body) - KNOWN or not body.get("input"):
        raise NoEquivalentError
    asked: Fields = {name: body[name] for name in SAME if name in body}
    asked |= {"model": body.get("model") or "m", "messages": messages(body), "store": body.get("store") is not False}
    if body.get("max_output_tokens"):
        asked["max_completion_tokens"] = body["max_output_tokens"]
    if body.get("tools"):
        asked["tools"] = [tool(one) for one in body["tools"]]
    if body.get("tool_choice"):
        asked["tool_choice"] = choice(body["tool_choice"])
    text = body.get("text") or {}
    if text.get("format"):
        form = dict(text["format"])
        kind = form.pop("type")
        asked["response_format"] = {"type": kind, **({"json_schema": form} if kind == "json_schema" else {})}
    if "verbosity" in text:
        asked["verbosity"] = text["verbosity"]
    reasoning = dict(body.get("reasoning") or {})
    if "effort" in reasoning:
        asked["reasoning_effort"] = reasoning.pop("effort")
    if reasoning:
        asked["reasoning"] = reasoning
    include = [name for name in body.get("include") or [] if name != SEALED]
    if "message.output_text.logprobs" in include:
        include.remove("message.output_text.logprobs")
        asked["logprobs"] = True
    if include:
        asked["include"] = include
    if body.get("stream"):
        asked["stream"] = True
    return asked


def messages(body: Fields) -> list[Fields]:
    made: list[Fields] = []
    if body.get("instructions"):
        made.append({"role": "system", "content": body["instructions"]})
    given = body["input"]
    if isinstance(given, str):
        return [*made, {"role": "user", "content": given}]
    run: list[Fields] = []
    for item in given:
        if not isinstance(item, dict):
            raise NoEquivalentError
        kind, role = item.get("type", "message"), item.get("role")
        if role == "assistant" or kind == "reasoning" or kind.endswith("_call"):
            run.append(item)
            continue
        made += assistant(run)
        run = []
        if kind in OUTPUTS:
            output = item["output"]
            said = output if isinstance(output, str) else [part(one) for one in output]
            made.append({"role": "tool", "tool_call_id": item["call_id"], "content": said})
        elif kind == "message":
            said = item["content"]
            made.append({"role": role, "content": said if isinstance(said, str) else [part(one) for one in said]})
        else:
            raise NoEquivalentError
    return made + assistant(run)


def part(given: Fields) -> Fields:
    more = {"prompt_cache_breakpoint": given["prompt_cache_breakpoint"]} if "prompt_cache_breakpoint" in given else {}
    match given["type"]:
        case "input_text":
            return {"type": "text", "text": given["text"], **more}
        case "input_image" if "image_url" in given:
            detail = {"detail": given["detail"]} if "detail" in given else {}
            return {"type": "image_url", "image_url": {"url": given["image_url"], **detail}, **more}
        case "input_file":
            names = {name: given[name] for name in ("filename", "file_data", "file_url", "file_id") if name in given}
            return {"type": "file", "file": names, **more}
    raise NoEquivalentError


def assistant(run: list[Fields]) -> list[Fields]:
    """The message of items that the model made."""
    if not run:
        return []
    kinds = [item.get("type", "message") for item in run]
    ranks = [{"reasoning": 0, "message": 1}.get(kind, 2) for kind in kinds]
    spoken = [item for item in run if item.get("role") == "assistant"]
    text = "".join(text_of(item) for item in spoken)
    message: Fields = {"role": "assistant", "content": text or None}
    calls = [call(item) for item in run if item.get("type") in CALLS]
    if calls:
        message["tool_calls"] = calls
    thoughts = [item for item in run if item.get("type") == "reasoning"]
    plain = ranks == sorted(ranks) and kinds.count("message") < 2 and set(kinds) <= {"reasoning", "message", *CALLS}
    if not plain or any(not item.get("encrypted_content") and not item.get("content") for item in thoughts):
        message["openai_responses"] = {"output": run}
    else:
        details = [one for n, item in enumerate(thoughts) for one in thought(item, n)]
        message |= {"reasoning_details": details} if details else {}
        message |= {"phase": spoken[0]["phase"]} if spoken and spoken[0].get("phase") else {}
    return [message]


def text_of(item: Fields) -> str:
    content = item["content"]
    if isinstance(content, str):
        return content
    if any(one["type"] != "output_text" for one in content):
        raise NoEquivalentError
    return "".join(one["text"] for one in content)


def call(item: Fields) -> Fields:
    more = {"namespace": item["namespace"]} if "namespace" in item else {}
    if item["type"] == "custom_tool_call":
        return {"id": item["call_id"], "type": "custom", "custom": {"name": item["name"], "input": item["input"]}}
    inner = {"name": item["name"], "arguments": item["arguments"]}
    return {"id": item["call_id"], "type": "function", "function": inner, **more}


def thought(item: Fields, number: int) -> list[Fields]:
    same: Fields = {"format": "openai-responses-v1", **({"id": item["id"]} if "id" in item else {})}
    entries: list[Fields] = [
        {"type": "reasoning.summary", "summary": one["text"], **same} for one in item.get("summary") or []
    ]
    entries += [{"type": "reasoning.text", "text": one["text"], **same} for one in item.get("content") or []]
    if item.get("encrypted_content"):
        entries.append({"type": "reasoning.encrypted", "data": item["encrypted_content"], **same})
    return entries


def tool(given: Fields) -> Fields:
    if given["type"] == "function":
        if "function" in given:
            raise NoEquivalentError
        names = ("name", "description", "parameters", "strict")
        function: Fields = {name: given[name] for name in names if name in given}
        more = {"defer_loading": given["defer_loading"]} if "defer_loading" in given else {}
        return {"type": "function", "function": function, **more}
    if given["type"] == "custom":
        inner = {name: value for name, value in given.items() if name != "type"}
        form = dict(inner.get("format") or {"type": "text"})
        if form["type"] == "grammar":
            inner["format"] = {"type": form.pop("type"), "grammar": form}
        return {"type": "custom", "custom": inner}
    return given


def choice(given: Any) -> Any:
    if isinstance(given, str):
        return given
    match given["type"]:
        case "function" | "custom" as kind:
            return {"type": kind, kind: {"name": given["name"]}}
        case "allowed_tools":
            tools = [choice(one) for one in given["tools"]]
            return {"type": "allowed_tools", "allowed_tools": {"mode": given["mode"], "tools": tools}}
    return given


# -- the same in meaning ----------------------------------------------------------------------------------------------


def meaning(body: Fields) -> Fields:
    """A native request with one spelling for what may be said in several ways."""
    said = {name: value for name, value in body.items() if value is not None}
    given = said.pop("input")
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    if said.get("instructions"):
        items = [{"role": "system", "content": said["instructions"]}, *items]
    said.pop("instructions", None)
    made = [spelled(item) for item in items]
    said["input"] = [item for item in made if item["type"] != "message" or item["content"]]
    said["tools"] = [spelled_tool(one) for one in said.get("tools") or []]
    said["store"] = said.get("store") is not False
    include = {name for name in said.pop("include", []) if name != SEALED}
    said["include"] = sorted(include)
    text = dict(said.pop("text", {}))
    if text.get("format") == {"type": "text"}:
        del text["format"]
    if "format" in text:
        form = {name: value for name, value in text["format"].items() if value is not None}
        text["format"] = {**form, "strict": form.get("strict") is True}
    said["text"] = text
    if not said.get("stream"):
        said.pop("stream", None)
    if said.get("tool_choice") == "auto" or not said["tools"]:
        said.pop("tool_choice", None)
    reasoning = {name: value for name, value in (said.pop("reasoning", None) or {}).items() if value is not None}
    return {**said, "reasoning": reasoning}


def spelled(item: Fields) -> Fields:
    said = {name: value for name, value in item.items() if value is not None and name != "status"}
    kind = said.setdefault("type", "message")
    if kind in ("message", *CALLS):
        said.pop("id", None)
    if kind == "function_call":
        said["arguments"] = json.loads(said["arguments"] or "{}") if "{" in said["arguments"] else said["arguments"]
    if kind == "reasoning" and not said.get("content"):
        said.pop("content", None)
    if kind == "message":
        said["content"] = spelled_content(said["content"], said["role"])
    return said


def spelled_content(given: Any, role: str) -> Any:
    if role == "assistant":
        return given if isinstance(given, str) else "".join(one["text"] for one in given)
    parts = [{"type": "input_text", "text": given}] if isinstance(given, str) else given
    return [{"detail": "auto", **one} if one["type"] == "input_image" else one for one in parts]


def spelled_tool(given: Fields) -> Fields:
    said = {name: value for name, value in given.items() if value is not None}
    if said["type"] == "function":
        if not said.get("description"):
            said.pop("description", None)
        said["strict"] = said.get("strict") is True
        said["parameters"] = said.get("parameters") or {"type": "object", "properties": {}}
    return said
