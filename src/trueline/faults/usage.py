"""Token counts."""

from __future__ import annotations

from .row import CS, SI, C, Fault, S

__all__ = ["ROWS"]

# fmt: off
ROWS: tuple[Fault, ...] = (
    Fault("usage-missing-nonstream", C, "must", "mends",
          "A whole reply has no usage: an estimate from its size is put in, marked as one.",
          "https://github.com/LostRuins/koboldcpp/issues/2481"),
    Fault("usage-missing-stream", SI, "must", "mends",
          "Usage was asked for and is not sent: an estimate, marked as one; for pictures zeros, marked as unknown.",
          "https://github.com/zed-industries/zed/pull/45812"),
    Fault("usage-empty-object", CS, "must", "mends",
          "`usage` is an empty object: it is left out.",
          "https://github.com/zed-industries/zed/issues/42893"),
    Fault("usage-null-fields", CS, "must", "mends",
          "A count is null, negative or no number: it becomes zero.",
          "https://github.com/opea-project/GenAIComps/issues/926"),
    Fault("usage-placeholder-zero", S, "must", "mends",
          "Reports of zeros come before the real one: they are dropped."),
    Fault("usage-every-chunk-cumulative", S, "must", "mends",
          "Every chunk has a running total: the last one leaves.",
          "https://github.com/open-webui/open-webui/issues/29064"),
    Fault("usage-in-finish-chunk", S, "must", "mends",
          "Usage stands beside choices: it leaves in a chunk of its own.",
          "https://github.com/ggml-org/llama.cpp/issues/15443"),
    Fault("usage-chunk-no-choices", S, "must", "mends",
          "The usage chunk has no `choices`, or null: it gets an empty list.",
          "https://github.com/ROCm/ATOM/pull/1711"),
    Fault("usage-in-choice", CS, "must", "mends",
          "Usage stands in a choice: it moves to the reply.",
          "https://github.com/earendil-works/pi/issues/2017"),
    Fault("usage-x-groq", S, "must", "mends",
          "Usage stands in `x_groq`: it is copied to where it belongs.",
          "https://github.com/vercel/ai/issues/1651"),
    Fault("usage-unasked", S, "must", "mends",
          "Usage was not asked for: it is dropped.",
          "https://github.com/huggingface/text-generation-inference/pull/3003"),
    Fault("usage-dup", S, "must", "mends",
          "The usage comes twice: one leaves.",
          "https://github.com/rmusser01/tldw_chatbook/pull/1627"),
    Fault("usage-excl-reasoning", CS, "must", "mends",
          "The completion leaves out the thoughts that the total counts: they are added; a detail beyond it is "
          "clamped.",
          "https://github.com/router-for-me/CLIProxyAPI/issues/5733"),
    Fault("usage-total-mismatch", CS, "must", "mends",
          "The total is missing or no sum: it becomes prompt + completion.",
          "https://github.com/QuantumNous/new-api/issues/1358"),
    Fault("usage-cached-elsewhere", CS, "exact", "mends",
          "Cached tokens are counted under another name: they are copied to `prompt_tokens_details`.",
          "https://github.com/vercel/ai/pull/12352"),
    Fault("usage-other-names", CS, "must", "mends",
          "Counts have other names (`input_tokens`): they are renamed.",
          "https://github.com/MiniMax-AI/MiniMax-M2.5/issues/2"),
    Fault("usage-prompt-excl-cached", CS, "must", "mends",
          "More tokens are cached than the prompt has, so it leaves them out: they are added."),
    Fault("usage-float-string", CS, "must", "mends",
          "Counts are decimals or text: they become integers.",
          "https://github.com/siyuan-note/siyuan/issues/14787"),
)
# fmt: on
