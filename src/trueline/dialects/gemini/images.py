"""Pictures of Gemini's and Imagen's: OpenAI's image request as `generateContent`, or as `predict`.

https://ai.google.dev/gemini-api/docs/image-generation (seen 2026-11-22)
https://ai.google.dev/gemini-api/docs/imagen (seen 2026-11-22)
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/imagen-api (seen 2026-11-22)
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from ...errors import TruelineError, UpstreamFormatError
from ...messages import ImageRequest
from ...wire import jsonio
from ..images import Size, check_image, nearest_ratio, read_size, seeds, shares, withheld
from ..parameters import leave_out
from ..provider import Asked, Painted, ProviderImages, ProviderRequest, Waiting
from .errors import error_of
from .fields import camel, camel_name
from .meaning import finish_word
from .meaning import usage as count
from .place import is_vertex, model_path

__all__ = ["IMAGES", "read_images", "write_images"]

Fields: TypeAlias = dict[str, Any]

_RATIOS: Final = ("21:9", "16:9", "3:2", "4:3", "5:4", "1:1", "4:5", "3:4", "2:3", "9:16")
_OF_IMAGEN: Final = ("16:9", "4:3", "1:1", "3:4", "9:16")
_ONE_K: Final = 2_100_000
_TWO_K: Final = 6_600_000
"""Pixels up to which a picture is called `1K` and `2K`."""
_AT_ONCE: Final = 4
"""Pictures that Imagen makes in one call."""
_MAX_SEED: Final = 0x7FFFFFFF
_OWN: Final = frozenset(("imageConfig", "temperature", "topP", "topK", "thinkingConfig", "safetySettings", "labels"))
_OWN_OF_IMAGEN: Final = frozenset(
    (
        *("negativePrompt", "guidanceScale", "safetySetting", "personGeneration", "includeSafetyAttributes"),
        *("includeRaiReason", "language", "addWatermark", "enhancePrompt", "sampleImageSize"),
    )
)
_WITHHELD: Final = frozenset(
    (
        *("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE"),
        *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "MODEL_ARMOR"),
    )
)


def write_images(request: ImageRequest, asked: Asked) -> list[ProviderRequest]:
    """A request for each picture, or for four of Imagen's.  Raises RequestError for what cannot be expressed."""
    return (_predict if "imagen" in asked.model else _generate)(request, asked)


def _generate(request: ImageRequest, asked: Asked) -> list[ProviderRequest]:
    own = {name: camel_name(name) for name in request.body if camel_name(name) in _OWN}
    check_image(request, asked, ("size", "seed", *_files(asked), *own))
    given = {named: camel(request.body[name]) for name, named in own.items() if request.body[name] is not None}
    config: Fields = {"responseModalities": ["TEXT", "IMAGE"] if "2.0" in asked.model else ["IMAGE"]}
    image: Fields = {}
    size = read_size(request)
    ratio = nearest_ratio(size, _RATIOS, asked)
    if ratio is not None and size is not None:
        image["aspectRatio"] = ratio
        large = _large(size)
        if large is not None and "gemini-2" in asked.model:
            leave_out(asked, "size", f"{size} is more than this model makes.")
        elif large is not None:
            image["imageSize"] = large
    output = _output(request, asked)
    if output:
        image["imageOutputOptions"] = output
    top: Fields = {name: given.pop(name) for name in ("safetySettings", "labels") if name in given}
    more = given.pop("imageConfig", None)
    image.update(more if isinstance(more, dict) else {})
    if image:
        config["imageConfig"] = image
    body: Fields = {"contents": [{"role": "user", "parts": [{"text": request.body["prompt"]}]}], **top}
    path = f"{model_path(asked)}:generateContent"
    return [
        ProviderRequest(path, jsonio.encode({**body, "generationConfig": {**config, **given, **seed}}))
        for seed in seeds(request, asked, _MAX_SEED)
    ]


def _predict(request: ImageRequest, asked: Asked) -> list[ProviderRequest]:
    own = {name: camel_name(name) for name in request.body if camel_name(name) in _OWN_OF_IMAGEN}
    vertex = is_vertex(asked)
    check_image(request, asked, ("size", *(("seed",) if vertex else ()), *_files(asked), *own))
    parameters: Fields = {named: request.body[name] for name, named in own.items() if request.body[name] is not None}
    size = read_size(request)
    ratio = nearest_ratio(size, _OF_IMAGEN, asked)
    if ratio is not None and size is not None:
        parameters["aspectRatio"] = ratio
        large = _large(size)
        if large == "4K":
            leave_out(asked, "size", f"{size} is more than Imagen makes.")
        elif large is not None:
            parameters.setdefault("sampleImageSize", large)
    output = _output(request, asked)
    if output:
        parameters["outputOptions"] = output
    each = seeds(request, asked, _MAX_SEED) if vertex else [{}] * request.n
    if vertex and each[0]:
        parameters.setdefault("addWatermark", False)  # a seed is of no use to pictures with one, and is refused
    path = f"{model_path(asked)}:predict"
    made, begun = [], 0
    for number in shares(request.n, _AT_ONCE):
        body = {
            "instances": [{"prompt": request.body["prompt"]}],
            "parameters": {**parameters, "sampleCount": number, **each[begun]},
        }
        made.append(ProviderRequest(path, jsonio.encode(body)))
        begun += number
    return made


def _files(asked: Asked) -> tuple[str, ...]:
    """What Vertex AI alone takes."""
    return ("output_format", "output_compression") if is_vertex(asked) else ()


def _output(request: ImageRequest, asked: Asked) -> Fields:
    """The format of the file, for Vertex AI."""
    form, compression = request.body.get("output_format"), request.body.get("output_compression")
    if not is_vertex(asked):
        return {}  # was refused, or dropped
    made: Fields = {}
    if form in ("png", "jpeg"):
        made["mimeType"] = f"image/{form}"
    elif form is not None:
        leave_out(asked, "output_format", "It has png and jpeg.")
    if form == "jpeg" and compression is not None:
        made["compressionQuality"] = compression
    elif compression not in (None, 100):
        leave_out(asked, "output_compression", "It is for jpeg only.")
    return made


def _large(size: Size) -> str | None:
    area = size.width * size.height
    return None if area <= _ONE_K else "2K" if area <= _TWO_K else "4K"


# -- replies ----------------------------------------------------------------------------------------------------------


def read_images(payload: Any, request: ImageRequest, asked: ProviderRequest) -> Painted | Waiting | TruelineError:
    """The pictures in a reply, but for those that are only thoughts on the way."""
    if not isinstance(payload, dict):
        return UpstreamFormatError("The upstream's reply is no image reply: it is no object.")
    if "predictions" in payload or asked.path.partition("?")[0].endswith(":predict"):
        return _predictions(payload)
    candidates = payload.get("candidates")
    found = [one for one in candidates if isinstance(one, dict)] if isinstance(candidates, list) else []
    images = [image for candidate in found for image in _inline(candidate)]
    usage = _usage(payload.get("usageMetadata"))
    if images:
        return Painted(images, {} if usage is None else {"usage": usage})
    feedback = payload.get("promptFeedback")
    if isinstance(feedback, dict) and feedback.get("blockReason"):
        why = feedback.get("blockReasonMessage")
        return withheld(f"The prompt was blocked: {feedback['blockReason']}.{f' {why}' if why else ''}", param="prompt")
    words = [finish_word(candidate.get("finishReason")) for candidate in found]
    texts = " ".join(filter(None, (_text(candidate) for candidate in found)))[:1000]
    for candidate, word in zip(found, words, strict=True):
        if word in _WITHHELD:
            why = candidate.get("finishMessage")
            return withheld(f"The picture was withheld: {word}.{f' {why}' if isinstance(why, str) else ''}")
    if not found:
        return error_of({k: v for k, v in payload.items() if k != "candidates"}) or UpstreamFormatError(
            "The upstream's reply holds no picture."
        )
    said = f" It said: {texts}" if texts else ""
    return UpstreamFormatError(
        f"The model made no picture ({', '.join(filter(None, words)) or 'no finish reason'}).{said}"
    )


def _parts(candidate: Fields) -> list[Fields]:
    content = candidate.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    given = parts if isinstance(parts, list) else []
    return [part for part in given if isinstance(part, dict) and part.get("thought") is not True]


def _inline(candidate: Fields) -> list[Fields]:
    images = []
    for part in _parts(candidate):
        data = part.get("inlineData", part.get("inline_data"))
        if isinstance(data, dict) and isinstance(data.get("data"), str) and data["data"]:
            images.append({"b64_json": data["data"].replace("-", "+").replace("_", "/")})
    return images


def _text(candidate: Fields) -> str:
    return " ".join(part["text"] for part in _parts(candidate) if isinstance(part.get("text"), str))


def _predictions(payload: Fields) -> Painted | TruelineError:
    given = payload.get("predictions")
    found = [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []
    images = []
    for one in found:
        data, prompt = one.get("bytesBase64Encoded"), one.get("prompt")
        if isinstance(data, str) and data:
            revised = {"revised_prompt": prompt} if isinstance(prompt, str) and prompt else {}
            images.append({"b64_json": data, **revised})
    if images:
        return Painted(images)
    error = error_of(payload) if not found and payload else None
    if error is not None:
        return error
    reasons = [one["raiFilteredReason"] for one in found if isinstance(one.get("raiFilteredReason"), str)]
    return withheld("; ".join(reasons) or "Imagen withheld every picture.")  # it says so with an empty reply


def _usage(given: Any) -> Fields | None:
    """OpenAI's usage of pictures; None where nothing is counted."""
    counted = count(given)
    if counted is None:
        return None
    prompt, made = counted["prompt_tokens_details"], counted["completion_tokens_details"]
    tokens_in, tokens_out = counted["prompt_tokens"], counted["completion_tokens"]
    of_images, in_images = prompt.get("image_tokens", 0), made.get("image_tokens", 0)
    return {
        "total_tokens": counted["total_tokens"],
        "input_tokens": tokens_in,
        "output_tokens": tokens_out,
        "input_tokens_details": {"text_tokens": tokens_in - of_images, "image_tokens": of_images},
        "output_tokens_details": {"text_tokens": tokens_out - in_images, "image_tokens": in_images},
    }


IMAGES: Final = ProviderImages(write_images, read_images)
