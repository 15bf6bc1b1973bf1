"""What `trueline count`, `/trueline/count` and the library answer: the tokens of a request or of a text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from .families import Count
from .images import SizeOf
from .models import encoding_name
from .prompt import count_prompt
from .tokenizers import Encoding, Tokenizer, tokenizer_for

__all__ = ["DEFAULT_MODEL", "Counted", "count_asked", "is_request"]

DEFAULT_MODEL = "gpt-4o"
"""For which is counted where nobody names a model."""
_REQUESTS = ("messages", "prompt", "input")
_NAMES = "'messages', 'prompt' or 'input'"


@dataclass(frozen=True, slots=True)
class Counted:
    """`exact`: the vocabulary is the model's own, and every rule that was needed is known to hold."""

    model: str
    tokens: int
    exact: bool
    encoding: str
    """The name of the encoding, of the file, or `estimate`."""


def is_request(value: object) -> bool:
    """The JSON is a request that has something to count: of a chat, a completion or embeddings."""
    return isinstance(value, Mapping) and any(value.get(name) is not None for name in _REQUESTS)


def count_asked(
    given: Mapping[str, Any] | str,
    model: str | None = None,
    files: Mapping[str, str] = MappingProxyType({}),
    size_of: SizeOf | None = None,
) -> Counted:
    """The tokens of a text, of a request's prompt, or of the `input` of a request for embeddings.

    `model` is the name to count for, before the request's own.  Not for an event loop, like `load`.
    Raises TokenizerError where a file that is given for the model cannot be read, and TypeError for what is neither a
    text nor a request.
    """
    if not isinstance(given, str) and not is_request(given):
        raise TypeError(f"expected a text, or a request with {_NAMES}, but got {_kind(given)}")
    named = None if isinstance(given, str) else given.get("model")
    name = model or (named if isinstance(named, str) and named else DEFAULT_MODEL)
    tokenizer = tokenizer_for(name, files)
    tokenizer.load()
    if isinstance(given, str):
        count = Count(tokenizer.count(given), tokenizer.exact and tokenizer.seamless(given))
    else:
        said = {key: value for key, value in given.items() if value is not None}
        if "messages" not in said and "prompt" not in said:
            said = {"prompt": said["input"]}
        count = count_prompt(said, name, files, size_of)
    return Counted(name, count.tokens, count.exact, _shown(name, tokenizer))


def _kind(given: object) -> str:
    """What was given instead, but for what it says."""
    return "a mapping without them" if isinstance(given, Mapping) else f"{type(given).__name__}"


def _shown(model: str, tokenizer: Tokenizer) -> str:
    if isinstance(tokenizer, Encoding):
        return encoding_name(model) or tokenizer.name
    return tokenizer.name.replace("\\", "/").rpartition("/")[2]
