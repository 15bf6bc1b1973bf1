"""Reasoning."""

from __future__ import annotations

from .row import CS, C, Fault

__all__ = ["ROWS"]

# fmt: off
ROWS: tuple[Fault, ...] = (
    Fault("think-in-content", CS, "exact", "mends",
          "The content begins with `<think>`: thoughts and answer are parted.",
          "https://github.com/zed-industries/zed/issues/50989",
          setting="think_tags"),
    Fault("think-open-missing", CS, "exact", "option",
          "The reply begins inside a thought, without its tag: parted at `</think>`, where the option is set.",
          "https://github.com/perplexityai/api-discussion/issues/177",
          setting="options"),
    Fault("think-unclosed", CS, "exact", "mends",
          "A `<think>` is never closed: what it holds are thoughts.",
          "https://github.com/aws-samples/bedrock-access-gateway/issues/194"),
    Fault("reasoning-tag-variants", CS, "exact", "mends",
          "Thoughts stand in another tag: parted like `<think>`.",
          "https://github.com/promptfoo/promptfoo/pull/9587",
          setting="off"),
    Fault("reasoning-field-name", CS, "exact", "mends",
          "Thoughts stand in `reasoning`, or an empty field stands for none: one name leaves, and only with text.",
          "https://github.com/BerriAI/litellm/issues/15690"),
    Fault("reasoning-mirrored", CS, "exact", "mends",
          "Two fields hold the same thoughts: one leaves.",
          "reported: kimi-code#3928, of StepFun"),
    Fault("reasoning-other-names", CS, "exact", "mends",
          "Thoughts have an unusual name: the usual one leaves.",
          "source: copilot-api reads `reasoning_text` of GitHub Copilot"),
    Fault("reasoning-holds-answer", C, "must", "option",
          "The answer stands in the reasoning and the content is empty: copied, where the option is set; whole "
          "replies only.",
          "https://github.com/vllm-project/vllm/issues/17609",
          setting="options"),
    Fault("reasoning-dropped", CS, "legal", "leaves",
          "A proxy took the reasoning away: nothing in the reply shows it; what comes is passed on.",
          "https://github.com/anomalyco/opencode/issues/46061"),
)
# fmt: on
