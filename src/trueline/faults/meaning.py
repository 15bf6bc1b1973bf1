"""What a request asked for, and log probabilities."""

from __future__ import annotations

from .row import CS, Fault, P, S

__all__ = ["ROWS"]

# fmt: off
ROWS: tuple[Fault, ...] = (
    Fault("n-ignored", CS, "exact", "leaves",
          "Fewer choices come than were asked for: passed on and counted. None is invented, and no option asks again: "
          "that would bill the prompt several times, and a seed would give the same answer.",
          "https://github.com/InternLM/lmdeploy/issues/4073"),
    Fault("n-interleave", S, "legal", "leaves",
          "Chunks of several choices come mixed: each choice is kept apart by its index.",
          "https://github.com/sgl-project/sglang/issues/2912"),
    Fault("n-finish-shared", CS, "must", "mends",
          "One finish reason serves several choices: each open one gets its own.",
          "https://github.com/ggml-org/llama.cpp/pull/20226",
          setting="off"),
    Fault("stop-echoed", CS, "exact", "option",
          "The stop string stands at the end of the text: cut off, where the option is set.",
          "https://github.com/huggingface/text-generation-inference/issues/1724",
          setting="options"),
    Fault("stop-ignored", CS, "exact", "leaves",
          "The text goes on behind a stop string: passed on, and no option cuts it, since usage and finish would be "
          "those of another text. Not counted in traffic: `trueline check` looks for it.",
          "inferred: small servers, and hosts of reasoning models"),
    Fault("special-token-leak", CS, "exact", "option",
          "A template's token (`<|im_end|>`, `</s>`) ends the text: cut off, where the option is set.",
          "https://github.com/huggingface/text-generation-inference/issues/1724",
          setting="options"),
    Fault("prefill-echo", CS, "exact", "option",
          "The text begins with the assistant's message of the request: cut off, where the option is set.",
          "inferred: text generation servers whose default is to echo",
          setting="options"),
    Fault("max_completion_tokens-ignored", CS, "exact", "leaves",
          "More tokens come than were asked for: passed on as they are. Not counted in traffic, since servers count "
          "differently: `trueline check` looks for it.",
          "https://github.com/abetlen/llama-cpp-python/issues/1907"),
    Fault("logprobs-legacy", CS, "must", "mends",
          "`logprobs` have the shape of the old API: they are rewritten.",
          "https://github.com/vllm-project/vllm/issues/3179"),
    Fault("logprobs-missing-key", (*CS, *P), "exact", "mends",
          "A choice has no `logprobs` key: null is added, but for models that OpenAI itself leaves it out for.",
          "https://github.com/ollama/ollama/issues/16117"),
    Fault("logprobs-object-of-nulls", CS, "must", "mends",
          "`logprobs` is an object of nulls: it becomes null.",
          "https://github.com/HamaWhiteGG/langchain-java/issues/144"),
    Fault("logprobs-inf", CS, "must", "mends",
          "A log probability is infinite or no number: it becomes -9999.",
          "https://github.com/sgl-project/sglang/issues/4097"),
    Fault("logprobs-entry", CS, "must", "mends",
          "A token's entry lacks `bytes` or `top_logprobs`, or holds something else there: they are filled in.",
          "specified: `bytes` and `top_logprobs` are required; which server leaves them out was not seen"),
    Fault("logprobs-top", CS, "must", "mends",
          "More `top_logprobs` come than were asked for: those beyond go.",
          "specified: at most as many as were asked for; which server sends more was not seen"),
    Fault("json-mode-fenced", CS, "exact", "option",
          "JSON that was asked for stands in a Markdown fence: taken out, where the option is set.",
          "inferred: relays of Claude and Gemini",
          setting="options"),
    Fault("logprobs-unasked", CS, "exact", "mends",
          "`logprobs` were not asked for: they become null.",
          "recorded: OpenRouter",
          setting="off"),
)
# fmt: on
