"""Forms: text fields read, files stepped over, one field replaced and nothing else touched."""

from __future__ import annotations

import pytest

from trueline.dialects.openai_images import wanted_form
from trueline.errors import RequestError
from trueline.messages import read_image_upload
from trueline.wire.multipart import boundary_of, replace_field, text_fields

FILE = bytes(range(256)) * 4 + b'\r\n--other\r\nname="model"\r\n\r\nx'
FORM = (
    b'--XX\r\nContent-Disposition: form-data; name="model"\r\n\r\ngpt-image-1.5\r\n'
    b'--XX\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    + FILE
    + b'\r\n--XX\r\nContent-Disposition: form-data; name="n"\r\n\r\n2\r\n'
    b'--XX\r\ncontent-disposition: form-data; name="prompt"\r\n\r\nein Haus \xc3\xbc\r\n--XX--\r\n'
)


@pytest.mark.parametrize(
    ("header", "boundary"),
    [
        (b"multipart/form-data; boundary=XX", b"XX"),
        (b'Multipart/Form-Data; charset=utf-8; boundary="a b"', b"a b"),
        (b"application/json", None),
        (b"multipart/form-data", None),
    ],
)
def test_the_boundary(header: bytes, boundary: bytes | None) -> None:
    assert boundary_of(header) == boundary


def test_text_fields_and_no_files() -> None:
    assert text_fields(FORM, b"XX") == {"model": "gpt-image-1.5", "n": "2", "prompt": "ein Haus ü"}


def test_one_field_is_replaced_and_nothing_else() -> None:
    mended = replace_field(FORM, b"XX", "model", "flux")

    assert mended == FORM.replace(b"gpt-image-1.5", b"flux")
    assert replace_field(FORM, b"XX", "size", "1x1") == FORM


@pytest.mark.parametrize("cut", range(0, len(FORM), 37))
def test_a_cut_form_is_read_as_far_as_it_goes(cut: int) -> None:
    assert set(text_fields(FORM[:cut], b"XX")) <= {"model", "n", "prompt"}


def test_a_form_is_a_request() -> None:
    request = read_image_upload(FORM, b"multipart/form-data; boundary=XX")

    assert (request.model, request.n, request.stream, request.response_format) == ("gpt-image-1.5", 2, False, None)
    assert request.with_model(None) == FORM
    assert request.with_model("flux") == FORM.replace(b"gpt-image-1.5", b"flux")


@pytest.mark.parametrize("n", [b"0", b"x", b"1000"])
def test_a_bad_number_is_refused(n: bytes) -> None:
    with pytest.raises(RequestError, match="Invalid 'n'"):
        read_image_upload(FORM.replace(b"\r\n2\r\n", b"\r\n" + n + b"\r\n"), b"multipart/form-data; boundary=XX")


def test_json_is_a_request_as_well() -> None:
    request = read_image_upload(b'{"model":"gpt-image-1.5","images":[],"stream":true}', b"application/json")

    assert (request.model, request.stream) == ("gpt-image-1.5", True)


def test_a_gpt_image_model_that_gives_the_url_it_was_asked_for() -> None:
    asked = read_image_upload(b'{"model":"gpt-image-1.5","response_format":"url"}', b"application/json")
    by_itself = read_image_upload(b'{"model":"gpt-image-1.5"}', b"application/json")

    assert (wanted_form(asked), wanted_form(by_itself)) == (None, "b64_json")
