"""What failed, in OpenAI's words: every shape of an error body, and what is none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.garbage import JUNK, NAMES, Wrong, wronged
from engine.kit import dumps
from trueline.dialects.error_bodies import error_in, plain_text, read_error, redact

INVALID = "invalid_request_error"

# body -> message, type, code, param, as a client reads them under status 400
SHAPES: list[tuple[Any, str, str, str | None, str | None]] = [
    ({"error": {"message": "No.", "type": "t", "param": "p", "code": "c"}}, "No.", "t", "c", "p"),
    ({"error": {"message": "No."}}, "No.", INVALID, None, None),
    ({"error": {"message": "No.", "type": None, "code": 7, "param": 5}}, "No.", INVALID, "7", None),
    ({"error": {"message": "No.", "code": 7.0}}, "No.", INVALID, "7", None),
    ({"error": {"message": "No.", "code": {"a": 1}}}, "No.", INVALID, '{"a":1}', None),
    (
        {"error": {"message": "No.", "code": 429, "status": "RESOURCE_EXHAUSTED"}},
        "No.",
        INVALID,
        "RESOURCE_EXHAUSTED",
        None,
    ),
    ({"error": {"message": {"a": [1]}}}, '{"a":[1]}', INVALID, None, None),
    ({"error": {"msg": "No."}}, "No.", INVALID, None, None),
    ({"error": {"detail": "No."}}, "No.", INVALID, None, None),
    ({"error": {"foo": "bar"}}, '{"foo":"bar"}', INVALID, None, None),
    ({"error": "No."}, "No.", INVALID, None, None),
    ({"error": "No.", "code": "c", "error_type": "t"}, "No.", "t", "c", None),
    ({"error": "Bad", "message": "A longer text."}, "A longer text.", INVALID, None, None),
    ({"error": True, "message": "No."}, "No.", INVALID, None, None),
    ({"error": {"error": {"message": "No.", "code": "c"}}}, "No.", INVALID, "c", None),
    ({"error": {"message": '{"error":{"message":"No.","code":"c"}}'}}, "No.", INVALID, "c", None),
    ({"error": {"message": '[{"error":{"message":"No.","type":"t"}}]'}}, "No.", "t", None, None),
    ({"error": {"message": "{not json"}}, "{not json", INVALID, None, None),
    ({"error": {"message": "Failed", "metadata": {"raw": "No."}}}, "Failed: No.", INVALID, None, None),
    (
        {"error": {"message": "Failed", "metadata": {"raw": '{"error":{"message":"No.","code":"c"}}'}}},
        "No.",
        INVALID,
        "c",
        None,
    ),
    ({"error": {"message": "Failed", "metadata": {"raw": 7}}}, "Failed", INVALID, None, None),
    ({"error": [{"message": "No.", "code": "c"}]}, "No.", INVALID, "c", None),
    ([{"error": {"message": "No.", "code": 5}}], "No.", INVALID, "5", None),
    (["No."], "No.", INVALID, None, None),
    ("No.", "No.", INVALID, None, None),
    ({"message": "No.", "type": "t", "code": "c", "object": "error"}, "No.", "t", "c", None),
    ({"object": "error", "message": "No.", "code": 40303, "param": "p"}, "No.", INVALID, "40303", "p"),
    ({"detail": "No."}, "No.", INVALID, None, None),
    ({"detail": [{"loc": ["body", "n"], "msg": "No.", "type": "x"}]}, "body.n: No.", INVALID, None, "n"),
    ({"detail": [{"msg": "A."}, "B.", {"loc": [], "message": "C."}]}, "A.; B.; C.", INVALID, None, None),
    ({"detail": {"error": {"message": "No.", "code": "c"}}}, "No.", INVALID, "c", None),
    ({"detail": {"message": "No."}}, "No.", INVALID, None, None),
    ({"errors": [{"code": 1, "message": "A."}, {"message": "B."}], "success": False}, "A.; B.", INVALID, "1", None),
    ({"name": "bad_request", "errors": ["A.", "B."]}, "A.; B.", INVALID, "bad_request", None),
    ({"fault": {"faultstring": "No.", "detail": {"errorcode": "c"}}}, "No.", INVALID, "c", None),
    ({"base_resp": {"status_code": 1004, "status_msg": "No."}}, "No.", INVALID, "1004", None),
    ({"code": 5, "msg": "No."}, "No.", INVALID, "5", None),
    ({"code": "c", "message": "No."}, "No.", INVALID, "c", None),
    ({"error_code": 17, "error_msg": "No."}, "No.", INVALID, "17", None),
    ({"errcode": 17, "errmsg": "No."}, "No.", INVALID, "17", None),
    ({"Response": {"Error": {"Code": "c", "Message": "No."}}}, "No.", INVALID, "c", None),
    ({"header": {"code": 11200, "message": "No."}}, "No.", INVALID, "11200", None),
    ({"html-message": "No.", "code": 1}, "No.", INVALID, "1", None),
    ({"type": "error", "error": {"type": "t", "message": "No."}}, "No.", "t", None, None),
    ({"__type": "com.x#Throttled", "message": "No."}, "No.", INVALID, "Throttled", None),
    ({"__type": "Throttled"}, "Throttled", INVALID, "Throttled", None),
    ({"message": "No."}, "No.", INVALID, None, None),
    ({"msg": "No."}, "No.", INVALID, None, None),
]


@pytest.mark.parametrize(("body", "message", "kind", "code", "param"), SHAPES)
def test_shapes(body: Any, message: str, kind: str, code: str | None, param: str | None) -> None:
    error = read_error(400, {}, json.dumps(body).encode())

    assert error.body() == {"error": {"message": message, "type": kind, "param": param, "code": code}}


@pytest.mark.parametrize("body", [row[0] for row in SHAPES if isinstance(row[0], dict)])
def test_shapes_inside_a_200(body: Any) -> None:
    named, plain = error_in(body, b"error"), error_in(body)

    assert named is not None and named.status >= 400
    assert (
        plain is not None and plain.message == named.message == read_error(400, {}, json.dumps(body).encode()).message
    )


PLAIN: list[tuple[bytes, int, str]] = [
    (b"", 400, "Bad request"),
    (b" \n", 503, "Service unavailable"),
    (b"", 418, "Upstream error 418"),
    (b"Service Unavailable", 503, "Service Unavailable"),
    (b"{broken", 500, "{broken"),
    (b"x" * 5000, 500, "x" * 200),
    (b"<html><head><title>502 Bad\n Gateway</title></head><body>nginx</body></html>", 502, "502 Bad Gateway"),
    (b"<!DOCTYPE html><style>a{}</style><script>x()</script><h1>Oh</h1> <p>no</p>", 500, "Oh no"),
    (b'data: {"error":{"message":"No."}}\n\ndata: [DONE]\n\n', 500, "No."),
    (b"\xff\xfe", 500, "\ufffd\ufffd"),
    (b"null", 400, "null"),
    (b"{}", 404, "{}"),
    (b'{"error":{}}', 404, '{"error":{}}'),
    (b'{"error":null}', 404, '{"error":null}'),
    (b"[]", 400, "[]"),
]


@pytest.mark.parametrize(("body", "status", "message"), PLAIN)
def test_bodies_that_are_none(body: bytes, status: int, message: str) -> None:
    assert read_error(status, {}, body).message == message


# faults.md 0.3, ruling 13
STATUSES = {
    **{s: s for s in (400, 401, 402, 403, 404, 405, 408, 409, 413, 415, 418, 429, 451, 499, 500, 501, 502, 503, 504)},
    422: 400,
    520: 502,
    521: 502,
    522: 504,
    523: 502,
    524: 504,
    525: 502,
    526: 502,
    527: 502,
    529: 503,
    300: 502,
    301: 502,
    302: 502,
    307: 502,
    600: 502,
    999: 502,
}


@pytest.mark.parametrize(("sent", "status"), STATUSES.items())
def test_statuses(sent: int, status: int) -> None:
    error = read_error(sent, {}, b'{"error":{"message":"No."}}')

    assert error.status == status
    kinds = {401: "authentication_error", 402: "insufficient_quota", 403: "permission_error", 409: "conflict_error"}
    kinds[429] = "rate_limit_error"
    assert error.type == kinds.get(status, "server_error" if status >= 500 else INVALID)
    assert error.code == ("insufficient_quota" if status == 402 else None)


# body of a 200 -> the status that it should have had
INSIDE: list[tuple[Any, int]] = [
    ({"error": {"message": "x", "code": 404}}, 404),
    ({"error": {"message": "x", "code": "429"}}, 429),
    ({"error": {"message": "x", "code": 422}}, 400),
    ({"error": {"message": "x", "code": 529}}, 503),
    ({"error": {"message": "x", "status_code": 401}}, 401),
    ({"error": {"message": "x", "type": "rate_limit_error"}}, 429),
    ({"error": {"message": "x", "type": "invalid_request_error"}}, 400),
    ({"error": {"message": "x", "type": "overloaded_error"}}, 503),
    ({"error": {"message": "x", "code": "context_length_exceeded"}}, 400),
    ({"error": {"message": "x", "code": "insufficient_quota"}}, 429),
    ({"error": {"message": "x", "code": 8, "status": "RESOURCE_EXHAUSTED"}}, 429),
    ({"error": {"message": "x", "status": "UNAUTHENTICATED"}}, 401),
    ({"error": {"message": "x", "status": "INVALID_ARGUMENT"}}, 400),
    ({"error": {"message": "x", "status": "UNAVAILABLE"}}, 503),
    ({"error": "x", "status": 503}, 503),
    ({"error": "x"}, 502),
    ({"error": {"message": "x", "code": "what"}}, 502),
    ({"error": "Unexpected endpoint or method. (GET /v1/x)"}, 404),
    ({"base_resp": {"status_code": 1002, "status_msg": "x"}}, 429),
    ({"base_resp": {"status_code": 1004, "status_msg": "x"}}, 401),
    ({"base_resp": {"status_code": 1008, "status_msg": "x"}}, 402),
    ({"base_resp": {"status_code": 1027}}, 400),
    ({"base_resp": {"status_code": 1027}, "choices": None}, 400),
    ({"base_resp": {"status_code": 1002, "status_msg": "x"}, "choices": [{"message": {}}]}, 429),
    ({"error_code": 336501, "error_msg": "x"}, 429),
    ({"error_code": 110, "error_msg": "x"}, 401),
    ({"code": 1301, "msg": "x"}, 400),
    ({"code": "1113", "msg": "x"}, 402),
    ({"code": "²", "msg": "x"}, 502),
    ({"code": "9" * 5000, "msg": "x"}, 502),
    ({"code": 10**400, "msg": "x"}, 502),
]


@pytest.mark.parametrize(("payload", "status"), INSIDE)
def test_status_of_an_error_inside_a_200(payload: Any, status: int) -> None:
    error = error_in(payload)

    assert error is not None and error.status == status


GOOD = {"choices": [{"message": {"content": "x"}}]}

EMPTY: list[Any] = [None, {}, {"code": 0}, {"code": 0, "message": ""}, "", False, 0, []]
NO_ERRORS: list[Any] = [
    *(None, [], {}, "error", 7, True, GOOD),
    *({**GOOD, "error": e} for e in EMPTY),
    *({"error": e} for e in EMPTY),
    *({**GOOD, "code": c, "message": "ok"} for c in (0, 200, "0", "", None, 7)),
    *({"code": c, "msg": "ok", "data": [1]} for c in (0, 200, 7)),
    *({"code": c, "message": "success"} for c in (0, "0", 200, "200", "", None)),
    {"base_resp": {"status_code": 0, "status_msg": ""}},
    {**GOOD, "base_resp": {"status_code": 0}},
    {**GOOD, "detail": "fine", "errors": ["x"], "fault": {"faultstring": "x"}},
    {"header": {"code": 0, "message": "Success"}},
    {"usage": {"total_tokens": 1}, "code": 5, "message": "x"},
    {"type": "ping"},
    {"object": "list", "data": [{"id": "m"}]},
    {"id": "x", "message": {"role": "assistant"}},
]


@pytest.mark.parametrize("payload", NO_ERRORS)
def test_what_is_no_error(payload: Any) -> None:
    assert error_in(payload) is None


@pytest.mark.parametrize("payload", ["No.", ["No."], 7, None, {"message": "No."}, {"foo": "No."}, {"delta": {}}])
def test_an_event_named_error_is_one(payload: Any) -> None:
    error = error_in(payload, b"error")

    assert error is not None and error.status == 502


SECRETS = [
    *(
        "sk-proj-abcDEF1234567890abcDEF",
        "sk-ant-api03-abcdefghij0123456789",
        "gsk_abcdefghij0123456789",
        "hf_abcdefGHIJKLmnop01",
    ),
    *(
        "AIzaSyA1234567890abcdefghijklmnopq",
        "xai-abcdefghij0123456789",
        "r8_abcdefghij0123456789",
        "nvapi-abcdefghij0123456789",
    ),
]


@pytest.mark.parametrize("secret", SECRETS)
def test_secrets_are_redacted(secret: str) -> None:
    for text in (f"Incorrect API key: {secret}.", f"key={secret}&x=1", f'"{secret}"', f"Bearer {secret}"):
        for error in (
            read_error(401, {}, json.dumps({"error": {"message": text}}).encode()),
            error_in({"error": text}),
        ):
            assert error is not None
            assert secret not in error.message and secret[-10:] not in error.message


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-wrong****-key.",
        "The key-value-store-connection was lost.",
        "The model `hf-internal-testing-tiny` does not exist.",
        "Use Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
        "risk-assessment-1234567890123456",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_the_time_to_wait_survives() -> None:
    assert read_error(429, {"retry-after": "20"}, b"{}").retry_after == "20"


def test_long_messages_are_cut() -> None:
    assert len(read_error(400, {}, dumps({"error": "x" * 10**6})).message) == 4000


@pytest.mark.parametrize(
    ("body", "text"), [(b"a\nb", "a\nb"), (b"<p>a</p>\n<p>b", "a b"), (b"<" * 300, ""), (b"<title>", "")]
)
def test_plain_text(body: bytes, text: str) -> None:
    assert plain_text(body).strip("<") == text


ERRORS: list[Any] = [row[0] for row in SHAPES]
WRONGS = st.lists(
    st.builds(
        Wrong,
        st.sampled_from(["put", "drop", "add"]),
        st.integers(0, 40),
        st.integers(0, len(JUNK) - 1),
        st.sampled_from([*NAMES, "message", "code", "error", "detail"]),
    ),
    max_size=3,
)


@pytest.mark.no_cover
@given(st.builds(wronged, st.sampled_from(ERRORS), WRONGS), st.sampled_from([302, 400, 402, 422, 500, 524]))
@settings(max_examples=500)
def test_any_error_is_told_as_one(body: Any, status: int) -> None:
    for error in (read_error(status, {}, dumps(body)), error_in(body), error_in(body, b"error")):
        if error is None:
            continue
        assert 400 <= error.status <= 599
        said = json.loads(json.dumps(error.body()))["error"]
        assert said.keys() == {"message", "type", "param", "code"}
        assert isinstance(said["message"], str) and said["message"] and isinstance(said["type"], str)
        assert all(said[k] is None or isinstance(said[k], str) for k in ("param", "code"))
