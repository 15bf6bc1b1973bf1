"""The layers of docs/architecture.md: imports point down only, and the core does no I/O."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from meta.source import PACKAGE, SRC, here, imports, modules, tree

# room -> the rooms that it may import. A room is the first name under `trueline`; "" is the package itself.
# Above the line: pure. A new room needs a row here, which is the moment to think about where it stands.
FACTS = {"errors", "faults", "finish_words", "mint", "pictures"}
CORE: dict[str, set[str]] = {
    "errors": set(),
    "faults": set(),
    "finish_words": set(),
    "mint": set(),
    "pictures": set(),
    "events": FACTS,
    "wire": FACTS,
    "messages": FACTS | {"events", "wire"},
    "owed": set(),
    "said": FACTS | {"events", "tokens"},
    "options": set(),
    "context": FACTS | {"events", "messages", "options", "owed", "said"},
    "switches": FACTS | {"context"},
    "dialects": FACTS | {"context", "events", "messages", "wire"},
    "tokens": FACTS | {"events", "messages"},
    "repairs": FACTS | {"context", "events", "messages", "said", "tokens", "wire"},
    "pipeline": FACTS | {"context", "dialects", "events", "messages", "repairs", "tokens", "wire"},
    "recorded": FACTS | {"context", "messages", "pipeline", "wire"},
    "recordings": FACTS | {"context", "dialects", "messages", "pipeline", "recorded", "wire"},
    "trace": FACTS | {"context", "events", "messages", "pipeline", "recorded", "recordings", "wire"},
    "excerpts": set(),
    "judge": FACTS | {"messages", "wire"},
    "providers": FACTS | {"dialects"},
    "prices": set(),
    "features": FACTS | {"context", "events", "messages", "pipeline", "providers", "tokens"},
}
PURE = set(CORE)
SHELL: dict[str, set[str]] = {
    "settings": PURE,
    "sim": PURE,
    "shell": PURE | {"settings", "sim"},
    "asgi": PURE | {"settings", "shell"},
    "check": PURE | {"shell"},
    "cli": PURE | {"asgi", "check", "library", "settings", "shell", "sim", "web"},
    "web": PURE | {"settings", "shell"},
    "__main__": {"cli"},
    "library": PURE | {"shell"},
    "": PURE | {"library"},
}
ROOMS = CORE | SHELL

# Everything by which a module could wait, read a clock, roll dice, or touch the machine.
WAITING = {
    "anyio",
    "asyncio",
    "concurrent",
    "multiprocessing",
    "select",
    "selectors",
    "signal",
    "subprocess",
    "threading",
}
CLOCK_AND_DICE = {"random", "secrets", "time", "uuid"}
NETWORK = {"http", "httptools", "socket", "socketserver", "ssl", "starlette", "urllib.request", "uvicorn", "uvloop"}
MACHINE = {"fcntl", "glob", "io", "logging", "os", "pathlib", "shutil", "sqlite3", "tempfile"}
EFFECTS = WAITING | CLOCK_AND_DICE | NETWORK | MACHINE
ALLOWED = {"trueline.tokens.tokenizers": {"threading"}}
"""Above the line all the same: whoever is first reads a vocabulary from its package, once."""
CALLS = frozenset({"open", "print", "input", "exec", "eval", "breakpoint"})
CLOCKS = frozenset({"datetime.now", "datetime.utcnow", "datetime.today", "date.today"})  # parsing a date is pure


def room(name: str) -> str:
    return name.removeprefix(PACKAGE).lstrip(".").partition(".")[0]


def core_modules() -> list[str]:
    return [name for name in modules() if room(name) in CORE]


def test_every_room_has_a_place() -> None:
    assert {room(name) for name in modules()} <= set(ROOMS)


@pytest.mark.parametrize("name", sorted(modules()))
def test_imports_point_down(name: str) -> None:
    mine = room(name)
    wrong = [
        f"{here(modules()[name], line)} imports {target}"
        for line, target in imports(name)
        if target.partition(".")[0] == PACKAGE and room(target) != mine and room(target) not in ROOMS.get(mine, set())
    ]

    assert wrong == []


@pytest.mark.parametrize("name", core_modules())
def test_core_has_no_effects(name: str) -> None:
    path = modules()[name]
    wrong = [
        f"{here(path, line)} imports {target}"
        for line, target in imports(name)
        if (target in EFFECTS or target.partition(".")[0] in EFFECTS)
        and target.partition(".")[0] not in ALLOWED.get(name, ())
    ]
    wrong += [
        f"{here(path, node.lineno)} calls {ast.unparse(node.func)}"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in CALLS | CLOCKS
    ]
    wrong += [
        f"{here(path, node.lineno)} awaits"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith)
    ]

    assert wrong == []


def test_the_table_has_no_cycles() -> None:
    done: set[str] = set()
    while waiting := [name for name in ROOMS if name not in done]:
        ready = [name for name in waiting if ROOMS[name] <= done]
        assert ready, f"these import each other: {waiting}"
        done.update(ready)


def test_import_of_the_library_loads_no_server() -> None:
    code = f"""
import sys
sys.path.insert(0, {str(SRC)!r})
import trueline
print(*sorted({{"asyncio", "ssl", "uvicorn", "starlette", "httptools", "uvloop", "yaml"}} & set(sys.modules)))
"""
    loaded = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)

    assert loaded.stdout.split() == []
