"""Replies in another mode or in the shape of another API."""

from __future__ import annotations

from .row import CS, C, Fault, S

__all__ = ["ROWS"]

# fmt: off
ROWS: tuple[Fault, ...] = (
    Fault("sse-for-nonstream", C, "must", "mends",
          "A stream answers a request for a whole reply: it is folded.",
          "https://github.com/sgl-project/mini-sglang/issues/51"),
    Fault("json-for-stream", S, "must", "mends",
          "A whole reply answers a stream request: it leaves as events.",
          "https://github.com/mistralai/mistral-vibe/pull/619"),
    Fault("chunk-for-nonstream", C, "must", "mends",
          "A whole reply calls itself a chunk: it becomes a completion.",
          "inferred: small servers that have one form for both"),
    Fault("images-shape-on-chat", C, "must", "option",
          "A picture answers a chat: an error, or a Markdown image where the option is set.",
          "reported: grok2api#199",
          setting="options"),
    Fault("responses-shape-on-chat", CS, "must", "refuses",
          "The reply is that of the Responses API: an error says so.",
          "https://github.com/BerriAI/litellm/pull/34029"),
    Fault("native-shape", CS, "must", "refuses",
          "The reply is that of another API: an error says what it looks like.",
          "https://github.com/decolua/9router/issues/2386"),
)
# fmt: on
