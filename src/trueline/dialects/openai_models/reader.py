"""Lists of models of any server, as OpenAI's: four keys each, vendor fields after them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ...wire import jsonio

__all__ = ["read_model", "read_models", "without_extras"]

Fields = dict[str, Any]
Note = Callable[[str], None]

_KEYS = ("id", "object", "created", "owned_by")
_EARLIEST = 10**8
"""Seconds: a smaller number in a text is a year, or no date at all."""
_LISTS = ("data", "models", "result")


def read_models(payload: Any, note: Note) -> Fields | None:
    """`{"object": "list", "data": [model…]}`, or None where there is no list of models in it, or none is named."""
    extras: Fields = {}
    if isinstance(payload, list):
        note("models-bare-array")
        entries = payload
    elif isinstance(payload, dict):
        key = next((k for k in _LISTS if isinstance(payload.get(k), list)), None)
        if key is None:
            return None
        if key != "data":
            note("models-other-key")
        if payload.get("object") != "list":
            note("models-object-missing")
        entries = payload[key]
        extras = {k: v for k, v in payload.items() if k not in ("object", key)}
    else:
        return None
    models = [model for model in (read_model(e, note) for e in entries) if model is not None]
    if entries and not models:
        return None
    if len(models) < len(entries):
        note("models-fields-missing")
    return {"object": "list", "data": models, **extras}


def _is_date(created: float) -> bool:
    """Seconds until the year 2286, or milliseconds from 1973 until then."""
    return 0 <= created <= 1e10 or 1e11 < created <= 1e13


def _time(value: Any) -> Any:
    """The Unix seconds of `created_at`: a number, or a date in ISO 8601, whose time is UTC unless it says otherwise."""
    if not isinstance(value, str) or jsonio.integer(value) is not None:
        return value
    try:
        date = datetime.fromisoformat(value)
    except ValueError:
        return None
    return int((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp())


def without_extras(reply: Fields) -> Fields:
    """The list or the model with OpenAI's fields only (`extras: drop`)."""
    if reply["object"] == "model":
        return {name: reply[name] for name in _KEYS}
    return {"object": "list", "data": [without_extras(model) for model in reply["data"]]}


def read_model(entry: Any, note: Note) -> Fields | None:
    """`{"id", "object", "created", "owned_by"}` and the vendor's own fields, or None where nothing names it."""
    if isinstance(entry, str) and entry:
        entry = {"id": entry}
    if not isinstance(entry, dict):
        return None
    name = next((entry[k] for k in ("id", "name", "model") if isinstance(entry.get(k), str) and entry[k]), None)
    if name is None:
        return None
    created = entry.get("created")
    if created is None and (created := _time(entry.get("created_at"))) is not None:
        note("models-fields-missing")
    if isinstance(created, str) and (jsonio.integer(created) or 0) >= _EARLIEST:
        note("models-created-float-ms")
        created = jsonio.integer(created)
    if not isinstance(created, (int, float)) or isinstance(created, bool) or not _is_date(created):
        note("models-fields-missing")
        created = 0
    if type(created) is not int or created > 1e11:
        note("models-created-float-ms")
        created = int(created / 1000 if created > 1e11 else created)
    owner = entry.get("owned_by")
    if not isinstance(owner, str) or entry.get("object") != "model":
        note("models-fields-missing")
    return {
        "id": name.removeprefix("models/") if "id" not in entry else name,
        "object": "model",
        "created": created,
        "owned_by": owner if isinstance(owner, str) else "unknown",
        **{k: v for k, v in entry.items() if k not in _KEYS},
    }
