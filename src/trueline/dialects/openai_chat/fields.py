"""Single fields of a chat reply, read whatever an upstream put into them.

Nothing here raises: what cannot be understood is kept as an extra or left out, and the fault is noted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec import UNSET

from ...events import ReplyStart
from ...finish_words import is_known
from ...wire import jsonio

__all__ = [
    "Message",
    "choice_list",
    "fill_start",
    "finish_word",
    "known",
    "note_failed_finish",
    "omits_logprobs",
    "read_message",
    "tool_entries",
    "unwrap",
]

Note = Callable[[str], None]
Fields = dict[str, Any]

REPLY_FIELDS = frozenset(
    ("id", "object", "created", "model", "service_tier", "system_fingerprint", "choices", "usage", "error")
)
CHOICE_FIELDS = frozenset(
    (
        "index",
        "delta",
        "message",
        "text",
        "logprobs",
        "finish_reason",
        "finishReason",
        "finish_details",
        "usage",
        "error",
    )
)
REASONING_NAMES = (
    "reasoning_content",
    "reasoning",
    "reasoning_text",
    "thinking_content",
    "thinking",
    "thought",
)
"""Names under which servers send thoughts, the usual one first (`reasoning-field-name`, `reasoning-other-names`)."""

_LISTS_OF_THOUGHTS = ("reasoning_details", "thinking_blocks")
_MESSAGE_FIELDS = frozenset(("role", "content", "refusal", "tool_calls", "function_call", *REASONING_NAMES))
_OMITS_LOGPROBS = ("o1", "o3", "o4", "gpt-5")
_OMITS_LOGPROBS_ANYWHERE = ("audio", "search")
_NULLISH = ("", "null", "None", "none", "undefined")
_WRAPPERS = ("result", "data", "response", "output")
_PARTS_OF_THOUGHT = ("thinking", "reasoning", "reasoning_content", "thought")


class Message(NamedTuple):
    """A message or a delta, taken apart."""

    role: Any
    content: Any
    """The text, None where it was null, UNSET where it was absent."""
    reasoning: str
    refusal: Any
    tools: list[Fields]
    function_call: Fields | None
    extras: Fields | None


def omits_logprobs(model: object) -> bool:
    """Whether OpenAI leaves the `logprobs` key out of this model's replies (rules.md C12, ruling 5)."""
    name = str(model).rsplit("/", 1)[-1]
    return name.startswith(_OMITS_LOGPROBS) or any(word in name for word in _OMITS_LOGPROBS_ANYWHERE)


def known(fields: Fields, names: frozenset[str]) -> Fields | None:
    """The fields that are not in `names`, or None: the extras."""
    if fields.keys() <= names:
        return None
    return {key: value for key, value in fields.items() if key not in names}


def unwrap(payload: Fields, note: Note) -> Fields:
    """`{"result": {"choices": …}}` and the like, without the wrapper (`envelope-wrapped`)."""
    if "choices" in payload:
        return payload
    for name in _WRAPPERS:
        inner = payload.get(name)
        if isinstance(inner, dict) and isinstance(inner.get("choices"), list):
            note("envelope-wrapped")
            return inner
        if name == "result" and isinstance(inner, dict) and isinstance(inner.get("response"), str):
            note("envelope-wrapped")
            message: Fields = {"role": "assistant", "content": inner["response"]}
            if isinstance(inner.get("tool_calls"), list):
                message["tool_calls"] = inner["tool_calls"]
            return {"choices": [{"index": 0, "message": message}], "usage": inner.get("usage")}
    return payload


def fill_start(start: ReplyStart, payload: Fields) -> None:
    """Take from `payload` what the reply's envelope still lacks: the first usable value of each field wins."""
    for field, name in (
        ("id", "id"),
        ("created", "created"),
        ("model", "model"),
        ("fingerprint", "system_fingerprint"),
        ("service_tier", "service_tier"),
    ):
        value = payload.get(name, UNSET)
        if value is not UNSET and (getattr(start, field) in (UNSET, None, "", 0)):
            setattr(start, field, value)


def choice_list(payload: Fields, note: Note) -> list[Fields]:
    """The choices, each an object; null, missing and foreign ones count as none."""
    choices = payload.get("choices", UNSET)
    if isinstance(choices, list):
        usable = [c for c in choices if isinstance(c, dict)]
        if len(usable) < len(choices):
            note("choices-null")
        return usable
    if isinstance(choices, dict):
        note("choices-null")
        return [choices]
    if payload.get("usage"):
        note("usage-chunk-no-choices")
    else:
        note("choices-missing" if choices is UNSET else "choices-null")
    return []


_OTHER_FINISHES = ("finishReason", "stop_reason", "stopReason", "done_reason")
_NATIVE_FINISH = "native_finish_reason"  # beside OpenRouter's own, which comes later in a stream


def finish_word(choice: Fields, note: Note, whole: bool) -> str | None:
    """The finish reason as the upstream said it, or None where it said none."""
    word = choice.get("finish_reason", UNSET)
    if word is UNSET and not whole:
        note("finish-key-absent")
    if isinstance(word, dict):
        note("finish-camel-or-details")
        word = word.get("type") or word.get("reason")
    if word is not UNSET and word is not None and (not word or str(word).strip() in _NULLISH):
        note("finish-null-string" if isinstance(word, str) and word.strip() else "finish-empty-string")
        word = None
    if "finishReason" in choice or "finish_details" in choice:
        note("finish-camel-or-details")
    if word is UNSET or word is None:
        return _other_finish(choice, note, whole)
    if isinstance(word, str):
        return word
    note("finish-foreign-vocab")
    return str(word)


def _other_finish(choice: Fields, note: Note, whole: bool) -> str | None:
    """The finish under another name; a word that is no known finish is something else there."""
    details = choice.get("finish_details")
    candidates = [details.get("type") if isinstance(details, dict) else None, choice.get("finishReason")]
    candidates += [w for name in _OTHER_FINISHES if is_known(w := choice.get(name))]
    if whole and is_known(choice.get(_NATIVE_FINISH)):
        candidates.append(choice[_NATIVE_FINISH])
    word = next((w for w in candidates if isinstance(w, (str, int)) and w not in _NULLISH), None)
    if word is None:
        return None
    if "finishReason" not in choice and "finish_details" not in choice:
        note("finish-camel-or-details")
    return str(word)


def note_failed_finish(payload: Fields, note: Note) -> None:
    """`finish_reason: "error"` beside the error itself (`finish-error-value`)."""
    choices = payload.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict) and choice.get("finish_reason") == "error":
            note("finish-error-value")
            return


def read_message(fields: Fields, note: Note, whole: bool = False) -> Message:
    """A `message`, which is `whole`, or a `delta`."""
    content = fields.get("content", UNSET)
    thoughts: list[str] = []
    extras = None if fields.keys() <= _MESSAGE_FIELDS else known(fields, _MESSAGE_FIELDS)
    if content is not UNSET and content is not None and not isinstance(content, str):
        content, extras = _plain_content(content, thoughts, extras, note)
    for name in REASONING_NAMES:
        if name in fields:
            if whole and fields[name] is None and name == REASONING_NAMES[0]:
                extras = {**(extras or {}), name: None}  # says nothing, and stays: only a delta has to be short
            else:
                extras = _read_reasoning(name, fields[name], thoughts, extras, note)
    if not thoughts and extras is not None:
        _read_details(extras, thoughts, note)
    refusal = fields.get("refusal", UNSET)
    if refusal is not UNSET and refusal is not None and not isinstance(refusal, str):
        note("extra-foreign-type")
        extras = {**(extras or {}), "upstream_refusal": refusal}
        refusal = None
    call = fields.get("function_call", UNSET)
    if not isinstance(call, dict) or not (call.get("name") or call.get("arguments")):
        if call is not UNSET:
            note("tool-calls-null")
        call = None
    elif "input" in call:
        note("tool-calls-other-shape")
    tools = tool_entries(fields, note)
    if tools and call is not None:
        note("legacy-function_call")
    return Message(
        fields.get("role", UNSET),
        content,
        "".join(thoughts),
        refusal,
        tools,
        call,
        extras or None,
    )


def _read_reasoning(name: str, value: Any, thoughts: list[str], extras: Fields | None, note: Note) -> Fields | None:
    if value is None or value == "":
        note("reasoning-field-name")
        return extras
    text = value
    if isinstance(value, dict):
        text = value.get("content") or value.get("text")
    if not isinstance(text, str):
        return {**(extras or {}), name: value}
    if name == REASONING_NAMES[1]:
        note("reasoning-field-name")
    elif name != REASONING_NAMES[0]:
        note("reasoning-other-names")
    if thoughts:
        if text == "".join(thoughts):
            note("reasoning-mirrored")
            return extras
        return {**(extras or {}), name: value}
    thoughts.append(text)
    return extras


def _read_details(extras: Fields, thoughts: list[str], note: Note) -> None:
    """Thoughts that stand only in a list of blocks, which stays: a next turn needs its signatures."""
    for name in _LISTS_OF_THOUGHTS:
        blocks = extras.get(name)
        for block in blocks if isinstance(blocks, list) else ():
            texts = [block.get(key) for key in ("text", "thinking", "summary")] if isinstance(block, dict) else []
            thoughts.extend(text for text in texts if isinstance(text, str) and text)
        if thoughts:
            note("reasoning-other-names")
            return


def _plain_content(content: Any, thoughts: list[str], extras: Fields | None, note: Note) -> tuple[str, Fields | None]:
    """Content that is not a string: a list of parts, an object with a text, a number, or parsed JSON."""
    if isinstance(content, dict) and isinstance(content.get("text"), str):
        note("content-object")
        return content["text"], extras
    if not isinstance(content, list) or (content and not any(isinstance(p, (dict, str)) for p in content)):
        note("content-object")
        return jsonio.encode(content).decode(), extras
    note("content-parts-list")
    texts: list[str] = []
    others: list[Any] = []
    for part in content:
        _read_part(part, texts, thoughts, others)
    if others:
        extras = {**(extras or {}), "content_parts": others}
    return "".join(texts), extras


def _read_part(part: Any, texts: list[str], thoughts: list[str], others: list[Any]) -> None:
    if isinstance(part, str):
        texts.append(part)
        return
    kind = part.get("type") if isinstance(part, dict) else None
    if kind in _PARTS_OF_THOUGHT:
        for name in ("thinking", "reasoning", "summary", "text", "content"):
            inner = part.get(name)
            if isinstance(inner, str):
                thoughts.append(inner)
            elif isinstance(inner, list):
                thoughts.extend(p["text"] for p in inner if isinstance(p, dict) and isinstance(p.get("text"), str))
        signature = {k: v for k, v in part.items() if k in ("signature", "data") and v}
        if signature:
            others.append({"type": kind, **signature})
    elif isinstance(part, dict) and isinstance(part.get("text"), str) and kind in (None, "text", "output_text"):
        texts.append(part["text"])
        if part.keys() - {"type", "text"} and any(v for k, v in part.items() if k not in ("type", "text")):
            others.append(part)
    elif part is not None:
        others.append(part)


def tool_entries(fields: Fields, note: Note) -> list[Fields]:
    """The entries of `tool_calls`, each in the shape `{index, id, type, function}`."""
    if "tool_calls" not in fields:
        return []
    entries = fields["tool_calls"]
    if isinstance(entries, dict):
        entries = [entries]
    if not isinstance(entries, list):
        note("tool-calls-null")
        return []
    if not entries:
        note("tool-calls-empty-array")
        return []
    calls = [_wrap_entry(e, note) for e in entries if isinstance(e, dict)]
    if len(calls) < len(entries):
        note("tool-calls-null")
    return calls


def _wrap_entry(entry: Fields, note: Note) -> Fields:
    custom = isinstance(entry.get("custom"), dict)
    if custom and entry.get("type", "custom" if "name" not in entry["custom"] else None) != "custom":
        note("tool-type-missing")
    if custom or isinstance(entry.get("function"), dict):
        inner, other = ("custom", "arguments") if custom else ("function", "input")
        if ("function" if custom else "custom") in entry or other in entry[inner]:
            note("tool-calls-other-shape")
        return entry
    if "name" not in entry and "arguments" not in entry:
        return entry
    note("tool-calls-other-shape")
    rest = {k: v for k, v in entry.items() if k not in ("name", "arguments")}
    return {**rest, "function": {k: entry[k] for k in ("name", "arguments") if k in entry}}
