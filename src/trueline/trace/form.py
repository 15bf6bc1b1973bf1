"""What a trace holds: steps, the events in them, and what each rule did.

These are the objects of `trueline explain --json`, field by field.  New fields may come; none goes or changes meaning
without a new number in `trueline_trace`.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from ..events import Event, Extras, Failure

__all__ = ["VERSION", "Act", "Did", "Plain", "Seen", "Step", "Trace", "plain"]

VERSION = 1

Plain = dict[str, Any]
Did = Literal["kept", "changed", "split", "added", "held", "released", "dropped"]
"""What a rule did with an event:

    kept      let it pass as it is
    changed   let it pass changed, or as another one
    split     made several of it
    added     put others beside it
    held      kept it until it can decide
    released  let go what it had held, with or without the event itself
    dropped   took it away
"""


class Act(msgspec.Struct):
    """One rule and one event."""

    rule: str
    saw: Plain
    did: Did
    gave: list[Plain]
    faults: dict[str, int] = {}


class Seen(msgspec.Struct):
    """One event as it was read, the rules that saw it, and what was written of it."""

    event: Plain
    acts: list[Act] = []
    left: list[Plain] = []


class Step(msgspec.Struct):
    """One event of the recording, or its whole body; the last one of a stream is its end."""

    came: bytes
    faults: dict[str, int] = {}
    """Noted by the wire, the reader or the writer: outside of any rule."""
    events: list[Seen] = []
    left: bytes = b""

    @property
    def quiet(self) -> bool:
        """Nothing was mended."""
        return not self.faults and all(act.did == "kept" and not act.faults for e in self.events for act in e.acts)


class Trace(msgspec.Struct):
    """A recorded reply on its way through the engine."""

    kind: str
    """`event stream`, `JSON lines` or `one body`."""
    steps: list[Step]
    faults: dict[str, int]
    error: Plain | None = None
    """The error that a client gets instead of a reply."""
    status: int = 200
    """The upstream's."""
    path: str = ""
    cut: str | None = None
    """What the recording's reply was cut by."""
    passed: bool = False
    """No engine was involved: bytes pass as they come on this path."""

    @property
    def result(self) -> Literal["exact", "mended", "error", "passed"]:
        if self.passed:
            return "passed"
        if self.error is not None or any(b'\ndata: {"error":' in b"\n" + step.left for step in self.steps):
            return "error"
        return "mended" if self.faults else "exact"

    def to_json(self, name: str, version: str) -> bytes:
        """The document of `--json`."""
        document = {
            "trueline_trace": VERSION,
            "version": version,
            "file": name,
            "path": self.path,
            "status": self.status,
            "kind": self.kind,
            "result": self.result,
            "faults": self.faults,
            "cut": self.cut,
            "error": self.error,
            "steps": [
                {
                    "came": _text(step.came),
                    "faults": step.faults,
                    "events": step.events,
                    "left": _text(step.left),
                }
                for step in self.steps
            ],
        }
        return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def plain(event: Event) -> Plain:
    """An event as it is now, for showing: its type and the fields that it has."""
    made: Plain = {"type": type(event).__name__}
    if isinstance(event, Failure):
        error = event.error
        return made | {"status": error.status, "code": error.code, "message": error.message}
    names = event.__struct_fields__
    defaults = dict(zip(names[len(names) - len(event.__struct_defaults__) :], event.__struct_defaults__, strict=True))
    for name in names:
        value = getattr(event, name)
        if value is msgspec.UNSET or (value in (None, False) and name in defaults and defaults[name] is value):
            continue  # as if it were not there
        made[name] = _plain(value)
    return made


def _plain(value: Any) -> Any:
    """A copy that later changes do not reach."""
    if isinstance(value, Extras):
        levels = ("reply", "choice", "message")
        return {level: _plain(getattr(value, level)) for level in levels if getattr(value, level)}
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)
