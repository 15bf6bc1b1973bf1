"""What whole and streamed chat replies share: how problems with the schema are named, and the envelope's own rules."""

from __future__ import annotations

import re
from typing import Any

from .diagnose import Diagnosis, at
from .findings import Docket
from .schema import ABSENT, Problem

__all__ = [
    "CHUNK_TABLE",
    "OMITS_LOGPROBS",
    "WHOLE_TABLE",
    "Json",
    "dicts",
    "finish_key",
    "judge_envelope",
    "wanted_choices",
]

Json = dict[str, Any]

OMITS_LOGPROBS = re.compile(r"o\d|gpt-5|.*(audio|search)|gpt-4\.5-preview|gpt-4-1106-vision")
"""Models that leave the key `logprobs` out (rules.md C12)."""

_ID = re.compile(r"chatcmpl-[A-Za-z0-9]{29}(-[A-Za-z0-9]+)?")
_NULLISH = ("null", "None", "none", "undefined")
_FAILED = re.compile(
    r"error|timeout|network_error|aborted?|cancell?ed|insufficient_system_resource|failed|engine_overloaded", re.I
)
_LATEST_CREATED = 10_000_000_000
"""A later time than this is none in seconds."""

_REASONING = ("reasoning_text", "thinking_content", "thinking", "thought", "thoughts", "reasoning_details",
              "thinking_blocks")  # fmt: skip
_CACHED = ("cached_tokens", "num_cached_tokens", "prompt_cache_hit_tokens", "cache_read_input_tokens",
           "prompt_cache_tokens", "cached_prompt_text_tokens")  # fmt: skip
_FILTERS = ("content_filter_results", "content_filter_result", "content_filter_offsets", "content_filter_raw")
_CALL = "choices[].part.tool_calls[]"


def dicts(value: Any) -> list[Json]:
    """The objects of a list; none where it is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def wanted_choices(request: Json) -> int:
    """How many choices (or pictures) a request asks for."""
    n = request.get("n")
    return n if isinstance(n, int) and n > 0 else 1


def finish_key(word: Any) -> str | None:
    """The finding for a finish_reason that is a value of no schema; None for OpenAI's own words and null."""
    if word is None or word in ("stop", "length", "tool_calls", "content_filter", "function_call"):
        return None
    if word == "":
        return "finish-empty-string"
    if word in _NULLISH:
        return "finish-null-string"
    if word in ("tool_call", "tool_use"):
        return "finish-tool_call-singular"
    if isinstance(word, str) and _FAILED.fullmatch(word):
        return "finish-error-value"
    return "finish-foreign-vocab"


def _beside(*names: str) -> Any:
    """A test: the object that holds the field has one of these as well."""
    return lambda problem: isinstance(problem.parent, dict) and bool(problem.parent.keys() & set(names))


def _word(key: str) -> Any:
    return lambda problem: problem.value is not ABSENT and finish_key(problem.value) == key


def _a(*kinds: type) -> Any:
    return lambda problem: isinstance(problem.value, kinds) and not isinstance(problem.value, bool)


def _empty_parent(problem: Problem) -> bool:
    return isinstance(problem.parent, dict) and not problem.parent


def _not_extra(problem: Problem) -> bool:
    return problem.kind != "extra"


def _truthy(problem: Problem) -> bool:
    return bool(problem.value)


_USAGE: tuple[Diagnosis, ...] = (
    at("usage*", "usage-empty-object", test=_empty_parent),
    at("usage.prompt_tokens", "usage-other-names", test=_beside("input_tokens"), kind="missing"),
    at("usage.completion_tokens", "usage-other-names", test=_beside("output_tokens"), kind="missing"),
    at("usage.total_tokens", "usage-other-names", test=_beside("input_tokens"), kind="missing"),
    at("usage.total_tokens", "usage-total-mismatch", ABSENT),
    *(at(f"usage.{name}", "usage-other-names") for name in ("input_tokens", "output_tokens", "total_characters")),
    *(at(f"usage.{name}", "usage-cached-elsewhere") for name in _CACHED),
    at("usage.*", "usage-float-string", test=_a(str, float), kind="type"),
    at("usage.*", "usage-null-fields", None, kind="type"),
    at("usage.*", "usage-null-fields", kind="missing"),
)
_FINISH: tuple[Diagnosis, ...] = (
    at("choices[].finish_reason", "", test=_beside("finishReason", "finish_details"), kind="missing"),
    *(
        at("choices[].finish_reason", key, test=_word(key))
        for key in (
            "finish-empty-string",
            "finish-null-string",
            "finish-tool_call-singular",
            "finish-error-value",
            "finish-foreign-vocab",
        )
    ),
    at("choices[].finish_reason", "finish-null-nonstream", ABSENT, None),
    at("choices[].finishReason", "finish-camel-or-details"),
    at("choices[].finish_details", "finish-camel-or-details"),
)
_SHARED: tuple[Diagnosis, ...] = (
    at("id", "id-missing", ABSENT, None),
    at("object", "object-missing", ABSENT, None, ""),
    at("created", "created-missing", ABSENT, None),
    at("created", "created-float", test=_a(float)),
    at("created", "created-string", test=_a(str)),
    at("model", "model-empty", ABSENT, None),
    at("service_tier", "service-tier-foreign"),
    at("error", ""),
    *(at(name, "error-key-on-success", 0, "", None, "0") for name in ("code", "error_message", "error_code", "msg")),
    *(at(name, "content-filter-results") for name in ("prompt_filter_results", "prompt_annotations")),
    *(at(f"choices[].{name}", "content-filter-results") for name in _FILTERS),
    *(at(f"choices[].part.{name}", "content-filter-results") for name in _FILTERS),
    at("input_sensitive", "err-moderation-200", True),
    at("output_sensitive", "err-moderation-200", True),
    at("x_groq", "usage-x-groq", test=lambda p: isinstance(p.value, dict) and bool(p.value.get("usage"))),
    at("choices[].index", "choice-index-missing"),
    at("choices[].usage", "usage-in-choice", test=_truthy),
    at("choices[].error", "finish-error-value", test=_truthy),
    at("choices[].part.content", "content-key-missing", ABSENT),
    at("choices[].part.content", "content-parts-list", test=_a(list)),
    at("choices[].part.content", "content-object"),
    at("choices[].part.annotations", "annotations-null", None),
    at("choices[].part.reasoning", "reasoning-field-name", test=_truthy),
    *(at(f"choices[].part.{name}", "reasoning-other-names", test=_truthy) for name in _REASONING),
    at("choices[].part.images", "img-in-chat", test=_truthy),
    *(at(f"{_CALL}.{name}", "tool-calls-other-shape") for name in ("name", "arguments", "parameters")),
    at("choices[].logprobs.content", "logprobs-legacy", test=_beside("tokens", "token_logprobs")),
    *(at(f"choices[].logprobs.{name}", "logprobs-legacy") for name in ("tokens", "token_logprobs", "text_offset")),
    at("choices[].logprobs.top_logprobs", "logprobs-legacy"),
    at("choices[].logprobs.content[].logprob", "logprobs-inf"),
    at("choices[].logprobs.content[].top_logprobs[].logprob", "logprobs-inf"),
    *(at(name, "extra-foreign-type", test=_not_extra) for name in ("obfuscation", "metadata*", "moderation*")),
    at("choices[].part.audio*", "extra-foreign-type", test=_not_extra),
    *_USAGE,
    *_FINISH,
)

WHOLE_TABLE: tuple[Diagnosis, ...] = (
    at("object", "chunk-for-nonstream", "chat.completion.chunk"),
    *_SHARED,
    at("object", "object-wrong-nonstream"),
    at("choices", "choices-missing", ABSENT),
    at("choices", "choices-null"),
    at("choices[].part", "delta-not-message", test=_beside("delta")),
    at("choices[].part", "text-not-message", test=_beside("text")),
    at("choices[].text", "text-not-message"),
    at("choices[].part.role", "role-missing-nonstream", ABSENT),
    at("choices[].part.role", "role-null-or-empty", None, ""),
    at("choices[].part.role", "role-foreign"),
    at("choices[].part.annotations*", "annotations-foreign"),
    at(f"{_CALL}.index", ""),
    at(f"{_CALL}.id", "tool-id-missing", ABSENT, None),
    at(f"{_CALL}.type", "tool-type-missing"),
    at(f"{_CALL}.function", "tool-calls-other-shape", test=_beside("name", "arguments")),
    at(f"{_CALL}.function.name", "tool-name-never", ABSENT, None),
    at(f"{_CALL}.function.arguments", "tool-args-empty", ABSENT, None),
    at(f"{_CALL}.function.arguments", "tool-args-object"),
)
CHUNK_TABLE: tuple[Diagnosis, ...] = (
    *_SHARED,
    at("object", "object-wrong-stream"),
    at("choices", "usage-chunk-no-choices", test=lambda p: isinstance(p.parent, dict) and bool(p.parent.get("usage"))),
    at("choices", "choices-missing", ABSENT),
    at("choices", "choices-null"),
    at("choices[].part", "final-full-repeat", test=lambda p: p.path[-1] == "message" and _beside("delta")(p)),
    at("choices[].part", "message-not-delta", test=_beside("message")),
    at("choices[].part", "text-not-message", test=_beside("text")),
    at("choices[].part", "delta-missing-null"),
    at("choices[].text", "text-not-message"),
    at("choices[].part.role", "role-null-or-empty", None, ""),
    at("choices[].part.role", "role-foreign"),
    at("choices[].part.annotations", "annotations-foreign", test=lambda p: not _citations(p.value)),
    # The pieces of a call are judged one by one, by who has a memory of the call.
    at(f"{_CALL}.index", "tool-index-missing", ABSENT, None),
    at(f"{_CALL}.index", "tool-index-bad"),
    at(f"{_CALL}.id", ""),
    at(f"{_CALL}.type", ""),
    at(f"{_CALL}.function.name", "", None),
    at(f"{_CALL}.function.arguments", "tool-args-object", test=lambda p: p.value is not None),
)


def _citations(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, dict) and v.get("type") == "url_citation" for v in value)


def judge_envelope(docket: Docket, obj: Json, request: Json, where: str = "") -> None:
    """The rules of id, created, model, tier and fingerprint that the schema does not know."""

    def spot(name: str) -> str:
        return f"{where}, {name}" if where else name

    identity = obj.get("id")
    if isinstance(identity, str) and not _ID.fullmatch(identity):
        key = "id-empty" if identity == "" else "id-null-string" if identity in _NULLISH else "id-prefix-wrong"
        docket.note(key, spot("id"), identity)
    created = obj.get("created")
    if created == 0 and not isinstance(created, bool):
        docket.note("created-missing", spot("created"), created, level="exact")
    elif isinstance(created, float) and created.is_integer():
        docket.note("created-float", spot("created"), created, level="exact")
    if isinstance(created, int | float) and created > _LATEST_CREATED:
        docket.note("created-ms", spot("created"), created)
    model = obj.get("model")
    if model == "":
        docket.note("model-empty", spot("model"), model, level="exact")
    elif isinstance(model, str) and not _is_snapshot(model, request.get("model")):
        docket.note("model-differs", spot("model"), model)
    if "service_tier" not in obj:
        docket.note("service-tier-missing", where, list(obj))
    if "system_fingerprint" not in obj:
        docket.note("fingerprint-missing", where, list(obj))


def _is_snapshot(model: str, asked: Any) -> bool:
    """Whether a model is the one that was asked for, or a version of it."""
    if not isinstance(asked, str) or not asked:
        return True
    family = asked.removesuffix("-latest").removesuffix("-preview")
    return model == asked or model.startswith((family + "-", family + ":", family + "@"))
