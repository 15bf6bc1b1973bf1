"""What every test may use: coroutine tests, the hypothesis profile, the shared recordings."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parent.parent

ASYNC_TEST_SECONDS = 60

# Derandomized: the same examples on every machine, so that a red run is red for everyone. To look for new ones:
# scripts/test --hypothesis-profile=explore
hypothesis.settings.register_profile("default", deadline=None, derandomize=True, database=None)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=2_000)
hypothesis.settings.load_profile("default")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run `async def test_…` in an event loop of its own; a hang ends as a TimeoutError with a traceback."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj) or pyfuncitem.get_closest_marker("anyio"):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}

    async def run() -> None:
        async with asyncio.timeout(ASYNC_TEST_SECONDS):
            await pyfuncitem.obj(**arguments)

    asyncio.run(run())
    return True


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of specifications and recordings beside the checkout; tests that need it skip where it is absent."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs the shared specifications and recordings beside the checkout (../shared)")
    return folder
