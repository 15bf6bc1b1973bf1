"""The table of faults: every deviation from OpenAI's format that Trueline knows, by id; one file per family.

Whoever tolerates or mends one notes its id, and the operator sees it counted.  A row says where it is met, how bad it
is, what is done, and in one sentence what the server sends and what becomes of it.

    severity   must    breaks OpenAI's schema or loses, doubles or falsifies what was said
               exact   differs from how OpenAI says it; strict clients stumble
               legal   allowed, and surprising
    action     mends   the reply leaves in OpenAI's form
               refuses an OpenAI error leaves instead, never an invented success
               leaves  passed on as it is
               option  done where a setting asks for it
"""

from __future__ import annotations

from . import (
    choices,
    content,
    ending,
    envelope,
    errors,
    finish,
    framing,
    images,
    meaning,
    mismatch,
    others,
    thoughts,
    tools,
    usage,
)
from .row import Fault

__all__ = ["FAULTS", "LEFT_ALONE", "OWN_IDS", "Fault"]

_FAMILIES = (
    envelope,
    choices,
    content,
    finish,
    ending,
    usage,
    tools,
    thoughts,
    framing,
    mismatch,
    meaning,
    errors,
    images,
    others,
)

FAULTS: dict[str, Fault] = {fault.id: fault for family in _FAMILIES for fault in family.ROWS}

LEFT_ALONE: frozenset[str] = frozenset(fault.id for fault in FAULTS.values() if fault.action == "leaves")
"""Faults that are only counted: a reply with no other leaves to the byte as it came."""

OWN_IDS: dict[str, str] = {
    "annotations-foreign": "the catalogue knows annotations only as a list without index; here the schema is broken",
    "annotations-null": "a ruling names it and gives it no id",
    "control-characters": "found by the fuzzer: lenient readers bear them, and strict clients get no JSON",
    "emb-count": "the catalogue has vectors in another order, not their number",
    "extra-foreign-type": "the catalogue knows fields beyond the schema, not foreign values of the schema's own",
    "fingerprint-changes": "the catalogue has the id and the time that change, and not the rest of the envelope",
    "first-content-missing": "the catalogue has a first delta of null only",
    "first-content-text": "OpenAI sends the role by itself; the catalogue has the finish that shares a chunk only",
    "img-usage-foreign": "a ruling names it and gives it no id; the usage rows are those of chats",
    "logprobs-entry": "the catalogue has the shapes of logprobs, not that of one token's",
    "logprobs-top": "the catalogue has the shapes of logprobs, not their number",
    "logprobs-unasked": "the catalogue has the shapes of logprobs, not their being unasked",
    "json-mode-broken": "the catalogue has JSON in a fence, not an answer that is none",
    "json-schema-not-kept": "as above, of a schema",
    "model-changes": "the catalogue has the id and the time that change, and not the rest of the envelope",
    "tool-index-back": "the catalogue knows calls that share an index; these have their own and come mixed",
    "tool_choice-named-ignored": "the catalogue has calls, not whether one was asked for",
    "tool_choice-none-ignored": "as above",
    "tool_choice-required-ignored": "as above",
    "service-tier-changes": "the catalogue has the id and the time that change, and not the rest of the envelope",
}
"""Ids that the catalogue of deviations has no row for, and why one was made."""
