"""A whole chat reply (rules.md sections N, I, R, U)."""

from __future__ import annotations

from typing import Any

from .answer import Answer, Call, judge_answer, judge_finish
from .body import judge_content_type, read_object
from .chat import OMITS_LOGPROBS, WHOLE_TABLE, Json, dicts, judge_envelope, wanted_choices
from .diagnose import judge_shape
from .findings import Docket, Extras, Finding
from .foreign import error_key, foreign_key, says_nothing, unwrapped
from .logprobs import judge_logprobs
from .reasoning import judge_reasoning, reasoning_of
from .schema import ABSENT
from .shapes import CHAT_WHOLE
from .usage import judge_usage

__all__ = ["judge_chat_object", "judge_chat_whole"]


def judge_chat_whole(
    request: Json, body: bytes, content_type: str | None = None, *, extras: Extras = "allow"
) -> list[Finding]:
    """What is wrong with the body of a whole chat reply.

    `content_type`: the header as it came; "" where it was missing, None where it is not known.
    """
    docket = Docket(extras)
    judge_content_type(docket, content_type, "application/json")
    value = read_object(docket, body)
    if value is not ABSENT:
        judge_chat_object(docket, request, value)
    return docket.findings()


def judge_chat_object(docket: Docket, request: Json, value: Any) -> None:
    """Judge the JSON value of a whole reply."""
    if not isinstance(value, dict):
        docket.note("not-object", "", value)
        return
    value = unwrapped(docket, value)
    key = error_key(value)
    if key is None and isinstance(value.get("result"), dict) and "response" in value["result"]:
        key = "envelope-wrapped"
    key = key or foreign_key(value)
    if key == "err-in-200-body" and value.get("choices"):
        docket.note(key, "error", value["error"], level=docket.extra_level)  # beside an answer, which is judged too
    elif key is not None:
        docket.note(key, "", value)
        return
    if "error" in value and says_nothing(value["error"]):
        docket.note("error-key-on-success", "error", value["error"], level=docket.extra_level)
    judge_shape(docket, value, CHAT_WHOLE, WHOLE_TABLE)
    judge_envelope(docket, value, request)
    usage = value.get("usage")
    if "usage" not in value:
        docket.note("usage-missing-nonstream", "", list(value))
    judge_usage(docket, usage)
    _judge_numbers(docket, request, value)
    completion = usage.get("completion_tokens") if isinstance(usage, dict) else None
    for number, choice in enumerate(dicts(value.get("choices"))):
        _judge_choice(docket, request, choice, f"choices[{number}]", str(value.get("model")), completion)


def _judge_numbers(docket: Docket, request: Json, value: Json) -> None:
    """How many choices there are, and their indexes."""
    if not isinstance(value.get("choices"), list):
        return
    choices = dicts(value["choices"])
    wanted = wanted_choices(request)
    indexes = [choice.get("index") for choice in choices]
    seen = f"{len(choices)} choices, n is {wanted}"
    if not choices:
        docket.note("choices-none", "choices", value["choices"])
    elif len(choices) < wanted:
        docket.note("n-ignored", "choices", seen)
    elif len(choices) > wanted:
        docket.note(_too_many(choices), "choices", seen)
    numbered = all(isinstance(index, int | float) for index in indexes)
    if numbered and len(set(indexes)) < len(indexes):
        docket.note("choice-index-all-zero", "choices", indexes)
    elif numbered and indexes != list(range(len(choices))):
        docket.note("choice-index-order", "choices", indexes)


def _too_many(choices: list[Json]) -> str:
    messages = [m for m in (choice.get("message") for choice in choices) if isinstance(m, dict)]
    calling = [bool(message.get("tool_calls")) for message in messages]
    return "choices-split-by-kind" if True in calling and False in calling else "choices-too-many"


def _judge_choice(docket: Docket, request: Json, choice: Json, where: str, model: str, completion: Any) -> None:
    message = choice.get("message")
    if not isinstance(message, dict):
        message = {}
    elif not message.get("audio") and "logprobs" not in choice and not OMITS_LOGPROBS.match(model):
        docket.note("logprobs-missing-key", where, list(choice))
    judge_logprobs(docket, request, choice, f"{where}.logprobs")
    if message:
        _judge_message(docket, message, f"{where}.message")
    judge_reasoning(docket, message, f"{where}.message")
    answer = _answer(choice, message, f"{where}.message")
    judge_finish(docket, request, answer, f"{where}.finish_reason")
    if answer.finish == "sensitive":
        docket.note("err-moderation-200", f"{where}.finish_reason", answer.finish)
    judge_answer(docket, request, answer, completion)


def _judge_message(docket: Docket, message: Json, where: str) -> None:
    if "refusal" not in message:
        docket.note("refusal-key-missing", where, list(message))
    if "annotations" not in message:
        docket.note("annotations-key-missing", where, list(message))
    if message.get("tool_calls") == []:
        docket.note("tool-calls-empty-array", f"{where}.tool_calls", [])
    for name in ("tool_calls", "function_call"):
        if name in message and message[name] is None:
            docket.note("tool-calls-null", f"{where}.{name}", None)
    for number, call in enumerate(dicts(message.get("tool_calls"))):
        if "index" in call:
            docket.note("tool-index-in-nonstream", f"{where}.tool_calls[{number}].index", call["index"])


def _answer(choice: Json, message: Json, where: str) -> Answer:
    content, refusal = message.get("content"), message.get("refusal")
    calls, custom = [], False
    for number, entry in enumerate(dicts(message.get("tool_calls"))):
        function = entry.get("function")
        function = function if isinstance(function, dict) else {}
        custom = custom or entry.get("type") == "custom"
        arguments = function.get("arguments") if function else None
        if entry.get("type") != "custom":
            spot = f"{where}.tool_calls[{number}]"
            calls.append(Call(spot, entry.get("id"), function.get("name"), arguments))
    return Answer(
        where,
        content=content if isinstance(content, str) else "",
        reasoning=reasoning_of(message),
        refusal=refusal if isinstance(refusal, str) else "",
        calls=calls,
        function_call=bool(message.get("function_call")),
        finish=choice.get("finish_reason"),
        custom=custom,
    )
