"""Replies of the Responses API, made of the types of OpenAI's own SDK."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from engine.kit import Fields

_EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)

USAGE: Fields = {
    "input_tokens": 9,
    "output_tokens": 5,
    "total_tokens": 14,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
    "output_tokens_details": {"reasoning_tokens": 2},
}


def text(words: str, number: int = 1, **more: Any) -> Fields:
    part = {"type": "output_text", "text": words, "annotations": more.pop("annotations", [])}
    head = {"type": "message", "id": f"msg_{number}", "role": "assistant", "status": "completed"}
    return {**head, "content": [part], **more}


def refusal(words: str) -> Fields:
    return {**text(""), "content": [{"type": "refusal", "refusal": words}]}


def thought(*summary: str, number: int = 1, sealed: str | None = "gAAA", **more: Any) -> Fields:
    parts = [{"type": "summary_text", "text": words} for words in summary]
    return {"type": "reasoning", "id": f"rs_{number}", "summary": parts, "encrypted_content": sealed, **more}


def call(number: int, arguments: str = "{}", name: str = "weather", **more: Any) -> Fields:
    head = {"type": "function_call", "id": f"fc_{number}", "call_id": f"call_{number}", "status": "completed"}
    return {**head, "name": name, "arguments": arguments, **more}


def search(number: int = 1) -> Fields:
    action = {"type": "search", "query": "rain", "queries": ["rain"]}
    return {"type": "web_search_call", "id": f"ws_{number}", "status": "completed", "action": action}


def drawing(number: int = 1) -> Fields:
    return {"type": "image_generation_call", "id": f"ig_{number}", "status": "completed", "result": "iVBORw0KGgo="}


def response(output: list[Fields], status: str = "completed", **more: Any) -> Fields:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_700_000_000,
        "model": "gpt-5-2025-08-07",
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "output": output,
        "parallel_tool_calls": True,
        "service_tier": "default",
        "store": False,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": USAGE,
        **more,
    }


def whole(output: list[Fields], status: str = "completed", **more: Any) -> bytes:
    made = Response.model_validate(response(output, status, **more))
    return made.to_json(indent=None, exclude_unset=False, exclude_none=True).encode()


def events(output: list[Fields], status: str = "completed", **more: Any) -> list[Fields]:
    """The events of a stream that brings this output, each text in two increments."""
    begun = {**response([], "in_progress", **more), "usage": None, "service_tier": "auto"}
    made: list[Fields] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
    ]
    for index, item in enumerate(output):
        at = {"output_index": index, "item_id": item.get("id")}
        made.append({"type": "response.output_item.added", "output_index": index, "item": emptied(item)})
        made += [{**at, **one} for one in increments(item)]
        made.append({"type": "response.output_item.done", "output_index": index, "item": item})
    made.append({"type": f"response.{status}", "response": response(output, status, **more)})
    return [{**one, "sequence_number": number} for number, one in enumerate(made)]


def emptied(item: Fields) -> Fields:
    """An item as it begins."""
    said = {"content": [], "summary": [], "arguments": "", "input": ""}
    begun = {name: said.get(name, value) for name, value in item.items()}
    return {**begun, "status": "in_progress"} if "status" in item else begun


def halves(words: str) -> Iterator[str]:
    yield from (words[: len(words) // 2], words[len(words) // 2 :])


def increments(item: Fields) -> Iterator[Fields]:
    match item["type"]:
        case "message":
            for n, part in enumerate(item["content"]):
                yield from _part(n, part)
        case "reasoning":
            for n, part in enumerate(item["summary"]):
                at = {"summary_index": n}
                yield {**at, "type": "response.reasoning_summary_part.added", "part": {**part, "text": ""}}
                for half in halves(part["text"]):
                    yield {**at, "type": "response.reasoning_summary_text.delta", "delta": half}
                yield {**at, "type": "response.reasoning_summary_text.done", "text": part["text"]}
                yield {**at, "type": "response.reasoning_summary_part.done", "part": part}
            for n, part in enumerate(item.get("content") or []):
                for half in halves(part["text"]):
                    yield {"content_index": n, "type": "response.reasoning_text.delta", "delta": half}
                yield {"content_index": n, "type": "response.reasoning_text.done", "text": part["text"]}
        case "function_call":
            for half in halves(item["arguments"]):
                yield {"type": "response.function_call_arguments.delta", "delta": half}
            whole = {"name": item["name"], "arguments": item["arguments"]}
            yield {"type": "response.function_call_arguments.done", **whole}
        case "custom_tool_call":
            for half in halves(item["input"]):
                yield {"type": "response.custom_tool_call_input.delta", "delta": half}
            yield {"type": "response.custom_tool_call_input.done", "input": item["input"]}
        case "web_search_call":
            yield {"type": "response.web_search_call.searching"}


def _part(n: int, part: Fields) -> Iterator[Fields]:
    at: Fields = {"content_index": n}
    name, kind = ("text", "output_text") if part["type"] == "output_text" else ("refusal", "refusal")
    probabilities: Fields = {"logprobs": []} if name == "text" else {}
    empty = {**part, name: "", **({"annotations": []} if name == "text" else {})}
    yield {**at, "type": "response.content_part.added", "part": empty}
    for half in halves(part[name]):
        yield {**at, "type": f"response.{kind}.delta", "delta": half, **probabilities}
    for number, one in enumerate(part.get("annotations") or []):
        added = {"annotation_index": number, "annotation": one}
        yield {**at, "type": "response.output_text.annotation.added", **added}
    yield {**at, "type": f"response.{kind}.done", name: part[name], **probabilities}
    yield {**at, "type": "response.content_part.done", "part": part}


def sse(*given: Fields) -> bytes:
    """Events as the SDK's types write them."""
    lines = (_EVENT.validate_python(one).to_json(indent=None, exclude_unset=False, exclude_none=True) for one in given)
    return b"".join(f"event: {one['type']}\ndata: {line}\n\n".encode() for one, line in zip(given, lines, strict=True))


def streamed(output: list[Fields], status: str = "completed", **more: Any) -> bytes:
    return sse(*events(output, status, **more))
