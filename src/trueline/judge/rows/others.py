"""Images, embeddings, models and legacy completions (rules.md sections G, M, L)."""

from __future__ import annotations

from typing import Final

from .row import Row, odd

__all__ = ["ROWS"]

_IMAGES: Final = 'OpenAI sends {"created", "data": [{"url"} or {"b64_json"}, …]}'
_EVENTS: Final = "OpenAI streams image_generation.partial_image and image_generation.completed events"
_VECTORS: Final = (
    'OpenAI sends {"object": "list", "data": [{"object": "embedding", "index", "embedding"}], "model", "usage"}'
)
_MODELS: Final = 'OpenAI sends {"object": "list", "data": [{"id", "object": "model", "created", "owned_by"}, …]}'
_TEXT: Final = "OpenAI sends text_completion objects whose choices have text, index, logprobs and finish_reason"

# fmt: off
ROWS: tuple[Row, ...] = (
    # -- images
    Row("img-created-missing", "must", "G1", "there is no `created`", _IMAGES),
    Row("img-url-when-b64", "must", "G1", "a URL comes where base64 was asked for", _IMAGES),
    Row("img-b64-when-url", "must", "G1", "base64 comes where a URL was asked for", _IMAGES),
    Row("img-both-null", "must", "G1", "`url` or `b64_json` is null or empty", _IMAGES),
    odd("img-both", "must", "G1", "a picture has both `url` and `b64_json`", _IMAGES),
    odd("img-none", "must", "G1", "a picture has neither `url` nor `b64_json`", _IMAGES),
    Row("img-data-prefix", "exact", "G1", "the base64 begins with `data:`, at which decoders fail", _IMAGES),
    odd("img-base64-broken", "must", "G1", "`b64_json` is no base64, so that there is no picture in it", _IMAGES),
    Row("img-url-private", "exact", "G1", "the URL is one that only the server's own network can fetch",
        "OpenAI sends public URLs"),
    Row("img-revised-prompt", "exact", "G2", "`revised_prompt` is empty, or there for the wrong model",
        "OpenAI sends it for dall-e-3 only"),
    Row("img-meta-null", "must", "SCHEMA", "`size`, `quality` or the like is null", "OpenAI tells them"),
    Row("img-usage-foreign", "must", "SCHEMA", "the usage is not that of images",
        "OpenAI sends total_tokens, input_tokens, output_tokens and input_tokens_details"),
    odd("img-usage-total", "must", "G3", "the total is not the sum of its parts",
        "OpenAI sends input_tokens + output_tokens"),
    odd("img-fields-missing", "exact", "G3", "a GPT image model does not tell size, quality, format or usage",
        "OpenAI tells them all"),
    Row("img-partial-n", "must", "G1", "there are fewer pictures than were asked for", "OpenAI sends n, or an error"),
    odd("img-too-many", "must", "G1", "there are more pictures than were asked for", "OpenAI sends n"),
    Row("img-list-of-strings", "must", "SCHEMA", "the pictures are bare strings", _IMAGES),
    Row("img-images-key", "must", "SCHEMA", "the pictures stand in another list than `data`", _IMAGES),
    Row("img-top-level-array", "must", "SCHEMA", "the reply is a bare list", _IMAGES),
    Row("img-single-field", "must", "SCHEMA", "one picture stands in a field of its own", _IMAGES),
    Row("img-embedding-shape", "must", "SCHEMA", "the pictures come as embeddings", _IMAGES),
    Row("img-async-task", "must", "SCHEMA", "the reply is a task to ask again for", "OpenAI answers when it is done"),
    Row("img-binary-body", "must", "SCHEMA", "the reply is the picture itself", _IMAGES),
    Row("img-stream-events", "must", "F4", "a whole reply answers a request for a stream", _EVENTS),
    odd("img-event-name", "must", "F4", "the name of an event is missing, or not its type", _EVENTS),
    odd("img-event-order", "must", "F4", "the events are not partial pictures and then a completed one", _EVENTS),
    odd("img-event-done", "exact", "F4", "a stream of images ends with `[DONE]`", "OpenAI ends it with the last event"),
    # -- embeddings
    Row("emb-base64-ignored", "must", "M2", "numbers come where base64 was asked for", _VECTORS),
    Row("emb-base64-unasked", "must", "M2", "base64 comes where numbers were asked for", _VECTORS),
    Row("emb-nan", "must", "M2", "a vector holds null or NaN", _VECTORS),
    Row("emb-nested", "must", "M2", "a vector is a list of lists", _VECTORS),
    Row("emb-index-object-missing", "must", "M1", "a vector has no index or no `object`", _VECTORS),
    Row("emb-order", "must", "M1", "the vectors are not in the order of the inputs", _VECTORS),
    Row("emb-count", "must", "M1", "there is not one vector per input", _VECTORS),
    odd("emb-base64-broken", "must", "M2", "the base64 is no list of 32-bit numbers", _VECTORS),
    odd("emb-dimensions", "must", "M2", "a vector has not the dimensions that were asked for", _VECTORS),
    Row("emb-usage-null", "must", "M1", "usage or model is missing or null", _VECTORS),
    odd("emb-usage-total", "must", "M1", "the usage is not two equal numbers", _VECTORS),
    Row("emb-top-array", "must", "SCHEMA", "the vectors do not stand in `data`", _VECTORS),
    # -- models
    Row("models-bare-array", "must", "SCHEMA", "the list of models is a bare list", _MODELS),
    Row("models-object-missing", "must", "SCHEMA", "the list of models has no `object`", _MODELS),
    Row("models-other-key", "must", "SCHEMA", "the models stand in another list than `data`", _MODELS),
    Row("models-fields-missing", "must", "SCHEMA", "a model has not all of its four fields", _MODELS),
    Row("models-created-float-ms", "must", "SCHEMA", "`created` of a model is no Unix time in whole seconds", _MODELS),
    odd("models-id-twice", "exact", "SCHEMA", "two models have the same id", _MODELS),
    # -- legacy completions
    Row("completions-chat-shape", "must", "L1", "the answer stands in a message or delta", _TEXT),
    Row("completions-usage-chunk", "must", "L1", "the usage chunk has no `choices`, or chunks carry zeros", _TEXT),
    Row("completions-text-null", "must", "L1", "a choice has no text, or null", _TEXT),
    Row("completions-id", "exact", "I1", "the id is not that of a completion",
        "OpenAI sends `cmpl-` and 29 letters and digits"),
    Row("object-wrong-completions", "must", "L1", "`object` is another word", "OpenAI sends `text_completion`"),
    odd("completions-finish", "must", "L1", "there is not one finish_reason per choice", _TEXT),
)
