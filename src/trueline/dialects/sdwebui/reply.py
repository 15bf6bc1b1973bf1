"""Pictures and errors of Stable Diffusion WebUI.

{"images": ["iVBOR…"], "parameters": {…}, "info": "{\\"all_seeds\\": [1], \\"index_of_first_image\\": 0, …}"}
{"error": "OutOfMemoryError", "detail": "", "body": "", "errors": "CUDA out of memory. …"}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import TruelineError, UpstreamFormatError, UpstreamReplyError
from ...messages import ImageRequest
from ...wire import jsonio
from ..error_bodies import error_in
from ..error_bodies import read_error as read_any
from ..images import reason
from ..provider import Painted, ProviderRequest, Waiting

__all__ = ["read_error", "read_images"]


def read_images(payload: Any, request: ImageRequest, asked: ProviderRequest) -> Painted | Waiting | TruelineError:
    """The pictures of a reply, without a grid before them and what extensions put behind them."""
    if not isinstance(payload, dict):
        return UpstreamFormatError("The upstream's reply is no image reply: it is no object.")
    given = payload.get("images")
    images = [one for one in given if isinstance(one, str) and one] if isinstance(given, list) else []
    if not images:
        return error_in(payload) or UpstreamFormatError("The upstream's reply holds no picture.")
    info = _info(payload.get("info"))
    first = info.get("index_of_first_image")
    first = first if type(first) is int and 0 <= first < len(images) else 0
    seeds = info.get("all_seeds")
    seeds = seeds if isinstance(seeds, list) else []
    made = []
    for position, data in enumerate(images[first : first + request.n]):
        seed = seeds[position] if position < len(seeds) and type(seeds[position]) is int else None
        image = {"b64_json": data.partition(",")[2] if data.startswith("data:") else data}
        made.append(image if seed is None else {**image, "seed": seed})
    return Painted(made)


def _info(given: Any) -> dict[str, Any]:
    """What is said of the pictures, which is JSON in a string."""
    try:
        read = jsonio.decode(given.encode("utf-8", "replace")) if isinstance(given, str) else given
    except jsonio.JSONError:
        return {}
    return read if isinstance(read, dict) else {}


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamReplyError:
    """The OpenAI error for a failing status: the name of an exception, and what it says."""
    error = read_any(status, headers, body)
    try:
        payload = jsonio.decode(body)
    except jsonio.JSONError:
        return error
    if isinstance(payload, dict) and isinstance(payload.get("error"), str) and payload["error"]:
        said = next((payload[n] for n in ("errors", "detail") if isinstance(payload.get(n), str) and payload[n]), "")
        error.message = reason(f"{payload['error']}: {said}" if said else payload["error"], error.message)
    return error
