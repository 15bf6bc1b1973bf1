"""Tokens of a completion: its text, its refusal and its calls, and what stands around them (rules T5).

Tokens of thought that the reply does not show cannot be counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from .families import CLASSIC, Count, Family, family_of
from .history import Calls, calls_of
from .models import bare_name
from .schema import format_text
from .tokenizers import Tokenizer, tokenizer_for
from .tools import functions_of, named_choice

__all__ = ["count_completion"]

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Ends:
    """Tokens around what a model says."""

    text: int = 0
    thought: int = 0
    """Instead of `text` after thoughts."""
    offered: int = 1
    """Added to a text where functions were offered; `formatted`: where its form was prescribed, too."""
    formatted: int = 5
    call: int = 4
    """Around the recipient and the arguments of a call."""
    calls: int = 2
    """Around several calls, which are wrapped in one."""
    chosen: int = 0
    """Around the arguments of a function that the request chose."""
    settled: bool = True
    """The evidence agrees."""


_REFUSAL = 1
_CLASSIC = _Ends()
_GPT5 = _Ends(3, 9, 0, 0, 7, 0, 7, False)
_O = _Ends(12, 12, 2, 2, 18, 18, 13, False)

_ENDS: Mapping[str, _Ends] = MappingProxyType(
    {
        "classic": _CLASSIC,
        "first": replace(_CLASSIC, call=1, settled=False),
        "search": replace(_CLASSIC, settled=False),
        "gpt-5": _GPT5,
        "o": replace(_O, offered=0, formatted=0, call=13),
        "o-mini": _O,
        "o-preview": _O,
    }
)
_PLAIN = _Ends(0, 0, 0, 0, 0, 0, 0, False)
_THINKS = replace(_GPT5, text=9, call=13, chosen=13)
"""The first models of their kind think in any case, whether they show it or not."""
_FIRST_GPT5 = re.compile(r"gpt-5(?![.\d])")


def count_completion(
    messages: Iterable[Any],
    model: str | None = None,
    files: Mapping[str, str] = MappingProxyType({}),
    body: Fields | None = None,
    cut: bool = False,
    azure: bool = False,
) -> Count:
    """The tokens of a reply's messages, one per choice: `content`, `reasoning_content`, `refusal`, `tool_calls`.

    `body` is the request; `cut`: the reply was ended at its limit, so that it lacks what ends it; `azure`: Azure's
    servers count what ends a reply.  Not for an event loop.  Never raises.
    """
    tokenizer, family = tokenizer_for(model, files), family_of(model)
    ends = _ends_of(model, family)
    request = body or {}
    offered = bool(functions_of(request)[0])
    chosen = named_choice(request) is not None
    end = 0
    if offered:
        end = ends.formatted if format_text(request.get("response_format")) else ends.offered
    tokens, exact = 0, ends.settled
    for message in messages:
        if not isinstance(message, dict):
            continue
        calls = calls_of(message)
        text, thought = _texts(message, tokenizer)
        if not (text or thought or calls):
            continue
        exact = exact and not thought and (not calls or (len(calls) == 1 and not text and family is CLASSIC))
        tokens += text + thought + _calls(calls, chosen, ends, tokenizer)
        if not calls and not cut:
            tokens += (ends.thought if thought else ends.text) + end
            tokens += _REFUSAL if _is_refusal(message) else 0
        elif calls and text:
            tokens += end
        tokens += 1 if azure and family is not None and family.name != "first" and not cut else 0
    return Count(tokens, exact and tokenizer.exact and tokens > 0)


def _ends_of(model: str | None, family: Family | None) -> _Ends:
    if family is None:
        return _PLAIN
    if family.name == "gpt-5" and _FIRST_GPT5.match(bare_name(model or "")):
        return _THINKS
    return _ENDS.get(family.name, _PLAIN)


def _texts(message: Fields, tokenizer: Tokenizer) -> tuple[int, int]:
    """Tokens of what is said, and of what is thought."""
    said = sum(tokenizer.count(each) for each in (_text(message.get(key)) for key in ("content", "refusal", "text")))
    return said, tokenizer.count(_text(message.get("reasoning_content")))


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(_text(part.get("text")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _is_refusal(message: Fields) -> bool:
    return bool(_text(message.get("refusal")))


def _calls(calls: Calls, chosen: bool, ends: _Ends, tokenizer: Tokenizer) -> int:
    """The calls: each is sent to a recipient; where the request chose it, the model is given it."""
    if not calls:
        return 0
    if len(calls) > 1:
        uses = ",".join(f'{{"recipient_name":"functions.{call.name}","parameters":{call.arguments}}}' for call in calls)
        return ends.calls + tokenizer.count(f' to=multi_tool_use.parallel{{"tool_uses":[{uses}]}}')
    call = calls[0]
    if chosen:
        return ends.chosen + tokenizer.count(call.arguments)
    return ends.call + tokenizer.count(f" to=functions.{call.name}") + tokenizer.count(call.arguments)
