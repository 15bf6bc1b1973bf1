"""How a body is framed, ends, and which kind of body it is (rules.md sections F, H and X)."""

from __future__ import annotations

from typing import Final

from .row import Row, odd

__all__ = ["ROWS"]

_EVENT: Final = "OpenAI sends each event as `data: ` and one line of compact JSON, and then a blank line"
_DONE: Final = "OpenAI ends a stream with one `data: [DONE]` and a blank line, and nothing after it"
_JSON: Final = "OpenAI sends one JSON object"
_STREAM: Final = "OpenAI streams `chat.completion.chunk` objects when `stream` is true"
_WHOLE: Final = "OpenAI sends one `chat.completion` object when `stream` is not asked for"
_ERROR: Final = "OpenAI answers a failure with an HTTP status of 400 or more"

# fmt: off
ROWS: tuple[Row, ...] = (
    # -- server-sent events
    Row("sse-no-space", "exact", "F1", "there is no space after `data:`", _EVENT),
    Row("sse-crlf", "exact", "F1", "lines end in CR or CRLF", "OpenAI ends lines with LF"),
    Row("sse-single-newline", "must", "F1", "events are not parted by a blank line", _EVENT),
    Row("sse-comment", "exact", "F1", "a comment line stands between events", "OpenAI sends no comments"),
    Row("sse-comment-as-data", "must", "F3", "a comment is sent as data", "OpenAI sends no comments"),
    Row("sse-event-line", "exact", "F1", "a chat event has an `event:` line",
        "OpenAI names the events of images, audio and responses, but not those of chat"),
    Row("sse-event-only-frame", "must", "F1",
        "an event has a name and no data, which openai-python reads as empty JSON", _EVENT),
    Row("sse-id-retry", "must", "F1",
        "events have `id:` or `retry:` lines, after which openai-python reads empty JSON", _EVENT),
    Row("sse-empty-data", "must", "F3", "an event has no data", _EVENT),
    Row("sse-non-json-data", "must", "F3", "the data of an event is not JSON", _EVENT),
    Row("sse-multiline-data", "exact", "F1", "the JSON of an event comes over several `data:` lines", _EVENT),
    Row("sse-double-prefix", "must", "F3", "`data:` stands twice", _EVENT),
    Row("two-json-per-line", "must", "F3", "an event holds more than one JSON value", _EVENT),
    Row("ndjson-stream", "must", "F1", "the stream is one JSON object per line, without `data:`", _EVENT),
    Row("json-array-stream", "must", "F1", "the stream is one JSON array of chunks", _EVENT),
    Row("huge-line", "exact", "F1", "one event is larger than any that OpenAI sends", "OpenAI sends a token per event"),
    odd("json-not-compact", "exact", "F3", "the JSON of an event has spaces between its parts", _EVENT),
    odd("json-escaped", "exact", "F3", "letters beyond ASCII are escaped as \\u…", "OpenAI sends them as UTF-8"),
    # -- bytes and JSON
    Row("bom", "must", "F1", "the body begins with a byte order mark, with which openai-python loses the first event",
        "OpenAI sends none"),
    Row("replacement-chars", "must", "F3", "the body is not UTF-8", "OpenAI sends UTF-8"),
    Row("lone-surrogate", "exact", "F3", "half of a UTF-16 pair stands alone", "OpenAI sends whole characters"),
    Row("nan-infinity", "must", "F3", "a number is NaN or Infinity, which is no JSON",
        "OpenAI sends -9999.0 for the log probability of an impossible token"),
    Row("control-characters", "must", "F3", "a text holds raw control characters, which is no JSON",
        "OpenAI escapes them"),
    Row("done-glued-on-json", "must", "F3", "something follows the JSON", _JSON),
    Row("leading-blank-lines", "exact", "F3", "blank lines come before the JSON", _JSON),
    odd("not-json", "must", "F3", "the body is not JSON", _JSON),
    odd("not-object", "must", "SCHEMA", "the body is JSON, but no object", _JSON),
    # -- the end
    Row("done-missing", "must", "F2", "the stream ends without `[DONE]`", _DONE),
    Row("done-duplicated", "must", "F2", "`[DONE]` comes twice", _DONE),
    Row("done-variants", "must", "F2", "`[DONE]` has another form", _DONE),
    Row("done-no-blank-line", "exact", "F2", "no blank line follows the last event: openai-python drops it", _DONE),
    Row("data-after-done", "must", "F2", "data comes after `[DONE]`", _DONE),
    Row("eof-truncated", "must", "C7", "the reply breaks off: clients take what came for all of it",
        "OpenAI sends a finish_reason and `[DONE]`, or an error"),
    Row("empty-stream", "must", "F2", "the body is empty", "OpenAI sends chunks and `[DONE]`, or an error"),
    # -- content-type and headers
    Row("ctype-missing", "must", "H2", "the content-type is missing or another one",
        "OpenAI sends `text/event-stream; charset=utf-8` for streams and `application/json` for all else"),
    Row("ctype-charset", "exact", "H1", "the content-type names another charset than UTF-8",
        "OpenAI sends UTF-8, and says so for streams"),
    Row("content-encoding-kept", "must", "H1", "the content-encoding is one that the body does not have",
        "OpenAI names the encoding only where it has encoded"),
    Row("headers-lost", "exact", "H3", "there is no `x-request-id`", "OpenAI sends one with every response"),
    # -- another kind of body
    Row("sse-for-nonstream", "must", "H1", "a stream answers a request for a whole reply", _WHOLE),
    Row("json-for-stream", "must", "H2", "a whole reply answers a request for a stream", _STREAM),
    Row("chunk-for-nonstream", "must", "SCHEMA", "a whole reply calls itself a chunk", _WHOLE),
    Row("images-shape-on-chat", "must", "SCHEMA", "an image reply answers a chat request", _WHOLE),
    Row("responses-shape-on-chat", "must", "SCHEMA", "the reply is that of the Responses API", _WHOLE),
    Row("native-shape", "must", "SCHEMA", "the reply is that of another API", _WHOLE),
    Row("envelope-wrapped", "must", "SCHEMA", "the reply is wrapped in another object", _WHOLE),
    Row("envelope-all-null", "must", "SCHEMA", "every field is null beside an error", _ERROR),
    Row("error-key-on-success", "must", "X1", "a good reply carries an `error` that says nothing",
        "OpenAI sends `error` only where something failed"),
    Row("non-chunk-object", "must", "SCHEMA", "an event is JSON, but no chunk", _STREAM),
    Row("null-chunk", "must", "SCHEMA", "an event is `null`", _STREAM),
    # -- errors under status 200
    Row("err-in-200-body", "must", "X1", "an error comes under status 200", _ERROR),
    Row("err-200-code-msg", "must", "X1", "an error of a foreign form comes under status 200", _ERROR),
    Row("err-200-baseresp", "must", "X1", "a `base_resp` with an error code comes under status 200", _ERROR),
    Row("err-unknown-endpoint-200", "must", "X1", "an unknown path is answered with status 200",
        "OpenAI answers 404"),
    Row("err-html", "must", "X1", "a web page answers", "OpenAI answers JSON, also where it fails"),
    Row("err-200-first-event", "must", "X1", "the first event of a stream is an error", _ERROR),
    Row("err-mid-stream", "must", "X1", "the stream ends in an error", "OpenAI does so only where it has failed"),
    Row("err-mid-named-event", "must", "X1",
        "an error comes as `event: error`, which openai-python reads as a chunk unless it is nested in `error`",
        "OpenAI sends `data: {\"error\": …}`"),
    # -- what no shape has a name for
    odd("schema", "must", "SCHEMA", "the value is not what OpenAI's schema says", "OpenAI sends {wanted}"),
    odd("schema-missing", "must", "SCHEMA", "a field is missing that OpenAI's schema wants", "OpenAI sends {wanted}"),
)
