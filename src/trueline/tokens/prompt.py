"""Tokens of a prompt: a chat request's messages, tools and response format (rules T2-T4), or a completion's prompt.

A count never fails: what is not text, or not of a known kind, counts as what it says, or as nothing, and makes the
count inexact.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from .families import CLASSIC, Count, Family, family_of
from .history import calls_of, calls_tokens
from .images import SizeOf, part_tokens
from .schema import format_text
from .tokenizers import ESTIMATE, Tokenizer, tokenizer_for
from .tools import Functions, functions_of, named_choice, namespace_of
from .typescript import literal

__all__ = ["count_prompt"]

MESSAGE = 3
"""Around the head and the text of every message: what opens it, what parts the two, what ends it."""

Fields = dict[str, Any]


def count_prompt(
    body: Fields,
    model: str | None = None,
    files: Mapping[str, str] = MappingProxyType({}),
    size_of: SizeOf | None = None,
) -> Count:
    """The tokens of a chat request's prompt, or of the `prompt` of a completion request.

    `model` is the name to count for, where it is not the request's own; `files` are the tokenizers that settings give;
    `size_of` is asked for pictures that the request only refers to.
    Not for an event loop: the vocabulary may need to be loaded, and a long prompt takes long.
    """
    named = body.get("model")
    name = model or (named if isinstance(named, str) else None)
    tokenizer = tokenizer_for(name, files)
    if "messages" not in body and "prompt" in body:
        return _count_texts(body["prompt"], tokenizer)
    family = family_of(name)
    counter = _Counter(tokenizer, family or CLASSIC, name, size_of)
    tokens = counter.count(body)
    return Count(tokens, counter.exact and tokenizer.exact and family is not None)


def _count_texts(prompt: Any, tokenizer: Tokenizer) -> Count:
    """A prompt: a text, token ids, or a list of either."""
    prompts = prompt if isinstance(prompt, list) else [prompt]
    ids = sum(type(each) is int for each in prompts)
    ids += sum(len(each) for each in prompts if isinstance(each, list))
    texts = [each for each in prompts if isinstance(each, str)]
    known = all(isinstance(each, str | int | list) for each in prompts)
    tokens = ids + sum(map(tokenizer.count, texts))
    return Count(tokens, known and tokenizer.exact)


class _Counter:
    """The count of one request."""

    def __init__(self, tokenizer: Tokenizer, family: Family, model: str | None, size_of: SizeOf | None) -> None:
        self._count = tokenizer.count
        self._family = family
        self._model = model
        self._size_of = size_of
        self.exact = True

    def count(self, body: Fields) -> int:
        """The tokens of the whole prompt."""
        messages = body.get("messages")
        known = [message for message in messages if isinstance(message, dict)] if isinstance(messages, list) else []
        self.exact = isinstance(messages, list) and len(known) == len(messages) and self._family.settled
        self.exact = self.exact and all(body.get(key) is None for key in _UNTOLD)
        functions, all_known = functions_of(body)
        system = next((at for at, message in enumerate(known) if _string(message.get("role")) in _SYSTEM), None)
        joined = system if functions and self._family.joined else None
        names: dict[str, str] = {}
        tokens = self._family.primer
        for at, message in enumerate(known):
            tokens += self._message(message, names, "\n\n" if at == joined else "")
        if functions:
            tokens += self._functions(body, functions, joined is not None)
        self.exact = self.exact and all_known
        return tokens + self._format(body, system is not None or bool(functions))

    def _message(self, message: Fields, names: dict[str, str], ending: str) -> int:
        role = _string(message.get("role"))
        calls = calls_of(message)
        for call in calls:
            names[call.id] = call.name
        if role in {"tool", "function"}:
            return self._result(message, names)
        content = self._content(message.get("content"), ending)
        refusal = message.get("refusal")
        if isinstance(refusal, str):
            content += self._count(refusal)
        if not calls:
            return self._head(message) + content
        self.exact = False
        # a call is a message of its own; the text that comes with it, another one before it
        tokens = self._head(message) + content if content else 0
        return tokens + calls_tokens(calls, self._family, self._count)

    def _head(self, message: Fields) -> int:
        """The role and the name."""
        role, name = _string(message.get("role")), message.get("name")
        tokens = MESSAGE
        if role in _ROLES:
            tokens += 1
        else:
            tokens += self._inexact(role)
        if role == "assistant":
            tokens += self._family.channel
        if isinstance(name, str) and name:
            tokens += self._count(name) + 1
        return tokens

    def _result(self, message: Fields, names: dict[str, str]) -> int:
        """What a function returned: its author is the function."""
        self.exact = False
        named, called = message.get("name"), names.get(_string(message.get("tool_call_id")))
        name = called or _string(named)
        return self._family.result + self._count(f"functions.{name}") + self._content(message.get("content"), "")

    def _content(self, content: Any, ending: str) -> int:
        """The text of a message, or of its parts."""
        if isinstance(content, str):
            return self._count(content + ending)
        if content is None:
            return self._count(ending)
        if not isinstance(content, list):
            return self._inexact(literal(content)[:4096])
        last = len(content) - 1
        return sum(self._part(part, ending if at == last else "") for at, part in enumerate(content))

    def _part(self, part: Any, ending: str) -> int:
        if isinstance(part, str):
            return self._count(part + ending)
        if not isinstance(part, dict):
            return self._inexact(ending)
        text = part.get(_TEXTS.get(_string(part.get("type")), ""))
        if isinstance(text, str):
            return self._count(text + ending)
        other = part_tokens(part, self._model, self._size_of)
        if other is None:
            return self._inexact(ending)
        self.exact = self.exact and other.exact
        return other.tokens + self._count(ending)

    def _inexact(self, text: str) -> int:
        self.exact = False
        return self._count(text)

    def _functions(self, body: Fields, functions: Functions, joined: bool) -> int:
        """The functions, and which of them is to be called."""
        family = self._family
        namespace = namespace_of(functions, family.bounds)
        self.exact = self.exact and namespace.settled and family.tools_settled
        tokens = family.tools + self._count(namespace.text) + ESTIMATE.count(namespace.left_out)
        if joined:
            tokens += family.joined
        if not functions[0].get("description"):
            tokens += family.undescribed
        name = named_choice(body)
        if name is not None and family.chosen is not None:
            return tokens + family.chosen + self._count(f" to=functions.{name}")
        choice = body.get("tool_choice") or body.get("function_call")
        return tokens + (family.none if choice == "none" else 0)

    def _format(self, body: Fields, system: bool) -> int:
        """The structured output that is asked for."""
        text = format_text(body.get("response_format"))
        if not text:
            return 0
        return self._inexact(text) + (self._family.format_joined if system else self._family.format)


_UNTOLD = ("web_search_options", "audio", "prediction")
"""Members of a request of whose cost nothing is known."""
_SYSTEM = frozenset({"system", "developer"})
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
"""Each is one token in every encoding."""
_TEXTS = {"text": "text", "refusal": "refusal", "input_text": "text", "output_text": "text"}
"""Type of a part -> where its text is."""


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""
