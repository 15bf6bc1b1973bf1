"""Log probabilities of a text that is cut: which entries stand on either side."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

__all__ = ["joined", "parted", "size_of", "widths"]

_LEGACY = ("tokens", "token_logprobs", "top_logprobs", "text_offset")
"""What a legacy completion has, side by side."""
_CHAT = ("content",)
_ESCAPED = "bytes:"
"""How OpenAI begins the text of a token that ends inside a character; each of its bytes follows as `\\xNN`."""


def size_of(text: str) -> int:
    """Bytes of UTF-8; a lone surrogate has three."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def widths(logprobs: Any) -> list[int] | None:
    """The bytes of each token of a content; None where that is not told."""
    if not isinstance(logprobs, dict):
        return None
    tokens = logprobs.get("tokens")
    if not isinstance(tokens, list):
        tokens = logprobs.get("content")
    if not isinstance(tokens, list):
        return None
    sizes = [_width(token) for token in tokens]
    return sizes if -1 not in sizes else None


def _width(token: Any) -> int:
    raw = token.get("bytes") if isinstance(token, dict) else None
    text = token.get("token") if isinstance(token, dict) else token
    if isinstance(raw, list):
        return len(raw)
    if not isinstance(text, str):
        return -1
    return text.count("\\x") if text.startswith(_ESCAPED) else size_of(text)


def parted(logprobs: Any, size: int) -> tuple[Any, Any]:
    """What stands before and behind the first `size` bytes of the text; a token on both sides stands behind them."""
    sizes = widths(logprobs)
    if sizes is None:
        return logprobs, logprobs
    number = sum(end <= size for end in accumulate(sizes))
    return _sliced(logprobs, 0, number), _sliced(logprobs, number, len(sizes))


def joined(first: Any, second: Any) -> Any:
    """The entries of two pieces, one after the other."""
    if not isinstance(first, dict) or not isinstance(second, dict):
        return first if isinstance(first, dict) else second
    both = dict(second)
    for name in (*_CHAT, *_LEGACY):
        one, two = first.get(name), second.get(name)
        if isinstance(one, list):
            both[name] = [*one, *(two if isinstance(two, list) else ())]
    return both


def _sliced(logprobs: dict[str, Any], start: int, end: int) -> dict[str, Any]:
    names = _LEGACY if isinstance(logprobs.get("tokens"), list) else _CHAT
    parts = {name: value[start:end] for name, value in logprobs.items() if name in names and isinstance(value, list)}
    return {**logprobs, **parts}
