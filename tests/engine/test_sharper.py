"""Statuses of 500 that are about the request, where the option says that they may be read so."""

from __future__ import annotations

import pytest

from trueline.dialects.sharper import sharpen
from trueline.errors import UpstreamReplyError


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ("Invalid 'max_tokens': integer above maximum value.", 400),
        ("The 'stream_options' parameter is only allowed when 'stream' is enabled.", 400),
        ("you must provide a model parameter", 400),
        ("This model's maximum context length is 8192 tokens.", 400),
        ("Invalid URL (POST /v1/x)", 404),
        ("The model `x` does not exist or you do not have access to it.", 404),
        ("model 'x' not found, try pulling it first", 404),
        ("The model crashed.", 500),
        ("invalid state of the engine", 500),
    ],
)
def test_500_for_a_bad_request(message: str, status: int) -> None:
    asked = sharpen(UpstreamReplyError(message, status=500), ("err-500-for-4xx",))

    assert asked.status == status
    assert ("err-500-for-4xx" in asked.faults) is (status < 500)
    assert sharpen(UpstreamReplyError(message, status=500), ()).status == 500
