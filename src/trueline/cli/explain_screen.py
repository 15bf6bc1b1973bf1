"""A trace for people: one paragraph per event, as wide as the terminal."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from typing import Any

from ..faults import FAULTS
from ..trace import Act, Seen, Step, Trace
from .terminal import fit, paint

__all__ = ["screen"]

_WIDTH = 100
"""Columns where the output has no edge."""
_LINES = 3
"""Lines that an event as it came, or as it left, may take."""
_MANY = 12
"""Events that are shown of what left in one step."""
_STYLES = {"changed": "yellow", "split": "yellow", "added": "yellow", "dropped": "red", "held": "cyan"}
_RESULTS = {
    "exact": ("green", "It was exact: it leaves as it came."),
    "mended": ("green", "It is exact now."),
    "error": ("red", "The honest answer is an error."),
    "passed": ("dim", "Bytes pass as they come on this path; only errors are made OpenAI's."),
}


def screen(
    trace: Trace, name: str, columns: int | None, colour: bool, *, all_rules: bool = False, full: bool = False
) -> str:
    """The whole report."""
    return "\n".join(_Screen(trace, columns or _WIDTH, colour, all_rules, full).lines(name)) + "\n"


class _Screen:
    def __init__(self, trace: Trace, columns: int, colour: bool, all_rules: bool, full: bool) -> None:
        self._trace = trace
        self._columns = max(columns, 40)
        self._colour = colour
        self._all = all_rules
        self._full = full
        self._envelopes: dict[str, str] = {}  # the one shown last, of what came and of what left
        self._in = len(str(len(trace.steps))) + 2  # where the text of a step begins

    def lines(self, name: str) -> Iterator[str]:
        trace = self._trace
        count = sum(1 for step in trace.steps if step.came)
        what = {"event stream": f"an event stream of {_events(count)}", "JSON lines": f"{_events(count)} on lines"}
        where = f" from {trace.path}" if trace.path else ""
        status = f", status {trace.status}" if trace.status != 200 else ""
        yield f"{self._paint(name, 'bold')}: {what.get(trace.kind, 'one body')}{where}{status}"
        for number, step in enumerate(trace.steps, 1):
            yield ""
            yield from self._step(number, step)
        yield ""
        yield from self._end()

    # ---- one step

    def _step(self, number: int, step: Step) -> Iterator[str]:
        label = self._paint(f"{number}".rjust(self._in - 2), "bold") + "  "
        came = _shown(step.came) if step.came else [f"(the end{': ' + self._trace.cut if self._trace.cut else ''})"]
        for line in self._block(came, "cyan" if step.came else "dim"):
            yield label + line
            label = " " * self._in
        indent = " " * (self._in + 2)
        if step.faults:
            yield from self._words(f"{indent}noted ", ", ".join(step.faults))
        for seen in step.events:
            yield from self._seen(seen, indent)
        yield from self._left(step)

    def _left(self, step: Step) -> Iterator[str]:
        left = [event for event in step.left.split(b"\n\n") if event.strip()] if step.left else []
        if self._trace.kind == "one body" and len(left) == 1:
            left = [step.left]
        if not left:
            yield " " * self._in + self._paint("→ nothing leaves yet" if self._more_after(step) else "→ nothing", "dim")
        shown = left if self._full else left[:_MANY]
        for event in shown:
            for position, line in enumerate(self._block(_shown(event), "green", 2)):
                yield " " * self._in + ("→ " if position == 0 else "  ") + line
        if len(shown) < len(left):
            yield " " * self._in + f"→ … and {len(left) - len(shown)} more (--full shows them)"

    def _more_after(self, step: Step) -> bool:
        return step is not self._trace.steps[-1]

    def _seen(self, seen: Seen, indent: str) -> Iterator[str]:
        acts = [act for act in seen.acts if act.did != "kept" or act.faults]
        kept = list(dict.fromkeys(act.rule for act in seen.acts if act not in acts))
        yield fit(indent + _event(seen.event), self._room())
        for act in acts:
            yield from self._act(act, indent + "  ")
        if self._all and kept:
            yield from self._words(f"{indent}  kept by ", ", ".join(kept), "dim")

    def _act(self, act: Act, indent: str) -> Iterator[str]:
        head = f"{indent}{act.rule} "
        did = self._paint(act.did, _STYLES.get(act.did, "bold"))
        gave = [_event(each) for each in act.gave]
        used = len(head) + len(act.did) + 2
        if act.did == "changed":
            gave, lines = [], _lines_of(_differences(act.saw, act.gave[0]), self._room(used))
            yield f"{head}{did}: {lines[0]}"
            yield from (" " * used + line for line in lines[1:])
        else:
            yield head + did + (":" if gave else "")
        for text in gave:
            yield fit(f"{indent}  {text}", self._room())
        if act.faults:
            yield from self._words(f"{indent}  ", ", ".join(act.faults))

    # ---- the end

    def _end(self) -> Iterator[str]:
        trace = self._trace
        if trace.error is not None:
            said = json.dumps({"error": trace.error}, ensure_ascii=False)
            for position, line in enumerate(self._block([said], "red", 2)):
                yield ("→ " if position == 0 else "  ") + line
        longest = max(map(len, trace.faults), default=0)
        for fault, count in trace.faults.items():
            known = FAULTS.get(fault)
            line = fit(known.line if known else "", self._room(longest + 7))
            yield f"{count:>4} {self._paint(fault.ljust(longest), 'yellow')}  {line}".rstrip()
        style, sentence = _RESULTS[trace.result]
        yield self._paint(sentence, style)

    # ---- text

    def _paint(self, text: str, style: str) -> str:
        return paint(text, style, self._colour)

    def _room(self, used: int = 0) -> int | None:
        return None if self._full else max(self._columns - used, 8)

    def _block(self, lines: list[str], style: str, used: int = 0) -> Iterator[str]:
        """Text in no more lines than it may have."""
        room = max(self._columns - self._in - used, 20)
        if self._full:
            yield from (self._paint(line, style) for line in lines)
            return
        pieces: list[str] = []
        for line in lines:
            shown = self._without_envelope(line, room, style)
            pieces += [shown[at : at + room] for at in range(0, len(shown), room)]
        for position, piece in enumerate(pieces[:_LINES]):
            cut = position == _LINES - 1 and len(pieces) > _LINES
            yield self._paint(fit(piece + "…", room) if cut else piece, style)

    def _without_envelope(self, line: str, room: int, style: str) -> str:
        """A line that is too long loses what all chunks of its reply share, at once if it was shown before."""
        begin, at = line.find("{"), line.find('"choices"')
        if not 0 <= begin < at:
            return line
        known = self._envelopes.get(style) == line[begin:at]
        self._envelopes[style] = line[begin:at]
        return f"{line[: begin + 1]}…{line[at:]}" if len(line) > (room if known else room * _LINES) else line

    def _words(self, head: str, text: str, style: str = "yellow") -> Iterator[str]:
        lines = textwrap.wrap(text, max(self._columns - len(head), 20), break_on_hyphens=False)
        for position, line in enumerate(lines):
            yield (head if position == 0 else " " * len(head)) + self._paint(line, style)


def _events(count: int) -> str:
    return f"{count} event{'' if count == 1 else 's'}"


def _shown(data: bytes) -> list[str]:
    """The lines of raw bytes, with nothing in them that a terminal would obey."""
    text = data.decode("utf-8", "backslashreplace").rstrip("\r\n")
    return ["".join(c if c.isprintable() else ascii(c)[1:-1] for c in line) for line in text.split("\n")]


def _event(event: dict[str, Any]) -> str:
    """`TextDelta choice=0 text="Hi"`."""
    shown = {name: value for name, value in event.items() if name != "type" and (name, value) != ("logprobs", None)}
    return " ".join((event["type"], *(f"{name}={_value(value)}" for name, value in shown.items())))


def _value(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _differences(saw: dict[str, Any], gave: dict[str, Any]) -> list[str]:
    """`created 1.5 → 1`, `id made "chatcmpl-…"`."""
    if saw["type"] != gave["type"]:
        return [f"now {_event(gave)}"]
    parts = []
    for name in dict.fromkeys((*saw, *gave)):
        if name not in saw:
            parts.append(f"{name} made {_value(gave[name])}")
        elif name not in gave:
            parts.append(f"{name} {_value(saw[name])} taken away")
        elif saw[name] != gave[name]:
            parts.append(f"{name} {_value(saw[name])} → {_value(gave[name])}")
    return parts or ["another one like it"]


def _lines_of(parts: list[str], room: int | None) -> list[str]:
    """The parts in one line, or each on its own."""
    line = ", ".join(parts)
    return [line] if room is None or len(line) <= room else [fit(part, room) for part in parts]
