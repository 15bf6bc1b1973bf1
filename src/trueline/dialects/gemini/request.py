from __future__ import annotations
from ...messages import ChatRequest
from ..native import Asked, NativeRequest


def write_request(request: ChatRequest, asked: Asked) -> NativeRequest:
    raise NotImplementedError
