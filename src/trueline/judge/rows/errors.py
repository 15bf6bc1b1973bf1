"""Errors (rules.md section X)."""

from __future__ import annotations

from typing import Final

from .row import Row, odd

__all__ = ["ROWS"]

_FORM: Final = 'OpenAI sends {"error": {"message", "type", "param", "code"}}'
_TYPES: Final = "OpenAI says invalid_request_error for most statuses below 500, and server_error from there"

# fmt: off
ROWS: tuple[Row, ...] = (
    Row("err-empty-body", "must", "X1", "a failing status has no body", _FORM),
    Row("err-string", "must", "X1", "`error` is a text", _FORM),
    Row("err-detail", "must", "X1", "the error stands in `detail`", _FORM),
    Row("err-flat", "must", "X1", "the error is not nested in `error`", _FORM),
    Row("err-array", "must", "X1", "the error comes in a list", _FORM),
    Row("err-fault", "must", "X1", "the error is the `fault` of an API gateway", _FORM),
    Row("err-cf-envelope", "must", "X1", "the errors are a list in `errors`", _FORM),
    Row("err-nested-json-string", "exact", "X1", "the message is itself an error, as JSON", _FORM),
    Row("err-code-int", "must", "X1", "the code of an error is a number", "OpenAI sends a word or null"),
    Row("err-fields-missing", "must", "X1", "the error has no type, param or code", _FORM),
    odd("err-extra-fields", "must", "X1", "the error has more fields", _FORM),
    odd("err-not-json", "must", "X1", "the body of an error is not JSON", _FORM),
    odd("err-foreign", "must", "X1", "the error has no `error` object", _FORM),
    odd("err-type", "exact", "X2", "the type of the error does not belong to its status", _TYPES),
    Row("err-context-code", "exact", "X2", "a prompt that is too long has not the code that agents look for",
        "OpenAI sends the code context_length_exceeded"),
    Row("err-500-for-4xx", "exact", "X2", "a mistake of the request is answered with a status of 500 or more, "
        "which clients try again", "OpenAI answers 400"),
    Row("err-429-as-other", "exact", "X2", "a rate limit is answered with another status", "OpenAI answers 429"),
    Row("usage-flag-rejected", "must", "C8", "`stream_options` is refused", "OpenAI accepts it in streams"),
    Row("img-response-format-rejected", "exact", "G1", "`response_format` is refused",
        "OpenAI accepts it for its dall-e models"),
    Row("models-endpoint-404", "must", "X1", "the list of models is not there", "OpenAI lists its models"),
)
