"""Requests: what the engine needs to know of them, and everything else as it came.

A request is refused here only for what OpenAI itself refuses by shape, before any upstream is called; what a model
server may understand and OpenAI may not is forwarded.  Messages, codes and params are OpenAI's own (rules.md section
X).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from .errors import RequestError
from .wire import jsonio, multipart

__all__ = [
    "LARGE_REQUEST",
    "MAX_N",
    "ChatRequest",
    "CompletionRequest",
    "EmbeddingRequest",
    "ImageForm",
    "ImageRequest",
    "read_chat_request",
    "read_completion_request",
    "read_embedding_request",
    "read_image_request",
    "read_image_upload",
    "read_json_object",
]

NOT_JSON = (
    "We could not parse the JSON body of your request. The OpenAI API expects a JSON payload, "
    "but what was sent was not valid JSON."
)

MAX_N = 128
"""Choices or pictures of one request."""

LARGE_REQUEST: Final = 32 * 1024
"""Bytes of a request beyond which what was said in it is not kept for the length of its reply."""
_MOST_KEPT = 16 * 1024 * 1024
"""Bytes of a request whose words are kept for as long as they may have to be counted."""
_WITH_PICTURES = 256 * 1024
"""Bytes beyond which a request is looked at for pictures."""
_BASE64 = frozenset(("data", "file_data"))
"""Members that hold a sound or a file; a picture is a data URL."""
_ATTACHMENT = 4096
"""Characters that stand for one: a picture has about a fourth as many tokens."""
_PICTURE_HEAD = 128 * 1024
"""Characters of a picture in base64 in which its size stands."""
_WORDS = frozenset(("messages", "prompt", "input"))

_KINDS: dict[type, str] = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def read_json_object(body: bytes) -> dict[str, Any]:
    """The request's JSON object.  Raises RequestError: not JSON, or JSON but no object."""
    try:
        value = jsonio.decode_strict(body)
    except jsonio.JSONError as error:
        if not body.strip():
            raise RequestError("The request has no body. The OpenAI API expects a JSON object.") from None
        raise RequestError(f"{NOT_JSON} ({error})") from None
    if not isinstance(value, dict):
        raise RequestError(f"The body of your request must be a JSON object, but it is {_kind(value)}.")
    return value


_SAYS_NO_MORE: Final = frozenset(
    (
        "model",
        "messages",
        "stream",
        "temperature",
        "top_p",
        "max_tokens",
        "max_completion_tokens",
        "stop",
        "seed",
        "user",
    )
)
"""Fields of a chat request that leave all other facts of a `ChatRequest` as they are by default."""


class _Request:
    __slots__ = ("_prompt_size", "_raw", "body", "model", "size", "stream", "usage_added", "whole")

    def __init__(self, body: dict[str, Any], raw: bytes) -> None:
        self.body = body
        self._raw = raw
        self._prompt_size: int | None = None
        self.size = len(raw)
        """Bytes of the body as it came, and no text in it has more characters; 0 where it did not come as bytes."""
        self.whole = True
        """`body` has everything that was said in it."""
        self.usage_added = False
        """The upstream was asked for the usage of a stream, and the client did not."""
        self.model: str | None = body.get("model")
        self.stream: bool = bool(body.get("stream"))

    def with_model(self, model: str | None) -> bytes:
        """The body to forward: as it came, member by member, where the upstream knows the model by another name."""
        if model is None or model == self.model:
            return self._raw
        return self.with_members({"model": model})

    def with_members(self, changes: dict[str, Any]) -> bytes:
        """The body with other values for some members, the rest as it is written; `jsonio.GONE` leaves one out."""
        made = jsonio.with_members(self._raw, changes)
        if made is not None:
            return made
        members = {**self.body, **changes}
        return jsonio.encode({name: value for name, value in members.items() if value is not jsonio.GONE})

    @property
    def raw(self) -> bytes:
        """The body as it came; empty once it was let go of."""
        return self._raw

    @property
    def prompt_size(self) -> int:
        """Bytes of the JSON of what the model was given to read; of a large request about so many, without those of
        pictures and sounds."""
        if self._prompt_size is not None:
            return self._prompt_size
        body = self.body
        return len(jsonio.encode([body.get("messages") or body.get("prompt"), body.get("tools")]))

    def let_go(self, keep: bool = False) -> None:
        """The request was sent: keep of a large one only what its reply is looked at with.

        A reply may take minutes, and the pictures in its request many megabytes.  `keep`: its words are still to be
        counted, and of a picture its beginning says enough.
        """
        size, self._raw = len(self._raw), b""
        if size < LARGE_REQUEST or self._prompt_size is not None:
            return
        if keep and size <= _MOST_KEPT:
            self._prompt_size = size - _attached(self.body)
            if size > _WITH_PICTURES:
                self.body = _without_pictures(self.body)
            return
        last, attached = _last_said(self.body), _attached(self.body)
        self.whole = False
        self.body = {name: value for name, value in self.body.items() if name not in _WORDS}
        self._prompt_size = max(size - attached - len(jsonio.encode({**self.body, "tools": None})), 0)
        if last is not None:
            self.body["messages"] = [last]


class ChatRequest(_Request):
    """A chat completion request: facts that decide how the reply has to look, and the whole `body`."""

    n: int = 1
    include_usage: bool = False
    tool_names: frozenset[str] = frozenset()
    legacy_functions: bool = False
    named_tool: bool = False
    logprobs: bool = False
    top_logprobs: int = 0
    plain = False
    """It has none but the most common fields."""
    asked_as_tools: bool = False
    """Its functions were sent on as tools, so that calls come back as tool calls."""

    def __init__(self, body: dict[str, Any], raw: bytes) -> None:
        super().__init__(body, raw)
        if body.keys() <= _SAYS_NO_MORE:
            self.plain = True
            return
        self.n = body.get("n") or 1
        options = body.get("stream_options")
        self.include_usage: bool = bool(options.get("include_usage")) if isinstance(options, dict) else False
        tools = body.get("tools")
        self.tool_names: frozenset[str] = frozenset(filter(None, map(_tool_name, tools))) if tools else frozenset()
        self.legacy_functions: bool = bool(body.get("functions"))
        choice = body.get("tool_choice")
        self.named_tool: bool = isinstance(choice, dict) or isinstance(body.get("function_call"), dict)
        self.logprobs: bool = bool(body.get("logprobs"))
        self.top_logprobs: int = body.get("top_logprobs") or 0


class ImageRequest(_Request):
    """An image generation request."""

    __slots__ = ("n", "response_format")

    def __init__(self, body: dict[str, Any], raw: bytes) -> None:
        super().__init__(body, raw)
        self.n: int = body.get("n") or 1
        self.response_format: str | None = body.get("response_format")


class ImageForm(ImageRequest):
    """An image edit or variation request that came as a form."""

    __slots__ = ("_boundary",)

    def __init__(self, body: dict[str, Any], raw: bytes, boundary: bytes) -> None:
        super().__init__(body, raw)
        self._boundary = boundary

    def with_model(self, model: str | None) -> bytes:
        """The form to forward, with the name by which the upstream knows the model."""
        if model is None or model == self.model:
            return self._raw
        return multipart.replace_field(self._raw, self._boundary, "model", model)


class CompletionRequest(_Request):
    """A legacy completion request, with a chat request's facts as far as they apply."""

    __slots__ = ("include_usage", "n")

    legacy_functions = False
    logprobs = False
    named_tool = False
    tool_names: frozenset[str] = frozenset()
    top_logprobs = 0

    def __init__(self, body: dict[str, Any], raw: bytes) -> None:
        super().__init__(body, raw)
        prompt = body.get("prompt")
        several = isinstance(prompt, list) and bool(prompt) and not isinstance(prompt[0], int)
        self.n: int = (body.get("n") or 1) * (len(prompt) if several and isinstance(prompt, list) else 1)
        options = body.get("stream_options")
        self.include_usage: bool = bool(options.get("include_usage")) if isinstance(options, dict) else False


class EmbeddingRequest(_Request):
    """An embedding request; `inputs` is None where their number cannot be told."""

    __slots__ = ("base64", "inputs")

    n = 1

    def __init__(self, body: dict[str, Any], raw: bytes) -> None:
        super().__init__(body, raw)
        self.base64: bool = body.get("encoding_format") == "base64"
        given = body.get("input")
        tokens = isinstance(given, list) and bool(given) and isinstance(given[0], int)
        self.inputs: int | None = len(given) if isinstance(given, list) and not tokens else 1

    def shared(self, most: int | None) -> list[EmbeddingRequest]:
        """The request itself, or several with as many of its texts at most, in their order."""
        given = self.body.get("input")
        if most is None or not isinstance(given, list) or self.inputs != len(given) or len(given) <= most:
            return [self]
        begun = range(0, len(given), most)
        return [EmbeddingRequest({**self.body, "input": given[first : first + most]}, b"") for first in begun]


_R = TypeVar("_R", bound=_Request)


def _last_said(body: dict[str, Any]) -> Any:
    """The last message, if it begins the answer: the reply may repeat it (`prefill-echo`)."""
    messages = body.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    return last if isinstance(last, dict) and last.get("role") == "assistant" else None


def _attached(value: Any) -> int:
    """Bytes of pictures, sounds and files in base64, but for as many as their tokens would have as text."""
    if isinstance(value, list):
        return sum(map(_attached, value)) if value and type(value[0]) is not int else 0
    if not isinstance(value, dict):
        return 0
    return sum(
        max(len(each) - _ATTACHMENT, 0)
        if isinstance(each, str) and (name in _BASE64 or each.startswith("data:"))
        else _attached(each)
        for name, each in value.items()
    )


def _without_pictures(value: Any) -> Any:
    """The value with the beginning of each large data URL in it."""
    if isinstance(value, dict):
        return {name: _without_pictures(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_pictures(each) for each in value] if value and type(value[0]) is not int else value
    if isinstance(value, str) and len(value) > _PICTURE_HEAD and value.startswith("data:"):
        return value[: value.find(",", 0, 1024) + 1 + _PICTURE_HEAD]
    return value


def _tool_name(tool: Any) -> str | None:
    if not isinstance(tool, dict):
        return None
    inner = tool.get("function") or tool.get("custom") or tool
    name = inner.get("name") if isinstance(inner, dict) else None
    return name if isinstance(name, str) else None


def read_chat_request(body: bytes) -> ChatRequest:
    """Read and check a chat request.  Raises RequestError with OpenAI's message, code and param."""
    return _read(body, ChatRequest, _CHAT_FIELDS, _check_messages)


def read_image_request(body: bytes) -> ImageRequest:
    """Read and check an image generation request.  Raises RequestError like `read_chat_request`."""
    return _read(body, ImageRequest, _IMAGE_FIELDS, _check_prompt)


def read_image_upload(body: bytes, content_type: bytes) -> ImageRequest:
    """Read an image edit or variation request, a form or JSON.  Raises RequestError for a field of a wrong type."""
    boundary = multipart.boundary_of(content_type)
    if boundary is None:
        return _read(body, ImageRequest, _IMAGE_FIELDS, lambda body: None)
    fields: dict[str, Any] = dict(multipart.text_fields(body, boundary))
    count = fields.pop("n", None)
    if count is not None:
        if not count.strip().isdecimal() or not 1 <= int(count) <= MAX_N:
            raise RequestError(
                f"Invalid 'n': expected an integer from 1 to {MAX_N}, but got '{count[:20]}'.", param="n"
            )
        fields["n"] = int(count)
    fields["stream"] = fields.get("stream", "").strip().lower() in ("true", "1")
    return ImageForm(fields, body, boundary)


def read_completion_request(body: bytes) -> CompletionRequest:
    """Read and check a legacy completion request.  Raises RequestError like `read_chat_request`."""
    return _read(body, CompletionRequest, _COMPLETION_FIELDS, lambda body: None)


def read_embedding_request(body: bytes) -> EmbeddingRequest:
    """Read and check an embedding request.  Raises RequestError like `read_chat_request`."""
    return _read(body, EmbeddingRequest, _EMBEDDING_FIELDS, _check_input)


def _read(
    raw: bytes, request: type[_R], fields: dict[str, tuple[type, ...]], check: Callable[[dict[str, Any]], None]
) -> _R:
    try:
        body = jsonio.decode_strict(raw)
    except jsonio.JSONError:
        body = None
    if type(body) is not dict:
        body = read_json_object(raw)
    for name, value in body.items():
        types = fields.get(name)
        if types is not None and value is not None and type(value) not in types:
            expected = " or ".join(dict.fromkeys(_KINDS[t] for t in types if t is not int or float not in types))
            raise RequestError(
                f"Invalid type for '{name}': expected {expected}, but got {_kind(value)} instead.",
                param=name,
                code="invalid_type",
            )
    check(body)
    n = body.get("n")
    if type(n) is int and not 1 <= n <= 128:
        bound, want = ("below minimum", ">= 1") if n < 1 else ("above maximum", "<= 128")
        raise RequestError(
            f"Invalid 'n': integer {bound} value. Expected a value {want}, but got {n} instead.",
            param="n",
            code=f"integer_{'below_min' if n < 1 else 'above_max'}_value",
        )
    return request(body, raw)


_CHAT_FIELDS: Final[dict[str, tuple[type, ...]]] = {
    "model": (str,),
    "messages": (list,),
    "stream": (bool,),
    "stream_options": (dict,),
    "n": (int,),
    "tools": (list,),
    "tool_choice": (str, dict),
    "functions": (list,),
    "function_call": (str, dict),
    "temperature": (int, float),
    "top_p": (int, float),
    "presence_penalty": (int, float),
    "frequency_penalty": (int, float),
    "max_tokens": (int,),
    "max_completion_tokens": (int,),
    "stop": (str, list),
    "seed": (int,),
    "logprobs": (bool,),
    "top_logprobs": (int,),
    "logit_bias": (dict,),
    "response_format": (dict,),
    "user": (str,),
}

_IMAGE_FIELDS: dict[str, tuple[type, ...]] = {
    "model": (str,),
    "prompt": (str,),
    "n": (int,),
    "size": (str,),
    "quality": (str,),
    "style": (str,),
    "response_format": (str,),
    "stream": (bool,),
    "user": (str,),
}


_COMPLETION_FIELDS: dict[str, tuple[type, ...]] = {
    "model": (str,),
    "prompt": (str, list),
    "stream": (bool,),
    "stream_options": (dict,),
    "n": (int,),
    "best_of": (int,),
    "echo": (bool,),
    "logprobs": (int,),
    "max_tokens": (int,),
    "temperature": (int, float),
    "top_p": (int, float),
    "stop": (str, list),
    "seed": (int,),
    "suffix": (str,),
    "user": (str,),
}

_EMBEDDING_FIELDS: dict[str, tuple[type, ...]] = {
    "model": (str,),
    "input": (str, list),
    "encoding_format": (str,),
    "dimensions": (int,),
    "user": (str,),
}


def _missing(name: str) -> RequestError:
    return RequestError(f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")


def _check_messages(body: dict[str, Any]) -> None:
    messages = body.get("messages")
    if messages is None:
        raise _missing("messages")
    if not messages:
        raise RequestError(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            param="messages",
            code="empty_array",
        )
    for position, message in enumerate(messages):
        where = f"messages[{position}]"
        if not isinstance(message, dict):
            raise RequestError(
                f"Invalid type for '{where}': expected an object, but got {_kind(message)} instead.",
                param=where,
                code="invalid_type",
            )
        role = message.get("role")
        if role is None:
            raise _missing(f"{where}.role")
        if not isinstance(role, str):
            raise RequestError(
                f"Invalid type for '{where}.role': expected a string, but got {_kind(role)} instead.",
                param=f"{where}.role",
                code="invalid_type",
            )


def _check_input(body: dict[str, Any]) -> None:
    if body.get("input") is None:
        raise _missing("input")


def _check_prompt(body: dict[str, Any]) -> None:
    if body.get("prompt") is None:
        raise _missing("prompt")


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "something else")
