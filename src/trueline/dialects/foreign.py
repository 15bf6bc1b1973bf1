"""What a JSON value is that should have been a chat reply: the shape of another API, told by its own words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..errors import UpstreamFormatError

__all__ = ["Shape", "foreign_shape", "wrong_shape"]

Fields = dict[str, Any]

_ANTHROPIC = ("message", "message_start", "message_delta", "message_stop")
_BLOCKS = ("content_block_start", "content_block_delta", "content_block_stop")


class Shape(NamedTuple):
    """An API's own way to answer."""

    name: str
    """As in "a reply of …"."""
    fault: str
    test: Callable[[Fields], bool]


def _pictures(fields: Fields) -> bool:
    data = fields.get("data")
    return isinstance(data, list) and any(isinstance(d, dict) and d.keys() & {"url", "b64_json"} for d in data)


def _responses(fields: Fields) -> bool:
    return fields.get("object") == "response" or str(fields.get("type")).startswith("response.")


_SHAPES: tuple[Shape, ...] = (
    Shape("OpenAI's Responses API", "responses-shape-on-chat", _responses),
    Shape("Anthropic's Messages API", "native-shape", lambda f: f.get("type") in (*_ANTHROPIC, *_BLOCKS)),
    Shape("Gemini's own API", "native-shape", lambda f: "candidates" in f or "usageMetadata" in f),
    Shape("Ollama's own API", "native-shape", lambda f: "done" in f and ("message" in f or "response" in f)),
    Shape("Bedrock's Converse API", "native-shape", lambda f: "stopReason" in f and "output" in f),
    Shape("a text generation API", "native-shape", lambda f: "generated_text" in f or "generation" in f),
    Shape("an image API", "images-shape-on-chat", _pictures),
)


def foreign_shape(payload: Any) -> Shape | None:
    """The API that `payload` is from, where it can only be from another one."""
    if not isinstance(payload, dict) or "choices" in payload:
        return None
    return next((shape for shape in _SHAPES if shape.test(payload)), None)


def wrong_shape(payload: Any) -> UpstreamFormatError:
    """The error for a payload with no choices: what it looks like, and what to look at."""
    shape = foreign_shape(payload)
    if shape is not None:
        return UpstreamFormatError(
            f"The upstream's reply is not a chat completion: it is a reply of {shape.name}. "
            "Check the upstream's base URL: its OpenAI-compatible API is most often under /v1.",
            faults=(shape.fault,),
        )
    what = "an object with " + ", ".join(map(repr, list(payload)[:6])) if isinstance(payload, dict) else "no object"
    return UpstreamFormatError(
        f"The upstream's reply is not a chat completion: it is {what}, with no usable 'choices'. "
        "Check the upstream's base URL and model.",
        faults=("native-shape",),
    )
