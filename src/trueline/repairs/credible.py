"""Reports of usage that cannot be true, whatever the tokenizer: by bytes alone, and with room to spare.

What is only unlikely is believed.  Thoughts that nobody shows may be many, so too many tokens are found only of models
that have none, beyond the limit of the request.
"""

from __future__ import annotations

from typing import Any, Final

from ..context import ReplyContext
from ..tokens.families import CLASSIC, family_of
from .limits.asked import limit_of

__all__ = ["FEW", "few_for", "few_for_prompt", "few_for_reply", "many_for_reply"]

MOST_BYTES: Final = 256
"""Of a token: the longest in any vocabulary in use, runs of one character, have 128."""
BESIDE: Final = 1024
"""Bytes that may not be the model's: sources, notes of a gateway."""
FEW: Final = 256
"""Tokens of a prompt that are looked at; an upstream with a small window reads no more than that of a long one."""
_MOST_TOKENS: Final = 11
"""Of a byte: what Unicode's normal forms may make of it."""
_FRAME: Final = 64
"""Tokens around a choice, and around its calls."""
_INLINE = "base64,"
"""Pictures in a text are not read as one."""


def few_for(tokens: int, size: int) -> bool:
    """Whether a text of so many bytes cannot be these tokens."""
    return size > MOST_BYTES * tokens + BESIDE


def few_for_prompt(tokens: int, context: ReplyContext) -> bool:
    """Whether the texts of the request cannot be these tokens."""
    request = context.request
    if tokens > FEW or not request.whole or (request.size and not few_for(tokens, request.size)):
        return False
    texts = _texts(request.body)
    return few_for(tokens, sum(map(len, texts))) and not any(_INLINE in text for text in texts)


def few_for_reply(tokens: int, context: ReplyContext) -> bool:
    """Whether what was said cannot be these tokens."""
    said = context.said
    if said is None or not few_for(tokens, said.size):
        return False
    return said.kept and not any(_INLINE in text for text in said.texts())


def many_for_reply(usage: dict[str, Any], context: ReplyContext) -> bool:
    """Whether these are more than was said and more than was allowed, of a model that does not think."""
    request, said, tokens = context.request, context.said, usage["completion_tokens"]
    limit, details = limit_of(request.body), usage.get("completion_tokens_details") or {}
    if said is None or limit is None or tokens <= limit * request.n or said.thought or any(details.values()):
        return False
    if {"best_of", "audio", "prediction"} & request.body.keys() or family_of(
        context.route.model or request.model
    ) is not CLASSIC:
        return False
    return bool(tokens > _MOST_TOKENS * said.size + _FRAME * request.n)


def _texts(body: dict[str, Any]) -> list[str]:
    """What a model was given to read, but for tools."""
    messages = body.get("messages")
    if not isinstance(messages, list):
        prompt = body.get("prompt")
        return [each for each in (prompt if isinstance(prompt, list) else [prompt]) if isinstance(each, str)]
    texts: list[str] = []
    for message in messages:
        content = message.get("content") if isinstance(message, dict) else None
        for part in content if isinstance(content, list) else [content]:
            text = part.get("text") if isinstance(part, dict) else part
            if isinstance(text, str):
                texts.append(text)
    return texts
