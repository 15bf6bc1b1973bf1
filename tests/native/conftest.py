"""Runs every coroutine test of this folder on the loop that the proxy is served on."""

from __future__ import annotations

from proxy.conftest import pytest_pyfunc_call

__all__ = ["pytest_pyfunc_call"]
