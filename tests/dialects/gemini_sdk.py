"""Google's SDK as the judge of requests: what its types refuse, or would write in another way, is wrong."""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import Any

from google.genai import models, types

Fields = dict[str, Any]

CONFIG = ("systemInstruction", "safetySettings", "tools", "toolConfig", "cachedContent", "labels", "serviceTier")


def parse(body: Fields, model: str = "gemini-2.5-flash") -> types._GenerateContentParameters:
    """The request in the SDK's types, which take no field that they do not know.  Raises ValidationError."""
    config = {**body.get("generationConfig", {}), **{name: body[name] for name in CONFIG if name in body}}
    assert not body.keys() - {"contents", "generationConfig", *CONFIG}, body.keys()
    return types._GenerateContentParameters.model_validate(
        {"model": model, "contents": body["contents"], "config": config}
    )


def rewritten(body: Fields, model: str = "gemini-2.5-flash", vertex: bool = False) -> Fields:
    """The request as the SDK itself would write it.  Raises ValidationError or ValueError."""
    api = SimpleNamespace(vertexai=vertex, project="p", location="l", custom_base_url=None)
    write = models._GenerateContentParameters_to_vertex if vertex else models._GenerateContentParameters_to_mldev
    given = parse(body, model)
    made: Fields = write(api, given, None, given)  # type: ignore[arg-type]  # all that it asks of a client
    made.pop("_url", None)
    written: Fields = plain(made)
    return written


def plain(value: Any) -> Any:
    """JSON of what the SDK would send, in one spelling: no nulls, words in capitals as in its enums."""
    if hasattr(value, "model_dump"):
        value = value.model_dump(exclude_none=True, by_alias=True)
    if isinstance(value, bytes):
        return base64.urlsafe_b64encode(value).decode()
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items() if one is not None}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return getattr(value, "value", value)


def capital(value: Any) -> Any:
    """Schema types and levels as the SDK's enums have them."""
    if isinstance(value, dict):
        return {
            name: one.upper()
            if name in ("type", "thinkingLevel") and isinstance(one, str)
            else one.replace("+", "-").replace("/", "_")
            if name in ("thoughtSignature", "data") and isinstance(one, str)
            else capital(one)
            for name, one in value.items()
        }
    return [capital(one) for one in value] if isinstance(value, list) else value


def accepted(body: Fields, model: str = "gemini-2.5-flash", vertex: bool = False) -> None:
    """The SDK takes the request, and would write the same one.  Raises what it does not."""
    made = capital(rewritten(body, model, vertex))
    assert made == {"generationConfig": {}, **capital(plain(body))}
