"""Usage (rules.md C8 and U1)."""

from __future__ import annotations

from typing import Final

from .row import Row, odd

__all__ = ["ROWS"]

_ASKED: Final = "OpenAI sends one usage chunk with `choices: []` after every finish, and `usage: null` on all others"
_UNASKED: Final = "OpenAI sends usage in streams only with `include_usage`"
_WHOLE: Final = "OpenAI sends usage with every whole reply"
_COUNTS: Final = "OpenAI sends prompt_tokens, completion_tokens and their sum total_tokens, as integers"
_DETAILS: Final = "OpenAI sends all details, also where they are 0"

# fmt: off
ROWS: tuple[Row, ...] = (
    Row("usage-missing-nonstream", "exact", "N2", "a whole reply has no usage", _WHOLE),
    Row("usage-missing-stream", "must", "C8", "usage was asked for and does not come", _ASKED),
    Row("usage-empty-object", "must", "U1", "`usage` is an empty object", _COUNTS),
    Row("usage-null-fields", "must", "U1", "a count is missing, null or no number", _COUNTS),
    Row("usage-float-string", "must", "U1", "a count is a decimal or text", _COUNTS),
    Row("usage-total-mismatch", "must", "U1", "the total is missing, or not the sum of its parts", _COUNTS),
    Row("usage-excl-reasoning", "must", "U1", "the completion leaves out thoughts that are counted elsewhere",
        "OpenAI counts thoughts as part of the completion"),
    Row("usage-prompt-excl-cached", "must", "U1", "more tokens are cached than the prompt has",
        "OpenAI counts cached tokens as part of the prompt"),
    Row("usage-other-names", "must", "U1", "counts have the names of another API", _COUNTS),
    Row("usage-cached-elsewhere", "exact", "U1", "cached tokens are counted under another name",
        "OpenAI sends prompt_tokens_details.cached_tokens"),
    odd("usage-details-missing", "exact", "U1", "details of the usage are missing", _DETAILS),
    # -- in streams
    Row("usage-unasked", "must", "C8", "chunks carry `usage` although nobody asked", _UNASKED),
    Row("usage-null-absent", "must", "C8", "usage was asked for, and chunks before it have no `usage: null`", _ASKED),
    Row("usage-dup", "must", "C8", "the usage comes twice: clients add it up", _ASKED),
    Row("usage-placeholder-zero", "must", "C8", "chunks carry a usage of zeros before the real one", _ASKED),
    Row("usage-every-chunk-cumulative", "must", "C8", "every chunk carries a running total: clients add them up",
        _ASKED),
    Row("usage-in-finish-chunk", "must", "C8", "usage stands beside choices", _ASKED),
    Row("usage-chunk-choices-nonempty", "must", "C8", "the usage chunk has a choice that says nothing", _ASKED),
    Row("usage-chunk-no-choices", "must", "C8", "the usage chunk has no `choices`, or null", _ASKED),
    Row("usage-in-choice", "exact", "C8", "usage stands in a choice", _ASKED),
    Row("usage-x-groq", "exact", "C8", "usage stands in `x_groq`", _ASKED),
    odd("usage-early", "must", "C8", "usage comes before every choice has finished", _ASKED),
    odd("chunk-after-usage", "must", "C8", "a chunk with choices comes after the usage", _ASKED),
)
