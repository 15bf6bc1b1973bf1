"""What a server does not take, told from the error with which it refused a request.

Only what has another form is looked for: what was asked for can then be asked for again in that form.  Words alone are
not enough: the request must hold what the error complains of, and the error must complain of its being there, not of
its value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from ...errors import UpstreamReplyError

__all__ = ["Lesson", "lesson_in"]

STATUSES: Final = (400, 404, 422)
"""Of refusals: `read_error` makes 400 of 422, and some servers say 404 for a field that they do not know."""


class Lesson(NamedTuple):
    """What is now known of a server: a field of `providers.Capabilities`, and its value."""

    field: str
    value: Any


def lesson_in(error: UpstreamReplyError, body: Mapping[str, Any]) -> Lesson | None:
    """What an error tells about the server, given the members of the request that it answered."""
    if error.status not in STATUSES:
        return None
    said = error.message.lower()
    for holds, refused, lesson in _LESSONS:
        if holds(body) and refused(error, said):
            return lesson
    return None


# -- what errors say --------------------------------------------------------------------------------------------------

_COMPLAINTS = (
    r"(?:unsupported|unknown|unrecogni[sz]ed|unexpected|invalid|extra|additional)(?: \w+)?"
    r" (?:parameters?|arguments?|fields?|keys?|names?|property|properties|inputs?)(?: supplied)?[^\w.]{{0,4}}{name}\b",
    r"(?:unknown|unexpected|unsupported|unrecogni[sz]ed)\W{{1,3}}{name}\b",
    r"(?:additional|extra) (?:properties|fields)[^.]{{0,40}}\b{name}\b",
    r"\b{name}\b[^\w]{{0,4}}(?:(?:field|parameter|argument|option)s? )?(?:is|are|was) "
    r"(?:not (?:yet )?(?:supported|permitted|allowed|recogni[sz]ed|known|available|implemented|a valid)"
    r"|unsupported|unknown|unexpected)",
    r"\b{name}\b\W{{0,6}}(?:msg\W{{0,6}})?(?:extra (?:inputs?|fields) (?:(?:are|is) )?not permitted|unknown field)",
    r"(?:does not|doesn't|do not) (?:yet )?(?:support|accept|allow|recogni[sz]e|know)(?: the)?"
    r"(?: (?:parameter|field|argument|option))?\W{{1,3}}{name}\b(?! (?:larger|greater|above|over|more|of|=|>))",
    r"cannot find field[^.]{{0,20}}\b{name}\b",
)
_UNKNOWN_CODES = frozenset(("unsupported_parameter", "unknown_parameter", "unrecognized_parameter", "extra_forbidden"))


@lru_cache(maxsize=64)
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile("|".join(each.format(name=re.escape(name)) for each in _COMPLAINTS))


Refused = Callable[[UpstreamReplyError, str], bool]


def _parameter(name: str, instead: str | None = None) -> Refused:
    """The parameter is not known; `instead`: or the server names what it knows."""
    use = re.compile(rf"\buse\b\W{{0,3}}(?:the )?\W?{instead}\b[^.]{{0,20}}instead") if instead else None

    def refused(error: UpstreamReplyError, said: str) -> bool:
        if error.param == name and error.code in _UNKNOWN_CODES:
            return True
        return bool(_pattern(name).search(said)) or bool(use and use.search(said))

    return refused


_ONE_CHOICE = re.compile(
    r"only one (?:completion )?choice|only (?:supports? )?n ?= ?1\b|\bn ?> ?1\b"
    r"|'?\bn\b'? ?must be (?:at most )?(?:1|one)\b"
    r"|'?\bn\b'?[ :]+(?:number )?must be (?:at most|less than or equal to|equal to) 1\b"
    r"|multiple (?:choices|completions|candidates) (?:is|are) not|best_of ?(?:must|>)"
)
_STRINGS_ONLY = re.compile(
    r"content\b[^.]{0,40}(?:must|should|has to) be (?:a |of type )?(?:valid )?string"
    r"|content\W{1,4}(?:input should be|expected) a (?:valid )?string"
    r"|expected a string, (?:but )?got (?:an? )?(?:array|list)"
    r"|invalid type: sequence, expected a string|cannot unmarshal array into go \w+ field [\w.]*content of type string"
)


def _choices(error: UpstreamReplyError, said: str) -> bool:
    return bool(_ONE_CHOICE.search(said)) or (error.param == "n" and _parameter("n")(error, said))


def _role(error: UpstreamReplyError, said: str) -> bool:
    return "developer" in said and any(word in said for word in ("role", "variant", "not one of", "expected"))


def _content(error: UpstreamReplyError, said: str) -> bool:
    return bool(_STRINGS_ONLY.search(said)) or (
        "valid string" in said
        and (error.param or "").startswith("messages")
        and (error.param or "").endswith("content")
    )


# -- what requests hold -----------------------------------------------------------------------------------------------


def _has(name: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda body: body.get(name) is not None


def _messages(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    messages = body.get("messages")
    return [each for each in messages if isinstance(each, dict)] if isinstance(messages, list) else []


def _has_developer(body: Mapping[str, Any]) -> bool:
    return any(message.get("role") == "developer" for message in _messages(body))


def _has_parts(body: Mapping[str, Any]) -> bool:
    return any(isinstance(message.get("content"), list) for message in _messages(body))


def _has_several(body: Mapping[str, Any]) -> bool:
    return type(body.get("n")) is int and body["n"] > 1


_LESSONS: tuple[tuple[Callable[[Mapping[str, Any]], bool], Refused, Lesson], ...] = (
    (
        _has("max_tokens"),
        _parameter("max_tokens", instead="max_completion_tokens"),
        Lesson("max_tokens_name", "max_completion_tokens"),
    ),
    (
        _has("max_completion_tokens"),
        _parameter("max_completion_tokens", instead="max_tokens"),
        Lesson("max_tokens_name", "max_tokens"),
    ),
    (_has("stream_options"), _parameter("stream_options"), Lesson("stream_options", False)),
    (_has_several, _choices, Lesson("n", False)),
    (_has("functions"), _parameter("functions"), Lesson("functions", False)),
    (_has_developer, _role, Lesson("developer_role", False)),
    (_has_parts, _content, Lesson("content_parts", False)),
)
