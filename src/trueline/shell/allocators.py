"""Where new objects get their memory from: Python's own allocator, or the C library's.

Python's is the faster one.  But it takes a megabyte at a time from the system, and returns it only when nothing in it
is used any more: after a burst, a few objects that live on, spread over many such pieces, keep them all.  The C library
returns single pages.

Memory need not go back through the allocator that gave it: Python's hands on to the library what it has not given
itself, as it must for each object of more than 512 bytes, which comes from the library in any case.  This holds for
CPython with its lock, where it says that its own allocator is at work; where anything else looks after memory
(debugging, tracing, mimalloc, another's allocator), nothing is done.
"""

from __future__ import annotations

import sys
from functools import cache

__all__ = ["Allocators"]

_RAW, _SMALL = 0, (1, 2)
"""Numbers of PyMemAllocatorDomain: the C library's, and those of PyMem_Malloc and PyObject_Malloc."""


class Allocators:
    """The two ways; to be used by one event loop's thread, which holds Python's lock."""

    def __init__(self) -> None:
        _changes()  # now, while there is time
        self.library = False
        """New objects come from the C library."""

    def use_library(self, library: bool) -> None:
        """Choose for what is made from now on; without effect where it cannot be chosen."""
        if library == self.library:
            return
        changes = _changes()
        if changes is not None and changes.choose(library):
            self.library = library


class _Changes:
    """Both ways, for each domain."""

    def __init__(self) -> None:
        import ctypes  # which another application's process, whose memory is its own, need not have

        functions = ctypes.c_void_p * 5  # PyMemAllocatorEx: context, malloc, calloc, realloc, free
        api = ctypes.pythonapi

        def now(domain: int) -> tuple[int | None, ...]:
            found = functions()
            api.PyMem_GetAllocator(domain, ctypes.byref(found))
            return tuple(found)

        def change(domain: int, to: tuple[int | None, ...]) -> None:
            api.PyMem_SetAllocator(domain, ctypes.byref(functions(*to)))

        self._now, self._change = now, change
        raw = now(_RAW)
        self._python = {_RAW: raw, **{domain: now(domain) for domain in _SMALL}}
        self._library = {_RAW: raw}
        for domain in _SMALL:
            context, _, _, reallocate, free = self._python[domain]
            self._library[domain] = context, raw[1], raw[2], reallocate, free
        name = api._PyMem_GetCurrentAllocatorName
        name.restype = ctypes.c_char_p
        # Each domain has what Python gave it: of no other allocator is it known that it takes back what is not its.
        # And the library is one that returns single pages, which not all do (musl).
        self.possible = name() == b"pymalloc" and hasattr(ctypes.CDLL(None), "malloc_trim")

    def choose(self, library: bool) -> bool:
        """Whether it was done: not where another has changed the allocators since."""
        before, after = (self._python, self._library) if library else (self._library, self._python)
        if any(self._now(domain) != functions for domain, functions in before.items()):
            return False
        for domain in _SMALL:
            self._change(domain, after[domain])
        return True


@cache
def _changes() -> _Changes | None:
    known = sys.implementation.name == "cpython" and (3, 11) <= sys.version_info[:2] <= (3, 14)
    if not known or "t" in getattr(sys, "abiflags", "") or sys.platform != "linux":
        return None
    try:
        changes = _Changes()
    except (ImportError, OSError, AttributeError):  # without ctypes, without libraries, without what is asked here
        return None
    return changes if changes.possible else None
