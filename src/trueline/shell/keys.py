"""Trueline's own keys: who may come in, where the settings demand one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import AuthenticationError
from ..settings import Secret
from .headers import CREDENTIALS, Pairs

__all__ = ["admit"]

_BEARER = re.compile(r"\s*bearer\s", re.IGNORECASE)


def admit(keys: Sequence[Secret], headers: Pairs) -> None:
    """Raises AuthenticationError for headers without one of the keys, if there are any."""
    if not keys:
        return
    given = [_BEARER.sub("", value.decode("latin-1")).strip() for name, value in headers if name in CREDENTIALS]
    if not any(given):
        missing = AuthenticationError(
            "You didn't provide an API key. You need to provide your API key in an Authorization header "
            "using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
        )
        missing.code = None
        raise missing
    if not any(known.matches(key) for known in keys for key in given):
        raise AuthenticationError("Incorrect API key provided.")
