"""OpenAI's image requests in the words of each provider: tables of what is sent, what is noted, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialects.image_kit import drawing, images_of, written
from dialects.kit import Notes
from engine.kit import Fields
from trueline.dialects.images import Size, fitted, joined, nearest_ratio, shares
from trueline.dialects.provider import Painted
from trueline.errors import RequestError, TruelineError

FLUX, FLUX_2 = "flux-pro-1.1", "flux-2-pro"
SDXL = "stability-ai/sdxl:39ed52f2a78e934b3ba6e2a89f5b1c712de7dfea535525255b1aa35c5565e08b"
SCHNELL = "black-forest-labs/flux-schnell"

Row = tuple[str, str, Fields, str, Fields, list[str]]
SENT: list[Row] = [
    # dialect, model, what is asked beside the prompt -> path, body beside the prompt, notes
    ("stability", "stable-image-core", {}, "/v2beta/stable-image/generate/core", {}, []),
    ("stability", "core", {"size": "1024x1024"}, "/v2beta/stable-image/generate/core", {"aspect_ratio": "1:1"},
     ["size 1024x1024 -> 1:1"]),
    ("stability", "stable-image-ultra", {"size": "1024x1792", "output_format": "webp", "seed": 7},
     "/v2beta/stable-image/generate/ultra", {"aspect_ratio": "9:16", "output_format": "webp", "seed": "7"},
     ["size 1024x1792 -> 9:16"]),
    ("stability", "sd3.5-large-turbo", {"size": "1536x1024", "negative_prompt": "dogs", "cfg_scale": 4},
     "/v2beta/stable-image/generate/sd3",
     {"model": "sd3.5-large-turbo", "aspect_ratio": "3:2", "negative_prompt": "dogs", "cfg_scale": "4"},
     ["size 1536x1024 -> 3:2"]),
    ("stability", "sd3", {"seed": 4294967295}, "/v2beta/stable-image/generate/sd3", {"seed": "0"},
     ["seed changed to 0"]),
    ("bfl", FLUX, {"size": "1024x768", "output_format": "png", "seed": 3}, "/v1/flux-pro-1.1",
     {"width": 1024, "height": 768, "output_format": "png", "seed": 3}, []),
    ("bfl", FLUX, {"size": "1792x1024", "safety_tolerance": 2}, "/v1/flux-pro-1.1",
     {"width": 1440, "height": 832, "safety_tolerance": 2}, ["size 1792x1024 -> 1440x832"]),
    ("bfl", FLUX_2, {"size": "1792x1024"}, "/v1/flux-2-pro", {"width": 1792, "height": 1024}, []),
    ("bfl", FLUX_2, {"size": "1920x1080"}, "/v1/flux-2-pro", {"width": 1920, "height": 1088},
     ["size 1920x1080 -> 1920x1088"]),
    ("bfl", FLUX_2, {"size": "4096x4096"}, "/v1/flux-2-pro", {"width": 2048, "height": 2048},
     ["size 4096x4096 -> 2048x2048"]),
    ("bfl", "flux-kontext-max", {"size": "1024x1792"}, "/v1/flux-kontext-max", {"aspect_ratio": "4:7"},
     ["size 1024x1792 -> 4:7"]),
    ("bfl", "flux-pro-1.1-ultra", {"size": "2048x2048", "raw": True}, "/v1/flux-pro-1.1-ultra",
     {"aspect_ratio": "1:1", "raw": True}, ["size 2048x2048 -> 1:1"]),
    ("replicate", SCHNELL, {"n": 3, "size": "1792x1024", "output_format": "jpeg", "output_compression": 90},
     "/v1/models/black-forest-labs/flux-schnell/predictions",
     {"num_outputs": 3, "aspect_ratio": "16:9", "output_format": "jpg", "output_quality": 90},
     ["size 1792x1024 -> 16:9"]),
    ("replicate", "black-forest-labs/flux-1.1-pro", {"size": "1024x768"},
     "/v1/models/black-forest-labs/flux-1.1-pro/predictions",
     {"aspect_ratio": "custom", "width": 1024, "height": 768}, []),
    ("replicate", SDXL, {"size": "1024x1024", "negative_prompt": "dogs"}, "/v1/predictions",
     {"width": 1024, "height": 1024, "negative_prompt": "dogs"}, []),
    ("replicate", "openai/gpt-image-1.5", {"size": "1024x1536", "quality": "high", "background": "transparent",
                                           "output_format": "jpeg", "moderation": "low", "n": 2},
     "/v1/models/openai/gpt-image-1.5/predictions",
     {"aspect_ratio": "2:3", "quality": "high", "background": "transparent", "output_format": "jpeg",
      "moderation": "low", "number_of_images": 2}, ["size 1024x1536 -> 2:3"]),
    ("replicate", "recraft-ai/recraft-v3", {"size": "1365x1024", "style": "realistic_image"},
     "/v1/models/recraft-ai/recraft-v3/predictions", {"size": "1365x1024", "style": "realistic_image"}, []),
    ("replicate", "someone/something", {"width": 640, "scheduler": "K_EULER", "size": "auto"},
     "/v1/models/someone/something/predictions", {"width": 640, "scheduler": "K_EULER"}, []),
    ("fal", "fal-ai/flux/schnell", {"n": 2, "size": "1024x1792", "num_inference_steps": 4, "output_format": "png"},
     "/fal-ai/flux/schnell",
     {"num_images": 2, "image_size": {"width": 1024, "height": 1792}, "num_inference_steps": 4, "output_format": "png"},
     []),
    ("fal", "fal-ai/flux-pro/v1.1-ultra", {"size": "1024x1024"}, "/fal-ai/flux-pro/v1.1-ultra",
     {"aspect_ratio": "1:1"}, ["size 1024x1024 -> 1:1"]),
    ("fal", "fal-ai/imagen4/preview", {"size": "1024x1536"}, "/fal-ai/imagen4/preview", {"aspect_ratio": "3:4"},
     ["size 1024x1536 -> 3:4"]),
    ("fal", "fal-ai/gpt-image-1.5", {"size": "1536x1024", "quality": "low"}, "/fal-ai/gpt-image-1.5",
     {"image_size": "1536x1024", "quality": "low"}, []),
    ("fal", "fal-ai/recraft-v3", {"style": "digital_illustration", "seed": 9}, "/fal-ai/recraft-v3",
     {"style": "digital_illustration", "seed": 9}, []),
    ("sdwebui", "dreamshaper_8", {"n": 4, "size": "768x512", "steps": 30, "negative_prompt": "dogs", "seed": 1},
     "/sdapi/v1/txt2img",
     {"n_iter": 4, "batch_size": 1, "width": 768, "height": 512, "steps": 30, "negative_prompt": "dogs", "seed": 1,
      "send_images": True, "save_images": False, "override_settings": {"sd_model_checkpoint": "dreamshaper_8"}}, []),
    ("sdwebui", "default", {"size": "770x512", "override_settings": {"CLIP_stop_at_last_layers": 2}},
     "/sdapi/v1/txt2img",
     {"width": 768, "height": 512, "send_images": True, "save_images": False,
      "override_settings": {"CLIP_stop_at_last_layers": 2}}, ["size 770x512 -> 768x512"]),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "model", "fields", "path", "body", "notes"), SENT)
def test_sent(dialect: str, model: str, fields: Fields, path: str, body: Fields, notes: list[str]) -> None:
    made = written(dialect, model, **fields)
    assert [one.path for one in made.requests] == [path]
    assert made.notes == notes
    given = made.bodies[0]
    if dialect == "replicate":
        assert dict(made.requests[0].headers) == {b"prefer": b"wait=10"}
        assert given.keys() <= {"input", "version"}
        assert ("version" in given) == (path == "/v1/predictions")
        given = given["input"]
    assert given == {"prompt": "a cat", **body}


GEMINI: list[tuple[str, Fields, Fields, list[str]]] = [
    ("gemini-2.5-flash-image", {}, {"responseModalities": ["IMAGE"]}, []),
    ("gemini-2.5-flash-image", {"size": "1024x1792", "seed": 4, "temperature": 0.5},
     {"responseModalities": ["IMAGE"], "imageConfig": {"aspectRatio": "9:16"}, "seed": 4, "temperature": 0.5},
     ["size 1024x1792 -> 9:16"]),
    ("gemini-2.0-flash-preview-image-generation", {}, {"responseModalities": ["TEXT", "IMAGE"]}, []),
    ("gemini-3-pro-image-preview", {"size": "2048x2048"},
     {"responseModalities": ["IMAGE"], "imageConfig": {"aspectRatio": "1:1", "imageSize": "2K"}},
     ["size 2048x2048 -> 1:1"]),
    ("gemini-3-pro-image-preview", {"size": "4096x4096", "image_config": {"personGeneration": "ALLOW_NONE"}},
     {"responseModalities": ["IMAGE"],
      "imageConfig": {"aspectRatio": "1:1", "imageSize": "4K", "personGeneration": "ALLOW_NONE"}},
     ["size 4096x4096 -> 1:1"]),
]  # fmt: skip


@pytest.mark.parametrize(("model", "fields", "config", "notes"), GEMINI)
def test_gemini(model: str, fields: Fields, config: Fields, notes: list[str]) -> None:
    made = written("gemini", model, **fields)
    assert [one.path for one in made.requests] == [f"/models/{model}:generateContent"]
    assert made.bodies == [{"contents": [{"role": "user", "parts": [{"text": "a cat"}]}], "generationConfig": config}]
    assert made.notes == notes


VERTEX: Fields = {"host": "us-central1-aiplatform.googleapis.com", "project": "p", "region": "us-central1"}
IMAGEN: list[tuple[Fields, Fields, Fields, list[str]]] = [
    ({}, {}, {"sampleCount": 1}, []),
    ({}, {"n": 3, "size": "1792x1024", "personGeneration": "dont_allow"},
     {"sampleCount": 3, "aspectRatio": "16:9", "personGeneration": "dont_allow"}, ["size 1792x1024 -> 16:9"]),
    ({}, {"size": "2048x2048"}, {"sampleCount": 1, "aspectRatio": "1:1", "sampleImageSize": "2K"},
     ["size 2048x2048 -> 1:1"]),
    (VERTEX, {"seed": 5, "output_format": "jpeg", "output_compression": 70, "negative_prompt": "dogs"},
     {"sampleCount": 1, "seed": 5, "addWatermark": False, "negativePrompt": "dogs",
      "outputOptions": {"mimeType": "image/jpeg", "compressionQuality": 70}}, []),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "fields", "parameters", "notes"), IMAGEN)
def test_imagen(settings: Fields, fields: Fields, parameters: Fields, notes: list[str]) -> None:
    made = written("gemini", "imagen-4.0-generate-001", settings=settings, **fields)
    assert made.requests[0].path.endswith("/models/imagen-4.0-generate-001:predict")
    assert made.bodies == [{"instances": [{"prompt": "a cat"}], "parameters": parameters}]
    assert made.notes == notes


def test_a_format_that_vertex_has_not() -> None:
    for fields in ({"output_format": "webp"}, {"output_compression": 50}):
        for model in ("imagen-4.0-generate-001", "gemini-2.5-flash-image"):
            with pytest.raises(RequestError, match=f"'{next(iter(fields))}' is not supported"):
                written("gemini", model, settings=VERTEX, **fields)
            assert len(written("gemini", model, settings=VERTEX, drop=True, **fields).notes) == 1


def test_what_google_is_asked_is_what_its_sdk_knows() -> None:
    types = pytest.importorskip("google.genai.types")
    made = written("gemini", "gemini-3-pro-image-preview", size="2048x2048", seed=1, temperature=1)
    types.GenerateContentConfig.model_validate(made.bodies[0]["generationConfig"])
    types.Content.model_validate(made.bodies[0]["contents"][0])


SEVERAL: list[tuple[str, str, int, list[Fields]]] = [
    ("stability", "core", 3, [{"seed": "5"}, {"seed": "6"}, {"seed": "7"}]),
    ("bfl", FLUX, 2, [{"seed": 5}, {"seed": 6}]),
    ("fal", "fal-ai/flux/dev", 6, [{"seed": 5, "num_images": 4}, {"seed": 9, "num_images": 2}]),
    ("fal", "fal-ai/recraft-v3", 2, [{"seed": 5}, {"seed": 6}]),
    ("gemini", "gemini-2.5-flash-image", 2, [{"seed": 5}, {"seed": 6}]),
]


@pytest.mark.parametrize(("dialect", "model", "count", "each"), SEVERAL)
def test_several(dialect: str, model: str, count: int, each: list[Fields]) -> None:
    """No two calls have one seed, which would make the same picture twice."""
    made = written(dialect, model, n=count, seed=5)
    found = [body.get("generationConfig", body) for body in made.bodies]
    assert [{n: v for n, v in body.items() if n in ("seed", "num_images")} for body in found] == each


def test_several_predictions() -> None:
    assert [b["input"]["num_outputs"] for b in written("replicate", SCHNELL, n=7).bodies] == [4, 3]
    assert len(written("replicate", "black-forest-labs/flux-1.1-pro", n=2).requests) == 2
    imagen = written("gemini", "imagen-4.0-generate-001", n=6)
    assert [body["parameters"]["sampleCount"] for body in imagen.bodies] == [4, 2]


ALL = [
    ("stability", "core"),
    ("bfl", FLUX_2),
    ("replicate", SCHNELL),
    ("fal", "fal-ai/flux/dev"),
    ("sdwebui", "default"),
    ("gemini", "gemini-2.5-flash-image"),
    ("gemini", "imagen-4.0-generate-001"),
]
every = pytest.mark.parametrize(("dialect", "model"), ALL)
HARMLESS: Fields = {
    "quality": "auto",
    "background": "opaque",
    "moderation": "auto",
    "response_format": "b64_json",
    "size": "auto",
    "stream": False,
    "partial_images": 0,
}
REFUSED: list[tuple[str, Any]] = [
    ("quality", "high"),
    ("style", "vivid"),
    ("background", "transparent"),
    ("moderation", "low"),
    ("output_format", "gif"),
]


@every
def test_what_every_api_does_anyway_is_left_out(dialect: str, model: str) -> None:
    plain = written(dialect, model)
    assert written(dialect, model, **HARMLESS) == plain
    assert plain.notes == []


@every
@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_refused_or_dropped_by_name(dialect: str, model: str, name: str, value: Any) -> None:
    if dialect == "replicate" and name == "output_format":
        return  # the model says which it has
    with pytest.raises(RequestError) as refused:
        written(dialect, model, **{name: value})
    assert (refused.value.status, refused.value.code, refused.value.param) == (400, "unsupported_parameter", name)
    made = written(dialect, model, drop=True, **{name: value})
    assert made.notes == [f"{name} dropped"]
    assert made.bodies == written(dialect, model).bodies


@every
def test_hints_are_dropped_and_named(dialect: str, model: str) -> None:
    made = written(dialect, model, user="u-1", stream=True, partial_images=2)
    assert made.notes == ["user dropped", "partial_images dropped"]


@every
def test_what_no_api_knows_is_refused(dialect: str, model: str) -> None:
    if dialect in ("replicate", "fal"):
        return  # there it is the model's own
    with pytest.raises(RequestError, match="'webhook_url' is not supported"):
        written(dialect, model, webhook_url="https://evil.test/")


@every
@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"size": "big"}, "size", "invalid_value"),
        ({"size": "0x10"}, "size", "invalid_value"),
        ({"response_format": "file"}, "response_format", "invalid_value"),
        ({"seed": "x"}, "seed", "invalid_type"),
        ({"output_format": ["png"]}, "output_format", "invalid_type"),
        ({"output_compression": "90"}, "output_compression", "invalid_type"),
    ],
)
def test_invalid(dialect: str, model: str, fields: Fields, param: str, code: str) -> None:
    if "imagen" in model and param == "seed":
        code = "unsupported_parameter"  # of AI Studio's
    with pytest.raises(RequestError) as refused:
        written(dialect, model, **fields)
    assert refused.value.param == param
    assert refused.value.code == code


SIZES = [("stability", "core"), ("bfl", "flux-kontext-pro"), ("replicate", SCHNELL), ("fal", "fal-ai/imagen4")]


@pytest.mark.parametrize(("dialect", "model"), SIZES)
def test_a_size_that_is_near_no_ratio(dialect: str, model: str) -> None:
    with pytest.raises(RequestError, match="'size' is not supported"):
        written(dialect, model, size="4096x256")
    made = written(dialect, model, size="4096x256", drop=True)
    assert made.notes == ["size dropped"]
    assert made.bodies == written(dialect, model).bodies


def test_a_size_of_an_unknown_model() -> None:
    with pytest.raises(RequestError, match="send the model's own parameters"):
        written("replicate", "someone/something", size="512x512")


def test_a_size_that_imagen_or_flash_does_not_make() -> None:
    for model in ("imagen-4.0-generate-001", "gemini-2.5-flash-image"):
        with pytest.raises(RequestError, match="'size' is not supported"):
            written("gemini", model, size="4096x4096")


def test_a_model_that_stability_has_not() -> None:
    with pytest.raises(RequestError) as refused:
        written("stability", "dall-e-3")
    assert (refused.value.status, refused.value.code) == (404, "model_not_found")


@pytest.mark.parametrize("model", ["..", ".", "", "a/../b", "../../v1/account", "a//b", "a b", "\ud800", "a/b\r\nx"])
@pytest.mark.parametrize("dialect", ["bfl", "replicate", "fal", "stability"])
def test_a_name_that_would_lead_elsewhere(dialect: str, model: str) -> None:
    """Nothing but a model is asked with the key of the provider."""
    if dialect == "bfl" and model in ("a/../b", "../../v1/account", "a//b"):
        assert written(dialect, model).requests[0].path == f"/v1/{model.rpartition('/')[2]}"
        return
    with pytest.raises(RequestError) as refused:
        written(dialect, model)
    assert (refused.value.status, refused.value.code) == (404, "model_not_found")


def test_a_prompt_that_looks_like_a_form() -> None:
    """The boundary is in no field."""
    prompt = 'a\r\n--trueline-form\r\ncontent-disposition: form-data; name="model"\r\n\r\nsd3\r\n--trueline-form-x--'
    made = written("stability", "core", prompt=prompt)
    assert made.bodies == [{"prompt": prompt}]


@given(st.integers(1, 20000), st.integers(1, 20000), st.sampled_from([8, 16, 32]), st.booleans())
def test_sizes_are_lawful_and_keep_their_form(width: int, height: int, step: int, bounded: bool) -> None:
    area = 4 * 1024 * 1024 if bounded else None
    try:
        made = fitted(Size(width, height), Notes().asked(), step=step, least=64, most=2048, area=area)
    except RequestError:
        return
    assert made is not None
    assert made.width % step == made.height % step == 0
    assert min(made) >= 64 and max(made) <= 2048
    assert area is None or made.width * made.height <= area
    assert 0.86 < (made.width / made.height) / (width / height) < 1.16


@given(st.integers(1, 20000), st.integers(1, 20000))
def test_ratios_are_near(width: int, height: int) -> None:
    notes = Notes()
    ratio = nearest_ratio(Size(width, height), ("16:9", "1:1", "9:16"), notes.asked(drop=True))
    assert ratio in ("16:9", "1:1", "9:16") if "->" in notes[0] else ratio is None


@given(st.integers(1, 128), st.integers(1, 16))
def test_shares(count: int, most: int) -> None:
    found = shares(count, most)
    assert sum(found) == count
    assert all(0 < one <= most for one in found)


def test_usages_are_added_up() -> None:
    one: Fields = {"usage": {"total_tokens": 3, "input_tokens_details": {"text_tokens": 1}}, "created": 5}
    both = joined([Painted([{"url": "a"}], one), Painted([{"url": "b"}], one)], 2)
    assert not isinstance(both, TruelineError)
    assert both["usage"] == {"total_tokens": 6, "input_tokens_details": {"text_tokens": 2}}
    assert both["created"] == 5


@every
@given(st.data())
def test_any_request_is_written_or_refused(dialect: str, model: str, data: st.DataObject) -> None:
    value = st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.just([]), st.just({})
    )
    names = ("seed", "background", "output_format", "output_compression", "steps", "imageConfig", "override_settings")
    fields = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(names, value)))
    for drop in (False, True):
        try:
            written(dialect, model, drop=drop, **fields)
        except RequestError:
            pass
    assert images_of(dialect).write(drawing(), Notes().asked(model))
