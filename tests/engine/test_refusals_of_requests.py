"""What a server's refusal tells about it: real messages of servers, and others that only look like them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trueline.dialects.error_bodies import read_error
from trueline.dialects.openai_chat.refusals import lesson_in

HELLO = {"role": "user", "content": "hello"}
PARTS = {"role": "user", "content": [{"type": "text", "text": "hello"}]}
DEVELOPER = {"role": "developer", "content": "be brief"}
FUNCTIONS = [{"name": "look", "parameters": {"type": "object"}}]
OPTIONS = {"include_usage": True}


def error(message: str, **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None, **fields}}


# status, the server's body, what the request held, what is known by then
TOLD: list[tuple[int, Any, dict[str, Any], tuple[str, Any]]] = [
    (  # OpenAI
        400,
        error(
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            param="max_tokens",
            code="unsupported_parameter",
        ),
        {"max_tokens": 5},
        ("max_tokens_name", "max_completion_tokens"),
    ),
    (  # OpenAI, first models
        400,
        error("this model is not supported MaxTokens. Please use max_completion_tokens instead"),
        {"max_tokens": 5},
        ("max_tokens_name", "max_completion_tokens"),
    ),
    (  # pydantic with extra="forbid" (Mistral)
        422,
        {
            "detail": [
                {
                    "type": "extra_forbidden",
                    "loc": ["body", "max_completion_tokens"],
                    "msg": "Extra inputs are not permitted",
                    "input": 5,
                }
            ]
        },
        {"max_completion_tokens": 5},
        ("max_tokens_name", "max_tokens"),
    ),
    (
        400,
        error("Unrecognized request argument supplied: max_completion_tokens"),
        {"max_completion_tokens": 5},
        ("max_tokens_name", "max_tokens"),
    ),
    (
        400,
        {"message": "unknown field `max_completion_tokens`, expected one of `messages`, `model`, `max_tokens`"},
        {"max_completion_tokens": 5},
        ("max_tokens_name", "max_tokens"),
    ),
    (
        422,
        {"object": "error", "message": "[{'loc': ('body', 'stream_options'), 'msg': 'extra fields not permitted'}]"},
        {"stream_options": OPTIONS},
        ("stream_options", False),
    ),
    (
        400,
        error("Unknown field: stream_options: Extra inputs are not permitted", param="stream_options"),
        {"stream_options": OPTIONS},
        ("stream_options", False),
    ),
    (  # Azure
        400,
        error("Unrecognized request argument supplied: stream_options"),
        {"stream_options": OPTIONS},
        ("stream_options", False),
    ),
    (  # Google
        400,
        [
            {
                "error": {
                    "code": 400,
                    "message": 'Invalid JSON payload received. Unknown name "stream_options": Cannot find field.',
                    "status": "INVALID_ARGUMENT",
                }
            }
        ],
        {"stream_options": OPTIONS},
        ("stream_options", False),
    ),
    (
        400,
        error("Completions.create() got an unexpected keyword argument 'stream_options'"),
        {"stream_options": OPTIONS},
        ("stream_options", False),
    ),
    (
        400,
        error("Additional properties are not allowed ('stream_options' was unexpected)"),
        {"stream_options": OPTIONS},
        ("stream_options", False),
    ),
    (  # Groq
        400,
        error("'n' : number must be at most 1 with this model", param="n"),
        {"n": 2},
        ("n", False),
    ),
    (400, error("Only one completion choice is allowed"), {"n": 2}, ("n", False)),  # llama.cpp
    (400, error("n > 1 is not supported"), {"n": 2}, ("n", False)),
    (400, error("Invalid n value (currently only n = 1 is supported)"), {"n": 2}, ("n", False)),  # DeepSeek
    (
        400,
        error("Unsupported parameter: 'n' is not supported with this model.", param="n", code="unsupported_parameter"),
        {"n": 2},
        ("n", False),
    ),
    (  # OpenAI's words for a wrong role, at a server that does not know the new one
        400,
        error(
            "'developer' is not one of ['system', 'assistant', 'user', 'function'] - 'messages.0.role'",
        ),
        {"messages": [DEVELOPER, HELLO]},
        ("developer_role", False),
    ),
    (  # DeepSeek
        400,
        error(
            "Failed to deserialize the JSON body into the target type: messages[0].role: unknown variant `developer`, "
            "expected one of `system`, `user`, `assistant`, `tool` at line 1 column 50"
        ),
        {"messages": [DEVELOPER, HELLO]},
        ("developer_role", False),
    ),
    (400, error("Unexpected role 'developer' after role 'user'"), {"messages": [DEVELOPER]}, ("developer_role", False)),
    (
        422,
        {"detail": [{"loc": ["body", "messages", 0, "content"], "msg": "Input should be a valid string"}]},
        {"messages": [PARTS]},
        ("content_parts", False),
    ),
    (
        400,
        error("messages[0].content: invalid type: sequence, expected a string at line 1 column 40"),
        {"messages": [PARTS]},
        ("content_parts", False),
    ),
    (  # Go
        400,
        error("json: cannot unmarshal array into Go struct field ChatMessage.messages.content of type string"),
        {"messages": [PARTS]},
        ("content_parts", False),
    ),
    (400, error("'functions' is not supported"), {"functions": FUNCTIONS}, ("functions", False)),
]


@pytest.mark.parametrize(("status", "answer", "held", "known"), TOLD)
def test_a_refusal_tells_what_the_server_does_not_take(
    status: int, answer: Any, held: dict[str, Any], known: tuple[str, Any]
) -> None:
    said = read_error(status, {"content-type": "application/json"}, json.dumps(answer).encode())

    assert lesson_in(said, {"messages": [HELLO], **held}) == known
    assert lesson_in(said, {"messages": [HELLO]}) is None, "a request without it was refused for something else"


# of the value, of something else, or no refusal
SILENT: list[tuple[int, Any, dict[str, Any]]] = [
    (400, error("max_tokens is too large: 100000. This model supports at most 4096", param="max_tokens"), {}),
    (400, error("Invalid 'max_tokens': integer below minimum value.", param="max_tokens"), {}),
    (400, error("This model does not support max_tokens larger than 4096"), {}),
    (400, error("Invalid 'n': integer above maximum value. Expected <= 128, but got 200.", param="n"), {"n": 200}),
    (400, error("Invalid value for 'content': expected a string, got null.", param="messages[0].content"), {}),
    (400, error("Unsupported parameter: 'seed' is not supported with this model.", param="seed"), {"seed": 1}),
    (400, error("This model's maximum context length is 8192 tokens. Please reduce the messages."), {}),
    (500, error("Unrecognized request argument supplied: max_tokens"), {}),
    (401, error("Unrecognized request argument supplied: max_tokens"), {}),
    (429, error("Unrecognized request argument supplied: max_tokens"), {}),
]


@pytest.mark.parametrize(("status", "answer", "held"), SILENT)
def test_other_errors_tell_nothing(status: int, answer: Any, held: dict[str, Any]) -> None:
    said = read_error(status, {"content-type": "application/json"}, json.dumps(answer).encode())

    assert lesson_in(said, {"messages": [HELLO], "max_tokens": 5, **held}) is None
