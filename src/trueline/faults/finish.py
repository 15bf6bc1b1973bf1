"""Why a choice ended."""

from __future__ import annotations

from .row import CS, C, Fault, S

__all__ = ["ROWS"]

# fmt: off
ROWS: tuple[Fault, ...] = (
    Fault("finish-key-absent", S, "must", "mends",
          "Chunks have no `finish_reason` key: null is added.",
          "https://github.com/vllm-project/vllm/issues/19650"),
    Fault("finish-empty-string", CS, "must", "mends",
          "The finish reason is an empty string: read as null.",
          "https://github.com/ollama/ollama/issues/4357"),
    Fault("finish-null-string", CS, "must", "mends",
          "The finish reason is the word `null`: read as null.",
          "https://github.com/PowerShell/AIShell/issues/350"),
    Fault("finish-foreign-vocab", CS, "must", "mends",
          "The finish reason is a word of another API: it is translated into one of OpenAI's five.",
          "https://github.com/openai/openai-dotnet/pull/267"),
    Fault("finish-stop-with-tools", CS, "must", "mends",
          "`stop` ends a reply that calls tools: it becomes `tool_calls`, unless the request named the tool.",
          "https://github.com/sgl-project/sglang/issues/2877"),
    Fault("finish-tool_calls-without-tools", CS, "must", "mends",
          "`tool_calls` ends a reply without a tool call: it becomes `stop`.",
          "https://github.com/QwenLM/qwen-code/issues/10689"),
    Fault("finish-tool_call-singular", CS, "must", "mends",
          "The finish reason is `tool_call` or `tool_use`: it becomes `tool_calls`.",
          "https://github.com/ml-explore/mlx-lm/pull/782"),
    Fault("finish-function_call-for-tools", CS, "must", "mends",
          "The finish reason of a tool call is `function_call`, or the reverse: it becomes that of the call.",
          "https://github.com/MeetKai/functionary/issues/243"),
    Fault("finish-camel-or-details", CS, "must", "mends",
          "The reason stands in `finishReason` or `finish_details`: it is read from there.",
          "https://github.com/jakobdylanc/llmcord/issues/84"),
    Fault("finish-null-nonstream", C, "must", "mends",
          "A complete whole reply has no finish reason: `tool_calls` after a call, else `stop`.",
          "https://github.com/HamaWhiteGG/langchain-java/issues/144"),
    Fault("finish-error-value", CS, "must", "refuses",
          "The finish reason says that the reply failed: it ends in an error, never in `stop`.",
          "https://github.com/pydantic/pydantic-ai/issues/2844"),
    Fault("finish-with-content", S, "exact", "mends",
          "The last text and the finish share a chunk: they leave in two.",
          "https://github.com/vllm-project/vllm/issues/35705"),
    Fault("finish-twice", S, "must", "mends",
          "A choice finishes more than once: it finishes once, for the stronger reason."),
    Fault("finish-missing", S, "must", "mends",
          "`[DONE]` comes without a finish: `tool_calls` after a call, else `stop`, since the server said it was "
          "done.",
          "https://github.com/github/copilot-sdk/issues/1081"),
    Fault("finish-lost-with-logprobs", S, "must", "mends",
          "The finish is missing before `[DONE]` where log probabilities were asked for: supplied like "
          "`finish-missing`.",
          "https://github.com/BerriAI/litellm/issues/10686",
          setting="off"),
    Fault("content-after-finish", S, "must", "mends",
          "Text or calls come after the finish: they leave before it."),
)
# fmt: on
