"""Tool calls and log probabilities (rules.md C9, C12, N)."""

from __future__ import annotations

from typing import Final

from .row import Row, odd

__all__ = ["ROWS"]

_INDEX: Final = "OpenAI numbers calls 0, 1, 2…, and every piece has the index of its call"
_FIRST: Final = 'OpenAI sends id, type, name and arguments "" in the first piece of a call, later pieces are arguments'
_LATER: Final = "OpenAI sends them in the first piece only; openai-python puts repeated ones together"
_ID: Final = "OpenAI sends `call_` and 24 letters and digits, another one for each call"
_NAME: Final = "OpenAI sends the name of a tool of the request"
_ARGUMENTS: Final = "OpenAI sends JSON text"
_PIECES: Final = "OpenAI sends what is new"
_CHOICE: Final = "OpenAI does as `tool_choice` says"
_NONE: Final = "OpenAI leaves the key out where no tool is called"
_LOGPROBS: Final = "OpenAI sends null, or {content, refusal} where they were asked for"

# fmt: off
ROWS: tuple[Row, ...] = (
    Row("tool-index-missing", "must", "C9", "a piece of a tool call has no index, at which both SDKs fail", _INDEX),
    Row("tool-index-all-zero", "must", "C9", "several calls have the same index: clients join them into one", _INDEX),
    Row("tool-index-bad", "must", "C9", "the index of a tool call is no number, or starts or jumps wrong", _INDEX),
    Row("tool-index-id-vs-args", "must", "C9", "arguments have another index than their call", _INDEX),
    Row("tool-index-dup-in-chunk", "exact", "C9", "two entries of a delta have the same index",
        "OpenAI sends one entry per chunk"),
    Row("tool-index-in-nonstream", "must", "N4", "a call of a whole reply has an index", "OpenAI sends none there"),
    Row("tool-index-back", "exact", "C9", "pieces go back to an earlier call", "OpenAI ends one call before the next"),
    Row("tool-args-next-call-no-id", "must", "C9", "a next call begins on the same index without an id", _INDEX),
    Row("tool-multi-calls-one-chunk", "exact", "C9", "one delta holds several calls",
        "OpenAI sends one entry per chunk"),
    Row("tool-whole-call-one-chunk", "exact", "C9", "the first piece of a call already carries arguments", _FIRST),
    odd("tool-first-arguments", "exact", "C9", 'the first piece of a call has no arguments ""', _FIRST),
    Row("tool-id-missing", "must", "C9", "a call has no id", _ID),
    Row("tool-id-empty-later", "must", "C9", "later pieces of a call have an empty id", _LATER),
    Row("tool-id-repeated", "must", "C9", "later pieces of a call have the id again", _LATER),
    Row("tool-id-duplicate", "must", "I1", "two calls have the same id, so that results cannot be told apart", _ID),
    Row("tool-id-format", "exact", "I1", "the id of a call has another form", _ID),
    Row("tool-type-missing", "must", "C9", "a call has no usable type", "OpenAI sends `function`"),
    odd("tool-type-repeated", "must", "C9", "later pieces of a call have the type again", _LATER),
    Row("tool-name-empty-later", "must", "C9", "later pieces of a call have an empty name", _LATER),
    Row("tool-name-repeated", "must", "C9", "later pieces of a call have the name again", _LATER),
    Row("tool-name-late", "must", "C9", "the name of a call comes after its first piece", _FIRST),
    Row("tool-name-never", "must", "C9", "a call has no name, so that nobody can answer it", _NAME),
    Row("tool-name-decorated", "exact", "C9", "the name of a call is the tool's with something added", _NAME),
    Row("tool-args-object", "must", "C9", "the arguments of a call are no string", _ARGUMENTS),
    Row("tool-args-empty", "must", "C9", "a call has no arguments, which no client can parse", "OpenAI sends `{}`"),
    Row("tool-args-double-encoded", "exact", "C9", "the arguments are JSON text inside a JSON string", _ARGUMENTS),
    Row("tool-args-invalid-json", "exact", "C9", "the arguments of a call do not parse", _ARGUMENTS),
    Row("tool-args-dup-full", "exact", "C9", "complete arguments come once more: clients get them twice", _PIECES),
    Row("tool-args-cumulative", "exact", "C9", "pieces repeat the arguments so far: clients get them doubled", _PIECES),
    Row("tool_choice-none-ignored", "exact", "R1", "a tool is called although `tool_choice` is `none`", _CHOICE),
    Row("tool_choice-required-ignored", "exact", "R1", "no tool is called although `tool_choice` is `required`",
        _CHOICE),
    Row("tool_choice-named-ignored", "exact", "R1", "the tool that `tool_choice` names is not called, or another is",
        _CHOICE),
    Row("tool-calls-empty-array", "exact", "N4", "`tool_calls` is an empty list", _NONE),
    Row("tool-calls-null", "exact", "N4", "`tool_calls` or `function_call` is null", _NONE),
    Row("tool-calls-other-shape", "must", "C9", "a call has no `function` around its name and arguments",
        "OpenAI sends {id, type, function: {name, arguments}}"),
    Row("legacy-function_call", "exact", "C9", "a `function_call` answers a request that has tools",
        "OpenAI sends it only where the request has the old `functions`"),
    Row("multi_tool_use-parallel", "exact", "C9", "several calls are packed into one of `multi_tool_use.parallel`",
        "OpenAI sends one entry per call"),
    # -- log probabilities
    Row("logprobs-legacy", "must", "C12", "`logprobs` have the form of the old API", _LOGPROBS),
    Row("logprobs-object-of-nulls", "exact", "C12", "`logprobs` is an object of nulls", _LOGPROBS),
    Row("logprobs-entry", "must", "SCHEMA", "a token's entry lacks a field, or holds something else there", _LOGPROBS),
    Row("logprobs-inf", "exact", "C12", "a log probability is infinite or no number",
        "OpenAI sends -9999.0 for a token of no probability"),
    Row("logprobs-unasked", "must", "C12", "`logprobs` come although nobody asked", _LOGPROBS),
    Row("logprobs-missing-key", "exact", "C12", "a choice has no `logprobs` key",
        "OpenAI sends null; only its reasoning, audio and search models leave the key out"),
    odd("logprobs-asked", "exact", "C12", "`logprobs` were asked for, and do not come", _LOGPROBS),
    Row("logprobs-top", "must", "C12", "there are more `top_logprobs` than were asked for", _LOGPROBS),
)
