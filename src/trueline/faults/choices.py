"""The list of choices, and the pieces that a stream is made of."""

from __future__ import annotations

from .row import CS, SI, C, Fault, P, S

__all__ = ["ROWS"]

# fmt: off
ROWS: tuple[Fault, ...] = (
    Fault("choices-empty-first", S, "must", "mends",
          "The first chunk has no choices: it is dropped, and what it carried travels with the next one.",
          "https://github.com/langfuse/langfuse/issues/2833"),
    Fault("choices-empty-mid", S, "must", "mends",
          "A chunk without choices and without usage: it is dropped.",
          "https://github.com/cline/cline/issues/8384"),
    Fault("choices-empty-usage-unasked", S, "must", "mends",
          "A last chunk with usage and no choices was not asked for: it is dropped.",
          "https://github.com/Arthur-Ficial/apfel/issues/100",
          setting="off"),
    Fault("choices-null", CS, "must", "mends",
          "`choices` is null or holds no choice: read as an empty list, or as the error that it is.",
          "https://github.com/qualcomm/GenieX/pull/801"),
    Fault("choices-missing", (*CS, *P), "must", "mends",
          "There is no `choices`: read as an empty list.",
          "https://github.com/ROCm/ATOM/pull/1711"),
    Fault("choice-index-missing", CS, "must", "mends",
          "A choice has no usable index: it gets the one of its position. One choice too many goes, and so do further "
          "complete answers of a whole reply where one was asked for.",
          "https://github.com/agentgateway/agentgateway/issues/2371"),
    Fault("choice-index-all-zero", (*CS, *P), "must", "mends",
          "Several choices share an index: they are numbered by position.",
          "https://github.com/ggml-org/llama.cpp/pull/20226"),
    Fault("message-not-delta", S, "must", "mends",
          "A chunk says `message` where `delta` belongs: it is read as a delta.",
          "https://github.com/songquanpeng/one-api/issues/1688"),
    Fault("delta-missing-null", S, "must", "mends",
          "A choice of a chunk has no delta, or null: read as an empty one.",
          "https://github.com/openai/openai-python/issues/1677"),
    Fault("delta-not-message", C, "must", "mends",
          "A whole reply says `delta` where `message` belongs: it is renamed; beside a message it goes.",
          "inferred: makers of chat replies from web pages (chat2api) that fold chunks"),
    Fault("text-not-message", CS, "must", "mends",
          "The answer stands in `text`: it moves into the message or delta; beside one it goes.",
          "https://github.com/predibase/lorax/pull/788"),
    Fault("choices-split-by-kind", CS, "must", "mends",
          "One answer comes over several choices although one was asked for: they are joined into the first.",
          "https://github.com/HKUDS/nanobot/pull/1555"),
    Fault("choices-two-in-one-chunk", S, "legal", "mends",
          "A chunk holds several choices: each leaves in its own chunk.",
          "inferred: vLLM and llama.cpp with `n` above 1; the schema allows it"),
    Fault("non-chunk-object", SI, "must", "mends",
          "An event is JSON but no chunk: it is dropped.",
          "https://github.com/unslothai/unsloth/pull/10362"),
    Fault("null-chunk", SI, "must", "mends",
          "An event is `null`: it is dropped.",
          "https://github.com/earendil-works/pi/pull/2466"),
    Fault("content-filter-results", CS, "legal", "option",
          "Azure's filter results stand beside choices: kept, or dropped where `extras: drop` is set.",
          "https://github.com/seratch/ChatGPT-in-Slack/pull/49",
          setting="extras"),
)
# fmt: on
