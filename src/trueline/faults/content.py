"""Role and content."""

from __future__ import annotations

from .row import CS, C, Fault, S

__all__ = ["ROWS"]

# fmt: off
ROWS: tuple[Fault, ...] = (
    Fault("role-missing-first", S, "must", "mends",
          "The first delta of a choice has no role: `assistant` is added there.",
          "https://github.com/langchain-ai/langchain/pull/21897"),
    Fault("role-null-or-empty", CS, "must", "mends",
          "The role is null or empty: `assistant` first, nothing later.",
          "https://github.com/langchain-ai/langchainjs/issues/11468"),
    Fault("role-repeated", S, "must", "mends",
          "Every delta carries the role: it stays on the first one only.",
          "https://github.com/pydantic/logfire/pull/545"),
    Fault("role-missing-nonstream", C, "must", "mends",
          "The message has no role: `assistant` is added."),
    Fault("role-foreign", CS, "must", "mends",
          "The role is another word: it becomes `assistant`."),
    Fault("content-key-missing", C, "must", "mends",
          "The message has no `content`: null is added.",
          "https://github.com/ml-explore/mlx-lm/issues/1738"),
    Fault("refusal-key-missing", C, "must", "mends",
          "The message has no `refusal`: null is added."),
    Fault("content-null-first-delta", S, "exact", "mends",
          "The first delta has `content: null` though text follows: it becomes an empty string.",
          "https://github.com/kyutai-labs/unmute/issues/80"),
    Fault("content-parts-list", CS, "must", "mends",
          "The content is a list of parts: text is joined, thoughts go to the reasoning, the rest to `content_parts`.",
          "https://github.com/microsoft/agent-framework/issues/6978"),
    Fault("content-object", CS, "must", "mends",
          "The content is an object, a number or a boolean: it becomes text."),
    Fault("content-cumulative", S, "must", "mends",
          "Deltas repeat all of the text so far: after two of them in a row only what is new leaves.",
          "https://github.com/QwenLM/qwen-code/pull/3896"),
    Fault("final-full-repeat", S, "must", "mends",
          "The last chunk says the whole answer once more: the repeat is dropped.",
          "https://github.com/infiniflow/ragflow/issues/15286"),
    Fault("empty-deltas", S, "exact", "mends",
          "Chunks in the middle say nothing: they are dropped.",
          "https://github.com/microsoft/autogen/issues/5331"),
    Fault("one-char-chunks", S, "legal", "leaves",
          "Each event holds one character: they leave as they come, since joining them would hold text back.",
          "https://github.com/mudler/LocalAI/issues/2101"),
    Fault("list-in-delta-no-index", S, "exact", "mends",
          "Objects in a list of a delta have no index, which openai-python needs: they are numbered."),
    Fault("content-and-tool-same-delta", S, "legal", "mends",
          "Text and tool calls share a delta: the text leaves first."),
    Fault("whitespace-around", CS, "exact", "mends",
          "Blank lines stand between a thought that was taken out and the answer: they go.",
          setting="off"),
    Fault("annotations-null", CS, "must", "mends",
          "`annotations` is null, which the schema forbids: the key goes."),
    Fault("annotations-foreign", CS, "must", "mends",
          "`annotations` are no URL citations: they move to `upstream_annotations`."),
    Fault("extra-foreign-type", CS, "must", "mends",
          "`audio`, `metadata`, `moderation` or `obfuscation` hold something else: they move to `upstream_…`."),
)
# fmt: on
