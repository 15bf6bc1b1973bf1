"""Recorded requests to Gemini as an OpenAI client would have made them, written without a look at the dialect."""

from __future__ import annotations

import json
import re
from typing import Any

Fields = dict[str, Any]

LOOSE = ("args", "response", "properties", "parametersJsonSchema", "responseJsonSchema", "labels")
PASSED = ("safetySettings", "cachedContent", "labels", "modelArmorConfig")
CONFIG_PASSED = ("topK", "imageConfig", "speechConfig", "mediaResolution", "thinkingConfig", "responseModalities")
CONFIG_NAMED = {
    "temperature": "temperature",
    "topP": "top_p",
    "maxOutputTokens": "max_tokens",
    "stopSequences": "stop",
    "candidateCount": "n",
    "seed": "seed",
    "presencePenalty": "presence_penalty",
    "frequencyPenalty": "frequency_penalty",
    "responseLogprobs": "logprobs",
    "logprobs": "top_logprobs",
}
SCHEMA_PLACES = ("responseSchema", "responseJsonSchema", "responseMimeType")
OWN_PARTS = ("executableCode", "codeExecutionResult", "toolCall", "toolResponse")
TYPES = ("", "string", "number", "integer", "boolean", "array", "object")
NOTHING: tuple[tuple[str, Any], ...] = (("candidateCount", 1), ("responseModalities", ["TEXT"]), ("stopSequences", []))
MODES = {"AUTO": "auto", "ANY": "required", "NONE": "none"}


class NoEquivalentError(Exception):
    """OpenAI's format has no such request."""


def camel(value: Any) -> Any:
    """The one spelling of Google's two."""
    if isinstance(value, list):
        return [camel(one) for one in value]
    if not isinstance(value, dict):
        return value
    named = {re.sub("_([a-z])", lambda found: found[1].upper(), name): one for name, one in value.items()}
    return {name: one if name in LOOSE else camel(one) for name, one in named.items()}


def as_openai(body: Any) -> Fields:
    """The chat request that means the same.  Raises NoEquivalentError."""
    if not isinstance(body, dict) or not isinstance(body.get("contents"), list):
        raise NoEquivalentError
    given = camel(body)
    asked: Fields = {name: given[name] for name in PASSED if given.get(name)}
    asked["messages"] = []
    system = texts(given.get("systemInstruction"))
    if system:
        asked["messages"].append({"role": "system", "content": system})
    calls: list[tuple[str, str]] = []
    for content in given["contents"]:
        parts = content["parts"] if isinstance(content["parts"], list) else [content["parts"]]
        if content.get("role") not in ("user", "model", "function", None):
            raise NoEquivalentError("a role that is refused")
        if content.get("role") == "model":
            calls = assistant(parts, asked["messages"])
        else:
            user(parts, asked["messages"], calls)
    tools(given, asked)
    for name, value in (given.get("generationConfig") or {}).items():
        if name in CONFIG_NAMED:
            asked[CONFIG_NAMED[name]] = value
        elif name in CONFIG_PASSED:
            asked[name] = value
        elif name not in SCHEMA_PLACES:
            raise NoEquivalentError(name)
    response_format(given.get("generationConfig") or {}, asked)
    if not asked["messages"]:
        raise NoEquivalentError
    return asked


def texts(content: Any) -> list[Fields]:
    parts = content.get("parts") if isinstance(content, dict) else None
    parts = parts if isinstance(parts, list) else [parts] if parts else []
    return [{"type": "text", "text": part["text"]} for part in parts if part.get("text")]


def assistant(parts: list[Fields], messages: list[Fields]) -> list[tuple[str, str]]:
    message: Fields = {"role": "assistant", "content": []}
    calls: list[tuple[str, str]] = []
    for part in parts:
        signature = part.get("thoughtSignature")
        if "functionCall" in part:
            call = part["functionCall"]
            identity = call.get("id") or f"call_{len(messages):012d}{len(calls):012d}"
            calls.append((identity, call["name"]))
            inner = {"name": call["name"], "arguments": json.dumps(call.get("args") or {})}
            made: Fields = {"id": identity, "type": "function", "function": inner}
            if signature:
                made["extra_content"] = {"google": {"thought_signature": signature}}
            message.setdefault("tool_calls", []).append(made)
        elif any(name in part for name in OWN_PARTS):
            message.setdefault("google_parts", []).append(part)
        elif "inlineData" in part:
            data = part["inlineData"]
            picture: Fields = {
                "type": "image_url",
                "image_url": {"url": f"data:{data['mimeType']};base64,{data['data']}"},
            }
            if signature:
                picture["extra_content"] = {"google": {"thought_signature": signature}}
            message.setdefault("images", []).append(picture)
        elif part.get("thought") is True:
            message["reasoning_content"] = message.get("reasoning_content", "") + part["text"]
            if signature:
                message.setdefault("reasoning_details", []).append(encrypted(signature, "thought"))
        else:
            if part["text"]:
                message["content"].append({"type": "text", "text": part["text"]})
            if signature:
                place = "text" if part["text"] else "end"
                message.setdefault("reasoning_details", []).append(encrypted(signature, place))
    message["content"] = message["content"] or None
    messages.append(message)
    return calls


def encrypted(signature: str, place: str) -> Fields:
    return {"type": "reasoning.encrypted", "data": signature, "format": "google-gemini-v1", "part": place}


def user(parts: list[Fields], messages: list[Fields], calls: list[tuple[str, str]]) -> None:
    plain = []
    calls = list(calls)
    for part in parts:
        if "functionResponse" not in part:
            plain.append(file(part))
            continue
        answer = part["functionResponse"]
        found = next((c for c in calls if c[0] == answer.get("id")), None)
        found = found or next((c for c in calls if c[1] == answer["name"]), None)
        if found is None:
            raise NoEquivalentError("an answer to no call")
        calls.remove(found)
        content: Any = json.dumps(answer["response"])
        if answer.get("parts"):
            content = [{"type": "text", "text": content}, *(file(one) for one in answer["parts"])]
        messages.append({"role": "tool", "tool_call_id": found[0], "content": content})
    if plain:
        messages.append({"role": "user", "content": plain})


def file(part: Fields) -> Fields:
    if "text" in part:
        return {"type": "text", "text": part["text"]}
    data = part.get("inlineData")
    if not isinstance(data, dict) or not isinstance(data.get("data"), str):
        raise NoEquivalentError("a file at another place")  # it is fetched, and sent as data
    kind = data.get("mimeType") or "image/png"
    encoded = data["data"].replace("-", "+").replace("_", "/")
    if re.search("[^A-Za-z0-9+/=]", encoded):
        raise NoEquivalentError("shortened by the recorder")
    url = f"data:{kind};base64,{encoded}"
    if kind.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": url}}
    return {"type": "file", "file": {"file_data": url}}


def tools(given: Fields, asked: Fields) -> None:
    listed = given.get("tools") or []
    for tool in listed if isinstance(listed, list) else [listed]:
        for declaration in tool.get("functionDeclarations") or []:
            inner = {name: declaration[name] for name in ("name", "description") if name in declaration}
            schema = typed(declaration.get("parameters") or declaration.get("parametersJsonSchema"))
            if schema:
                inner["parameters"] = schema
            asked.setdefault("tools", []).append({"type": "function", "function": inner})
        own = {name: value for name, value in tool.items() if name != "functionDeclarations" and value is not None}
        if own:
            asked.setdefault("tools", []).append(own)
    config = (given.get("toolConfig") or {}).get("functionCallingConfig")
    others = {name: value for name, value in (given.get("toolConfig") or {}).items() if name != "functionCallingConfig"}
    if others:
        asked["toolConfig"] = others
    if config:
        names = config.get("allowedFunctionNames") or []
        if config["mode"] not in MODES or (names and config["mode"] != "ANY"):
            raise NoEquivalentError(config["mode"])
        allowed = [{"type": "function", "function": {"name": name}} for name in names]
        choice = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": allowed}}
        asked["tool_choice"] = choice if names else MODES[config["mode"]]


def typed(schema: Any) -> Any:
    """A schema whose types are words: some clients send Google's numbers."""
    if isinstance(schema, list):
        return [typed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: TYPES[one] if name == "type" and isinstance(one, int) else typed(one) for name, one in schema.items()}


def ordered(schema: Any) -> Any:
    """A schema without the order of its properties."""
    if isinstance(schema, list):
        return [ordered(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: ordered(one) for name, one in schema.items() if name not in ("propertyOrdering", "property_ordering")}


def response_format(config: Fields, asked: Fields) -> None:
    schema = config.get("responseSchema") or config.get("responseJsonSchema")
    if schema:
        asked["response_format"] = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    elif config.get("responseMimeType") == "application/json":
        asked["response_format"] = {"type": "json_object"}


# -- the same in meaning ----------------------------------------------------------------------------------------------


def meaning(body: Fields) -> Fields:
    """A native request with one spelling for what may be said in several ways."""
    given = camel(body)
    config = given.get("generationConfig") or {}
    made: Fields = {name: given[name] for name in PASSED if given.get(name)}
    made["system"] = [part["text"] for part in texts(given.get("systemInstruction"))]
    made["contents"] = contents(given["contents"])
    made["config"] = {
        name: value for name, value in config.items() if name not in SCHEMA_PLACES[:2] and (name, value) not in NOTHING
    }
    if config.get("responseMimeType") == "text/plain":
        del made["config"]["responseMimeType"]
    made["schema"] = ordered(config.get("responseSchema") or config.get("responseJsonSchema"))
    listed = given.get("tools") or []
    listed = listed if isinstance(listed, list) else [listed]
    made["functions"] = [function(one) for tool in listed for one in tool.get("functionDeclarations") or []]
    made["own"] = [
        {name: value}
        for tool in listed
        for name, value in tool.items()
        if name != "functionDeclarations" and value is not None
    ]
    made["choice"] = dict(given.get("toolConfig") or {})
    if not made["functions"]:
        made["choice"].pop("functionCallingConfig", None)
    return made


def function(declaration: Fields) -> Fields:
    schema = typed(declaration.get("parameters") or declaration.get("parametersJsonSchema") or {})
    if not schema.get("properties") and schema.get("additionalProperties") in (None, True, False):
        schema = {}
    return {"name": declaration["name"], "description": declaration.get("description") or None, "schema": schema}


def contents(given: list[Fields]) -> list[Fields]:
    turns: list[Fields] = []
    for content in given:
        role = content.get("role") or "user"
        role = "user" if role == "function" else role
        parts = content["parts"] if isinstance(content["parts"], list) else [content["parts"]]
        said = [one for part in parts if (one := spelled(part)) is not None]
        if not said:
            continue
        if turns and turns[-1]["role"] == role:
            turns[-1]["parts"] += said
        else:
            turns.append({"role": role, "parts": said})
    for turn in turns:
        turn["parts"].sort(key=rank)
    return turns


def rank(part: Fields) -> int:
    """Kinds of parts keep their order among themselves; that of the kinds is not OpenAI's to say."""
    kinds = (OWN_PARTS, ("functionResponse",), ("text",), ("inlineData",), ("functionCall",))
    return next(place for place, names in enumerate(kinds) if any(name in part for name in names))


def spelled(part: Fields) -> Fields | None:
    if part.get("thought") is True and not part.get("thoughtSignature"):
        return None  # thoughts are not sent back
    made = {name: value for name, value in part.items() if name != "thought" and value is not None}
    if made == {"text": ""}:
        return None
    if isinstance(made.get("inlineData"), dict):
        made["inlineData"] = plain_data(made["inlineData"])
    if "functionResponse" in made:
        answer = made["functionResponse"]
        files = [
            {"inlineData": plain_data(one["inlineData"])} if "inlineData" in one else one
            for one in answer.get("parts") or []
        ]
        made["functionResponse"] = {**answer, "parts": files}
    if made.get("thoughtSignature"):
        made["thoughtSignature"] = made["thoughtSignature"].replace("-", "+").replace("_", "/").rstrip("=")
    if "functionCall" in made:
        made["functionCall"] = {"args": {}, **made["functionCall"]}
    return made


def plain_data(data: Fields) -> Fields:
    encoded = data["data"].replace("-", "+").replace("_", "/")
    return {"mimeType": data.get("mimeType") or "image/png", "data": encoded}
