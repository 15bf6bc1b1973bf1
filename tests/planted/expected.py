"""What cannot be as if the server had been clean, fault by fault.

A fault that is in none of these tables is mended without a trace: the same text, calls, finish, usage, indexes,
logprobs, pictures, vectors, ids and extras as of the clean reply, or the same error.  Everything else is here, with the
reason: the server itself has lost something, or says something besides, or the reply is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from trueline.sim.faults.reasoning import THOUGHTS

__all__ = ["ALL_OF_CHOICES", "CHANGED", "NOTED_AS", "NOT_SEEN", "NO_CASE", "REFUSED", "STILL_BROKEN", "Check"]

Check = Callable[[Any, Any], bool]
"""(what a clean server says, what the client hears of the faulty one) -> whether that is what it should be."""


def _minted(clean: Any, heard: Any) -> bool:
    """An id of OpenAI's form, made by Trueline."""
    return bool(re.fullmatch(clean[: clean.index("-") + 1] + r"[A-Za-z0-9]{29}", heard))


def _calls_minted(clean: Any, heard: Any) -> bool:
    """As many ids of calls as there should be, each one good and none twice."""
    ids = [name for choice in heard for name in choice]
    good = all(re.fullmatch(r"call_\w+", name) for name in ids)
    return good and len(set(ids)) == len(ids) and [len(c) for c in clean] == [len(h) for h in heard]


def _distinct(clean: Any, heard: Any) -> bool:
    """As many ids as calls, none twice."""
    return all(len(set(ids)) == len(ids) == len(wanted) for wanted, ids in zip(clean, heard, strict=True))


def _thought(clean: Any, heard: Any) -> bool:
    """The server thinks besides, and that leaves as reasoning, whatever form it had."""
    return all(said.strip() == THOUGHTS for said in heard)


def _more(*names: str) -> Check:
    """The server says these fields besides; they are kept, and nothing is lost."""

    def check(clean: Any, heard: Any) -> bool:
        added = {name: value for name, value in heard.items() if name not in clean}
        return added.keys() <= {*names} and {name: heard[name] for name in clean} == clean

    return check


def _estimated(clean: Any, heard: Any) -> bool:
    """Counts that Trueline made: they add up."""
    return bool(heard[0] > 0 and heard[1] > 0 and heard[0] + heard[1] == heard[2])


def _adds_up(clean: Any, heard: Any) -> bool:
    return bool(heard[0] + heard[1] == heard[2])


def _marked(clean: Any, heard: Any) -> bool:
    return bool(heard in ({"x_trueline": "counted"}, {"x_trueline": "estimated"}))


def _is(value: Any) -> Check:
    return lambda clean, heard: bool(heard == value)


def _any(clean: Any, heard: Any) -> bool:
    """Something else, and nobody downstream can tell what a clean server had said."""
    return True


def _code(clean: Any, heard: Any) -> bool:
    """The server's own code, as text, or none."""
    return heard is None or isinstance(heard, str)


_gone = _is(None)
_NO_USAGE: dict[str, Check] = {"usage": _estimated, "details": _marked}
# Long, and within the limit; what is reported of so much cannot be, and is counted.
_CUT: dict[str, Check] = {"content": _any, "details": _any}
_OTHER_TEXT: dict[str, Check] = {"content": _any}
_OTHER_COUNTED_TEXT: dict[str, Check] = {"content": _any, "usage": _any}
_HUGE: dict[str, Check] = {
    "reasoning": lambda clean, heard: len(heard[0]) == 256 * 1024,
    "usage": _adds_up,
    "details": _any,
}
_NO_CODE: dict[str, Check] = {"code": _code, "param": _gone}
_OTHER_ERROR: dict[str, Check] = {"message": _any, "type": _any, "code": _code, "status": _any}
_OTHER_ANSWER: dict[str, Check] = dict.fromkeys(("calls", "content", "finish", "id", "ids", "usage"), _any)
"""Calls for text, or text for calls, or other calls."""
ALL_OF_CHOICES = (
    *("indexes", "content", "refusal", "reasoning", "calls", "ids", "function", "finish", "logprobs", "annotations"),
)

CHANGED: dict[str, dict[str, Check]] = {
    # -- made by Trueline, since the server gave none, or none that is good
    "id-empty": {"id": _minted},
    "id-missing": {"id": _minted},
    "id-null-string": {"id": _minted},
    "fingerprint-missing": {"fingerprint": lambda clean, heard: bool(re.fullmatch(r"fp_[0-9a-f]{10}", heard))},
    "model-empty": {"model": lambda clean, heard: heard in ("gpt-4o", "gpt-3.5-turbo-instruct")},
    "tool-id-duplicate": {"ids": _distinct},
    "tool-id-missing": {"ids": _calls_minted},
    "tool-args-next-call-no-id": {"ids": _calls_minted},
    "tool-calls-other-shape": {"ids": _calls_minted},
    "legacy-function_call": {"ids": _calls_minted},
    # -- the server's own, which is left to it
    "id-changes-per-chunk": {"id": _any},  # the first one of many
    "id-prefix-wrong": {"id": _any},  # legal; another one would break the correlation of logs
    "completions-id": {"id": _any},
    "tool-id-format": {"ids": _any},
    "created-string": {"created": _any},  # a date that the server chose
    "model-differs": {"model": _any},
    # -- counted by Trueline, or counted otherwise by the server
    "usage-missing-nonstream": _NO_USAGE,
    "usage-missing-stream": _NO_USAGE,
    "usage-empty-object": _NO_USAGE,
    "usage-only-chunk-dropped": _NO_USAGE,
    "sse-for-nonstream": _NO_USAGE,  # a stream has no usage where a whole reply was asked for
    "usage-null-fields": {"details": _more("x_trueline")},  # what was null is counted
    "usage-cached-elsewhere": {
        "details": lambda clean, heard: heard["prompt_tokens_details"]["cached_tokens"] == 4,
    },
    "usage-excl-reasoning": {"usage": _adds_up, "details": _any},  # the thoughts are counted, and those of `clean` none
    "usage-other-names": {"details": lambda clean, heard: heard.keys() <= {"total_characters"}},  # sent without details
    "usage-prompt-excl-cached": {"usage": _adds_up, "details": _any},
    "emb-top-array": {"usage": _is({"prompt_tokens": 0, "total_tokens": 0})},
    "emb-usage-null": {"usage": _is({"prompt_tokens": 0, "total_tokens": 0})},
    # -- said besides, and kept
    "extra-fields": {"extras": _any},
    "extra-foreign-type": {"extras": _more("upstream_moderation")},
    "annotations-foreign": {"extras": _more("upstream_annotations")},
    "choices-empty-first": {"extras": _more("prompt_filter_results")},
    "choices-null": {"extras": _more("metrics")},
    "content-filter-results": {"extras": _more("content_filter_results", "prompt_filter_results")},
    "content-and-tool-same-delta": {"content": _is(["Let me look that up."])},
    "delta-missing-null": {"extras": _more("content_filter_results", "content_filter_offsets")},
    "error-key-on-success": {"extras": _more("code", "error_message")},
    "list-in-delta-no-index": {  # citations, thoughts or pictures
        "extras": _more("upstream_annotations", "reasoning_details", "images", "annotations"),
        "reasoning": _any,
    },
    "nan-infinity": {"extras": _is({"metrics": {"queue": None}}), "logprobs": _any},
    "usage-x-groq": {"extras": _more("x_groq")},
    "img-images-key": {"extras": _more("timings", "seed")},
    "img-single-field": {"extras": _more("success", "finishReason")},
    "img-top-level-array": {"extras": _more("finishReason", "seed")},
    "img-in-chat": {"content": _any, "extras": _more("images")},
    # -- thought besides
    "content-parts-list": {"reasoning": _any},
    "huge-line": _HUGE,
    "reasoning-field-name": {"reasoning": _thought},
    "reasoning-mirrored": {"reasoning": _thought},
    "reasoning-other-names": {"reasoning": _thought, "extras": _more("reasoning_details", "thinking_blocks")},
    "reasoning-tag-variants": {"reasoning": _thought},
    "reasoning-holds-answer": {"content": _any, "reasoning": _any},  # the answer is there, under the wrong name
    "think-in-content": {"reasoning": _thought},
    "think-open-missing": {"content": _any},  # is it a tag, or does the answer speak of one?
    "think-unclosed": {"content": _is([""]), "finish": _is(["length"]), "reasoning": _any},
    # -- lost or falsified by the server: passed on, and never guessed
    "choice-index-all-zero": dict.fromkeys(ALL_OF_CHOICES, _any),  # of a stream nobody can tell the choices apart
    "choices-split-by-kind": {"content": _is(["Let me look."])},  # beside a call
    "content-object": {"content": _any},
    "control-characters": {"content": lambda clean, heard: [said.removesuffix("\t") for said in heard] == clean},
    "envelope-wrapped": {  # one of the wrappers holds a text and nothing else
        **_NO_USAGE,
        "id": _minted,
        "model": _is("gpt-4o"),
        "tier": _gone,
        "fingerprint": _any,
    },
    "err-moderation-200": {"content": _is([""]), "finish": _is(["content_filter"]), "extras": _any},
    "finish-length-false": {"finish": _is(["length"])},
    "finish-length-masked": {"finish": _is(["stop"])},
    "json-mode-broken": _OTHER_TEXT,
    "json-schema-not-kept": _OTHER_COUNTED_TEXT,
    "tool_choice-named-ignored": {kind: check for kind, check in _OTHER_ANSWER.items() if kind != "finish"},
    "tool_choice-none-ignored": _OTHER_ANSWER,
    "tool_choice-required-ignored": _OTHER_ANSWER,
    "logprobs-inf": {"logprobs": _any},
    "lone-surrogate": {"content": lambda clean, heard: heard[0][:-1].strip() == clean[0]},
    "max_completion_tokens-ignored": _CUT,  # by another count
    "multi_tool_use-parallel": {"calls": _any, "ids": _any},
    "n-ignored": dict.fromkeys(ALL_OF_CHOICES, _any),
    "prefill-echo": {"content": _any},
    "replacement-chars": {"content": lambda clean, heard: "\ufffd" in heard[0]},
    "special-token-leak": {"content": _any},
    "stop-ignored": {"usage": _adds_up, "details": _any},  # counted anew
    "tool-args-double-encoded": {"calls": _any},
    "tool-args-invalid-json": {"calls": _any},
    "tool-markup-leak": {"calls": _any, "content": _any, "finish": _any, "ids": _any},
    "whitespace-around": {"content": lambda clean, heard: [said.strip() for said in heard] == clean},
    "models-fields-missing": {"models": _any},  # the dates and owners
    "models-other-key": {"models": _any},
    "img-embedding-shape": {"pictures": _any},  # URLs of that server
    "img-url-private": {"pictures": _any},
    "img-partial-n": {"pictures": _any, "prompts": _any, "forms": _any, "extras": _more("errors")},
    "img-stream-events": {  # the partial pictures are lost
        kind: lambda clean, heard: heard == clean[-1:] for kind in ("images", "names", "created", "usage", "meta")
    },
    # -- errors: the status, and the words that the server still has
    "err-200-baseresp": _OTHER_ERROR,
    "err-200-code-msg": {**_NO_CODE, "type": _any, "status": _any},  # codes of its own, which say no status
    "err-200-for-4xx": {},
    "err-429-as-other": _OTHER_ERROR,
    "err-500-for-4xx": {"status": _any, "type": _any},
    "err-array": _NO_CODE,
    "err-cf-envelope": _NO_CODE,
    "err-code-int": {"code": _is("400")},
    "err-context-code": _NO_CODE,
    "err-detail": {
        **_NO_CODE,
        "message": lambda clean, heard: heard == "body.messages.0.content: " + clean,
        "param": lambda clean, heard: heard in (None, "messages[0].content"),  # the place, where it says one
    },
    "err-empty-body": {"message": _is("Service unavailable")},
    "err-fault": _NO_CODE,
    "err-fields-missing": _NO_CODE,
    "err-flat": {**_NO_CODE, "type": _any},
    "err-html": {"message": _any, "status": _any, "code": _any},
    "err-in-200-body": {"code": _is("429"), "type": _is("rate_limit_error")},
    "err-nested-json-string": {},
    "err-string": _NO_CODE,
    "err-unknown-endpoint-200": {"message": _any, "code": _gone},
}
"""Fault -> kind of fact -> what it is then.  A kind may also be as of the clean reply (in other forms of the fault)."""

REFUSED: dict[str, set[tuple[int, str | None]]] = {
    # cut: before the first byte 502, after it an error event (status 0 here), never a finish
    "abrupt-reset": {(502, "upstream_cut"), (0, "upstream_cut")},
    "eof-truncated": {(0, "upstream_cut")},
    "err-mid-lost": {(0, "upstream_cut")},
    "empty-stream": {(502, "upstream_empty_reply")},
    # failed, as the server says: with its own code
    "envelope-all-null": {(502, "502")},
    "err-200-first-event": {(400, "400"), (400, "context_length_exceeded"), (502, None)},
    "err-mid-named-event": {(0, None), (0, "500")},
    "err-mid-stream": {(0, None), (0, "500")},
    "finish-error-value": {(502, "502"), (0, "502")},
    # nothing that could be mended: 502, with a message that says what came
    "emb-count": {(502, "upstream_invalid_reply")},
    "emb-nan": {(502, "upstream_invalid_reply")},
    "emb-nested": {(502, "upstream_invalid_reply")},  # one vector for each token; a wrapped one is taken out
    "images-shape-on-chat": {(502, "upstream_invalid_reply")},
    "img-async-task": {(502, "upstream_invalid_reply")},
    "native-shape": {(502, "upstream_invalid_reply")},
    "responses-shape-on-chat": {(502, "upstream_invalid_reply")},
    "tool-name-never": {(502, "upstream_invalid_reply")},
}
"""Fault -> (status, code) of the errors that leave instead of the reply."""

NOTED_AS: dict[str, set[str]] = {
    "choice-index-all-zero": {"finish-twice"},  # in a stream: all that it shows
    "choices-empty-usage-unasked": {"usage-unasked"},
    "completions-usage-chunk": {"choices-missing"},
    "data-after-done": {"done-duplicated"},  # where what follows is another [DONE]
    "done-variants": {"sse-no-space"},  # `data:[DONE]`
    "err-200-code-msg": {"err-cf-envelope"},  # the same words
    "err-200-for-4xx": {"err-in-200-body"},
    "err-mid-lost": {"eof-truncated"},
    "err-unknown-endpoint-200": {"err-in-200-body"},
    "abrupt-reset": {"eof-truncated"},
    "finish-lost-with-logprobs": {"finish-missing"},
    "images-shape-on-chat": {"native-shape"},
    "img-single-field": {"img-images-key"},  # a list under the name of a field
    "object-literal-type": {"object-missing", "object-wrong-completions"},  # an empty one
    "object-missing": {"object-wrong-completions"},
    "object-wrong-nonstream": {"object-missing"},  # an empty one
    "responses-shape-on-chat": {"native-shape"},
    "usage-chunk-choices-nonempty": {"usage-in-finish-chunk"},
    "usage-only-chunk-dropped": {"usage-missing-stream"},
}
"""Fault -> other names under which some of its forms are noted, since their bytes are those of the other fault."""

STILL_BROKEN: dict[str, str] = {
    "tool_choice-named-ignored": "tool_choice-named-ignored",
    "tool_choice-none-ignored": "tool_choice-none-ignored",
    "tool_choice-required-ignored": "tool_choice-required-ignored",
    "choice-index-all-zero": "n-ignored|C4|N1",
    "n-ignored": "n-ignored|C4|N1",
    "img-partial-n": "img-partial-n|G1",
    "err-unknown-endpoint-200": "models-endpoint-404",  # the same, once the status is right
    "models-endpoint-404": "models-endpoint-404",
    "usage-flag-rejected": "usage-flag-rejected",
}
"""Fault -> which rules the judges see broken by what leaves, since nobody can give what the server did not."""

NOT_SEEN: dict[str, str] = {
    "done-no-blank-line/1": "nothing waits for what comes behind [DONE], so nobody sees that it is missing",
    "error-key-on-success/3": "an empty `error_message` is no `error`: kept like any other field",
    "tool-id-duplicate/2": "unique in this reply; that the next one has the same, nobody can know",
    "whitespace-around": "mended behind a thought; by itself it is the answer's",
    "huge-line": "noted beyond the limit, where it is refused: tests/golden/test_every_fault.py",
    "replacement-chars": "noted where Trueline replaces bytes; here the server has done it",
}
"""Fault -> why it is not noted."""

NO_CASE: dict[str, str] = {
    "content-encoding-kept": "of the transfer: tests/shell/upstream/test_decoding.py",
    "ctype-charset": "of the head: tests/proxy/test_headers.py",
    "ctype-missing": "of the head: tests/proxy/test_headers.py",
    "headers-lost": "of the head: tests/proxy/test_headers.py",
    "img-extra-format": "what a client asks for, and no fault of a reply",
    "n-interleave": "what OpenAI does as well: the clean replies interleave",
    "reasoning-dropped": "nothing in a reply shows it",
}
"""Fault -> why nothing is planted here."""
