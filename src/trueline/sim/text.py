"""The words of the answers: deterministic, so that a test can say what a client must receive.

`pieces` stands in for a tokenizer: one piece is one event of a stream and counts as one token.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

__all__ = ["answer_text", "count", "pieces", "pieces_of_length", "prompt_of", "text_of"]

ECHO = "echo: "
_PIECE = re.compile(r"\s*\S{1,8}|\s+")
_OPENINGS = ("Gladly", "With pleasure", "Certainly", "Of course")
_FILLER = (
    " The quick brown fox jumps over the lazy dog, while a café on the corner serves tea — and nobody is in a hurry."
)


def pieces(text: str) -> list[str]:
    """Cut a text into the pieces in which it is streamed; joined they are the text again."""
    return _PIECE.findall(text)


def count(text: str) -> int:
    """The tokens of a text, as this server counts."""
    return len(pieces(text))


def pieces_of_length(text: str, length: int) -> list[str]:
    """Exactly `length` pieces: the text, cut or prolonged with more sentences."""
    found = pieces(text)
    filler = pieces(_FILLER)
    while len(found) < length:
        found.extend(filler)
    return found[:length]


def text_of(content: Any) -> str:
    """The text of a message's content: a string, or its text parts joined."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(text for text in texts if isinstance(text, str))
    return ""


def prompt_of(messages: Sequence[Any]) -> str:
    """The text of the last user message."""
    for message in reversed(messages):
        if isinstance(message, dict) and message.get("role") == "user":
            return text_of(message.get("content"))
    return ""


def answer_text(prompt: str, index: int = 0) -> str:
    """What the model says to a prompt, as choice `index`: the words after `echo: `, else a pleasant sentence."""
    _, echo, wanted = prompt.partition(ECHO)
    if echo:
        return wanted
    opening = _OPENINGS[index % len(_OPENINGS)]
    subject = " ".join(prompt.split())[:80]
    about = f"you asked about “{subject}”, and" if subject else "you asked nothing, and"
    return f"{opening}: {about} here is a short answer from a simulated model. ☕ It is always the same — enjoy."
