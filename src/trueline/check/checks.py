"""Checks of meaning: what a probe knows about its question, and the judge of forms cannot.

Each looks at an exchange that was answered, and yields issues.  They are wary: a model may be dull, terse or chatty
without being a wrong server, so only what no model could have caused counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ..wire import jsonio
from .heard import HeardChoice
from .model import EXCERPT, Exchange, Issue

__all__ = [
    "called",
    "calls_at_most_one",
    "calls_named",
    "calls_parse",
    "calls_something",
    "embeddings_as_asked",
    "false_length",
    "has_logprobs",
    "images_as_asked",
    "is_json",
    "limit_kept",
    "matches_schema",
    "no_calls",
    "no_replacement",
    "nobody_elses",
    "not_buffered",
    "not_prefilled",
    "same_usage",
    "same_vectors",
    "says_choices",
    "says_something",
    "stop_kept",
    "usage_plausible",
]

_MARK = re.compile(r"\b[a-z]{4,6}-\d\d\b")
_BUFFERED_SECONDS = 2.0
_BUFFERED_EVENTS = 20
_SAME_VECTOR = 0.02
_CERTAIN = 4
"""A count that is so many times the limit is no matter of how it was counted."""
_MOST_PER_CHARACTER = 4
"""Tokens per character: no tokenizer needs more for any text."""


def _limit(exchange: Exchange) -> int | None:
    limit = exchange.request.get("max_completion_tokens", exchange.request.get("max_tokens"))
    return limit if isinstance(limit, int) else None


def _complete(choice: HeardChoice) -> bool:
    """Did the choice end of itself?  A cut one proves nothing about its content."""
    return choice.finish not in (None, "length", "content_filter")


def says_something(exchange: Exchange) -> Iterator[Issue]:
    """A prompt that asks for words gets some."""
    choice = exchange.heard.first
    if not exchange.heard.choices or not _complete(choice) or choice.text.strip() or choice.calls or choice.refusal:
        return
    if choice.reasoning.strip():
        text = "the content is empty, and all of the answer is in the reasoning"
        yield Issue.of("must", "reasoning-holds-answer", text, choice.reasoning)
    elif (exchange.heard.tokens("completion_tokens") or 0) > 1 and b'"images"' not in exchange.body:
        yield Issue.of("must", "text-lost", "tokens were counted, and there is no text", rule="C6")


def limit_kept(exchange: Exchange) -> Iterator[Issue]:
    """A long story under a limit of a few tokens is cut, and says so."""
    limit = _limit(exchange)
    choice = exchange.heard.first
    counted = exchange.heard.tokens("completion_tokens")
    if limit is None or not exchange.heard.choices:
        return
    # Reasoning models spend the limit on thoughts; words are counted in what is visible.
    words = len(choice.text.split())
    if words > limit or (counted is not None and counted > _CERTAIN * limit):
        text = f"{max(words, counted or 0)} words or tokens came under a limit of {limit} tokens"
        yield Issue.of("must", "max_completion_tokens-ignored", text, choice.text, rule="R1")
    elif choice.finish == "stop" and (counted == limit or words == limit):
        text = f"the reply was cut at {limit} tokens and ends in `stop`"
        yield Issue.of("must", "finish-length-masked", text, choice.text, rule="R1")


def false_length(exchange: Exchange) -> Iterator[Issue]:
    """`length` ends a reply that no limit can have cut."""
    limit = _limit(exchange)
    for choice in exchange.heard.choices.values():
        if choice.finish != "length" or limit is None or choice.reasoning or choice.calls:
            continue
        counted = exchange.heard.tokens("completion_tokens")
        if counted is None:
            counted = _MOST_PER_CHARACTER * len(choice.text)
        if counted < limit:
            text = f"`length` ends a reply of {counted} of {limit} tokens"
            yield Issue.of("must", "finish-length-false", text, choice.text, rule="R1")
            return


def stop_kept(exchange: Exchange) -> Iterator[Issue]:
    """The text ends before the stop string."""
    stop = exchange.request.get("stop")
    for word in [stop] if isinstance(stop, str) else stop or []:
        text = exchange.heard.first.text
        if word in text:
            echoed = text.rstrip().endswith(word)
            name = "stop-echoed" if echoed else "stop-ignored"
            yield Issue.of("must", name, f"the text contains the stop string {word!r}", text[-EXCERPT:], rule="R1")
            return


def says_choices(exchange: Exchange) -> Iterator[Issue]:
    """As many choices as were asked for."""
    wanted, got = exchange.request.get("n") or 1, len(exchange.heard.choices)
    if 0 < got < wanted:
        yield Issue.of("must", "n-ignored", f"{got} of {wanted} choices came", rule="N1")


def has_logprobs(exchange: Exchange) -> Iterator[Issue]:
    """Log probabilities that were asked for are there."""
    choice = exchange.heard.first
    if choice.text and not choice.logprobs:
        yield Issue.of("exact", "logprobs-asked", "log probabilities were asked for and did not come", rule="C12")
    if exchange.streaming and exchange.heard.choices and choice.finish is None:
        text = "a stream with log probabilities has no finish_reason"
        yield Issue.of("must", "finish-lost-with-logprobs", text, rule="C7")


def no_replacement(exchange: Exchange) -> Iterator[Issue]:
    """No character was broken on its way."""
    text = exchange.heard.first.text
    if "\ufffd" in text:
        at = text.index("\ufffd")
        around = text[max(at - 40, 0) : at + 40]
        yield Issue.of("must", "replacement-chars", "a character arrived as U+FFFD", around)


def not_prefilled(exchange: Exchange) -> Iterator[Issue]:
    """The answer does not repeat the assistant's last message."""
    last = str((exchange.request.get("messages") or [{}])[-1].get("content") or "")
    text = exchange.heard.first.text
    if last and text.lstrip().startswith(last):
        # A model may begin its sentence anew by itself, so this is a remark.
        yield Issue.of("legal", "prefill-echo", "the reply repeats the beginning that it was given", text)


def not_buffered(exchange: Exchange) -> Iterator[Issue]:
    """A stream comes as it is written, not at its end."""
    long = exchange.seconds >= _BUFFERED_SECONDS and exchange.body.count(b"\n\n") >= _BUFFERED_EVENTS
    if long and exchange.first_byte > 0.9 * exchange.seconds:
        text = f"nothing came for {exchange.first_byte:.1f} s, and then all of the stream at once"
        yield Issue.of("must", "buffered-stream", text)


def is_json(exchange: Exchange) -> Iterator[Issue]:
    """JSON mode gives JSON."""
    choice = exchange.heard.first
    text = choice.text.strip()
    if not text or not _complete(choice):
        return
    if text.startswith("```"):
        yield Issue.of("must", "json-mode-fenced", "JSON mode gave a fenced block of code", text)
    elif not _parses(text):
        yield Issue.of("must", "json-mode-broken", "JSON mode gave text that does not parse", text)


def matches_schema(exchange: Exchange) -> Iterator[Issue]:
    """The required fields of the schema are there, with their types."""
    text = exchange.heard.first.text.strip().removeprefix("```json").removeprefix("```").removesuffix("```")
    wanted = exchange.request.get("response_format") or {}
    schema = (wanted.get("json_schema") or {}).get("schema") or {}
    if text and _complete(exchange.heard.first) and _parses(text):
        for issue in _lacks(jsonio.decode(text.encode()), schema, "the answer", text):
            yield replace(issue, name="json-schema-not-kept")


_TYPES: dict[str, tuple[type, ...]] = {"string": (str,), "boolean": (bool,), "integer": (int,), "number": (int, float)}


def _lacks(value: Any, schema: dict[str, Any], what: str, excerpt: str) -> Iterator[Issue]:
    if not isinstance(value, dict):
        yield Issue.of("must", "schema-not-kept", f"{what} is no JSON object", excerpt)
        return
    for name in schema.get("required") or ():
        kinds = _TYPES.get((schema.get("properties") or {}).get(name, {}).get("type", ""), (object,))
        if not isinstance(value.get(name), kinds):
            yield Issue.of("must", "schema-not-kept", f"{what} does not match its schema at `{name}`", excerpt)


def _parses(text: str) -> bool:
    try:
        jsonio.decode_strict(text.encode("utf-8", "replace"))
    except jsonio.JSONError:
        return False
    return True


# ---- tools


def called(exchange: Exchange) -> Iterator[Issue]:
    """A call that is written as text is none."""
    text = exchange.heard.first.text
    if not exchange.heard.calls and re.search(r"<\|?(?:tool_call|function)|\[TOOL_CALLS\]|<\|python_tag\|>", text):
        yield Issue.of("must", "tool-markup-leak", "a tool call is printed as text", text)


def calls_something(
    exchange: Exchange, name: str = "tool_choice-required-ignored", what: str = "a tool call was required"
) -> Iterator[Issue]:
    """`required` means that a call comes."""
    choice = exchange.heard.first
    if exchange.heard.choices and not choice.calls and _complete(choice):
        yield Issue.of("must", name, f"{what} and none came", choice.text)
    yield from called(exchange)


def calls_named(exchange: Exchange) -> Iterator[Issue]:
    """A named tool is the one that is called."""
    wanted = ((exchange.request.get("tool_choice") or {}).get("function") or {}).get("name")
    yield from calls_something(exchange, "tool_choice-named-ignored", f"a call of {wanted} was required")
    for call in exchange.heard.calls:
        if call.name and str(wanted) not in call.name:
            text = f"the tool {wanted} was named, and another one was called"
            yield Issue.of("must", "tool_choice-named-ignored", text, call.name)


def no_calls(exchange: Exchange) -> Iterator[Issue]:
    """`none` means that no call comes."""
    if exchange.heard.calls:
        name = exchange.heard.calls[0].name
        yield Issue.of("must", "tool_choice-none-ignored", "tool calls were forbidden, and one came", name)


def calls_at_most_one(exchange: Exchange) -> Iterator[Issue]:
    """Without parallel calls there is one at most."""
    if len(exchange.heard.calls) > 1:
        text = "parallel tool calls were forbidden, and several came"
        yield Issue.of("must", "parallel-tool-calls-ignored", text)


def calls_parse(exchange: Exchange) -> Iterator[Issue]:
    """Arguments are JSON and hold what the tool requires."""
    if exchange.heard.first.finish == "length":
        return
    tools = {tool["function"]["name"]: tool["function"] for tool in exchange.request.get("tools") or ()}
    for call in exchange.heard.calls:
        if call.name == "multi_tool_use.parallel":
            text = "the call is of a tool that nobody offered"
            yield Issue.of("must", "multi_tool_use-parallel", text, call.arguments)
            continue
        if not call.arguments.strip() or call.name not in tools:
            continue  # the judge says what is wrong with these
        if not _parses(call.arguments):
            yield Issue.of("must", "tool-args-invalid-json", "the arguments do not parse", call.arguments)
            continue
        value = jsonio.decode(call.arguments.encode("utf-8", "replace"))
        if isinstance(value, str):
            yield Issue.of("must", "tool-args-double-encoded", "the arguments are JSON in JSON", call.arguments)
            continue
        yield from _lacks(value, tools[call.name].get("parameters") or {}, "the arguments", call.arguments)


# ---- usage


def usage_plausible(exchange: Exchange) -> Iterator[Issue]:
    """Something was read and something was written, so something was counted."""
    heard = exchange.heard
    if not heard.usage or not heard.first.text:
        return
    for name in ("prompt_tokens", "completion_tokens"):
        if heard.tokens(name) == 0:
            yield Issue.of("must", "usage-counts-nothing", f"usage counts no {name}", str(heard.usage))


def same_usage(exchanges: Sequence[Exchange]) -> Iterator[Issue]:
    """The same prompt has as many tokens whole as streamed."""
    counted = [exchange.heard.tokens("prompt_tokens") for exchange in exchanges if exchange.answered]
    if len(counted) == 2 and None not in counted and 0 not in counted and counted[0] != counted[1]:
        text = f"the same prompt has {counted[0]} tokens whole and {counted[1]} streamed"
        yield Issue.of("exact", "usage-differs-streamed", text, rule="U1")


# ---- several at once


def nobody_elses(exchanges: Sequence[Exchange]) -> Iterator[Issue]:
    """No reply has the words of another one, and no two have one id."""
    ids: set[str] = set()
    for exchange in exchanges:
        own = set(_MARK.findall(str(exchange.request.get("messages"))))
        foreign = set(_MARK.findall(exchange.heard.first.text)) - own
        others = {mark for each in exchanges for mark in _MARK.findall(str(each.request.get("messages")))}
        if foreign & others:
            text = "a reply has the text of another request"
            yield Issue.of("must", "text-of-another-request", text, exchange.heard.first.text)
        first = next((each for each in exchange.heard.payloads if isinstance(each, dict)), {})
        name = first.get("id")
        if isinstance(name, str) and name and name in ids and name not in ("null", "None"):
            yield Issue.of("exact", "id-shared", "several replies have one id", name, rule="I1")
        ids.add(str(name))


# ---- pictures and vectors


def images_as_asked(exchange: Exchange) -> Iterator[Issue]:
    """As many pictures as were asked for."""
    data = exchange.json.get("data") if isinstance(exchange.json, dict) else None
    wanted = exchange.request.get("n") or 1
    got = len([item for item in data if item]) if isinstance(data, list) else None
    if got is not None and got < wanted:
        yield Issue.of("must", "img-partial-n", f"{got} of {wanted} pictures came", rule="G1")


def _vectors(exchange: Exchange) -> list[Any]:
    data = exchange.json.get("data") if isinstance(exchange.json, dict) else None
    return [item.get("embedding") for item in data if isinstance(item, dict)] if isinstance(data, list) else []


def embeddings_as_asked(exchange: Exchange) -> Iterator[Issue]:
    """Vectors are all of one length, and not all zeros."""
    lists = [vector for vector in _vectors(exchange) if isinstance(vector, list) and vector]
    if len({len(vector) for vector in lists}) > 1:
        yield Issue.of("must", "emb-uneven", "the vectors of one reply have different lengths", rule="M1")
    if any(not any(vector) for vector in lists):
        yield Issue.of("must", "emb-zeros", "a vector is all zeros", rule="M1")


def same_vectors(exchanges: Sequence[Exchange]) -> Iterator[Issue]:
    """The first vector of several is that of the first text."""
    lists = [_vectors(exchange) for exchange in exchanges]
    if len(lists) != 2 or len(lists[0]) != 2 or len(lists[1]) != 1:
        return
    first, second, alone = lists[0][0], lists[0][1], lists[1][0]
    near, far = _distance(first, alone), _distance(second, alone)
    if near is not None and far is not None and far < _SAME_VECTOR < near:
        yield Issue.of("must", "emb-order", "the vectors are not in the order of their texts", rule="M1")


def _distance(one: Any, other: Any) -> float | None:
    if not (isinstance(one, list) and isinstance(other, list) and len(one) == len(other)):
        return None
    if not all(isinstance(value, int | float) for value in (*one, *other)):
        return None
    return float(sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5)
