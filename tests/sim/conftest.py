"""The oracle of OpenAI's format, and a plain HTTP client over real sockets that shows every byte."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def oracle(shared: Path) -> ModuleType:
    """The executable rules beside the checkout."""
    spec = importlib.util.spec_from_file_location("oracle", shared / "spec" / "oracle.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
