"""A whole reply of the Responses API as events: its items, one after another, as a stream would have brought them."""

from __future__ import annotations

from typing import Any, TypeAlias

from ...context import ReplyContext
from ...events import Event, Extras, Failure, Finish, ReplyEnd, Usage
from ..foreign import foreign_shape, wrong_shape
from .errors import failed, in_payload
from .items import CUSTOM, FUNCTION, MESSAGE, Items
from .meaning import beside, finish, start_of, usage

__all__ = ["ending", "is_response", "read_whole"]

Fields: TypeAlias = dict[str, Any]


def read_whole(payload: Any, context: ReplyContext) -> list[Event]:
    """The events of a whole reply, ReplyEnd included; what is an error, or nothing known, is a Failure."""
    if not is_response(payload):
        return [Failure(in_payload(payload) or _unknown(payload))]
    items = Items(whole=True)
    events: list[Event] = [start_of(payload, whole=True)]
    kinds = [said.get("type") for said in payload["output"] if isinstance(said, dict)]
    if MESSAGE not in kinds and (FUNCTION in kinds or CUSTOM in kinds):
        events += items.begin(None)
    for said in payload["output"]:
        if isinstance(said, dict):
            item, opened = items.open(said)
            events += [*opened, *items.close(item, said)]
    return [*events, *ending(items, payload, whole=True)]


def is_response(payload: Any) -> bool:
    """Whether a value is a reply of this API, and no compaction or count of tokens."""
    return (
        isinstance(payload, dict)
        and isinstance(payload.get("output"), list)
        and payload.get("object") in (None, "", "response")
    )


def _unknown(payload: Any) -> Any:
    """The error for what is no reply of this API."""
    shape = foreign_shape(payload)
    if shape is not None and shape.fault == "responses-shape-on-chat":
        return failed(payload.get("error"), f"The upstream sent no output: its reply is {_status(payload)}.")
    return wrong_shape(payload)


def _status(response: Fields) -> str:
    return str(response.get("status") or response.get("object"))[:50]


def ending(items: Items, response: Fields, whole: bool) -> list[Event]:
    """The events of a reply's end: why it ended and what it used, or that it failed."""
    word, more = finish(response, items.calls)
    if word is None:
        error = response.get("error")
        return [Failure(failed(error, f"The upstream did not finish its reply: it is {_status(response)}."))]
    events = items.ending()
    events.append(Finish(0, word, extras=Extras(choice=more) if more else None))
    counts, extras = usage(response.get("usage")), None if whole else beside(response, True)
    if extras is not None:
        events[-1].extras = Extras(reply=extras.reply, choice=more)  # type: ignore[union-attr]  # it is the Finish
    if counts is not None:
        events.append(Usage(counts))
    return [*events, ReplyEnd(True)]
