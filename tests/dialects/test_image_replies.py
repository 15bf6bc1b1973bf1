"""What each provider answers with, as OpenAI's pictures and errors: tables, recordings, and anything else."""

from __future__ import annotations

import gc
import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialects.image_kit import JPEG, PNG, answered, images_of, read
from dialects.kit import all_records
from engine.kit import Fields, load_module
from trueline.context import FormatOptions
from trueline.dialects.provider import DIALECTS, Painted, ProviderRequest, Waiting, dialect_of
from trueline.errors import TruelineError, UpstreamFormatError

FLUX = "/v1/flux-pro-1.1"
RESULT = "/v1/get_result?id=t1"
QUEUE = "https://queue.fal.run/fal-ai/flux/requests/r1"
PREDICT = "/v1beta/models/imagen-4.0-generate-001:predict"
URL = "https://delivery.test/a.png"


def post(path: str) -> ProviderRequest:
    return ProviderRequest(path, b"{}")


def get(path: str) -> ProviderRequest:
    return ProviderRequest(path, b"", method="GET")


def parts(*given: Fields, **more: Any) -> Fields:
    return {"candidates": [{"content": {"role": "model", "parts": list(given)}, "finishReason": "STOP", **more}]}


def inline(data: str, **more: Any) -> Fields:
    return {"inlineData": {"mimeType": "image/png", "data": data}, **more}


PAINTED: list[tuple[str, ProviderRequest, Any, list[Fields]]] = [
    ("stability", post(""), {"image": PNG, "finish_reason": "SUCCESS", "seed": 3}, [{"b64_json": PNG, "seed": 3}]),
    ("stability", post(""), b"\x89PNG\r\n\x1a\n", [{"b64_json": "iVBORw0KGgo="}]),
    ("stability", post(""), {"artifacts": [{"base64": PNG, "finishReason": "SUCCESS", "seed": 1},
                                           {"base64": PNG, "finishReason": "CONTENT_FILTERED", "seed": 2}]},
     [{"b64_json": PNG, "seed": 1}]),
    ("bfl", get(RESULT), {"id": "t1", "status": "Ready", "progress": None, "details": None,
                          "result": {"sample": URL, "prompt": "a cat", "seed": 9, "duration": 1.5}},
     [{"url": URL, "seed": 9}]),
    ("replicate", post(""), {"id": "p1", "status": "succeeded", "output": [URL, URL], "error": None},
     [{"url": URL}, {"url": URL}]),
    ("replicate", get(""), {"id": "p1", "status": "succeeded", "output": URL}, [{"url": URL}]),
    ("replicate", get(""), {"id": "p1", "status": "processing", "output": URL, "urls": None}, []),
    ("replicate", get(""), {"status": "succeeded", "output": [f"data:image/png;base64,{PNG}"]}, [{"b64_json": PNG}]),
    ("replicate", get(""), {"status": "succeeded", "output": {"url": URL}}, [{"url": URL}]),
    ("fal", post(""), {"images": [{"url": URL, "width": 1024, "height": 768, "content_type": "image/jpeg"}],
                       "timings": {"inference": 0.3}, "seed": 4, "has_nsfw_concepts": [False], "prompt": "a cat"},
     [{"url": URL}]),
    ("fal", get(QUEUE), {"images": [{"url": URL}, {"url": "https://delivery.test/black.png"}],
                         "has_nsfw_concepts": [False, True]}, [{"url": URL}]),
    ("fal", get(QUEUE), {"image": {"url": f"data:image/jpeg;base64,{JPEG}"}}, [{"b64_json": JPEG}]),
    ("sdwebui", post(""), {"images": [PNG], "parameters": {}, "info": json.dumps({"all_seeds": [5]})},
     [{"b64_json": PNG, "seed": 5}]),
    ("sdwebui", post(""), {"images": ["grid", PNG, "mask"], "info": json.dumps({"index_of_first_image": 1})},
     [{"b64_json": PNG}]),
    ("sdwebui", post(""), {"images": [f"data:image/png;base64,{PNG}"], "info": "{"}, [{"b64_json": PNG}]),
    ("gemini", post(""), parts({"text": "Here it is:"}, inline(PNG)), [{"b64_json": PNG}]),
    ("gemini", post(""), parts(inline(JPEG, thought=True), inline(PNG)), [{"b64_json": PNG}]),
    ("gemini", post(""), parts({"inline_data": {"mime_type": "image/png", "data": "_9j_"}}), [{"b64_json": "/9j/"}]),
    ("gemini", post(PREDICT), {"predictions": [{"mimeType": "image/png", "bytesBase64Encoded": PNG, "prompt": "a cat!"},
                                               {"raiFilteredReason": "No."}]},
     [{"b64_json": PNG, "revised_prompt": "a cat!"}]),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "asked", "payload", "images"), [row for row in PAINTED if row[3]])
def test_pictures(dialect: str, asked: ProviderRequest, payload: Any, images: list[Fields]) -> None:
    made = read(dialect, payload, asked)
    assert isinstance(made, Painted), made
    assert made.images == images


WAITING: list[tuple[str, ProviderRequest, Any, ProviderRequest, ProviderRequest | None]] = [
    ("bfl", post(FLUX), {"id": "t1", "polling_url": "https://api.eu.bfl.ai/v1/get_result?id=t1", "cost": 4},
     get("https://api.eu.bfl.ai/v1/get_result?id=t1"), None),
    ("bfl", post(FLUX), {"id": "t/1"}, get("/v1/get_result?id=t%2F1"), None),
    ("bfl", get(RESULT), {"id": "t1", "status": "Pending", "result": None, "progress": 0.5}, get(RESULT), None),
    ("replicate", post(""), {"id": "p1", "status": "starting", "urls": {"get": "https://evil.test/p1"}},
     get("/v1/predictions/p1"), post("/v1/predictions/p1/cancel")._replace(body=b"")),
    ("replicate", get(""), {"id": "p1", "status": "processing", "output": [URL]}, get("/v1/predictions/p1"),
     post("/v1/predictions/p1/cancel")._replace(body=b"")),
    ("fal", post("/fal-ai/flux/schnell"),
     {"status": "IN_QUEUE", "request_id": "r1", "queue_position": 2, "status_url": f"{QUEUE}/status",
      "response_url": QUEUE, "cancel_url": f"{QUEUE}/cancel"},
     get(f"{QUEUE}/status"), ProviderRequest(f"{QUEUE}/cancel", b"", method="PUT")),
    ("fal", post("/fal-ai/flux/schnell"), {"status": "IN_QUEUE", "request_id": "r1"},
     get("/fal-ai/flux/requests/r1/status"), ProviderRequest("/fal-ai/flux/requests/r1/cancel", b"", method="PUT")),
    ("fal", get(f"{QUEUE}/status"), {"status": "IN_PROGRESS", "request_id": "r1", "response_url": QUEUE},
     get(f"{QUEUE}/status"), ProviderRequest(f"{QUEUE}/cancel", b"", method="PUT")),
    ("fal", get(f"{QUEUE}/status"), {"status": "COMPLETED", "response_url": QUEUE}, get(QUEUE), None),
    ("fal", get("/a/b/requests/r1/status"), {"status": "COMPLETED"}, get("/a/b/requests/r1"), None),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "asked", "payload", "ask", "cancel"), WAITING)
def test_pictures_that_are_still_made(
    dialect: str, asked: ProviderRequest, payload: Any, ask: ProviderRequest, cancel: ProviderRequest | None
) -> None:
    made = read(dialect, payload, asked)
    assert isinstance(made, Waiting), made
    assert (made.ask, made.cancel) == (ask, cancel)


_POLICY = "content_policy_violation"
POLICY = (400, _POLICY)
FAILED: list[tuple[str, ProviderRequest, Any, tuple[int, str | None], str]] = [
    ("stability", post(""), {"finish_reason": "CONTENT_FILTERED", "image": PNG, "seed": 1}, POLICY, "withheld"),
    ("stability", post(""), {"seed": 1}, (502, "upstream_invalid_reply"), "no picture"),
    ("bfl", get(RESULT), {"id": "t1", "status": "Request Moderated", "details": {"Moderation Reasons": ["Violence"]}},
     POLICY, "Request Moderated (Violence)"),
    ("bfl", get(RESULT), {"id": "t1", "status": "Content Moderated"}, POLICY, "Content Moderated"),
    ("bfl", get(RESULT), {"id": "t1", "status": "Error", "details": {"error": "out of cheese"}}, (502, None), "cheese"),
    ("bfl", get(RESULT), {"id": "t1", "status": "Task not found"}, (502, None), "Task not found"),
    ("bfl", get(RESULT), {"id": "t1", "status": "Ready", "result": {}}, (502, None), "Ready"),
    ("bfl", post(FLUX), {}, (502, "upstream_invalid_reply"), "no 'polling_url'"),
    ("replicate", get(""), {"status": "failed", "error": "NSFW content detected. Try again."}, POLICY, "NSFW"),
    ("replicate", get(""), {"status": "failed", "error": "The input was flagged as sensitive. (E005)"}, POLICY,
     "E005"),
    ("replicate", get(""), {"status": "failed", "error": "CUDA out of memory"}, (502, None), "CUDA out of memory"),
    ("replicate", get(""), {"status": "failed", "error": None}, (502, None), "does not say why"),
    ("replicate", get(""), {"status": "canceled"}, (502, "upstream_canceled"), "canceled"),
    ("replicate", get(""), {"status": "aborted"}, (502, "upstream_canceled"), "aborted"),
    ("replicate", get(""), {"status": "succeeded", "output": None}, (502, "upstream_invalid_reply"), "no picture"),
    ("fal", get(QUEUE), {"images": [{"url": URL}], "has_nsfw_concepts": [True]}, POLICY, "safety checker"),
    ("fal", get(f"{QUEUE}/status"), {"status": "COMPLETED", "error": "flagged", "error_type": _POLICY},
     POLICY, "flagged"),
    ("fal", get(f"{QUEUE}/status"), {"status": "COMPLETED", "error": "Runner died", "error_type": "runner"},
     (502, None), "Runner died"),
    ("fal", get(QUEUE), {"detail": [{"msg": "unsafe", "type": "content_policy_violation"}]}, POLICY, "unsafe"),
    ("fal", get(QUEUE), {"video": {"url": URL}}, (502, "upstream_invalid_reply"), "no picture"),
    ("sdwebui", post(""), {"images": []}, (502, "upstream_invalid_reply"), "no picture"),
    ("gemini", post(""), {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}, POLICY, "PROHIBITED_CONTENT"),
    ("gemini", post(""), {"candidates": [{"finishReason": "IMAGE_SAFETY", "finishMessage": "Unable to show it."}]},
     POLICY, "IMAGE_SAFETY. Unable to show it."),
    ("gemini", post(""), parts({"text": "I cannot draw."}, finishReason="NO_IMAGE"), (502, "upstream_invalid_reply"),
     "It said: I cannot draw."),
    ("gemini", post(PREDICT), {"predictions": [{"raiFilteredReason": "Filtered: 58061214"}]}, POLICY, "58061214"),
    ("gemini", post(PREDICT), {}, POLICY, "withheld"),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "asked", "payload", "meant", "words"), FAILED)
def test_failures(
    dialect: str, asked: ProviderRequest, payload: Any, meant: tuple[int, str | None], words: str
) -> None:
    error = read(dialect, payload, asked)
    assert isinstance(error, TruelineError), error
    assert (error.status, error.code) == meant
    assert words in error.message


STATUSES: list[tuple[str, int, Any, tuple[int, str | None], str]] = [
    ("stability", 403, {"id": "x", "name": "content_moderation", "errors": ["It was flagged"]}, POLICY, "flagged"),
    ("stability", 400, {"id": "x", "name": "bad_request", "errors": ["prompt: required"]}, (400, "bad_request"),
     "prompt: required"),
    ("stability", 402, {"id": "x", "name": "payment_required", "errors": ["You lack sufficient credits"]},
     (402, "payment_required"), "credits"),
    ("stability", 401, {"id": "x", "name": "unauthorized", "errors": ["missing authorization header"]},
     (401, "unauthorized"), "missing"),
    ("bfl", 402, {"detail": "Insufficient credits"}, (402, "insufficient_quota"), "Insufficient credits"),
    ("bfl", 429, {"detail": "Too many active tasks"}, (429, None), "active tasks"),
    ("bfl", 422, {"detail": [{"loc": ["body", "width"], "msg": "too small", "type": "x"}]}, (400, None), "too small"),
    ("bfl", 400, {"detail": "Request Moderated"}, POLICY, "Moderated"),
    ("replicate", 422, {"title": "Input validation failed", "detail": "- input: prompt is required\n", "status": 422},
     (400, None), "prompt is required"),
    ("replicate", 402, {"title": "Insufficient credit", "detail": "You have insufficient credit.", "status": 402},
     (402, "insufficient_quota"), "insufficient credit"),
    ("replicate", 429, {"detail": "Request was throttled.", "status": 429, "retry_after": 5}, (429, None), "throttled"),
    ("fal", 422, {"detail": [{"loc": ["body", "prompt"], "msg": "flagged by a content checker",
                              "type": "content_policy_violation", "input": "x"}]}, POLICY, "content checker"),
    ("fal", 403, {"detail": "User is locked. Reason: Exhausted balance. Top up your balance."},
     (402, "insufficient_quota"), "Exhausted balance"),
    ("fal", 404, b"404: Not Found", (404, None), "Not Found"),
    ("sdwebui", 500, {"error": "OutOfMemoryError", "detail": "", "body": "", "errors": "CUDA out of memory."},
     (500, None), "OutOfMemoryError: CUDA out of memory."),
    ("sdwebui", 422, {"detail": [{"loc": ["body", "steps"], "msg": "not an integer"}]}, (400, None), "not an integer"),
    ("sdwebui", 401, {"detail": "Incorrect username or password"}, (401, None), "Incorrect username"),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "status", "payload", "meant", "words"), STATUSES)
def test_failing_statuses(dialect: str, status: int, payload: Any, meant: tuple[int, str | None], words: str) -> None:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    error = dialect_of(dialect).read_error(status, {"content-type": "application/json"}, body)
    assert (error.status, error.code) == meant
    assert words in error.message


USAGE = {
    "promptTokenCount": 10,
    "candidatesTokenCount": 1290,
    "totalTokenCount": 1300,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 10}],
    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}],
}


def test_the_usage_of_gemini() -> None:
    made = read("gemini", {**parts(inline(PNG)), "usageMetadata": USAGE})
    assert isinstance(made, Painted)
    body, pipe = answered("gemini", made, made, n=2, response_format="b64_json")
    assert body["usage"] == {
        "total_tokens": 2600,
        "input_tokens": 20,
        "output_tokens": 2580,
        "input_tokens_details": {"text_tokens": 20, "image_tokens": 0},
        "output_tokens_details": {"text_tokens": 0, "image_tokens": 2580},
    }
    assert pipe.faults == {}


@pytest.fixture(scope="module")
def oracle(shared: Path) -> Any:
    """The judge; `extras` as in the settings."""
    made = load_module(shared / "spec" / "oracle.py", "shared_oracle_of_images")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its schemas are read from files that it leaves open
        for flavour in ("wire", "wire-closed"):
            made.schema("ImagesResponse", {}, flavour)
        gc.collect()

    def judge(asked: Fields, body: Fields, extras: str = "keep") -> Any:
        made.schema.__defaults__ = ("wire-closed" if extras == "drop" else "wire",)
        return made.images_json(asked, body)

    return judge


# -- the reply to the client ------------------------------------------------------------------------------------------


def test_every_form_that_may_be_asked_for_is_exact(oracle: Any) -> None:
    """Base64 for a URL and a URL for base64, with the judge's consent; nothing of it is a fault of the provider's."""
    for dialect, asked, payload, images in PAINTED:
        made = read(dialect, payload, asked, n=len(images) or 1)
        for form in ("url", "b64_json", None) if isinstance(made, Painted) else ():
            assert isinstance(made, Painted)
            for options in (FormatOptions(), FormatOptions(extras="drop")):
                body, pipe = answered(dialect, made, n=len(made.images), response_format=form, options=options)
                asked_for = {"n": len(made.images), "response_format": form}
                assert oracle(asked_for, body, options.extras) == []
                dropped = {"extra-fields"} if options.extras == "drop" else set()
                assert pipe.faults.keys() <= dropped


def test_some_are_withheld() -> None:
    made, refused = read("bfl", PAINTED[3][2], get(RESULT)), read("bfl", {"status": "Content Moderated"}, get(RESULT))
    assert isinstance(made, Painted) and isinstance(refused, TruelineError)
    body, pipe = answered("bfl", refused, made, n=2)
    assert [image["url"] for image in body["data"]] == [URL]
    assert pipe.faults == {"img-partial-n": 1}
    error, _ = answered("bfl", refused, refused, n=2)
    assert error.code == "content_policy_violation"


def test_one_that_failed_is_the_failure_of_all() -> None:
    error, _ = answered("bfl", Painted([{"url": URL}]), UpstreamFormatError("no"), n=2)
    assert error.message == "no"


def test_no_more_than_were_asked_for() -> None:
    body, _ = answered("gemini", Painted([{"b64_json": PNG}, {"b64_json": JPEG}]), n=1)
    assert [image["b64_json"] for image in body["data"]] == [PNG]


# -- recordings -------------------------------------------------------------------------------------------------------

_MEANS: dict[str, dict[int, type]] = {"replicate": {201: Waiting}, "fal": {200: Painted}}


def test_recorded(shared: Path, oracle: Any) -> None:
    """Every recorded reply of these providers is understood, and every recorded refusal is told."""
    seen = 0
    for row in all_records(shared, "images_other"):
        dialect, reply = row["dialect"], row["response"]
        if dialect not in _MEANS:
            continue
        seen += 1
        body = reply["body"].encode()
        asked = ProviderRequest(row["request"]["path"], b"{}")
        if reply["status"] >= 400:
            error = dialect_of(dialect).read_error(reply["status"], reply["headers"], body)
            assert error.status in (400, 404), row["id"]
            assert error.message not in ("", "Not found"), row["id"]
            continue
        made = read(dialect, body, asked)
        assert isinstance(made, _MEANS[dialect][reply["status"]]), row["id"]
        if isinstance(made, Painted):
            for form in ("url", "b64_json"):
                whole, pipe = answered(dialect, made, response_format=form)
                assert oracle({"response_format": form}, whole) == []
                assert pipe.faults == {}
        elif isinstance(made, Waiting):
            name = json.loads(body)["id"]
            assert made.ask.path == f"/v1/predictions/{name}"
            done = {**json.loads(body), "status": "succeeded", "output": [URL]}
            whole, _ = answered(dialect, read(dialect, done, made.ask))  # type: ignore[arg-type]  # it is no Waiting
            assert oracle({}, whole) == []
    assert seen >= 10


def test_recorded_pictures_of_gemini(shared: Path, oracle: Any) -> None:
    """Chats in which Gemini drew: what is read there as a picture is one."""
    drawn = 0
    for row in all_records(shared, "gemini"):
        body = row["response"].get("body") or ""
        if row.get("stream") or row["response"]["status"] != 200 or '"inlineData"' not in body:
            continue
        made = read("gemini", body.encode(), ProviderRequest("/x:generateContent", b""))
        if isinstance(made, Painted):
            drawn += 1
            whole, pipe = answered("gemini", made, n=len(made.images))
            assert oracle({"n": len(made.images)}, whole) == [], row["id"]
            assert pipe.faults == {}
    assert drawn


# -- anything else ----------------------------------------------------------------------------------------------------

DRAWING = [name for name in DIALECTS if name in ("stability", "bfl", "replicate", "fal", "sdwebui", "gemini")]
_WORDS = (
    *(
        "status",
        "id",
        "images",
        "image",
        "output",
        "result",
        "sample",
        "error",
        "detail",
        "details",
        "urls",
        "polling_url",
    ),
    *("artifacts", "finish_reason", "candidates", "content", "parts", "inlineData", "data", "predictions", "info"),
    *("usageMetadata", "promptFeedback", "blockReason", "has_nsfw_concepts", "seed", "response_url", "status_url"),
    *("request_id", "cancel_url", "finishReason", "finishMessage", "raiFilteredReason", "bytesBase64Encoded"),
    *("name", "errors", "created_at", "url", "error_type"),
)
_SAID = (
    "Ready",
    "Pending",
    "succeeded",
    "failed",
    "starting",
    "IN_QUEUE",
    "COMPLETED",
    "SAFETY",
    "STOP",
    "https://a/b",
)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=9)
    | st.sampled_from(_SAID),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_WORDS), inner, max_size=5),
    max_leaves=12,
)


@pytest.mark.parametrize("dialect", DRAWING)
@given(
    payload=_JSON, path=st.sampled_from(["/v1/x", "/status", "/x:predict", ""]), method=st.sampled_from(["GET", "POST"])
)
def test_no_reply_is_too_odd(dialect: str, payload: Any, path: str, method: str) -> None:
    made = read(dialect, json.dumps(payload).encode(), ProviderRequest(path, b"", method=method))
    assert isinstance(made, (Painted, Waiting, TruelineError))
    if isinstance(made, Painted):
        body, _ = answered(dialect, made, n=len(made.images))
        assert isinstance(body, (dict, TruelineError))


@pytest.mark.parametrize("dialect", DRAWING)
@given(body=st.binary(max_size=60) | _JSON.map(lambda value: json.dumps(value).encode()), status=st.integers(400, 599))
def test_no_error_is_too_odd(dialect: str, body: bytes, status: int) -> None:
    error = dialect_of(dialect).read_error(status, {}, body)
    assert 400 <= error.status <= 599 and error.message
    assert isinstance(read(dialect, body), (Painted, Waiting, TruelineError))


@pytest.mark.parametrize("dialect", DRAWING)
def test_which_can_chat(dialect: str) -> None:
    assert dialect_of(dialect).chats == (dialect == "gemini")
    assert images_of(dialect)
