"""The table of faults: every deviation from OpenAI's format that Trueline knows, by id.

Whoever tolerates or mends one notes its id, and the operator sees it counted.  A row says where it is met, how bad it
is, what is done, and in one sentence what the server sends and what becomes of it.

    severity   must    breaks OpenAI's schema or loses, doubles or falsifies what was said
               exact   differs from how OpenAI says it; strict clients stumble
               legal   allowed, and surprising
    action     mends   the reply leaves in OpenAI's form
               refuses an OpenAI error leaves instead, never an invented success
               leaves  counted, and passed on as it is
               option  done where a setting asks for it
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

__all__ = ["FAULTS", "OWN_IDS", "Fault"]

Severity = Literal["must", "exact", "legal"]
Action = Literal["mends", "refuses", "leaves", "option"]


class Fault(NamedTuple):
    """One row: `where` holds some of chat, stream, images, embeddings, completions, models, errors and http."""

    id: str
    where: tuple[str, ...]
    severity: Severity
    action: Action
    line: str


_C: Final = ("chat",)
_S: Final = ("stream",)
_CS: Final = ("chat", "stream")
_I: Final = ("images",)
_CSI: Final = ("chat", "stream", "images")
_SI: Final = ("stream", "images")
_M: Final = ("models",)
_V: Final = ("embeddings",)
_P: Final = ("completions",)
_E: Final = ("errors",)
_F = Fault

# fmt: off
_ROWS: tuple[Fault, ...] = (
    # -- envelope
    _F("id-missing", _CS, "must", "mends", "There is no id, or null: one in OpenAI's form is made, once per reply."),
    _F("id-empty", _CS, "must", "mends", "The id is an empty string: one in OpenAI's form is made, once per reply."),
    _F("id-null-string", _CS, "must", "mends",
       "The id is the word `null`, `None` or `undefined`: one is made instead."),
    _F("id-changes-per-chunk", _S, "must", "mends", "Each chunk has another id: the first one stands on all of them."),
    _F("object-missing", _CS, "must", "mends", "There is no `object`, or an empty one: it is set to OpenAI's literal."),
    _F("object-wrong-stream", _S, "must", "mends",
       "Chunks carry another `object`: it becomes `chat.completion.chunk`."),
    _F("object-wrong-nonstream", _C, "must", "mends",
       "A whole reply has another `object`: it becomes `chat.completion`."),
    _F("created-missing", _CS, "must", "mends", "`created` is missing, null or zero: the time of the reply is put in."),
    _F("created-float", _CSI, "must", "mends", "`created` is a fraction of seconds: it is cut to whole seconds."),
    _F("created-ms", _CSI, "must", "mends", "`created` counts milli- or microseconds: it is divided down to seconds."),
    _F("created-string", _CS, "must", "mends", "`created` is text, a number or a date: it becomes Unix seconds."),
    _F("created-varies", _S, "must", "mends", "Each chunk has another `created`: the first one stands on all of them."),
    _F("model-empty", _CS, "must", "mends", "`model` is missing or empty: the name that was asked for is put in."),
    _F("model-differs", _CS, "legal", "option",
       "The reply names another model than the request: kept, or replaced where `model_name: requested` is set."),
    _F("fingerprint-missing", _CS, "exact", "mends",
       "There is no `system_fingerprint`: one is derived from the upstream, the model and the route."),
    _F("service-tier-foreign", _CS, "must", "mends",
       "`service_tier` is none of OpenAI's words: it is translated, or dropped where nothing fits."),
    _F("extra-fields", _CS, "legal", "option",
       "Fields beyond OpenAI's schema: kept at their level, or dropped where `extras: drop` is set."),
    _F("error-key-on-success", _CSI, "must", "mends",
       "A good reply carries an `error` that says nothing: the key goes."),
    _F("envelope-wrapped", _CSI, "must", "mends",
       "The reply is wrapped in `result`, `data`, `response` or `output`: the wrapper is taken off."),
    _F("envelope-all-null", _C, "must", "mends",
       "Every field is null beside an `error`, under status 200: the error leaves with its own status."),
    # -- choices
    _F("choices-empty-first", _S, "must", "mends",
       "The first chunk has no choices: it is dropped, and what it carried travels with the next one."),
    _F("choices-empty-mid", _S, "must", "mends", "A chunk without choices and without usage: it is dropped."),
    _F("choices-null", _CS, "must", "mends", "`choices` is null: read as an empty list, or as the error that it is."),
    _F("choices-missing", _CS, "must", "mends", "There is no `choices`: read as an empty list."),
    _F("choice-index-missing", _CS, "must", "mends", "A choice has no usable index: it gets the one of its position."),
    _F("choice-index-all-zero", _C, "must", "mends", "Several choices share an index: they are numbered by position."),
    _F("message-not-delta", _S, "must", "mends",
       "A chunk says `message` where `delta` belongs: it is read as a delta."),
    _F("delta-missing-null", _S, "must", "mends", "A choice of a chunk has no delta, or null: read as an empty one."),
    _F("delta-not-message", _C, "must", "mends", "A whole reply says `delta` where `message` belongs: it is renamed."),
    _F("text-not-message", _CS, "must", "mends", "The answer stands in `text`: it moves into the message or delta."),
    _F("choices-split-by-kind", _CS, "must", "mends",
       "One answer comes over several choices although one was asked for: they are joined into the first."),
    _F("choices-two-in-one-chunk", _S, "legal", "mends",
       "A chunk holds several choices: each leaves in its own chunk."),
    _F("non-chunk-object", _SI, "must", "mends", "An event is JSON but no chunk: it is dropped."),
    _F("null-chunk", _SI, "must", "mends", "An event is `null`: it is dropped."),
    _F("n-finish-shared", _CS, "must", "mends",
       "One finish reason serves several choices: each open one gets its own."),
    # -- role and content
    _F("role-missing-first", _S, "must", "mends",
       "The first delta of a choice has no role: `assistant` is added there."),
    _F("role-null-or-empty", _CS, "must", "mends", "The role is null or empty: `assistant` first, nothing later."),
    _F("role-repeated", _S, "must", "mends", "Every delta carries the role: it stays on the first one only."),
    _F("role-missing-nonstream", _C, "must", "mends", "The message has no role: `assistant` is added."),
    _F("role-foreign", _CS, "must", "mends", "The role is another word: it becomes `assistant`."),
    _F("content-key-missing", _C, "must", "mends", "The message has no `content`: null is added."),
    _F("refusal-key-missing", _C, "must", "mends", "The message has no `refusal`: null is added."),
    _F("content-null-first-delta", _S, "exact", "mends",
       "The first delta has `content: null` though text follows: it becomes an empty string."),
    _F("content-parts-list", _CS, "must", "mends",
       "The content is a list of parts: text is joined, thoughts go to the reasoning, the rest to `content_parts`."),
    _F("content-object", _CS, "must", "mends", "The content is an object, a number or a boolean: it becomes text."),
    _F("content-cumulative", _S, "must", "mends",
       "Deltas repeat all of the text so far: after two of them in a row only what is new leaves."),
    _F("final-full-repeat", _S, "must", "mends",
       "The last chunk says the whole answer once more: the repeat is dropped."),
    _F("empty-deltas", _S, "exact", "mends", "Chunks in the middle say nothing: they are dropped."),
    _F("list-in-delta-no-index", _S, "exact", "mends",
       "Objects in a list of a delta have no index, which openai-python needs: they are numbered."),
    _F("content-and-tool-same-delta", _S, "legal", "mends",
       "Text and tool calls share a delta: the text leaves first."),
    _F("annotations-null", _CS, "must", "mends", "`annotations` is null, which the schema forbids: the key goes."),
    _F("annotations-foreign", _CS, "must", "mends",
       "`annotations` are no URL citations: they move to `upstream_annotations`."),
    _F("extra-foreign-type", _CS, "must", "mends",
       "`audio`, `metadata`, `moderation` or `obfuscation` hold something else: they move to `upstream_…`."),
    # -- finish reasons
    _F("finish-key-absent", _S, "must", "mends", "Chunks have no `finish_reason` key: null is added."),
    _F("finish-empty-string", _CS, "must", "mends", "The finish reason is an empty string: read as null."),
    _F("finish-null-string", _CS, "must", "mends", "The finish reason is the word `null`: read as null."),
    _F("finish-foreign-vocab", _CS, "must", "mends",
       "The finish reason is a word of another API: it is translated into one of OpenAI's five."),
    _F("finish-tool_call-singular", _CS, "must", "mends",
       "The finish reason is `tool_call` or `tool_use`: it becomes `tool_calls`."),
    _F("finish-stop-with-tools", _CS, "must", "mends",
       "`stop` ends a reply that calls tools: it becomes `tool_calls`, unless the request named the tool."),
    _F("finish-tool_calls-without-tools", _CS, "must", "mends",
       "`tool_calls` ends a reply without a tool call: it becomes `stop`."),
    _F("finish-function_call-for-tools", _CS, "must", "mends",
       "The finish reason of a tool call is `function_call`, or the reverse: it becomes that of the call."),
    _F("finish-camel-or-details", _CS, "must", "mends",
       "The reason stands in `finishReason` or `finish_details`: it is read from there."),
    _F("finish-null-nonstream", _C, "must", "mends",
       "A complete whole reply has no finish reason: `tool_calls` after a call, else `stop`."),
    _F("finish-error-value", _CS, "must", "refuses",
       "The finish reason says that the reply failed: it ends in an error, never in `stop`."),
    _F("finish-with-content", _S, "exact", "mends", "The last text and the finish share a chunk: they leave in two."),
    _F("finish-twice", _S, "must", "mends",
       "A choice finishes more than once: it finishes once, for the stronger reason."),
    _F("finish-missing", _S, "must", "mends",
       "`[DONE]` comes without a finish: `tool_calls` after a call, else `stop`, since the server said it was done."),
    _F("content-after-finish", _S, "must", "mends", "Text or calls come after the finish: they leave before it."),
    # -- the end of a stream
    _F("done-missing", _S, "must", "mends", "The stream ends after the finish without `[DONE]`: it is added."),
    _F("done-duplicated", _S, "must", "mends", "`[DONE]` comes twice: one leaves."),
    _F("done-variants", _SI, "must", "mends", "`[DONE]` is quoted, bare, named or misplaced: the usual form leaves."),
    _F("done-no-blank-line", _SI, "must", "mends", "The last event has no blank line: it is read all the same."),
    _F("done-glued-on-json", _CSI, "must", "mends", "Something follows the JSON: the first value is the reply."),
    _F("data-after-done", _S, "must", "mends", "Events come after `[DONE]`: they are dropped."),
    _F("eof-truncated", _CS, "must", "refuses",
       "The stream ends without a finish and without `[DONE]`: an error says so, and no finish is invented."),
    _F("empty-stream", _CS, "must", "refuses", "The reply ends before it said anything: 502."),
    # -- usage
    _F("usage-missing-nonstream", _C, "must", "mends",
       "A whole reply has no usage: an estimate from its size is put in, marked as one."),
    _F("usage-missing-stream", _SI, "must", "mends",
       "Usage was asked for and is not sent: an estimate, marked as one; for pictures zeros, marked as unknown."),
    _F("usage-empty-object", _CS, "must", "mends", "`usage` is an empty object: it is left out."),
    _F("usage-null-fields", _CS, "must", "mends", "A count is null, negative or no number: it becomes zero."),
    _F("usage-placeholder-zero", _S, "must", "mends", "Reports of zeros come before the real one: they are dropped."),
    _F("usage-every-chunk-cumulative", _S, "must", "mends", "Every chunk has a running total: the last one leaves."),
    _F("usage-dup", _S, "must", "mends", "The usage comes twice: one leaves."),
    _F("usage-in-finish-chunk", _S, "must", "mends", "Usage stands beside choices: it leaves in a chunk of its own."),
    _F("usage-chunk-no-choices", _S, "must", "mends",
       "The usage chunk has no `choices`, or null: it gets an empty list."),
    _F("usage-in-choice", _CS, "must", "mends", "Usage stands in a choice: it moves to the reply."),
    _F("usage-x-groq", _S, "must", "mends", "Usage stands in `x_groq`: it is copied to where it belongs."),
    _F("usage-unasked", _S, "must", "mends", "Usage was not asked for: it is dropped."),
    _F("usage-excl-reasoning", _CS, "must", "mends",
       "The completion leaves out the thoughts that the total counts: they are added; a detail beyond it is clamped."),
    _F("usage-total-mismatch", _CS, "must", "mends", "The total is missing or no sum: it becomes prompt + completion."),
    _F("usage-cached-elsewhere", _CS, "exact", "mends",
       "Cached tokens are counted under another name: they are copied to `prompt_tokens_details`."),
    _F("usage-other-names", _CS, "must", "mends", "Counts have other names (`input_tokens`): they are renamed."),
    _F("usage-prompt-excl-cached", _CS, "must", "mends",
       "More tokens are cached than the prompt has, so it leaves them out: they are added."),
    _F("usage-float-string", _CS, "must", "mends", "Counts are decimals or text: they become integers."),
    # -- tool calls
    _F("tool-index-missing", _S, "must", "mends", "Tool calls have no index: they are told apart by id and order."),
    _F("tool-index-all-zero", _S, "must", "mends", "Several calls share an index: a new id opens the next one."),
    _F("tool-index-bad", _S, "must", "mends", "The index is negative, text, or starts or jumps wrong: 0, 1, 2 leave."),
    _F("tool-index-id-vs-args", _S, "must", "mends",
       "Arguments have another index than their call: they go to the call that was opened last."),
    _F("tool-index-in-nonstream", _C, "exact", "mends", "Calls of a whole reply carry an index: the key goes."),
    _F("tool-args-next-call-no-id", _S, "must", "mends",
       "A next call begins on the same index without an id: its name behind complete arguments opens it."),
    _F("tool-id-missing", _CS, "must", "mends", "A call has no id: one in OpenAI's form is made."),
    _F("tool-id-empty-later", _S, "exact", "mends", "Later fragments carry an empty id: the key goes."),
    _F("tool-id-repeated", _S, "must", "mends", "Every fragment carries the id: it stays on the first one."),
    _F("tool-id-duplicate", _CS, "must", "mends", "Two calls of a reply share an id: the second gets one of its own."),
    _F("tool-type-missing", _CS, "must", "mends", "A call has no usable `type`: `function` is put in."),
    _F("tool-name-empty-later", _S, "exact", "mends", "Later fragments carry an empty name: the key goes."),
    _F("tool-name-late", _S, "must", "mends", "The name comes after the id or arguments: the call waits for it."),
    _F("tool-name-repeated", _S, "must", "mends", "Every fragment carries the name: it stays on the first one."),
    _F("tool-name-never", _CS, "must", "refuses", "A call ends without a name, so nobody can answer it: an error."),
    _F("tool-name-decorated", _CS, "must", "mends",
       "The name is prefixed or numbered (`functions.f:0`) and the bare one was offered: the bare one leaves."),
    _F("tool-args-object", _CS, "must", "mends", "The arguments are an object: they become JSON text."),
    _F("tool-args-empty", _CS, "must", "mends", "A call ends without arguments: they become `{}`."),
    _F("tool-args-dup-full", _S, "must", "mends", "Complete arguments come once more: the repeat is dropped."),
    _F("tool-args-cumulative", _S, "must", "mends", "Fragments repeat the arguments so far: only what is new leaves."),
    _F("tool-calls-empty-array", _CS, "must", "mends", "`tool_calls` is an empty list: the key goes."),
    _F("tool-calls-null", _CS, "exact", "mends", "`tool_calls` or `function_call` is null or empty: the key goes."),
    _F("tool-calls-other-shape", _CS, "must", "mends", "A call lacks the `function` around name and arguments: added."),
    _F("legacy-function_call", _CS, "must", "mends",
       "`function_call` answers a request with `tools`: it becomes a tool call."),
    # -- thoughts
    _F("think-in-content", _CS, "exact", "mends", "The content begins with `<think>`: thoughts and answer are parted."),
    _F("think-unclosed", _CS, "exact", "mends", "A `<think>` is never closed: what it holds are thoughts."),
    _F("reasoning-tag-variants", _CS, "exact", "mends", "Thoughts stand in another tag: parted like `<think>`."),
    _F("reasoning-field-name", _CS, "exact", "mends",
       "Thoughts stand in `reasoning`, or an empty field stands for none: one name leaves, and only with text."),
    _F("reasoning-mirrored", _CS, "exact", "mends", "Two fields hold the same thoughts: one leaves."),
    _F("reasoning-other-names", _CS, "exact", "mends", "Thoughts have an unusual name: the usual one leaves."),
    # -- bytes and events
    _F("sse-no-space", _CSI, "exact", "mends", "`data:` has no space after it: OpenAI's form leaves."),
    _F("sse-crlf", _CSI, "exact", "mends", "Lines end in CR or CRLF: LF leaves."),
    _F("sse-single-newline", _CSI, "must", "mends", "Events are not parted by a blank line: each is read by itself."),
    _F("sse-comment", _CSI, "exact", "mends", "Comments (`: ping`) come between events: they are dropped."),
    _F("sse-comment-as-data", _CS, "must", "mends", "A comment comes as data: it is dropped."),
    _F("sse-event-line", _CS, "exact", "mends", "Chat events carry an `event:` line: it goes."),
    _F("sse-event-only-frame", _CSI, "exact", "mends", "An event has a name and no data: it is dropped."),
    _F("sse-id-retry", _CSI, "exact", "mends", "Events carry `id:` or `retry:` lines: they go."),
    _F("sse-empty-data", _CSI, "must", "mends", "An event has empty data: it is dropped."),
    _F("sse-non-json-data", _CSI, "must", "mends", "The data is text: dropped, or sent as the error that it tells of."),
    _F("sse-multiline-data", _CSI, "must", "mends", "JSON comes over several data lines: it leaves on one."),
    _F("sse-double-prefix", _CS, "must", "mends", "`data:` stands twice: once is enough."),
    _F("ndjson-stream", _CSI, "must", "mends", "The stream is one JSON object per line: events leave."),
    _F("json-array-stream", _S, "must", "mends", "The stream is a JSON array of chunks: events leave."),
    _F("huge-line", _CSI, "must", "refuses",
       "One event is tens of megabytes long: read up to a limit, and an error beyond it."),
    _F("replacement-chars", _CSI, "must", "mends", "Bytes are not UTF-8: each becomes U+FFFD."),
    _F("lone-surrogate", _CS, "must", "mends", "Half of a UTF-16 pair: joined with the next half, or U+FFFD."),
    _F("bom", _CSI, "must", "mends", "A byte order mark comes first: it is dropped."),
    _F("nan-infinity", _CSI, "must", "mends",
       "Numbers are `NaN` or `Infinity`, which is no JSON: null, or the lowest."),
    _F("leading-blank-lines", _C, "legal", "mends", "Blank lines come before the JSON: they are dropped."),
    _F("two-json-per-line", _CSI, "must", "mends", "Two JSON values share an event: each is read."),
    _F("content-encoding-kept", ("http",), "must", "mends",
       "The header names a compression that the body does not have: the body passes as it is, the header goes."),
    _F("sse-for-nonstream", _C, "must", "mends", "A stream answers a request for a whole reply: it is folded."),
    _F("json-for-stream", _S, "must", "mends", "A whole reply answers a stream request: it leaves as events."),
    _F("chunk-for-nonstream", _C, "must", "mends", "A whole reply calls itself a chunk: it becomes a completion."),
    _F("native-shape", _CS, "must", "refuses", "The reply is that of another API: an error says what it looks like."),
    # -- log probabilities
    _F("logprobs-legacy", _CS, "must", "mends", "`logprobs` have the shape of the old API: they are rewritten."),
    _F("logprobs-object-of-nulls", _CS, "must", "mends", "`logprobs` is an object of nulls: it becomes null."),
    _F("logprobs-inf", _CS, "must", "mends", "A log probability is infinite or no number: it becomes -9999."),
    _F("logprobs-unasked", _CS, "exact", "mends", "`logprobs` were not asked for: they become null."),
    # -- errors
    _F("err-in-200-body", _CSI, "must", "mends", "An error comes under status 200: it leaves with its own status."),
    _F("err-200-first-event", _S, "must", "mends", "The first event is an error: it leaves as an HTTP error."),
    _F("err-mid-stream", _S, "must", "mends", "An error comes after content: an error event and `[DONE]`, no finish."),
    _F("err-mid-named-event", _S, "must", "mends", "An error comes as `event: error`: read as one, whatever it holds."),
    _F("err-200-baseresp", _E, "must", "mends", "The error is a `base_resp` with a status code: OpenAI's form leaves."),
    _F("err-200-code-msg", _E, "must", "mends", "The error is a code and a message of many names: OpenAI's form."),
    _F("err-string", _E, "must", "mends", "The error is a text: it becomes the message."),
    _F("err-detail", _E, "must", "mends", "The error stands in `detail`: its text, or its list, becomes the message."),
    _F("err-flat", _E, "must", "mends", "The error is not nested in `error`: it is."),
    _F("err-array", _E, "must", "mends", "The error comes in a list: the first one leaves."),
    _F("err-fault", _E, "must", "mends", "The error is an API gateway's `fault`: its text becomes the message."),
    _F("err-cf-envelope", _E, "must", "mends", "The errors are a list in `errors`: joined into one message."),
    _F("err-code-int", _E, "must", "mends", "The code of an error is a number: it becomes text."),
    _F("err-fields-missing", _E, "must", "mends", "The error lacks `type`, `param` or `code`: all four keys leave."),
    _F("err-nested-json-string", _E, "exact", "mends", "The message is an error as JSON text: the inner one leaves."),
    _F("err-html", ("errors", "chat", "stream"), "must", "mends", "A web page answers: its title becomes the message."),
    _F("err-empty-body", _E, "must", "mends", "A failing status has no body: the status is put into words."),
    # -- images
    _F("img-created-missing", _I, "must", "mends", "There is no `created`: the time of the reply is put in."),
    _F("img-url-when-b64", _I, "must", "mends", "A URL comes where base64 was asked for: the picture is fetched."),
    _F("img-b64-when-url", _I, "must", "mends", "Base64 comes where a URL was asked for: it becomes a data URL."),
    _F("img-both-null", _I, "must", "mends", "`url` or `b64_json` is null or empty: the key goes."),
    _F("img-data-prefix", _I, "must", "mends", "The base64 has a `data:` prefix: it is cut off."),
    _F("img-list-of-strings", _I, "must", "mends", "Pictures are bare strings: each becomes a URL or base64."),
    _F("img-images-key", _I, "must", "mends", "The pictures stand in another list than `data`: they move there."),
    _F("img-single-field", _I, "must", "mends", "One picture stands in a field of its own: it moves to `data`."),
    _F("img-top-level-array", _I, "must", "mends", "The reply is a bare list: it becomes `data`."),
    _F("img-binary-body", _I, "must", "mends", "The reply is the picture itself: it becomes base64."),
    _F("img-embedding-shape", _I, "must", "mends", "Pictures come as embeddings: their fields and envelope go."),
    _F("img-meta-null", _I, "must", "mends", "`size` or the like is null or no text: dropped; in events, filled in."),
    _F("img-revised-prompt", _I, "exact", "mends", "`revised_prompt` is empty: the key goes."),
    _F("img-partial-n", _I, "must", "mends", "Some pictures were withheld: the others leave; none at all is a 400."),
    _F("img-stream-events", _I, "must", "mends", "A whole reply answers a stream request: completed events leave."),
    _F("img-usage-foreign", _I, "must", "mends", "The usage breaks the schema of images: it is left out."),
    # -- embeddings
    _F("emb-base64-ignored", _V, "must", "mends", "Numbers come where base64 was asked for: they are packed."),
    _F("emb-base64-unasked", _V, "must", "mends", "Base64 comes where numbers were asked for: it is unpacked."),
    _F("emb-nested", _V, "must", "mends", "A vector is wrapped in another list: it is taken out."),
    _F("emb-top-array", _V, "must", "mends", "The vectors are a bare list, or under another key: they move to `data`."),
    _F("emb-usage-null", _V, "must", "mends", "Model or usage is missing: the requested name, and zero for no count."),
    _F("emb-index-object-missing", _V, "must", "mends", "Entries lack `index` or `object`: both are put in."),
    _F("emb-order", _V, "must", "mends", "Entries are not in the order of the inputs: sorted by index."),
    _F("emb-nan", _V, "must", "refuses", "A vector has values that are no finite numbers: an error."),
    # -- legacy completions
    _F("object-wrong-completions", _P, "must", "mends", "`object` is not `text_completion`: it is set to that."),
    _F("completions-chat-shape", _P, "must", "mends", "Text comes as a chat message or delta: it becomes `text`."),
    _F("completions-text-null", _P, "must", "mends", "`text` is null or missing: an empty string."),
    # -- models
    _F("models-bare-array", _M, "must", "mends", "The list of models is a bare array: it becomes `data`."),
    _F("models-object-missing", _M, "must", "mends", "The list of models has no `object`: `list` is put in."),
    _F("models-other-key", _M, "must", "mends", "The models stand in another list than `data`: they move there."),
    _F("models-fields-missing", _M, "must", "mends", "A model lacks one of its four keys: it is added."),
    _F("models-created-float-ms", _M, "must", "mends", "`created` of a model is no whole seconds: it becomes such."),
)
# fmt: on

FAULTS: dict[str, Fault] = {fault.id: fault for fault in _ROWS}

OWN_IDS: dict[str, str] = {
    "annotations-foreign": "the catalogue knows annotations only as a list without index; here the schema is broken",
    "annotations-null": "a ruling names it and gives it no id",
    "extra-foreign-type": "the catalogue knows fields beyond the schema, not foreign values of the schema's own",
    "img-usage-foreign": "a ruling names it and gives it no id; the usage rows are those of chats",
    "logprobs-unasked": "the catalogue has the shapes of logprobs, not their being unasked",
}
"""Ids that the catalogue of deviations has no row for, and why one was made."""
