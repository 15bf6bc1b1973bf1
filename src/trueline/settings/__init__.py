"""Settings: one table (`rows.py`), from which the file, the environment, the flags, the docs and the schema follow.

`load_settings` layers the sources and gives one frozen `Settings`; a mistake is a `SettingsError` that names its file,
line and key.  This package reads files and nothing else of the world: the environment and the flags are handed in.
"""

from __future__ import annotations

from .errors import Origin, SettingsError
from .load import FILE_NAME, find_settings_file, load_settings
from .model import Limits, ModelAlias, Proxy, Settings, Timeouts, Upstream, is_loopback
from .published import settings_markdown, settings_schema
from .rows import GROUPS, ROWS, Row
from .secret import Secret

__all__ = [
    "FILE_NAME",
    "GROUPS",
    "ROWS",
    "Limits",
    "ModelAlias",
    "Origin",
    "Proxy",
    "Row",
    "Secret",
    "Settings",
    "SettingsError",
    "Timeouts",
    "Upstream",
    "find_settings_file",
    "is_loopback",
    "load_settings",
    "settings_markdown",
    "settings_schema",
]
