"""The choice of the allocator: objects outlive it, and nothing is done where somebody else looks after memory."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator

import pytest

from trueline.shell.allocators import Allocators

PRELUDE = "from trueline.shell.allocators import Allocators; a = Allocators(); a.use_library(True); print(a.library)"


@pytest.fixture
def allocators() -> Iterator[Allocators]:
    made = Allocators()
    made.use_library(True)
    if not made.library:
        pytest.skip("this Python's allocator cannot be chosen")
    made.use_library(False)
    yield made
    made.use_library(False)


def objects() -> list[object]:
    """Some of each size and kind, each its own."""
    made: list[object] = []
    for size in range(600):
        made += [bytes([size % 256]) * size, "x" * size + "y", {size: [float(size)]}, list(range(size)), {size, "a"}]
    return made


def test_objects_are_freed_and_grow_whatever_is_chosen_then(allocators: Allocators) -> None:
    expected = objects()
    kept = []
    for library in (True, False, True, False):
        allocators.use_library(library)
        assert allocators.library is library
        kept.append(objects())
        for earlier in kept:
            assert earlier == expected
            for each in earlier:
                if isinstance(each, list):
                    each.extend(range(50))
                    del each[-50:]
                elif isinstance(each, dict):
                    each.update(zip("abcdefgh", "abcdefgh", strict=True))
                    for key in "abcdefgh":
                        del each[key]
        if len(kept) > 2:
            kept.pop(0)
            gc.collect()
    assert all(earlier == expected for earlier in kept)


def test_tracing_that_has_begun_is_left_alone(allocators: Allocators) -> None:
    if tracemalloc.is_tracing():
        pytest.skip("it is traced already")
    allocators.use_library(True)
    tracemalloc.start()
    try:
        allocators.use_library(False)
        assert allocators.library
    finally:
        tracemalloc.stop()
    allocators.use_library(False)
    assert not allocators.library


def chosen(code: str, **env: str) -> bytes:
    """What a new Python prints."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each), **env}
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True).stdout.strip()


MALLOCS = ["debug", "malloc", *(["mimalloc", "mimalloc_debug"] if sys.version_info >= (3, 13) else [])]


@pytest.mark.parametrize("env", [*({"PYTHONMALLOC": name} for name in MALLOCS), {"PYTHONTRACEMALLOC": "1"}], ids=str)
def test_another_allocator_is_left_alone(env: dict[str, str]) -> None:
    assert chosen(PRELUDE, **env) == b"False"


def test_the_librarys_is_not_used_where_somebody_has_taken_its_place() -> None:
    changed = """
import ctypes
from trueline.shell.allocators import Allocators
Allocators()
functions = (ctypes.c_void_p * 5)()
ctypes.pythonapi.PyMem_GetAllocator(0, ctypes.byref(functions))
functions[0] = 1  # a context, of which the library's functions take no notice
ctypes.pythonapi.PyMem_SetAllocator(0, ctypes.byref(functions))
"""
    assert chosen(changed + PRELUDE) == b"False"


def test_an_allocator_that_nobody_knows_is_left_alone() -> None:
    """It may not take back what the C library gave, whatever it looks like."""
    odd = """
import ctypes
functions, api = ctypes.c_void_p * 5, ctypes.pythonapi
raw, own = functions(), functions()
api.PyMem_GetAllocator(0, ctypes.byref(raw))
api.PyMem_GetAllocator(2, ctypes.byref(own))
own[2] = raw[2]
api.PyMem_SetAllocator(2, ctypes.byref(own))
"""
    assert chosen(odd + PRELUDE) == b"False"


WITHOUT = {
    "not built": "import sys; sys.modules['_ctypes'] = None; ",
    "static": """
import sys

class Finder:
    def find_spec(self, name, *_):
        if name == "ctypes":
            raise OSError("Dynamic loading not supported")

sys.meta_path.insert(0, Finder())
""",
}


@pytest.mark.parametrize("why", WITHOUT)
def test_a_python_without_ctypes_is_left_alone(why: str) -> None:
    assert chosen(WITHOUT[why] + PRELUDE) == b"False"


def test_a_library_that_need_not_return_single_pages_is_not_used() -> None:
    """As musl's, which is also slow."""
    assert chosen("import ctypes; ctypes.CDLL = lambda name: object(); " + PRELUDE) == b"False"
