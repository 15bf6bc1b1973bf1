"""Recorded replies: what a reply by itself tells about the request that it answers.

A recording has no request beside it, but the exact form of a reply depends on what was asked.  So the request is taken
to be the one that the reply answers: its number of choices, its usage, its log probabilities, streamed if it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .context import FormatOptions, Route
from .messages import read_chat_request, read_image_request
from .mint import Mint
from .pipeline import Pipeline, Tracer, chat_pipeline, image_pipeline
from .wire import jsonio, sse

__all__ = ["Recorded", "look"]


@dataclass(slots=True)
class Recorded:
    """What the reply tells about the request that it answers."""

    streamed: bool
    image: bool = False
    model: str | None = None
    choices: set[int] = field(default_factory=set)
    usage: bool = False
    logprobs: bool = False
    functions: bool = False
    tools: set[str] = field(default_factory=set)

    def pipeline(
        self,
        mint: Mint,
        *,
        model: str | None = None,
        stream: bool | None = None,
        options: FormatOptions = FormatOptions(),
        tracer: Tracer | None = None,
    ) -> Pipeline:
        """The pipeline that makes the reply exact; `stream`: the form to write, by default the one that it has."""
        body = jsonio.encode(self.request(model, self.streamed if stream is None else stream))
        route = Route(upstream="recorded", model=self.model)
        if self.image:
            return image_pipeline(read_image_request(body), route, mint, options)
        return chat_pipeline(read_chat_request(body), route, mint, options, tracer=tracer)

    def request(self, model: str | None, stream: bool) -> dict[str, Any]:
        """The smallest request that the reply is an answer to."""
        body: dict[str, Any] = {"model": model or self.model or "unknown", "n": min(max(len(self.choices), 1), 128)}
        if self.image:
            # No response_format: a URL and base64 both pass as they came.
            return body | {"prompt": "recorded", "stream": stream}
        body["messages"] = [{"role": "user", "content": "recorded"}]
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": self.usage}}
        if self.logprobs:
            body["logprobs"] = True
        if self.functions:
            body["functions"] = [{"name": "recorded"}]
        if self.tools:
            body["tools"] = [{"type": "function", "function": {"name": name}} for name in sorted(self.tools)]
        return body


def look(data: bytes) -> Recorded:
    """Read a recorded reply, an event stream or JSON, for what it tells about its request; never raises."""
    seen = Recorded(streamed=sse.looks_like_sse(data[:1024]))
    for payload in _payloads(data, seen.streamed):
        if isinstance(payload, dict):
            _note(payload, seen)
    return seen


def _payloads(data: bytes, streamed: bool) -> Iterator[Any]:
    texts = [data.strip()]
    if streamed:
        reader = sse.SSEReader(lambda fault: None)
        texts = [frame.data.strip() for frame in (*reader.feed(data), *reader.close())]
    for text in texts:
        try:
            yield from jsonio.decode_all(text)
        except jsonio.JSONError:
            continue  # the pipeline says what is wrong with it


def _note(payload: dict[str, Any], seen: Recorded) -> None:
    if seen.model is None and isinstance(payload.get("model"), str):
        seen.model = payload["model"]
    seen.usage = seen.usage or isinstance(payload.get("usage"), dict)
    if str(payload.get("type")).startswith("image_"):
        seen.image = True  # image_generation.partial_image, image_edit.completed
        return
    images = payload.get("data", payload.get("images"))
    if not seen.streamed and "choices" not in payload and isinstance(images, list) and images:
        _note_images(images, seen)
    choices = payload.get("choices")
    for position, choice in enumerate(choices if isinstance(choices, list) else ()):
        if isinstance(choice, dict):
            index = choice.get("index")
            seen.choices.add(index if isinstance(index, int) else position)
            seen.logprobs = seen.logprobs or bool(choice.get("logprobs"))
            message = choice.get("message") or choice.get("delta")
            if isinstance(message, dict):
                seen.functions = seen.functions or bool(message.get("function_call"))
                _note_tools(message.get("tool_calls"), seen)


def _note_tools(calls: Any, seen: Recorded) -> None:
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        if isinstance(name, str) and name:
            seen.tools.add(name)


def _note_images(images: list[Any], seen: Recorded) -> None:
    first = images[0]
    fields = set(first) if isinstance(first, dict) else set()
    seen.image = bool(fields & {"url", "b64_json", "image", "image_url", "base64"}) or isinstance(first, str)
    if seen.image:
        seen.choices = set(range(len(images)))
