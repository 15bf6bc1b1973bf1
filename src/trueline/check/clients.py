"""Which clients stumble over a fault, and how: what is known of official and popular ones, as a table.

What is said of openai-python is tried with it (tests/check/test_clients.py); what is said of the others was read in
their sources and issue threads.  A fault that is not here may still break somebody's client; what is here breaks one
that many people use.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["TABLE", "Effect", "broken_by"]


class Effect(NamedTuple):
    """What a client makes of a fault."""

    client: str
    what: str


_PY: Final = "openai-python"
_NODE: Final = "openai-node"
_GO: Final = "openai-go"
_NET: Final = "openai-dotnet, Semantic Kernel"
_VERCEL: Final = "Vercel AI SDK"
_LANG: Final = "LangChain"
_TYPED: Final = "typed clients (Rust, Go, Java, pydantic)"

TABLE: tuple[tuple[str, str, str], ...] = (
    (
        _PY,
        "its stream helper joins repeated text: `assistantassistant`, `call_1call_1`, a name twice",
        "role-repeated tool-id-repeated tool-name-repeated",
    ),
    (
        _PY,
        "its stream helper stops where a choice, or an entry of a list in a delta, has no index that counts from 0",
        "tool-index-missing list-in-delta-no-index tool-index-bad choice-index-missing",
    ),
    (
        _PY,
        "its stream helper stops at a chunk without choices, or a choice without delta",
        "choices-null choices-missing delta-missing-null message-not-delta null-chunk",
    ),
    (
        _PY,
        "reads what is no JSON as JSON and stops with JSONDecodeError",
        "sse-event-only-frame sse-id-retry sse-empty-data sse-comment-as-data sse-non-json-data sse-double-prefix",
    ),
    (_PY, "takes another form of `[DONE]` for a chunk, and stops", "done-variants"),
    (_PY, "gets no chunk at all, and no error", "json-for-stream ndjson-stream sse-single-newline empty-stream"),
    (_PY, "loses the first chunk, and the role with it", "bom"),
    (_PY, "returns the cut text as if it were all of it", "eof-truncated finish-missing err-mid-lost"),
    (_PY, "yields the error as a chunk and reports success", "err-mid-named-event"),
    (_PY, "loses the message of the error", "err-string"),
    (
        _PY,
        "`choices` is None: a TypeError far from its cause",
        "err-in-200-body err-200-baseresp err-200-code-msg envelope-all-null",
    ),
    (
        _NODE,
        "its stream helper throws at the end",
        "finish-missing role-missing-first tool-id-missing tool-type-missing tool-name-never eof-truncated "
        "empty-stream",
    ),
    (_NODE, "takes another id for another reply", "id-changes-per-chunk id-empty id-missing"),
    (_NODE, "gets no chunk at all, and no error", "json-for-stream err-200-first-event"),
    (
        _NODE,
        "reads only `.error`, so it says `400 status code (no body)`",
        "err-flat err-detail err-array err-fault err-empty-body err-html err-cf-envelope",
    ),
    (_NODE, "compares `[DONE]` exactly, and reads other forms as JSON", "done-variants"),
    (_GO, "rejects the chunk", "id-changes-per-chunk"),
    (_GO, "adds up the usage of all chunks", "usage-every-chunk-cumulative usage-dup usage-placeholder-zero"),
    (_GO, "cannot read a number where a string belongs", "err-code-int"),
    (_GO, "cannot read a decimal, or text, where a whole number belongs", "created-float usage-float-string"),
    (
        _NET,
        "throws on a word that it does not know",
        "finish-foreign-vocab finish-empty-string finish-null-string finish-tool_call-singular finish-error-value",
    ),
    (_NET, "cannot read a list where it asked for base64", "emb-base64-ignored"),
    (
        _VERCEL,
        "stops with AI_TypeValidationError",
        "choices-missing choices-null role-null-or-empty non-chunk-object null-chunk tool-index-missing err-string "
        "delta-missing-null message-not-delta tool-id-empty-later",
    ),
    (_VERCEL, "throws on text that is no image", "img-url-when-b64 img-list-of-strings img-images-key"),
    (_LANG, "joins repeated strings, so a tool's name is doubled", "tool-name-repeated tool-id-repeated"),
    (_LANG, "drops tool calls whose first role is empty", "role-null-or-empty role-missing-first"),
    (_LANG, "its usage is counted twice", "usage-dup usage-in-finish-chunk"),
    (
        _TYPED,
        "a required key is missing, and the whole reply is refused",
        "id-missing object-missing created-missing model-empty choice-index-missing finish-key-absent "
        "tool-type-missing err-fields-missing models-fields-missing models-object-missing emb-index-object-missing "
        "img-created-missing content-key-missing role-missing-nonstream logprobs-missing-key usage-null-fields",
    ),
    (
        _TYPED,
        "a value has another type or word, and the whole reply is refused",
        "created-float created-string service-tier-foreign object-wrong-stream object-wrong-nonstream "
        "tool-args-object content-parts-list content-object usage-float-string nan-infinity err-code-int emb-nested "
        "models-bare-array models-other-key finish-foreign-vocab usage-null-fields emb-top-array emb-usage-null",
    ),
    ("agents (any client)", "see `stop`, and never run the tool", "finish-stop-with-tools tool-markup-leak"),
    (
        "agents (any client)",
        "cannot parse the arguments of the call",
        "tool-args-empty tool-args-invalid-json tool-args-double-encoded tool-args-cumulative tool-args-dup-full",
    ),
    (
        "agents (any client)",
        "mix up the arguments of two calls",
        "tool-index-all-zero tool-index-id-vs-args tool-args-next-call-no-id tool-id-duplicate",
    ),
    ("agents (any client)", "do not shorten the conversation, for want of the code they look for", "err-context-code"),
    ("every client that retries", "asks again what can never succeed", "err-500-for-4xx"),
    ("every client that retries", "does not wait and is refused again", "err-429-as-other"),
    ("chat windows", "print every word many times", "content-cumulative final-full-repeat"),
    (
        "chat windows",
        "show thoughts and tags as the answer",
        "think-in-content think-open-missing think-unclosed reasoning-tag-variants special-token-leak",
    ),
    ("chat windows", "show nothing", "reasoning-holds-answer"),
    ("chat windows", "seem to hang until all of the reply is there", "buffered-stream"),
    (
        "whoever bills by tokens",
        "bills a wrong number",
        "usage-total-mismatch usage-excl-reasoning usage-prompt-excl-cached usage-missing-nonstream "
        "usage-missing-stream usage-other-names usage-empty-object usage-every-chunk-cumulative",
    ),
    ("whoever reads JSON mode", "cannot parse the answer", "json-mode-fenced"),
    ("clients that end at `[DONE]`", "wait until the connection times out", "done-missing"),
    ("strict SSE readers (one-api and others)", "drop every line that does not begin with `data: `", "sse-no-space"),
    ("SSE readers with small buffers", "end silently at 64 KB of one line", "huge-line"),
    ("browsers' EventSource", "joins the events into one that is no JSON", "sse-single-newline ndjson-stream"),
    ("support and logs", "have no id to ask the provider about", "headers-lost"),
    ("LangChain, LlamaIndex", "treat each number of the vector as a vector", "emb-nested"),
    ("vector stores", "keep vectors under the wrong texts", "emb-order emb-index-object-missing"),
)

_BY_FAULT: dict[str, list[Effect]] = {}
for _client, _what, _faults in TABLE:
    for _fault in _faults.split():
        _BY_FAULT.setdefault(_fault, []).append(Effect(_client, _what))


def broken_by(fault: str) -> tuple[Effect, ...]:
    """The clients that are known to stumble over a fault."""
    return tuple(_BY_FAULT.get(fault, ()))
