"""The pieces of tool calls in a stream (rules.md C9)."""

from __future__ import annotations

from typing import Any

from ..wire import jsonio
from ..wire.brackets import ObjectBrackets
from .answer import Call
from .findings import Docket
from .pieces import Pieces

__all__ = ["Calls"]

Json = dict[str, Any]


_LONG = 4096
"""Characters beyond which arguments are looked at as a whole only where they may be an object that is complete."""


class _Open:
    """A call whose pieces are coming."""

    def __init__(self, where: str, identity: Any, name: Any) -> None:
        self.where = where
        self.id = identity
        self.name = name
        self.arguments = Pieces()
        self._brackets = ObjectBrackets()
        self._is_object = False

    def add(self, arguments: str) -> None:
        """More of its arguments."""
        if not self.arguments.size:
            self._is_object = arguments[:1] == "{"
        self.arguments.add(arguments)
        self._brackets.feed(arguments)

    def restart(self, arguments: str) -> None:
        """Its arguments, all of them anew."""
        self.arguments, self._brackets = Pieces(), ObjectBrackets()
        self.add(arguments)

    @property
    def is_object(self) -> bool:
        """Whether its arguments begin as an object does."""
        return self._is_object

    def complete(self) -> bool:
        """Whether its arguments are JSON already."""
        if self.arguments.size > _LONG and not self._brackets.closed:
            return False
        text = str(self.arguments)
        if not text.strip():
            return False
        try:
            jsonio.decode_strict(text.encode("utf-8", "replace"))
        except jsonio.JSONError:
            return False
        return True

    def call(self) -> Call:
        """The call, as far as it came."""
        return Call(self.where, self.id, self.name, str(self.arguments))


class Calls:
    """The calls of one choice."""

    def __init__(self, docket: Docket) -> None:
        self._docket = docket
        self._open: dict[int, _Open] = {}
        self._custom: set[int] = set()  # calls of custom tools, whose input is no JSON
        self._last = -1
        self.seen = False
        """Whether a piece came, however broken."""

    def calls(self) -> list[Call]:
        """All calls, complete as far as they came."""
        return [one.call() for one in self._open.values()]

    def see(self, entries: Any, where: str) -> None:
        """Take the `tool_calls` of a delta."""
        if entries == []:
            self._docket.note("tool-calls-empty-array", where, entries)
        elif entries is None:
            self._docket.note("tool-calls-null", where, entries)
        if not isinstance(entries, list) or not entries:
            return
        self.seen = True
        pieces = [entry for entry in entries if isinstance(entry, dict)]
        indexes = [piece.get("index") for piece in pieces]
        if len(pieces) > 1:
            alike = len({repr(index) for index in indexes}) < len(indexes) and None not in indexes
            anew = all(piece.get("id") for piece in pieces)
            self._docket.note(
                "tool-index-dup-in-chunk" if alike and not anew else "tool-multi-calls-one-chunk", where, entries
            )
        for number, piece in enumerate(pieces):
            self._piece(piece, f"{where}[{number}]")

    def _piece(self, piece: Json, where: str) -> None:
        function = piece.get("function")
        function = function if isinstance(function, dict) else {}
        index = piece.get("index")
        if not isinstance(index, int) or isinstance(index, bool):
            return  # which the schema has said
        if index in self._custom or (piece.get("type") == "custom" and isinstance(piece.get("custom"), dict)):
            self._custom.add(index)
            self._last = index
            return
        call = self._open.get(index)
        if call is not None and self._is_next(call, piece, function, where):
            call = self._open.pop(index)
            self._open[-1 - len(self._open)] = call  # kept, out of the way of the one that took its index
            call = None
        if call is None:
            self._begin(index, piece, function, where)
        else:
            self._go_on(call, index, piece, function, where)
        self._last = index

    def _is_next(self, call: _Open, piece: Json, function: Json, where: str) -> bool:
        """Whether a piece begins another call on an index that is taken."""
        identity, name = piece.get("id"), function.get("name")
        if identity and call.id and identity != call.id:
            self._docket.note("tool-index-all-zero", where, piece)
            return True
        anew = name and not identity and call.complete() and (name != call.name or function.get("arguments") == "")
        if anew:
            self._docket.note("tool-args-next-call-no-id", where, piece)
        return bool(anew)

    def _begin(self, index: int, piece: Json, function: Json, where: str) -> None:
        note = self._docket.note
        taken = self._docket.has("tool-index-all-zero", "tool-args-next-call-no-id")
        if not piece.get("id") and not function.get("name") and self._open and not taken:
            note("tool-index-id-vs-args", where, piece)
            self._add(next(reversed(self._open.values())), function, where)
            self._last = index
            return
        if index != len(self._open) + len(self._custom) and not taken:
            note("tool-index-bad", f"{where}.index", index)
        call = _Open(where, piece.get("id"), function.get("name"))
        self._open[index] = call
        if not (isinstance(call.id, str) and call.id):
            note("tool-id-missing", where, piece)
        if piece.get("type") != "function":
            note("tool-type-missing", where, piece)
        arguments = function.get("arguments")
        if isinstance(arguments, str) and arguments:
            note("tool-whole-call-one-chunk", where, piece)
        elif arguments is None:
            note("tool-first-arguments", where, piece)
        self._add(call, function, where)

    def _go_on(self, call: _Open, index: int, piece: Json, function: Json, where: str) -> None:
        note = self._docket.note
        if index < self._last:
            note("tool-index-back", where, piece)
        if "id" in piece:
            note("tool-id-repeated" if piece["id"] else "tool-id-empty-later", f"{where}.id", piece["id"])
        if "type" in piece:
            note("tool-type-repeated", f"{where}.type", piece["type"])
        if "name" in function:
            name = function["name"]
            if name and not call.name:
                call.name = name
                note("tool-name-late", f"{where}.function.name", name)
            else:
                note("tool-name-repeated" if name else "tool-name-empty-later", f"{where}.function.name", name)
        self._add(call, function, where)

    def _add(self, call: _Open, function: Json, where: str) -> None:
        arguments = function.get("arguments")
        if arguments is None or arguments == "":
            return
        spot = f"{where}.function.arguments"
        if not isinstance(arguments, str):
            self._docket.note("tool-args-object", spot, arguments)
            return
        before = call.arguments
        if before.size == len(arguments) and arguments == str(before) and call.complete():
            self._docket.note("tool-args-dup-full", spot, arguments)
        elif call.is_object and len(arguments) > before.size and arguments.startswith(str(before)):
            self._docket.note("tool-args-cumulative", spot, arguments)
            call.restart(arguments)
            return
        call.add(arguments)

    def close(self) -> None:
        """The choice is complete: every call must have a name."""
        for call in self._open.values():
            if not call.name:
                self._docket.note("tool-name-never", f"{call.where}.function", call.name)
