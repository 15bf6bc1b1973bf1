"""The families of OpenAI's chat models: what a prompt and a reply have around their text (rules T2, T3, T5).

Numbers are fitted to recorded usage; docs/tokens.md says how well each holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from .models import bare_name

__all__ = ["CLASSIC", "Count", "Family", "family_of"]


@dataclass(frozen=True, slots=True)
class Count:
    """Tokens of a prompt or a reply; `exact`: the rules for its kind were right on all evidence."""

    tokens: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Family:
    """Tokens around the text of a prompt."""

    name: str
    primer: int
    """What opens the reply, after the last message."""
    channel: int
    """What an assistant's message has in its head besides the role."""
    tools: int
    """Around the namespace of functions."""
    undescribed: int
    """Added where the first function has no description."""
    joined: int
    """Added where the functions share a message with the system's text; 0: they have one of their own."""
    chosen: int | None
    """Around the recipient that the request chooses; None: the choice is not shown to the model."""
    none: int
    """For the choice of no function."""
    call: int
    """Around the recipient and the arguments of a call in the history."""
    result: int
    """Around the name of a function and what it returned."""
    format: int
    """Around the schema of a structured output, where there is no system message; `format_joined`: where there is."""
    format_joined: int
    settled: bool = True
    """The evidence agrees; False: what these numbers give is not exact."""
    tools_settled: bool = True
    """The same for requests with functions."""
    bounds: bool = True
    """The bounds and formats of parameters are shown."""


CLASSIC = Family(
    "classic", primer=3, channel=0, tools=9, undescribed=0, joined=-4, chosen=4, none=1,
    call=6, result=5, format=9, format_joined=0,
)  # fmt: skip
CL100K = replace(CLASSIC, result=4)
FIRST = replace(CLASSIC, name="first", chosen=1, call=2, result=1, tools_settled=False, bounds=False)
"""The models of June 2023: their functions are shown without what later came to be shown."""
O_MINI = replace(CLASSIC, name="o-mini", primer=2, tools=10, joined=-1, chosen=None, none=0, format=0, format_joined=0)
O_PREVIEW = replace(O_MINI, name="o-preview", channel=2, settled=False)
O_LARGE = replace(O_MINI, name="o", call=8, result=6)
GPT5 = replace(O_MINI, name="gpt-5", channel=2, tools=91, undescribed=-1, call=9, result=8)
SEARCH = replace(CLASSIC, name="search", settled=False)

_FAMILIES = tuple(
    (re.compile(pattern), family)
    for pattern, family in (
        (r"gpt-5-chat", CLASSIC),
        (r"gpt-(?:[5-9]|[12]\d)(?![a-z0-9])|chatgpt-[5-9]|codex-mini", GPT5),
        (r"o1-(?:mini|preview)", O_PREVIEW),
        (r"o1(?![a-z0-9.])|o3-mini", O_MINI),
        (r"o[1-9](?![a-z0-9.])", O_LARGE),
        (r"gpt-[\w.-]*-search", SEARCH),
        (r"gpt-4(?:-32k)?(?:-0[36]\d\d)?$|gpt-3\.?5-turbo(?:-16k)?-0[36]\d\d$", FIRST),
        (r"gpt-3|gpt-4(?![a-z0-9.])", CL100K),
        (r"gpt-4|chatgpt-4o|gpt-audio", CLASSIC),
    )
)


def family_of(model: str | None) -> Family | None:
    """The family of an OpenAI model by its name; None for any other."""
    name = bare_name(model) if model else ""
    return next((family for pattern, family in _FAMILIES if pattern.match(name)), None)
