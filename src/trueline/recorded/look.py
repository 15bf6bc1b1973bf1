"""Recorded replies: what a reply by itself tells about the request that it answers.

A recording has no request beside it, but the exact form of a reply depends on what was asked.  So the request is taken
to be the one that the reply answers: to its endpoint, with its number of choices, its usage, its log probabilities,
streamed if it is.  `kind.py` tells the endpoints apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..context import FormatOptions, Route
from ..messages import read_chat_request, read_completion_request, read_embedding_request, read_image_request
from ..mint import Mint
from ..pipeline import (
    Models,
    Pipeline,
    Tracer,
    chat_pipeline,
    completion_pipeline,
    embedding_pipeline,
    image_pipeline,
)
from ..wire import jsonio, sse
from .kind import Kind, kind_of

__all__ = ["Recorded", "look"]

_PATHS: Mapping[Kind, str] = {
    "chat": "/v1/chat/completions",
    "completions": "/v1/completions",
    "embeddings": "/v1/embeddings",
    "images": "/v1/images/generations",
    "models": "/v1/models",
}
_LEGACY_LOGPROBS = 5
"""As many as OpenAI gives at most."""


@dataclass(slots=True)
class Recorded:
    """What the reply tells about the request that it answers."""

    streamed: bool
    kind: Kind = "chat"
    model: str | None = None
    name: str = ""
    """The id of the model, where the reply is one model."""
    choices: set[int] = field(default_factory=set)
    usage: bool = False
    logprobs: bool = False
    functions: bool = False
    tools: set[str] = field(default_factory=set)
    items: int = 0
    """Pictures, or vectors."""
    base64: bool = False
    """The vectors are text."""

    @property
    def image(self) -> bool:
        """Is it a reply with pictures?"""
        return self.kind == "images"

    @property
    def path(self) -> str:
        """The path that was asked, from `/v1` on."""
        return f"/v1/models/{self.name}" if self.kind == "model" else _PATHS[self.kind]

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
        if self.kind in ("models", "model"):
            return Models(self.name if self.kind == "model" else None, options)
        body = jsonio.encode(self.request(model, self.streamed if stream is None else stream))
        route = Route(upstream="recorded", model=self.model)
        match self.kind:
            case "images":
                return image_pipeline(read_image_request(body), route, mint, options)
            case "embeddings":
                return embedding_pipeline(read_embedding_request(body), route, mint, options)
            case "completions":
                return completion_pipeline(read_completion_request(body), route, mint, options, tracer=tracer)
        return chat_pipeline(read_chat_request(body), route, mint, options, tracer=tracer)

    def request(self, model: str | None, stream: bool) -> dict[str, Any]:
        """The smallest request that the reply is an answer to; empty where none has a body."""
        named: dict[str, Any] = {"model": model or self.model or "unknown"}
        several = named | {"n": min(max(len(self.choices), 1), 128)}
        match self.kind:
            case "models" | "model":
                return {}
            case "embeddings":
                coded = {"encoding_format": "base64"} if self.base64 else {}
                return named | {"input": ["recorded"] * max(self.items, 1)} | coded
            case "images":
                # No response_format: a URL and base64 both pass as they came.
                return named | {"n": min(max(self.items, 1), 128), "prompt": "recorded", "stream": stream}
            case "completions":
                return several | {"prompt": "recorded"} | self._streaming(stream) | self._legacy_logprobs()
        return several | self._of_chat() | self._streaming(stream)

    def _streaming(self, stream: bool) -> dict[str, Any]:
        return {"stream": True, "stream_options": {"include_usage": self.usage}} if stream else {}

    def _legacy_logprobs(self) -> dict[str, Any]:
        return {"logprobs": _LEGACY_LOGPROBS} if self.logprobs else {}

    def _of_chat(self) -> dict[str, Any]:
        body: dict[str, Any] = {"messages": [{"role": "user", "content": "recorded"}]}
        if self.logprobs:
            body["logprobs"] = True
        if self.functions:
            body["functions"] = [{"name": "recorded"}]
        if self.tools:
            body["tools"] = [{"type": "function", "function": {"name": name}} for name in sorted(self.tools)]
        return body


def look(data: bytes, kind: Kind | None = None) -> Recorded:
    """Read a recorded reply, an event stream or JSON, for what it tells about its request; never raises.

    `kind`: what it is, where that is known better than by its looks.
    """
    seen = Recorded(streamed=sse.looks_like_sse(data[:1024]))
    payloads = list(_payloads(data, seen.streamed))
    seen.kind = kind or kind_of(payloads, seen.streamed)
    for payload in payloads:
        if isinstance(payload, dict):
            _note(payload, seen)
        if seen.kind in ("images", "embeddings") and not seen.streamed:
            _note_items(payload, seen)
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
    if seen.kind == "model" and isinstance(payload.get("id"), str):
        seen.name = payload["id"]
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


def _note_items(payload: Any, seen: Recorded) -> None:
    """How many pictures or vectors there are."""
    items = payload
    if isinstance(payload, dict):
        items = payload.get("data", payload.get(seen.kind))
    if not isinstance(items, list) or not items:
        return
    seen.items = len(items)
    first = items[0].get("embedding") if isinstance(items[0], dict) else None
    seen.base64 = isinstance(first, str)
