"""Runs every coroutine test of this folder on both event loops."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable

import pytest

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop] | None] = {"asyncio": None}
try:
    from uvloop import new_event_loop
except ImportError:  # not on Windows
    pass
else:
    LOOPS["uvloop"] = new_event_loop


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if inspect.iscoroutinefunction(metafunc.function):
        metafunc.fixturenames.append("loop_name")
        metafunc.parametrize("loop_name", list(LOOPS))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}

    async def run() -> None:
        problems: list[str] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: problems.append(str(context)))
        async with asyncio.timeout(20):
            await pyfuncitem.obj(**arguments)
        for _ in range(3):
            await asyncio.sleep(0)
        assert problems == [], "nothing may end up in the loop's exception handler"

    with asyncio.Runner(loop_factory=LOOPS[str(pyfuncitem.callspec.params["loop_name"])]) as runner:
        runner.run(run())
    return True
