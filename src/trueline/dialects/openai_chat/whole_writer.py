"""A folded reply to OpenAI's whole chat completion (DESIGN section 1, rules.md section N)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import UNSET

from ...context import ReplyContext
from ...events import Call, Choice, Reply
from .beside import Beside
from .fields import omits_logprobs

__all__ = ["write_whole"]

Fields = dict[str, Any]


def write_whole(reply: Reply, context: ReplyContext) -> Fields:
    """The JSON object, its fields in OpenAI's order, extras after them at their level."""
    start = reply.start
    omits = omits_logprobs(start.model)
    body: Fields = {
        "id": start.id,
        "object": "chat.completion",
        "created": start.created,
        "model": start.model,
        "choices": [_choice(c, context, omits) for c in _numbered(reply.choices, context.note)],
    }
    if reply.usage is not UNSET:
        body["usage"] = reply.usage
    if start.service_tier is not UNSET:
        body["service_tier"] = start.service_tier
    if start.fingerprint is not UNSET:
        body["system_fingerprint"] = start.fingerprint
    beside = Beside(False, context.options.extras == "drop", context.note)
    for key, value in beside.of_reply(reply.extras).items():
        body.setdefault(key, value)
    return body


def _numbered(choices: list[Choice], note: Callable[[str], None]) -> list[Choice]:
    """The choices in order and without a gap: of those that a stream had, one may have said nothing (rules.md N1)."""
    choices = sorted(choices, key=lambda choice: choice.index)
    for position, choice in enumerate(choices):
        if choice.index != position:
            note("choice-index-missing")
            choice.index = position
    return choices


def _choice(choice: Choice, context: ReplyContext, omits_logprobs: bool) -> Fields:
    body: Fields = {"index": choice.index, "message": _message(choice, context)}
    if choice.logprobs is not UNSET:
        body["logprobs"] = choice.logprobs
    elif not omits_logprobs:
        body["logprobs"] = None
    body["finish_reason"] = choice.finish
    for key, value in choice.extras.items():
        body.setdefault(key, value)
    return body


def _message(choice: Choice, context: ReplyContext) -> Fields:
    content = choice.content
    reasoning = choice.reasoning
    place = context.options.reasoning
    if reasoning and place == "think":
        content = f"<think>{reasoning}</think>{content or ''}"
    calls = [c for c in choice.calls if c.kind != "function_call"]
    if content == "" and not choice.calls and isinstance(choice.refusal, str) and choice.refusal:
        content = None
    message: Fields = {"role": "assistant", "content": content}
    if reasoning and place in ("reasoning_content", "reasoning"):
        message[place] = reasoning
    if calls:
        message["tool_calls"] = [_call(call) for call in calls]
    for call in choice.calls:
        if call.kind == "function_call":
            message["function_call"] = {"name": call.name, "arguments": call.arguments, **(call.function_extras or {})}
    message["refusal"] = choice.refusal or None
    beside = Beside(False, context.options.extras == "drop", context.note)
    for key, value in beside.of_message(choice.message_extras).items():
        message.setdefault(key, value)
    return message


def _call(call: Call) -> Fields:
    inner: Fields = {"name": call.name, "input" if call.kind == "custom" else "arguments": call.arguments}
    if call.function_extras:
        inner.update(call.function_extras)
    body: Fields = {"id": call.id, "type": call.kind, call.kind: inner}
    if call.extras:
        body.update(call.extras)
    return body
