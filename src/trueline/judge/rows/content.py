"""Roles, content, finish reasons, reasoning, and what leaks into the text (rules.md sections C and R)."""

from __future__ import annotations

from typing import Final

from .row import Row, odd

__all__ = ["ROWS"]

_ROLE: Final = "OpenAI sends `assistant` in the first delta of a choice, and never again"
_FIRST: Final = 'OpenAI begins a text with {"role": "assistant", "content": "", "refusal": null}'
_DELTA: Final = "OpenAI sends one piece of text, of a refusal or of a call per chunk, and never an empty one"
_TEXT: Final = "OpenAI sends a string or null"
_FINISH: Final = "OpenAI says stop, length, tool_calls, content_filter or function_call, and null before the end"
_ONCE: Final = 'OpenAI finishes each choice once, in a chunk with "delta": {}, and nothing comes after it'
_CALLED: Final = "OpenAI says tool_calls where tools are called, unless the request named the tool"
_THOUGHTS: Final = "OpenAI keeps thoughts out of the answer"
_ANSWER: Final = "OpenAI sends the answer alone"

# fmt: off
ROWS: tuple[Row, ...] = (
    # -- roles
    Row("role-missing-first", "must", "C5", "the first delta of a choice has no role", _ROLE),
    Row("role-null-or-empty", "must", "C5", "a role is null or empty", _ROLE),
    Row("role-repeated", "exact", "C5", "the role comes again", _ROLE),
    Row("role-missing-nonstream", "must", "SCHEMA", "the message has no role", "OpenAI sends `assistant`"),
    Row("role-foreign", "must", "SCHEMA", "the role is another word", "OpenAI sends `assistant`"),
    # -- content
    Row("content-key-missing", "must", "N3", "the message has no `content`", _TEXT),
    Row("refusal-key-missing", "exact", "N3", "the message has no `refusal`", _TEXT),
    odd("annotations-key-missing", "exact", "N3", "the message has no `annotations`", "OpenAI sends []"),
    Row("content-null-first-delta", "exact", "C5", "the first delta of a text has content null", _FIRST),
    Row("first-content-missing", "exact", "C5", "the first delta has no content", _FIRST),
    Row("first-content-text", "exact", "C5", "the first delta already carries text", _FIRST),
    odd("first-refusal-missing", "exact", "C5", "the first delta of a text has no `refusal: null`", _FIRST),
    Row("content-parts-list", "must", "SCHEMA", "the content is a list of parts", _TEXT),
    Row("content-object", "must", "SCHEMA", "the content is an object, a number or a boolean", _TEXT),
    Row("content-cumulative", "must", "C6", "deltas repeat all of the text so far: clients show it many times", _DELTA),
    Row("final-full-repeat", "exact", "C7", "the last chunk says the whole answer once more", _ONCE),
    Row("empty-deltas", "exact", "C6", "deltas in the middle say nothing", _DELTA),
    odd("delta-mixed", "exact", "C6", "a delta carries more than one thing", _DELTA),
    Row("content-and-tool-same-delta", "exact", "C6", "text and tool calls share a delta", _DELTA),
    odd("text-and-refusal", "exact", "C6", "a choice has both text and a refusal", "OpenAI sends one of them"),
    Row("one-char-chunks", "exact", "C6", "each chunk carries a single character", "OpenAI sends a token per chunk"),
    Row("list-in-delta-no-index", "exact", "C6",
        "objects in a list of a delta have no index, at which openai-python's helper fails",
        "OpenAI numbers the entries of every list in a delta"),
    Row("annotations-null", "must", "SCHEMA", "`annotations` is null", "OpenAI sends a list, or no such key"),
    Row("annotations-foreign", "must", "SCHEMA", "`annotations` are no URL citations", "OpenAI sends URL citations"),
    # -- finish reasons
    Row("finish-key-absent", "must", "C7", "a choice has no `finish_reason` key", _FINISH),
    Row("finish-empty-string", "must", "R1", "`finish_reason` is an empty string", _FINISH),
    Row("finish-null-string", "must", "R1", "`finish_reason` is a word for null", _FINISH),
    Row("finish-foreign-vocab", "must", "R1", "`finish_reason` is a word of another API", _FINISH),
    Row("finish-tool_call-singular", "must", "R1", "`finish_reason` is `tool_call` or `tool_use`", _FINISH),
    Row("finish-stop-with-tools", "must", "R1", "`stop` ends a reply that calls tools", _CALLED),
    Row("finish-tool_calls-without-tools", "must", "R1", "`tool_calls` ends a reply without a tool call", _CALLED),
    Row("finish-function_call-for-tools", "must", "R1",
        "`function_call` ends a call of a tool, or `tool_calls` the call of a function",
        "OpenAI says function_call only where the request has the old `functions`"),
    Row("finish-camel-or-details", "exact", "R1", "the reason stands in `finishReason` or `finish_details`", _FINISH),
    Row("finish-null-nonstream", "must", "R1", "a whole reply has no finish_reason", _FINISH),
    Row("finish-error-value", "must", "R1", "`finish_reason` says that the reply failed",
        "OpenAI sends an error instead"),
    Row("finish-with-content", "exact", "C7", "the finish comes in a chunk that carries something", _ONCE),
    Row("finish-twice", "must", "C7", "a choice finishes more than once", _ONCE),
    Row("finish-missing", "must", "C7", "a choice never finishes, and the reply ends all the same", _ONCE),
    Row("content-after-finish", "must", "C7", "text or a call comes after the finish", _ONCE),
    odd("chunk-after-finish", "must", "C7", "a choice goes on after its finish", _ONCE),
    Row("err-moderation-200", "must", "R1", "a filtered reply says `sensitive`", "OpenAI says content_filter, or 400"),
    # -- reasoning
    Row("think-in-content", "exact", "C6", "the answer begins with `<think>`", _THOUGHTS),
    Row("think-unclosed", "exact", "C6", "a `<think>` is never closed", _THOUGHTS),
    Row("think-open-missing", "exact", "C6", "`</think>` closes what nothing opened", _THOUGHTS),
    Row("reasoning-tag-variants", "exact", "C6", "thoughts stand in tags in the answer", _THOUGHTS),
    Row("reasoning-field-name", "exact", "SCHEMA", "thoughts stand in a field `reasoning`",
        "OpenAI sends none; most servers and clients say `reasoning_content`"),
    Row("reasoning-mirrored", "exact", "SCHEMA", "two fields hold the same thoughts", _THOUGHTS),
    Row("reasoning-other-names", "exact", "SCHEMA", "thoughts stand in a field of an unusual name",
        "OpenAI sends none; most servers and clients say `reasoning_content`"),
    Row("reasoning-holds-answer", "exact", "C6", "there are thoughts and no answer: clients show nothing", _ANSWER),
    # -- what the text should not hold
    Row("tool-markup-leak", "exact", "C9", "a tool call is printed in the text", "OpenAI sends it in `tool_calls`"),
    Row("special-token-leak", "exact", "C6", "a special token of the model stands in the text", _ANSWER),
    Row("stop-echoed", "exact", "R1", "the text ends with the stop sequence", "OpenAI leaves it out"),
    Row("stop-ignored", "exact", "R1", "the text goes on after a stop sequence", "OpenAI ends before it"),
    Row("max_completion_tokens-ignored", "exact", "R1", "the reply is longer than the limit that was set",
        "OpenAI cuts it and says length"),
    Row("prefill-echo", "exact", "N3", "the text repeats the last message of the request", _ANSWER),
    Row("json-mode-fenced", "exact", "N3", "the JSON that was asked for stands in a code fence",
        "OpenAI sends the JSON alone"),
    Row("json-mode-broken", "exact", "N3", "the text is not the JSON that was asked for", "OpenAI sends JSON"),
    Row("whitespace-around", "exact", "C6", "the text begins with blank lines", _ANSWER),
    Row("img-in-chat", "exact", "SCHEMA", "a picture stands in a chat reply", "OpenAI sends text and calls"),
)
