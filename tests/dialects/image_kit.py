"""What the tests of dialects for pictures share: requests to write, and replies to read as the proxy does."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from dialects.kit import ROUTE, Notes
from engine.kit import CountingMint, Fields
from trueline.context import FormatOptions
from trueline.dialects.images import joined, read_answer
from trueline.dialects.provider import Painted, ProviderImages, ProviderRequest, Waiting, dialect_of
from trueline.errors import TruelineError
from trueline.messages import ImageRequest, read_image_request
from trueline.pipeline import WholeImages, image_pipeline
from trueline.wire import multipart

PNG = "iVBORw0KGgo="
JPEG = "/9j/4AAQ"


def drawing(**fields: Any) -> ImageRequest:
    return read_image_request(json.dumps({"model": "m", "prompt": "a cat", **fields}).encode())


def images_of(name: str) -> ProviderImages:
    images = dialect_of(name).images
    assert images is not None
    return images


class Written(NamedTuple):
    requests: list[ProviderRequest]
    bodies: list[Fields]
    notes: list[str]


def written(name: str, model: str, *, drop: bool = False, settings: Fields | None = None, **fields: Any) -> Written:
    """The native requests for an image request of these fields, and what was named on the way."""
    notes = Notes()
    asked = notes.asked(model, drop=drop, **(settings or {}))
    requests = images_of(name).write(drawing(**fields), asked)
    return Written(requests, [body_of(one) for one in requests], list(notes))


def body_of(request: ProviderRequest) -> Fields:
    """JSON, or the fields of a form."""
    kind = dict(request.headers).get(b"content-type", b"")
    boundary = multipart.boundary_of(kind)
    if boundary is not None:
        return dict(multipart.text_fields(request.body, boundary))
    body: Fields = json.loads(request.body)
    return body


def read(
    name: str, payload: Any, asked: ProviderRequest | None = None, **fields: Any
) -> Painted | Waiting | TruelineError:
    """What one reply means."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return read_answer(images_of(name), body, drawing(**fields), asked or ProviderRequest("/v1/x", b""))


def answered(
    name: str, *parts: Painted | TruelineError, options: FormatOptions = FormatOptions(), **fields: Any
) -> tuple[Any, WholeImages]:
    """The reply to the client, or the error; URLs where base64 is asked for are listed by the pipeline."""
    request = drawing(**fields)
    whole = joined(parts, request.n)
    pipe = image_pipeline(request, ROUTE, CountingMint(), options, dialect=dialect_of(name))
    assert isinstance(pipe, WholeImages)
    if isinstance(whole, TruelineError):
        return whole, pipe
    pipe.take(whole)
    out = pipe.close()
    for url in pipe.missing:
        pipe.supply(url, b"\x89PNG fetched")
    out = pipe.finish() if pipe.missing else out
    return json.loads(out) if pipe.error is None else pipe.error, pipe
