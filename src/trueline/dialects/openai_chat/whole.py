"""A whole chat reply to events: the same lenient reading as a stream's, then unfolded."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from ...context import ReplyContext
from ...events import Call, Choice, Event, Failure, Reply, ReplyEnd, ReplyStart, Usage, unfold
from ...finish_words import STRENGTH, meaning
from ..error_bodies import error_in
from ..foreign import foreign_shape, wrong_shape
from .chunks import tool_fragment
from .fields import (
    CHOICE_FIELDS,
    REPLY_FIELDS,
    Fields,
    choice_list,
    fill_start,
    finish_word,
    known,
    note_failed_finish,
    omits_logprobs,
    read_message,
    unwrap,
)

__all__ = ["read_whole"]


def read_whole(payload: Any, context: ReplyContext) -> list[Event]:
    """The events of a whole reply, ReplyEnd included; a reply that is an error, or nothing known, is a Failure."""
    note = context.note
    if isinstance(payload, list) and len(payload) == 1:
        payload = payload[0]
    if not isinstance(payload, dict):
        return [Failure(wrong_shape(payload))]
    payload = unwrap(payload, note)
    error = error_in(payload)
    if error is not None:
        note("envelope-all-null" if "choices" in payload else "err-in-200-body")
        note_failed_finish(payload, note)
        return [Failure(error)]
    if payload.get("error", UNSET) is not UNSET:
        note("error-key-on-success")
    if foreign_shape(payload) is not None:
        pictures = _with_pictures(payload, context)
        if pictures is None:
            return [Failure(wrong_shape(payload))]
        payload = pictures
    choices = choice_list(payload, note)
    failure = _failure_in(choices, payload, context)
    return [failure] if failure is not None else _read_reply(choices, payload, context)


def _failure_in(choices: list[Fields], payload: Fields, context: ReplyContext) -> Failure | None:
    """The error in a choice; a reply in which no choice says anything is one as well."""
    for choice in choices:
        inner = error_in({"error": choice["error"]}) if choice.get("error") else None
        if inner is not None:
            note_failed_finish(payload, context.note)
            return Failure(inner)
        if "error" in choice:
            context.note("error-key-on-success")
    return None if any(_says_something(choice) for choice in choices) else Failure(wrong_shape(payload))


def _read_reply(choices: list[Fields], payload: Fields, context: ReplyContext) -> list[Event]:
    note = context.note
    start = ReplyStart()
    fill_start(start, payload)
    _note_object(payload, context)
    if "obfuscation" in payload:
        note("extra-foreign-type")
    reply = Reply(start, [], extras=known(payload, REPLY_FIELDS) or {})
    asked = context.request.n
    if 1 < asked < len(choices):
        note("choice-index-missing")
        choices = choices[:asked]
    omits = omits_logprobs(payload.get("model"))
    if len(choices) > 1 and _is_permutation(choices):
        note("n-interleave")
        choices = sorted(choices, key=lambda choice: choice["index"])
    for position, choice in enumerate(choices):
        if "logprobs" not in choice and not omits:
            note("logprobs-missing-key")
        reply.choices.append(_read_choice(position, choice, len(choices), context))
    if len(choices) > 1 and asked == 1 and _are_answers(reply.choices):
        note("choice-index-missing")
        del reply.choices[1:]
    if len(reply.choices) > 1 and asked == 1:
        note("choices-split-by-kind")
        reply.choices = [_merge_choices(reply.choices)]
    usage = payload.get("usage", UNSET)
    reply.usage = usage if isinstance(usage, dict) and usage else UNSET
    if usage == {}:
        note("usage-empty-object")
    return [*unfold(reply), *_usage_in(choices, reply.usage is UNSET, context), ReplyEnd(True)]


def _usage_in(choices: list[Fields], wanted: bool, context: ReplyContext) -> list[Event]:
    """What choices say of usage, where the reply says nothing of it."""
    said = [choice["usage"] for choice in choices if "usage" in choice]
    for _ in said:
        context.note("usage-in-choice")
    found = [usage for usage in said if isinstance(usage, dict) and usage]
    return [Usage(usage) for usage in found] if wanted else []


def _with_pictures(payload: Fields, context: ReplyContext) -> Fields | None:
    """An image reply as a chat reply that shows the pictures as Markdown, where the option asks for that."""
    shape = foreign_shape(payload)
    if shape is None or shape.fault != "images-shape-on-chat" or not context.opted(shape.fault):
        return None
    context.note(shape.fault)
    urls = [
        image.get("url") or "data:image/png;base64," + str(image.get("b64_json"))
        for image in payload["data"]
        if isinstance(image, dict)
    ]
    message = {"role": "assistant", "content": "\n\n".join(f"![image]({url})" for url in urls), "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    envelope: Fields = {k: v for k, v in payload.items() if k != "data"}
    return {"object": "chat.completion", **envelope, "choices": [choice]}


def _is_permutation(choices: list[Fields]) -> bool:
    """All indexes are there, and not in order."""
    indexes = [choice.get("index") for choice in choices]
    ordered = list(range(len(choices)))
    # They are only sorted where all of them are numbers.
    return indexes != ordered and all(type(i) is int for i in indexes) and sorted(indexes) == ordered  # type: ignore[type-var]


def _says_something(choice: Fields) -> bool:
    """A choice with neither a message nor a finish is no answer; Azure's filtered one has a finish."""
    return any(
        choice.get(name) for name in ("message", "delta", "text", "finish_reason", "finishReason", "finish_details")
    )


def _note_object(payload: Fields, context: ReplyContext) -> None:
    kind = payload.get("object")
    if kind != "chat.completion":
        chunk = kind == "chat.completion.chunk"
        context.note("chunk-for-nonstream" if chunk else "object-wrong-nonstream" if kind else "object-missing")


def _read_choice(position: int, choice: Fields, count: int, context: ReplyContext) -> Choice:
    note = context.note
    message = choice.get("message")
    if isinstance(message, dict):
        for name, fault in (("delta", "delta-not-message"), ("text", "text-not-message")):
            if name in choice:
                note(fault)
    else:
        if isinstance(choice.get("delta"), dict):
            note("delta-not-message")
            message = choice["delta"]
        elif isinstance(choice.get("text"), str | list):
            note("text-not-message")
            message = {"role": "assistant", "content": choice["text"]}
        else:
            message = {"role": "assistant", "content": message if isinstance(message, str) else None}
    index = choice.get("index", UNSET)
    if type(index) is not int:
        note("choice-index-missing")
    elif index != position:
        note("choice-index-all-zero")
    said = read_message(message, note, whole=True)
    refusal_only = bool(said.refusal) and not (said.tools or said.function_call)
    _note_role(said.role, context)
    if said.content is UNSET or (said.content == "" and refusal_only):
        note("content-key-missing")
    refusal = said.refusal
    if refusal is UNSET or refusal == "":
        note("refusal-key-missing")
    tools = said.tools or ([{"type": "function_call", "function": said.function_call}] if said.function_call else [])
    return Choice(
        position,
        content=said.content or ("" if said.content == "" else None),
        reasoning=said.reasoning or None,
        refusal=refusal or None,
        calls=[_call(entry) for entry in tools],
        finish=finish_word(choice, note, whole=True),
        logprobs=choice.get("logprobs", UNSET),
        extras=known(choice, CHOICE_FIELDS) or {},
        message_extras=said.extras or {},
    )


def _note_role(role: Any, context: ReplyContext) -> None:
    if role == "assistant":
        return
    if role is UNSET:
        context.note("role-missing-nonstream")
    else:
        context.note("role-null-or-empty" if not role else "role-foreign")


def _call(entry: Fields) -> Call:
    piece = tool_fragment(0, entry, whole=True)
    return Call(
        piece.id,
        piece.name,
        piece.arguments,
        piece.kind,
        piece.index,
        extras=piece.call_extras,
        function_extras=piece.function_extras,
    )


def _are_answers(choices: list[Choice]) -> bool:
    """Whether each is a complete answer in text that ended alike, and none a piece of one over several choices."""
    return all(c.content and c.finish and c.finish == choices[0].finish and not c.calls for c in choices)


def _merge_choices(choices: list[Choice]) -> Choice:
    """One answer that came over several choices, as one (`choices-split-by-kind`)."""
    first, *others = choices
    first.content = "".join(choice.content or "" for choice in choices) or first.content
    first.reasoning = "".join(choice.reasoning or "" for choice in choices) or first.reasoning
    first.calls = [call for choice in choices for call in choice.calls]
    for other in others:
        first.refusal = first.refusal or other.refusal
        first.finish = _stronger(first.finish, other.finish)
    first.extras = {name: value for choice in reversed(choices) for name, value in choice.extras.items()}
    first.message_extras = {
        name: value for choice in reversed(choices) for name, value in choice.message_extras.items()
    }
    return first


def _stronger(one: str | None, two: str | None) -> str | None:
    if one is None or two is None:
        return one or two
    return two if STRENGTH.get(meaning(two), 0) > STRENGTH.get(meaning(one), 0) else one
