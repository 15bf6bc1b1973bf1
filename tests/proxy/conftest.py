"""Runs every coroutine test of this folder on the loop that the proxy is served on, once for each way in."""

from __future__ import annotations

import asyncio
import inspect

import pytest
import uvicorn

import proxy.running

SECONDS = 20
new_loop = uvicorn.Config("", loop="auto").get_loop_factory()


@pytest.fixture(autouse=True, params=["native", "asgi"])
def way_in(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How the proxy under test takes its requests."""
    monkeypatch.setattr(proxy.running, "WAY_IN", request.param)
    return str(request.param)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}

    async def run() -> None:
        problems: list[str] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: problems.append(str(context)))
        async with asyncio.timeout(SECONDS):
            await pyfuncitem.obj(**arguments)
        for _ in range(3):
            await asyncio.sleep(0)
        assert problems == [], "nothing may end up in the loop's exception handler"

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(run())
    return True
