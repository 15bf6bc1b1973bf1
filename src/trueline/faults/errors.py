"""Errors: their place, shape, status and code."""

from __future__ import annotations

from .row import CSI, ECS, E, Fault, S

__all__ = ["ROWS"]

# fmt: off
ROWS: tuple[Fault, ...] = (
    Fault("err-in-200-body", CSI, "must", "mends",
          "An error comes under status 200: it leaves with its own status.",
          "https://github.com/BerriAI/litellm/issues/2395"),
    Fault("err-200-baseresp", E, "must", "mends",
          "The error is a `base_resp` with a status code: OpenAI's form leaves.",
          "https://github.com/songquanpeng/one-api/issues/2406"),
    Fault("err-200-code-msg", E, "must", "mends",
          "The error is a code and a message of many names: OpenAI's form.",
          "https://github.com/cloudflare/cloudflare-docs/issues/15116"),
    Fault("err-200-first-event", S, "must", "mends",
          "The first event is an error: it leaves as an HTTP error.",
          "https://github.com/ggml-org/llama.cpp/issues/14566"),
    Fault("err-mid-stream", S, "must", "mends",
          "An error comes after content: an error event and `[DONE]`, no finish.",
          "https://github.com/BerriAI/litellm/issues/40578"),
    Fault("err-mid-named-event", S, "must", "mends",
          "An error comes as `event: error`: read as one, whatever it holds.",
          "https://github.com/openai/openai-python/issues/2796"),
    Fault("err-string", E, "must", "mends",
          "The error is a text: it becomes the message.",
          "https://github.com/can1357/oh-my-pi/issues/1251"),
    Fault("err-detail", E, "must", "mends",
          "The error stands in `detail`: its text, or its list, becomes the message."),
    Fault("err-flat", E, "must", "mends",
          "The error is not nested in `error`: it is.",
          "https://github.com/vllm-project/vllm/issues/12886"),
    Fault("err-array", E, "must", "mends",
          "The error comes in a list: the first one leaves.",
          "https://github.com/FuzzAnything/PromptFuzz/issues/42"),
    Fault("err-fault", E, "must", "mends",
          "The error is an API gateway's `fault`: its text becomes the message."),
    Fault("err-code-int", E, "must", "mends",
          "The code of an error is a number: it becomes text.",
          "https://github.com/sashabaranov/go-openai/issues/244"),
    Fault("err-fields-missing", E, "must", "mends",
          "The error lacks `type`, `param` or `code`: all four keys leave."),
    Fault("err-html", ECS, "must", "mends",
          "A web page answers: its title becomes the message.",
          "https://github.com/OpenHands/OpenHands/issues/1451"),
    Fault("err-empty-body", E, "must", "mends",
          "A failing status has no body: the status is put into words.",
          "https://github.com/envoyproxy/ai-gateway/issues/2151"),
    Fault("err-nested-json-string", E, "exact", "mends",
          "The message is an error as JSON text: the inner one leaves."),
    Fault("err-cf-envelope", E, "must", "mends",
          "The errors are a list in `errors`: joined into one message.",
          "https://github.com/cloudflare/cloudflare-docs/issues/15116"),
)
# fmt: on
