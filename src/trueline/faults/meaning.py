"""What a request asked for, and log probabilities."""

from __future__ import annotations

from .row import CS, Fault

__all__ = ["ROWS"]

# fmt: off
ROWS: tuple[Fault, ...] = (
    Fault("n-finish-shared", CS, "must", "mends",
          "One finish reason serves several choices: each open one gets its own.",
          "https://github.com/ggml-org/llama.cpp/pull/20226"),
    Fault("logprobs-legacy", CS, "must", "mends",
          "`logprobs` have the shape of the old API: they are rewritten.",
          "https://github.com/vllm-project/vllm/issues/3179"),
    Fault("logprobs-object-of-nulls", CS, "must", "mends",
          "`logprobs` is an object of nulls: it becomes null.",
          "https://github.com/HamaWhiteGG/langchain-java/issues/144"),
    Fault("logprobs-inf", CS, "must", "mends",
          "A log probability is infinite or no number: it becomes -9999.",
          "https://github.com/sgl-project/sglang/issues/4097"),
    Fault("logprobs-unasked", CS, "exact", "mends",
          "`logprobs` were not asked for: they become null."),
)
# fmt: on
