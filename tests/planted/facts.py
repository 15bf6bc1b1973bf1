"""What a reply in OpenAI's format says, kind by kind, for comparisons that may leave a kind out.

Whole and streamed replies of the same content say the same.  The bytes read here have passed the pipeline: what is not
in OpenAI's form is an error of the test.
"""

from __future__ import annotations

import json
import struct
from base64 import b64decode
from typing import Any

from trueline.sim import render

__all__ = ["Facts", "facts_of", "picture"]

Facts = dict[str, Any]
Json = dict[str, Any]

_ENVELOPE = {"id": "id", "created": "created", "model": "model", "system_fingerprint": "fingerprint"}
_ENVELOPE |= {"service_tier": "tier"}
_REPLY = {*_ENVELOPE, "object", "choices", "usage", "obfuscation"}
_CHOICE = {"index", "message", "delta", "logprobs", "finish_reason", "text"}
_MESSAGE = {"role", "content", "refusal", "tool_calls", "function_call", "annotations", "reasoning_content"}


def facts_of(path: str, out: bytes, stream: bool) -> Facts:
    """The facts of a reply to a request of that path."""
    if "/images/" in path:
        return _image_stream(out) if stream else _images(json.loads(out))
    if path.endswith("/embeddings"):
        return _embeddings(json.loads(out))
    if path.endswith("/models"):
        return {"models": json.loads(out)}
    if stream:
        return _stream([payload for _, payload in _events(out) if payload != "[DONE]"])
    return _whole(json.loads(out))


def _events(out: bytes) -> list[tuple[str | None, Any]]:
    """(name, payload) of every event; `[DONE]` as that word."""
    made: list[tuple[str | None, Any]] = []
    for block in out.decode().split("\n\n")[:-1]:
        *names, data = block.split("\n")
        text = data.removeprefix("data: ")
        name = names[0].removeprefix("event: ") if names else None
        made.append((name, text if text == "[DONE]" else json.loads(text)))
    return made


# -- chats and legacy completions


def _whole(reply: Json) -> Facts:
    facts = _begun(reply)
    facts["usage"] = reply.get("usage")
    for choice in reply["choices"]:
        said = _said(facts, choice["index"])
        _add(facts, said, choice.get("message") or {"content": choice.get("text")})
        _finish(facts, said, choice)
    return _settled(facts)


def _stream(chunks: list[Any]) -> Facts:
    facts = _begun(chunks[0])
    for chunk in chunks:
        if "error" in chunk:
            facts["error"] = chunk["error"]
            continue
        facts["usage"] = chunk.get("usage") or facts["usage"]
        _extras(facts, chunk, _REPLY)
        for choice in chunk["choices"]:
            said = _said(facts, choice["index"])
            _add(facts, said, choice.get("delta", {"content": choice.get("text")}))
            _finish(facts, said, choice)
    return _settled(facts)


def _begun(reply: Json) -> Facts:
    facts: Facts = {kind: reply.get(name) for name, kind in _ENVELOPE.items()}
    facts |= {"choices": {}, "usage": None, "extras": {}, "error": None}
    _extras(facts, reply, _REPLY)
    return facts


def _said(facts: Facts, index: int) -> Json:
    fresh: Json = {"content": "", "refusal": "", "reasoning": "", "calls": [], "ids": [], "logprobs": [], "said": set()}
    said: Json = facts["choices"].setdefault(index, {**fresh, "function": None, "finish": None, "annotations": []})
    return said


def _add(facts: Facts, said: Json, part: Json) -> None:
    for name, kind in (("content", "content"), ("refusal", "refusal"), ("reasoning_content", "reasoning")):
        said[kind] += part.get(name) or ""
    for place, call in enumerate(part.get("tool_calls") or ()):
        index = call.get("index", place)
        if index == len(said["calls"]):
            said["calls"].append([call["function"]["name"], ""])
            said["ids"].append(call["id"])
        said["calls"][index][1] += call["function"].get("arguments") or ""
    if part.get("function_call"):
        before = said["function"] or ["", ""]
        called = part["function_call"]
        said["function"] = [before[0] + called.get("name", ""), before[1] + called.get("arguments", "")]
    said["annotations"] += part.get("annotations") or []
    _extras(facts, part, _MESSAGE)


def _finish(facts: Facts, said: Json, choice: Json) -> None:
    said["finish"] = choice["finish_reason"] or said["finish"]
    logprobs = choice.get("logprobs")
    if logprobs:
        kinds = ("content", "refusal", "tokens", "token_logprobs")
        said["logprobs"] += [entry for kind in kinds for entry in logprobs.get(kind) or ()]
    _extras(facts, choice, _CHOICE)


def _extras(facts: Facts, part: Json, known: set[str]) -> None:
    facts["extras"] |= {name: value for name, value in part.items() if name not in known}


def _settled(facts: Facts) -> Facts:
    """Each kind of all choices in a list, by index; JSON of arguments parsed; the counts apart from their details."""
    choices = facts.pop("choices")
    usage = facts.pop("usage") or {}
    facts["usage"] = [usage.pop(name, None) for name in ("prompt_tokens", "completion_tokens", "total_tokens")]
    facts["details"] = usage
    facts["indexes"] = sorted(choices)
    for said in choices.values():
        said["calls"] = [(name, _parsed(arguments)) for name, arguments in said["calls"]]
    for kind in ("content", "refusal", "reasoning", "calls", "ids", "function", "finish", "logprobs", "annotations"):
        facts[kind] = [choices[index][kind] for index in sorted(choices)]
    return facts


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return f"not JSON: {text}"


# -- the others


def _images(reply: Json) -> Facts:
    data = reply.pop("data")
    facts: Facts = {"created": reply.pop("created"), "usage": reply.pop("usage", None)}
    facts["pictures"] = [picture(image["b64_json"] if "b64_json" in image else image["url"]) for image in data]
    facts["forms"] = [sorted(image.keys() & {"url", "b64_json"}) for image in data]
    facts["prompts"] = [image.get("revised_prompt") for image in data]
    known = {"url", "b64_json", "revised_prompt"}
    facts["extras"] = reply | {name: value for image in data for name, value in image.items() if name not in known}
    return facts


def picture(source: str) -> bytes:
    """The picture in base64, in a `data:` URL, or behind a URL of the simulator; a URL of others as it is."""
    if source.startswith("data:"):
        return b64decode(source.partition(",")[2])
    if not source.startswith("http"):
        return b64decode(source)
    path = source.partition("sim.example")[2]
    return render("GET", path, {}, b"")[0].body if path else source.encode()


def _image_stream(out: bytes) -> Facts:
    events = _events(out)
    facts: Facts = {"names": [name for name, _ in events], "images": [], "meta": [], "created": [], "usage": []}
    for _, event in events:
        facts["images"].append(event.pop("b64_json", None))
        facts["created"].append(event.pop("created_at", None))
        facts["usage"].append(event.pop("usage", None))
        facts["meta"].append(event)
    return facts


def _embeddings(reply: Json) -> Facts:
    vectors = [_rounded(entry["embedding"]) for entry in reply["data"]]
    forms = [type(entry["embedding"]).__name__ for entry in reply["data"]]
    rest = {name: value for name, value in reply.items() if name not in ("data", "usage", "model")}
    entries = [{name: value for name, value in entry.items() if name != "embedding"} for entry in reply["data"]]
    facts = {"vectors": vectors, "forms": forms, "entries": entries, "extras": rest}
    return facts | {"usage": reply["usage"], "model": reply["model"]}


def _rounded(embedding: Any) -> list[float]:
    """The numbers, at the precision that base64 carries."""
    if isinstance(embedding, str):
        raw = b64decode(embedding)
        embedding = struct.unpack(f"<{len(raw) // 4}f", raw)
    return [struct.unpack("<f", struct.pack("<f", number))[0] for number in embedding]
