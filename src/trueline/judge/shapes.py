"""OpenAI's reply objects as tables, written from its published schema with the corrections that traffic demands.

Source: openai/openai-openapi, commit f85dbe2 (August 2026); the corrections are those of rules.md section E: a null
`system_fingerprint`, an absent `logprobs` or `refusal`, base64 embeddings, a `finish_reason` that is null while a
legacy completion streams, audio in deltas, newer sizes and qualities of images.
"""

from __future__ import annotations

from .schema import ANYTHING, BOOLEAN, INTEGER, NUMBER, TEXT, AnyOf, Kind, ListOf, MapOf, Words, or_null, shape

__all__ = [
    "CHAT_CHUNK",
    "CHAT_WHOLE",
    "COMPLETION",
    "EMBEDDINGS",
    "ERROR",
    "FINISH_WORDS",
    "IMAGES",
    "IMAGE_EDIT_EVENT",
    "IMAGE_EVENT",
    "MODEL",
    "MODELS",
    "TIERS",
    "USAGE",
]

FINISH_WORDS = ("stop", "length", "tool_calls", "content_filter", "function_call")
TIERS = ("auto", "default", "flex", "scale", "priority", "fast")

# -- usage
_COMPLETION_DETAILS = shape(
    "CompletionTokensDetails",
    {
        "accepted_prediction_tokens?": INTEGER,
        "audio_tokens?": INTEGER,
        "reasoning_tokens?": INTEGER,
        "text_tokens?": INTEGER,
        "rejected_prediction_tokens?": INTEGER,
    },
)
_PROMPT_DETAILS = shape(
    "PromptTokensDetails",
    {
        "audio_tokens?": INTEGER,
        "cached_tokens?": INTEGER,
        "text_tokens?": INTEGER,
        "image_tokens?": INTEGER,
        "cache_write_tokens?": INTEGER,
    },
)
USAGE = shape(
    "CompletionUsage",
    {
        "prompt_tokens": INTEGER,
        "completion_tokens": INTEGER,
        "total_tokens": INTEGER,
        "prompt_tokens_details?": _PROMPT_DETAILS,
        "completion_tokens_details?": _COMPLETION_DETAILS,
    },
)

# -- what chat replies share
_TOKEN: dict[str, Kind] = {"token": TEXT, "logprob": NUMBER, "bytes": or_null(ListOf(INTEGER))}
_TOKEN_LOGPROB = shape("TokenLogprob", {**_TOKEN, "top_logprobs": ListOf(shape("TopLogprob", _TOKEN))})
_LOGPROBS = shape(
    "Logprobs",
    {"content": or_null(ListOf(_TOKEN_LOGPROB)), "refusal?": or_null(ListOf(_TOKEN_LOGPROB))},
)
_MODERATION_RESULT = shape(
    "ModerationResult",
    {
        "type": Words("moderation_result"),
        "model": TEXT,
        "flagged": BOOLEAN,
        "categories": MapOf(BOOLEAN),
        "category_scores": MapOf(NUMBER),
        "category_applied_input_types": MapOf(ListOf(Words("text", "image"))),
    },
)
_MODERATED = AnyOf(
    shape(
        "ModerationResults",
        {"type": Words("moderation_results"), "model": TEXT, "results": ListOf(_MODERATION_RESULT)},
    ),
    shape("ModerationError", {"type": Words("error"), "code": TEXT, "message": TEXT}),
)
_SHARED: dict[str, Kind] = {
    "id": TEXT,
    "created": INTEGER,
    "model": TEXT,
    "service_tier?": or_null(Words(*TIERS)),
    "system_fingerprint?": or_null(TEXT),
    "usage?": or_null(USAGE),
    "moderation?": or_null(shape("Moderation", {"input": _MODERATED, "output": _MODERATED})),
}

# -- chat, whole
_TOOL_CALL = shape(
    "ToolCall",
    {"id": TEXT, "type": Words("function"), "function": shape("Function", {"name": TEXT, "arguments": TEXT})},
)
_CUSTOM_CALL = shape(
    "CustomToolCall",
    {"id": TEXT, "type": Words("custom"), "custom": shape("Custom", {"name": TEXT, "input": TEXT})},
)
_CITATION = shape("UrlCitation", {"start_index": INTEGER, "end_index": INTEGER, "url": TEXT, "title": TEXT})
_MESSAGE = shape(
    "Message",
    {
        "role": Words("assistant"),
        "content": or_null(TEXT),
        "refusal?": or_null(TEXT),
        "tool_calls?": or_null(ListOf(AnyOf(_TOOL_CALL, _CUSTOM_CALL))),
        "annotations?": ListOf(shape("Annotation", {"type": Words("url_citation"), "url_citation": _CITATION})),
        "function_call?": or_null(shape("FunctionCall", {"name": TEXT, "arguments": TEXT})),
        "audio?": or_null(shape("Audio", {"id": TEXT, "expires_at": INTEGER, "data": TEXT, "transcript": TEXT})),
    },
)
CHAT_WHOLE = shape(
    "ChatCompletion",
    {
        **_SHARED,
        "object": Words("chat.completion"),
        "choices": ListOf(
            shape(
                "Choice",
                {
                    "index": INTEGER,
                    "message": _MESSAGE,
                    "logprobs?": or_null(_LOGPROBS),
                    "finish_reason": Words(*FINISH_WORDS),
                },
            )
        ),
        "metadata?": or_null(MapOf(TEXT)),
    },
)

# -- chat, streamed
_CALL_PIECE = shape(
    "ToolCallChunk",
    {
        "index": INTEGER,
        "id?": TEXT,
        "type?": Words("function"),
        "function?": shape("FunctionChunk", {"name?": TEXT, "arguments?": TEXT}),
    },
)
_DELTA = shape(
    "Delta",
    {
        "role?": or_null(Words("developer", "system", "user", "assistant", "tool")),
        "content?": or_null(TEXT),
        "refusal?": or_null(TEXT),
        "tool_calls?": or_null(ListOf(_CALL_PIECE)),
        "function_call?": or_null(shape("FunctionCallChunk", {"name?": TEXT, "arguments?": TEXT})),
        "audio?": or_null(
            shape("AudioChunk", {"id?": TEXT, "data?": TEXT, "transcript?": TEXT, "expires_at?": INTEGER})
        ),
    },
)
CHAT_CHUNK = shape(
    "ChatCompletionChunk",
    {
        **_SHARED,
        "object": Words("chat.completion.chunk"),
        "choices": ListOf(
            shape(
                "ChunkChoice",
                {
                    "index": INTEGER,
                    "delta": _DELTA,
                    "logprobs?": or_null(_LOGPROBS),
                    "finish_reason?": or_null(Words(*FINISH_WORDS)),
                },
            )
        ),
        "obfuscation?": TEXT,
    },
)

# -- legacy completions, whole and streamed
_TEXT_LOGPROBS = shape(
    "TextLogprobs",
    {
        "text_offset?": ListOf(INTEGER),
        "token_logprobs?": ListOf(or_null(NUMBER)),
        "tokens?": ListOf(TEXT),
        "top_logprobs?": or_null(ListOf(or_null(MapOf(NUMBER)))),
    },
)
COMPLETION = shape(
    "Completion",
    {
        "id": TEXT,
        "object": Words("text_completion"),
        "created": INTEGER,
        "model": TEXT,
        "choices": ListOf(
            shape(
                "TextChoice",
                {
                    "text": TEXT,
                    "index": INTEGER,
                    "logprobs": or_null(_TEXT_LOGPROBS),
                    "finish_reason": or_null(Words("stop", "length", "content_filter")),
                },
            )
        ),
        "usage?": USAGE,
        "system_fingerprint?": TEXT,
    },
)

# -- embeddings, models, errors
EMBEDDINGS = shape(
    "Embeddings",
    {
        "object": Words("list"),
        "data": ListOf(
            shape(
                "Embedding",
                {"object": Words("embedding"), "index": INTEGER, "embedding": AnyOf(ListOf(NUMBER), TEXT)},
            )
        ),
        "model": TEXT,
        "usage": shape("EmbeddingUsage", {"prompt_tokens": INTEGER, "total_tokens": INTEGER}),
    },
)
MODEL = shape(
    "Model",
    {
        "id": TEXT,
        "object": Words("model"),
        "created": INTEGER,
        "owned_by": TEXT,
        "shutdown_date?": or_null(TEXT),
    },
)
MODELS = shape("ModelList", {"object": Words("list"), "data": ListOf(MODEL)})
ERROR = shape(
    "ErrorBody",
    {"error": shape("Error", {"message": TEXT, "type": TEXT, "param": or_null(TEXT), "code": or_null(TEXT)})},
)

# -- images
_IMAGE_TOKENS = shape("ImageTokens", {"text_tokens": INTEGER, "image_tokens": INTEGER})
_IMAGE_COUNTS: dict[str, Kind] = {
    "total_tokens": INTEGER,
    "input_tokens": INTEGER,
    "output_tokens": INTEGER,
    "input_tokens_details": _IMAGE_TOKENS,
}
IMAGES = shape(
    "Images",
    {
        "created": INTEGER,
        "data?": ListOf(shape("Image", {"b64_json?": TEXT, "url?": TEXT, "revised_prompt?": TEXT})),
        "background?": Words("transparent", "opaque"),
        "output_format?": Words("png", "webp", "jpeg", "gif", "svg"),
        "size?": TEXT,
        "quality?": Words("low", "medium", "high", "xhigh", "max"),
        "usage?": shape("ImageUsage", {**_IMAGE_COUNTS, "output_tokens_details?": _IMAGE_TOKENS}),
        "safety_identifier?": or_null(TEXT),
        "svg_usage?": MapOf(ANYTHING),
    },
)
_IMAGE_META: dict[str, Kind] = {
    "b64_json": TEXT,
    "created_at": INTEGER,
    "size": TEXT,
    "quality": Words("low", "medium", "high", "xhigh", "max", "auto"),
    "background": Words("transparent", "opaque", "auto"),
    "output_format": Words("png", "webp", "jpeg"),
    "safety_identifier?": or_null(TEXT),
}


def _image_events(prefix: str) -> AnyOf:
    partial: dict[str, Kind] = {"type": Words(f"{prefix}.partial_image"), **_IMAGE_META, "partial_image_index": INTEGER}
    completed: dict[str, Kind] = {
        "type": Words(f"{prefix}.completed"),
        **_IMAGE_META,
        "usage": shape("ImageEventUsage", _IMAGE_COUNTS),
    }
    return AnyOf(shape("PartialImage", partial), shape("CompletedImage", completed))


IMAGE_EVENT = _image_events("image_generation")
IMAGE_EDIT_EVENT = _image_events("image_edit")
