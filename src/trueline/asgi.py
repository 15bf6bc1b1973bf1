"""Trueline as an ASGI application, to be run by any ASGI server or mounted in another application.

from trueline.asgi import create_app
app = create_app()                       # settings from trueline.yaml and the environment
app = create_app({"upstream": "http://127.0.0.1:8000/v1"})
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from .settings import Settings, find_settings_file, load_settings
from .shell.app import create_app as _create_app

if TYPE_CHECKING:
    from starlette.applications import Starlette

__all__ = ["create_app"]


def create_app(settings: Settings | Mapping[str, str] | None = None) -> Starlette:
    """The proxy.

    `settings`: ready Settings; or a few values by key, as the flags of `trueline serve`, over the environment and the
    settings file; or nothing.  Raises SettingsError.
    """
    if not isinstance(settings, Settings):
        env = dict(os.environ)
        settings = load_settings(settings or {}, env, find_settings_file(None, env))
    return _create_app(settings)
