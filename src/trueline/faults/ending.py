"""How a stream ends."""

from __future__ import annotations

from .row import CS, CSI, SI, Fault, P, S

__all__ = ["ROWS"]

# fmt: off
ROWS: tuple[Fault, ...] = (
    Fault("done-missing", (*S, *P), "must", "mends",
          "The stream ends after the finish without `[DONE]`: it is added.",
          "https://github.com/Azure/azure-sdk-for-net/issues/44135"),
    Fault("done-duplicated", (*S, *P), "must", "mends",
          "`[DONE]` comes twice: one leaves.",
          "https://github.com/decolua/9router/pull/2046"),
    Fault("done-variants", (*SI, *P), "must", "mends",
          "`[DONE]` is quoted, bare, named or misplaced: the usual form leaves.",
          "source: one-api takes a bare `[DONE]` (8df4a267)"),
    Fault("done-no-blank-line", (*SI, *P), "must", "mends",
          "The last event has no blank line: it is read all the same.",
          "reported: apogee!139, of llama.cpp"),
    Fault("done-glued-on-json", CSI, "must", "mends",
          "Something follows the JSON: the first value is the reply.",
          "https://github.com/decolua/9router/issues/3492"),
    Fault("data-after-done", SI, "must", "mends",
          "Events come after `[DONE]`: they are dropped.",
          "inferred: relays that append their usage"),
    Fault("eof-truncated", (*CS, *P), "must", "refuses",
          "The stream ends without a finish and without `[DONE]`: an error says so, and no finish is invented.",
          "https://github.com/anomalyco/opencode/issues/39968"),
    Fault("empty-stream", (*CS, *P), "must", "refuses",
          "The reply ends before it said anything: 502.",
          "reported: odysseus!736, of LM Studio"),
    Fault("abrupt-reset", (*CS, *P), "must", "refuses",
          "The connection breaks in the middle: an error says so, and no finish is invented.",
          "https://github.com/open-webui/open-webui/issues/7726"),
)
# fmt: on
