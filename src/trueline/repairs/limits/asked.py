"""What a request asks of the text of its reply: stop strings, a limit, JSON, calls of tools."""

from __future__ import annotations

from typing import Any, Final

from ...context import Enforce, ReplyContext

__all__ = [
    "CALLS",
    "FORMAT",
    "LIMIT",
    "LIMITS",
    "MAX_STOP",
    "MAX_STOPS",
    "STOP",
    "asks",
    "is_within",
    "json_format",
    "limit_of",
    "stops_of",
]

Fields = dict[str, Any]

STOP: Final = 1
LIMIT: Final = 2
FORMAT: Final = 4
CALLS: Final = 8

MAX_STOP = 1024
"""Characters of a stop string that is looked for: each end of a text of that length is compared with it."""
MAX_STOP_TEXT = 4096
"""Characters of all of them."""
MAX_STOPS = 64
"""Stop strings that are looked for: OpenAI takes four, other servers more."""

LIMITS: Final = frozenset(("stop", "max_tokens", "max_completion_tokens"))
"""The fields that say where a reply has to end."""

_JSON = ("json_object", "json_schema")


def asks(context: ReplyContext) -> int:
    """Which of these checks have anything to do in an exchange; two exchanges with the same options and the same answer
    here are looked at alike.
    """
    body, enforce = context.request.body, context.options.enforce
    asked = 0
    if "stop" in body and enforce.stop != "off" and stops_of(body):
        asked |= STOP
    if ("max_tokens" in body or "max_completion_tokens" in body) and enforce.max_tokens != "off" and limit_of(body):
        asked |= LIMIT
    if context.chat:
        asked |= _asks_answer(body, enforce)
    return asked


def _asks_answer(body: Fields, enforce: Enforce) -> int:
    asked = 0
    if "response_format" in body and enforce.response_format != "off" and json_format(body):
        asked |= FORMAT
    if enforce.tool_choice != "off" and ("tool_choice" in body or "function_call" in body):
        asked |= CALLS
    return asked


def stops_of(body: Fields) -> tuple[str, ...]:
    """The stop strings; none where the text may rightly hold one: echoed, kept, or not looked for at first."""
    given = body.get("stop")
    if not given or body.get("echo") or body.get("include_stop_str_in_output") or body.get("min_tokens"):
        return ()
    words = [given] if isinstance(given, str) else given if isinstance(given, list) else []
    stops: dict[str, None] = {}
    left = MAX_STOP_TEXT
    for word in words[:MAX_STOPS]:
        if isinstance(word, str) and 0 < len(word) <= min(MAX_STOP, left) and word not in stops:
            stops[word] = None
            left -= len(word)
    return tuple(stops)


def limit_of(body: Fields) -> int | None:
    """How many tokens were asked for at most; None where that is no limit of the text: none, zero, or with an echo."""
    if body.get("echo"):
        return None
    one, two = body.get("max_completion_tokens"), body.get("max_tokens")
    if type(one) is not int or one <= 0:
        return two if type(two) is int and two > 0 else None
    return min(one, two) if type(two) is int and two > 0 else one


def json_format(body: Fields) -> str | None:
    """`json_object` or `json_schema`, where the answer is asked for as such."""
    asked = body.get("response_format")
    kind = asked.get("type") if isinstance(asked, dict) else None
    return kind if kind in _JSON else None


def is_within(context: ReplyContext, texts: list[str], size: int, completion: int) -> bool:
    """Whether a whole reply plainly ends where it should: with these texts, of no more than `size` bytes, and so many
    tokens by its own report (0: none is known).
    """
    body, enforce = context.request.body, context.options.enforce
    limit = limit_of(body) if enforce.max_tokens != "off" else None
    if limit is not None and size > limit and not (enforce.max_tokens == "auto" and 0 < completion <= limit):
        return False
    if limit is not None and completion == limit:
        context.kept = True
    stops = stops_of(body) if enforce.stop != "off" else ()
    return not any(stop in text for stop in stops for text in texts)
