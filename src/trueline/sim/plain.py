"""Embeddings, models and legacy completions as OpenAI gives them (spec/rules.md, sections M and L)."""

from __future__ import annotations

import base64
import random
import struct
from dataclasses import dataclass
from typing import Any

from trueline.sim.chat import before_stop, usage_of
from trueline.sim.errors import SimError
from trueline.sim.ids import Ids
from trueline.sim.options import SimOptions
from trueline.sim.requests import need
from trueline.sim.text import answer_text, count, pieces, pieces_of_length

__all__ = [
    "CompletionAnswer",
    "answer_completion",
    "answer_embeddings",
    "answer_model",
    "inputs_of",
    "list_models",
    "pack",
    "vector",
]

Json = dict[str, Any]

MODELS = (
    "gpt-4o",
    "gpt-4o-mini",
    "gpt-4.1",
    "gpt-5.4",
    "gpt-image-1.5",
    "dall-e-3",
    "text-embedding-3-small",
    "gpt-3.5-turbo-instruct",
)
_CREATED = 1_686_935_002
_DIMENSIONS = 16


def vector(text: str, dimensions: int = _DIMENSIONS) -> list[float]:
    """A unit vector that depends on the text alone; its numbers are exact as 32-bit floats."""
    chance = random.Random(text)
    raw = [chance.uniform(-1, 1) for _ in range(dimensions)]
    length = sum(value * value for value in raw) ** 0.5
    packed = struct.pack(f"<{dimensions}f", *(value / length for value in raw))
    return list(struct.unpack(f"<{dimensions}f", packed))


def pack(values: list[float]) -> str:
    """A vector as base64 of little-endian 32-bit floats."""
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()


def inputs_of(value: Any) -> list[str]:
    """The inputs of an embeddings request: strings, or lists of token numbers, as text."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and value:
        return [" ".join(map(str, value))] if isinstance(value[0], int) else [str(each) for each in value]
    raise SimError(400, "Invalid 'input': expected a string or an array.", param="input", code="invalid_type")


def answer_embeddings(request: Json) -> Json:
    """Deterministic vectors, as lists or base64."""
    model = need(request, "model")
    inputs = inputs_of(need(request, "input"))
    vectors = [vector(text, request.get("dimensions") or _DIMENSIONS) for text in inputs]
    encoded = request.get("encoding_format") == "base64"
    tokens = sum(count(text) for text in inputs)
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": pack(values) if encoded else values}
            for index, values in enumerate(vectors)
        ],
        "model": model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def answer_model(name: str) -> Json:
    """One model.  Raises SimError 404 for `…does-not-exist…`."""
    if "does-not-exist" in name:
        raise SimError(404, f"The model '{name}' does not exist", param="model", code="model_not_found")
    return {"id": name, "object": "model", "created": _CREATED, "owned_by": "openai"}


def list_models() -> Json:
    """The models of this server."""
    return {"object": "list", "data": [answer_model(name) for name in MODELS]}


@dataclass
class CompletionAnswer:
    """A legacy completion before it has a form."""

    request: Json
    id: str
    created: int
    choices: list[tuple[list[str], str]]
    usage: Json

    def _envelope(self, choices: list[Json]) -> Json:
        return {
            "id": self.id,
            "object": "text_completion",
            "created": self.created,
            "model": self.request["model"],
            "choices": choices,
        }

    def whole(self) -> Json:
        """The `text_completion` object."""
        choices = [_choice("".join(words), index, finish) for index, (words, finish) in enumerate(self.choices)]
        return {**self._envelope(choices), "usage": dict(self.usage)}

    @property
    def include_usage(self) -> bool:
        return bool((self.request.get("stream_options") or {}).get("include_usage"))

    def chunks(self) -> list[Json]:
        """The streamed objects; the last text of a choice carries its finish_reason."""
        made = []
        for index, (words, finish) in enumerate(self.choices):
            for place, word in enumerate(words or [""]):
                last = place >= len(words) - 1
                made.append(self._envelope([_choice(word, index, finish if last else None)]))
        if self.include_usage:
            for each in made:
                each["usage"] = None
            made.append(self.usage_chunk())
        return made

    def usage_chunk(self) -> Json:
        """The chunk with the usage and no choices."""
        return {**self._envelope([]), "usage": dict(self.usage)}


def _choice(text: str, index: int, finish: str | None) -> Json:
    return {"text": text, "index": index, "logprobs": None, "finish_reason": finish}


def answer_completion(request: Json, options: SimOptions, ids: Ids) -> CompletionAnswer:
    """A legacy completion of a prompt."""
    need(request, "model")
    prompt = request.get("prompt")
    prompts = [prompt] if isinstance(prompt, str) or not prompt else [str(each) for each in prompt]
    choices = []
    for text in prompts:
        for index in range(request.get("n") or 1):
            said = answer_text(text or "", index) if options.text is None else options.text
            words = pieces(said) if options.tokens is None else pieces_of_length(said, options.tokens)
            stopped = before_stop("".join(words), request.get("stop"))
            words = words if stopped is None else pieces(stopped)
            limit = request.get("max_tokens") or len(words)
            choices.append((words[:limit], "length" if limit < len(words) else "stop"))
    tokens = sum(count(text or "") for text in prompts)
    usage = {
        name: number
        for name, number in usage_of(tokens, sum(len(words) for words, _ in choices)).items()
        if not name.endswith("_details")
    }
    return CompletionAnswer(request, "cmpl-" + ids.token(29), ids.now, choices, usage)
