"""The envelope of a reply and its choices (rules.md sections C, I and N)."""

from __future__ import annotations

from typing import Final

from .row import Row, odd

__all__ = ["ROWS"]

_ID: Final = "OpenAI sends `chatcmpl-` and 29 letters and digits, the same on every chunk"
_CREATED: Final = "OpenAI sends the Unix time in whole seconds, the same on every chunk"
_ORDER: Final = "OpenAI sends id, object, created, model, service_tier, system_fingerprint, choices, usage"
_CHOICES: Final = "OpenAI sends one choice per chunk, and an empty list only beside usage that was asked for"
_INDEX: Final = "OpenAI numbers choices 0 to n-1"

# fmt: off
ROWS: tuple[Row, ...] = (
    Row("id-missing", "must", "C1", "there is no id", _ID),
    Row("id-empty", "exact", "I1", "the id is an empty string", _ID),
    Row("id-null-string", "exact", "I1", "the id is a word for null", _ID),
    Row("id-prefix-wrong", "exact", "I1", "the id has another form", _ID),
    Row("id-changes-per-chunk", "must", "C1", "chunks have different ids, which openai-node reads as several replies",
        _ID),
    Row("object-missing", "must", "SCHEMA", "`object` is missing or empty",
        "OpenAI sends `chat.completion`, and `chat.completion.chunk` in streams"),
    Row("object-wrong-stream", "must", "SCHEMA", "`object` of a chunk is another word",
        "OpenAI sends `chat.completion.chunk`"),
    Row("object-wrong-nonstream", "must", "SCHEMA", "`object` of a whole reply is another word",
        "OpenAI sends `chat.completion`"),
    Row("created-missing", "must", "C1", "`created` is missing, null or zero", _CREATED),
    Row("created-float", "must", "C1", "`created` is a fraction", _CREATED),
    Row("created-ms", "exact", "C1", "`created` counts in milliseconds or less", _CREATED),
    Row("created-string", "must", "C1", "`created` is text", _CREATED),
    Row("created-varies", "must", "C1", "chunks have different times in `created`", _CREATED),
    Row("model-empty", "must", "C2", "`model` is missing or empty", "OpenAI sends the name of the model that answered"),
    Row("model-differs", "exact", "C2", "the reply names another model than the request",
        "OpenAI sends the name that was asked for, or its dated snapshot"),
    Row("model-changes", "must", "C1", "chunks name different models", "OpenAI names one"),
    Row("fingerprint-missing", "exact", "C3", "there is no `system_fingerprint`", "OpenAI sends a string or null"),
    Row("fingerprint-changes", "exact", "C1", "`system_fingerprint` changes", "OpenAI sends one per reply"),
    Row("service-tier-foreign", "must", "SCHEMA", "`service_tier` is another word",
        "OpenAI says auto, default, flex, scale, priority or fast"),
    odd("service-tier-missing", "exact", "C3", "there is no `service_tier`",
        "OpenAI sends the tier that was used, mostly `default`"),
    Row("service-tier-changes", "exact", "C1", "`service_tier` changes", "OpenAI sends one per reply"),
    odd("key-order", "exact", "C3", "the fields stand in another order", _ORDER),
    odd("choice-key-order", "exact", "C3", "the fields of a choice stand in another order",
        "OpenAI sends index, delta, logprobs, finish_reason"),
    Row("extra-fields", "exact", "SCHEMA", "there are fields that OpenAI does not know", "OpenAI sends none of them"),
    Row("content-filter-results", "exact", "SCHEMA", "there are content filter results, as Azure sends them",
        "OpenAI sends none of them"),
    Row("extra-foreign-type", "must", "SCHEMA", "audio, metadata, moderation or obfuscation are of another kind",
        "OpenAI sends what its schema says"),
    odd("obfuscation-missing", "exact", "O1", "chunks have no `obfuscation`",
        "OpenAI pads chunks unless `include_obfuscation` is false"),
    odd("obfuscation-unwanted", "must", "O1", "chunks have `obfuscation` although the request refuses it",
        "OpenAI leaves it out"),
    odd("obfuscation-length", "exact", "O2", "the padding does not bring the JSON to a length of 16 k + 1 bytes",
        "OpenAI pads to that length"),
    # -- choices
    Row("choices-empty-first", "must", "C8", "the first chunk has no choices", _CHOICES),
    Row("choices-empty-mid", "must", "C8", "a chunk has neither choices nor usage", _CHOICES),
    Row("choices-empty-usage-unasked", "must", "C8",
        "a chunk without choices brings usage that nobody asked for; `choices[0]` fails there", _CHOICES),
    Row("choices-null", "must", "SCHEMA", "`choices` is null", _CHOICES),
    Row("choices-missing", "must", "SCHEMA", "there is no `choices`", _CHOICES),
    odd("choices-none", "must", "N1", "the reply has no choice at all", _INDEX),
    Row("choices-two-in-one-chunk", "exact", "C4", "a chunk holds several choices", _CHOICES),
    Row("choices-split-by-kind", "must", "C4", "text and tool calls come as two choices although one was asked for",
        _INDEX),
    odd("choices-too-many", "must", "C4", "there are more choices than were asked for", _INDEX),
    Row("n-ignored", "must", "C4", "there are fewer choices than were asked for", _INDEX),
    Row("n-finish-shared", "must", "C7", "one finish_reason serves several choices",
        "OpenAI finishes each choice in a chunk of its own"),
    Row("choice-index-missing", "must", "SCHEMA", "a choice has no index", _INDEX),
    Row("choice-index-all-zero", "must", "C4", "several choices have the same index", _INDEX),
    odd("choice-index-order", "must", "N1", "the choices are not numbered 0 to n-1", _INDEX),
    Row("message-not-delta", "must", "SCHEMA", "a chunk says `message` where `delta` belongs", "OpenAI sends `delta`"),
    Row("delta-missing-null", "must", "C5", "a choice of a chunk has no delta, or null", "OpenAI sends an object"),
    Row("delta-not-message", "must", "SCHEMA", "a whole reply says `delta` where `message` belongs",
        "OpenAI sends `message`"),
    Row("text-not-message", "must", "SCHEMA", "the answer stands in `text`",
        "OpenAI sends it in the content of a message or delta"),
)
