"""Tells what a server does not support from what it gets wrong, and both from one that could not be asked.

status of the reply            asked for what all servers do      asked for a feature
2xx                            judged                             judged
400 409 415 422                wrong: a good request refused      unsupported
404 405 410 501                unsupported                        unsupported
401 403                        unreachable: the key is refused
402 429                        skipped: no money, too many requests
5xx                            unreachable; but unsupported where the message says that it is the request's fault
no reply                       unreachable
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..dialects.error_bodies import read_error
from .model import Exchange, Expect, Issue, Verdict

__all__ = ["Standing", "blames_the_key", "expected", "honest_failure", "standing"]

_ABSENT = (404, 405, 410, 501)
_LACKS = re.compile(
    r"unsupported|not support|n.t support|unknown (?:parameter|field)|unrecognized|unexpected (?:endpoint|field)"
    r"|not (?:permitted|allowed|available|implemented|enabled)|requires? |is not a|no such|must be (?:enabled|set)",
    re.IGNORECASE,
)
_RATE = re.compile(r"rate.?limit|too many requests|quota|capacity_exceeded|RESOURCE_EXHAUSTED", re.IGNORECASE)
_CONTEXT = re.compile(r"context (?:length|window|size)|maximum context|too long|too many tokens", re.IGNORECASE)
_ABOUT_KEYS = re.compile(r"\bkey|auth|\btoken\b|credential|log ?in", re.IGNORECASE)
_ABOUT_RIGHTS = re.compile(
    r"forbidden|denied|permi(?:t|ssion)|not allowed|country|region|firewall|blocked", re.IGNORECASE
)
_GATEWAY = (502, 503, 504)
"""Statuses of whoever stands before a server that cannot be reached, or is overloaded."""
_SHOWN = 160


class Standing(NamedTuple):
    """How an exchange stands before its content is judged; None: it was answered."""

    verdict: Verdict | None
    reason: str = ""
    issues: tuple[Issue, ...] = ()


def standing(exchange: Exchange, feature: str | None) -> Standing:
    """The verdict on an exchange that ought to succeed."""
    status = exchange.status
    if status == 0:
        return Standing("unreachable", exchange.why or "no reply")
    if exchange.answered:
        failed = honest_failure(exchange)
        return Standing("unreachable", f"the stream failed: {failed}") if failed else Standing(None)
    message = _message(exchange)
    reason = f"{status}: {message}"
    issues = tuple(_misnamed(exchange, message))
    if status in (401, 403):
        verdict: Verdict = "skipped" if _RATE.search(message) else "unreachable"
    elif status in (402, 429) or _RATE.search(message):
        verdict = "skipped"
    elif status in _ABSENT:
        verdict = "unsupported"
        issues += _named_absence(exchange)
    elif status >= 500:
        verdict = "unsupported" if feature is not None and _LACKS.search(message) else "unreachable"
    elif feature is not None:
        verdict = "unsupported"
        issues += _named_absence(exchange)
    else:
        verdict = "wrong"
        issues += (Issue.of("must", "good-request-refused", f"a good request is refused with {status}", message),)
    return Standing(verdict, reason, issues)


def expected(exchange: Exchange, expect: Expect, feature: str | None) -> Standing:
    """The verdict on an exchange that ought to be refused."""
    status = exchange.status
    if status == 0:
        return Standing("unreachable", exchange.why or "no reply")
    if exchange.answered:
        return _let_in(exchange, expect, feature)
    message = _message(exchange)
    if status == 429 and (_RATE.search(message) or _error(exchange).get("type") != "invalid_request_error"):
        return Standing("skipped", f"{status}: {message}")
    if status in _GATEWAY and not (_LACKS.search(message) or _CONTEXT.search(message) or "nvalid" in message):
        return Standing("unreachable", f"{status}: {message}")
    if status in (401, 403) and status not in expect.statuses and _refuses_the_key(message):
        return Standing("unreachable", f"{status}: {message}")
    if feature == "keys" and status not in expect.statuses and not _ABOUT_KEYS.search(message):
        return Standing("unsupported", "the server asks for no key")
    return Standing(None, "", tuple(_refused_badly(exchange, expect, message)))


def _refuses_the_key(message: str) -> bool:
    """Is it the key that is refused, and not the request?"""
    return bool(_ABOUT_KEYS.search(message) or _ABOUT_RIGHTS.search(message))


def blames_the_key(exchange: Exchange, expect: Expect) -> Issue | None:
    """What is wrong with a refusal of the key where the key is known to be good; None where it refuses no key."""
    if exchange.status != 401 or exchange.status in expect.statuses:
        return None
    text = f"OpenAI refuses this with {' or '.join(map(str, expect.statuses))}, the server with 401, as if by the key"
    return Issue.of("exact", "status-other", text, _message(exchange), rule="X")


def _let_in(exchange: Exchange, expect: Expect, feature: str | None) -> Standing:
    if _error_inside(exchange):
        text = f"a request that OpenAI refuses with {expect.statuses[0]} is refused under status 200"
        return Standing(None, "", (Issue.of("must", "err-200-for-4xx", text, _start(exchange), rule="X"),))
    if not expect.strict:
        # A server without keys lacks a feature; one that takes more than OpenAI lacks nothing.
        return Standing("unsupported", "the server asks for no key") if feature == "keys" else Standing(None)
    text = f"a request that OpenAI refuses with {expect.statuses[0]} is answered"
    issue = Issue.of("exact", "err-200-for-4xx", text, _start(exchange), rule="X")
    return Standing(None, "", (issue,))


def _refused_badly(exchange: Exchange, expect: Expect, message: str) -> list[Issue]:
    status, issues = exchange.status, []
    if status >= 500:
        text = f"a bad request is answered with {status}, which clients repeat in vain"
        issues.append(Issue.of("must", "err-500-for-4xx", text, message, rule="X"))
    elif status not in expect.statuses:
        text = f"OpenAI refuses this with {' or '.join(map(str, expect.statuses))}, the server with {status}"
        issues.append(Issue.of("exact", "status-other", text, message, rule="X"))
    elif expect.code is not None and (code := _error(exchange).get("code")) != expect.code:
        text = f"the error's code is {code!r}, where OpenAI says {expect.code!r}"
        # Clients act on the status; a code of the server's own is a word like another.
        issues.append(Issue.of("legal", "code-other", text, rule="X"))
    issues += _misnamed(exchange, message)
    return issues


def _misnamed(exchange: Exchange, message: str) -> list[Issue]:
    """What a status or a code hides from clients that act on it."""
    issues = []
    if exchange.status != 429 and exchange.status != 402 and _RATE.search(message):
        text = f"a rate limit comes as {exchange.status}, where clients wait only at 429"
        issues.append(Issue.of("must", "err-429-as-other", text, message, rule="X"))
    if _CONTEXT.search(message):
        if exchange.status >= 500:
            text = f"a prompt that is too long is answered with {exchange.status}, which clients repeat in vain"
            issues.append(Issue.of("must", "err-500-for-4xx", text, message, rule="X"))
        elif _error(exchange).get("code") != "context_length_exceeded":
            text = "the error of a prompt that is too long has no code `context_length_exceeded`"
            issues.append(Issue.of("exact", "err-context-code", text, message, rule="X"))
    return issues


def _named_absence(exchange: Exchange) -> tuple[Issue, ...]:
    """Ids of the catalogue for what servers often lack: remarks, not faults."""
    request = exchange.request
    if exchange.endpoint in ("models", "model") and exchange.status == 404:
        return (Issue.of("legal", "models-endpoint-404", "there is no list of models"),)
    blamed = f"{_error(exchange).get('param')} {_message(exchange)}"
    if exchange.endpoint == "chat" and request.get("stream_options") and "stream_options" in blamed:
        return (Issue.of("legal", "usage-flag-rejected", "stream_options is refused"),)
    if exchange.endpoint == "images" and request.get("response_format") and "response_format" in blamed:
        text = "response_format is refused, as it is by OpenAI's GPT image models"
        return (Issue.of("legal", "img-response-format-rejected", text),)
    return ()


def _error(exchange: Exchange) -> dict[str, object]:
    found = exchange.json.get("error") if isinstance(exchange.json, dict) else None
    return found if isinstance(found, dict) else {}


def _error_inside(exchange: Exchange) -> bool:
    body = exchange.json
    if not isinstance(body, dict):
        return not exchange.heard.streamed
    return bool(body.get("error")) or not ({"choices", "data"} & set(body))


def honest_failure(exchange: Exchange) -> str:
    """What a stream says that ends in an error of OpenAI's own form, with all four keys and [DONE]; else nothing."""
    if not exchange.heard.streamed or not exchange.body.endswith(b"data: [DONE]\n\n") or not exchange.heard.payloads:
        return ""
    last = exchange.heard.payloads[-1]
    error = last.get("error") if isinstance(last, dict) else None
    if not isinstance(error, dict) or set(error) != {"message", "type", "param", "code"}:
        return ""
    return str(error["message"] or "no message")[:_SHOWN]


def _start(exchange: Exchange) -> str:
    return exchange.body[:_SHOWN].decode("utf-8", "replace")


def _message(exchange: Exchange) -> str:
    text = read_error(exchange.status, exchange.headers, exchange.body).message
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
