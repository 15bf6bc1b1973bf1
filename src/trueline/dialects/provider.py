"""What a provider's own API gives: how it is asked, and how its replies are read.

    write_request   OpenAI's chat request  ->  the provider's
    reader          payloads of a stream   ->  events
    read_whole      a whole reply          ->  events
    read_error      a failing status       ->  OpenAI's error

The client's side is OpenAI's in every case, so there are no more translators than APIs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

from ..context import ReplyContext
from ..errors import TruelineError, UpstreamReplyError
from ..events import Event, Extras
from ..messages import ChatRequest, EmbeddingRequest, ImageRequest
from ..wire.frames import Note, Wire
from ..wire.sse import SSEReader
from .error_bodies import read_error

__all__ = [
    "DIALECTS",
    "Asked",
    "Fetched",
    "FileNeeded",
    "Laned",
    "Painted",
    "Place",
    "ProviderDialect",
    "ProviderEmbeddings",
    "ProviderImages",
    "ProviderModels",
    "ProviderRequest",
    "Reader",
    "Waiting",
    "dialect_of",
]


class Reader(Protocol):
    """Payloads of one stream to events; never raises."""

    def read(self, payload: Any, event: bytes | None = None) -> list[Event]: ...


class Place(NamedTuple):
    """Where the text stands in a payload that says nothing else, and what such payloads mean."""

    path: tuple[str | int, ...]
    make: Callable[[int, str, Any, Extras | None], Event]
    """Reads another text as if a payload with it had come: choice, text, and what is never there."""
    holds: Callable[[], bool] | None = None
    """Whether that is still so, after other payloads; None: for the whole stream."""


@runtime_checkable
class Laned(Reader, Protocol):
    """A reader whose text may take a lane: events that differ in their text alone are not decoded (`docs/adr/`)."""

    def place(self, payload: Any) -> Place | None:
        """Of a payload that was read just now as one event."""

    def probe(self, payload: Any) -> list[Event]:
        """What would be made of a payload; nothing is changed by it."""


class ProviderRequest(NamedTuple):
    """A request in the provider's words."""

    path: str
    """Behind the base URL, with its query; or a whole URL, which the upstream itself gave."""
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    """Beside those for the key: lower-case names."""
    method: str = "POST"


class Fetched(NamedTuple):
    """A file that a request names by its URL."""

    media_type: str
    data: bytes


class FileNeeded(Exception):
    """The provider takes files only inside a request; these have to be fetched first."""

    def __init__(self, urls: list[str]) -> None:
        super().__init__(f"{len(urls)} files")
        self.urls = urls


class Asked(NamedTuple):
    """What a request is written for."""

    model: str
    """The upstream's name for the model."""
    note: Note
    """Names what was dropped or changed on the way, such as `seed dropped`."""
    on_unsupported: Literal["error", "drop"] = "error"
    """What becomes of a parameter that the provider's API cannot express."""
    files: Mapping[str, Fetched] = {}
    """What was fetched, by URL."""
    settings: Mapping[str, str] = {}
    """Of the provider's row and the upstream: `region`, `project`, `api_version`, `max_tokens` …"""


def _any_number(_: Asked) -> None:
    return None


class ProviderEmbeddings(NamedTuple):
    """A provider's own embeddings."""

    write: Callable[[EmbeddingRequest, Asked], ProviderRequest]
    """Raises RequestError for what cannot be expressed."""
    read: Callable[[Any, EmbeddingRequest], Any]
    """A reply as OpenAI's: `data` with an `embedding` each, `model`, `usage`; what is none goes on as it is."""
    most: Callable[[Asked], int | None] = _any_number
    """Texts that the model takes in one request; None: any number.  More are asked for in several."""


class Painted(NamedTuple):
    """Pictures that are there."""

    images: list[dict[str, Any]]
    """OpenAI's: `url` or `b64_json` each, and what else is said of it."""
    more: Mapping[str, Any] = {}
    """Of the reply: `created`, `usage` …"""


class Waiting(NamedTuple):
    """Pictures that are still made."""

    ask: ProviderRequest
    """Tells how far they are."""
    after: float
    """Seconds until that is worth asking."""
    cancel: ProviderRequest | None = None
    """Calls them off."""


class ProviderImages(NamedTuple):
    """A provider's own pictures."""

    write: Callable[[ImageRequest, Asked], list[ProviderRequest]]
    """As many requests as it takes for `n` pictures.  Raises RequestError for what cannot be expressed."""
    read: Callable[[Any, ImageRequest, ProviderRequest], Painted | Waiting | TruelineError]
    """The reply to one of them, or to what a `Waiting` asked; never raises."""


class ProviderModels(NamedTuple):
    """A provider's own list of models."""

    path: str
    """Behind the base URL."""
    read: Callable[[Any], Any]
    """A list as OpenAI's: `data` with an `id` each; what is none goes on as it is."""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    """Of the request, beside those for the key: lower-case names."""


def _no_chat(*_: Any) -> Any:
    raise NotImplementedError("this API has no chats")


class ProviderDialect(NamedTuple):
    """One provider's chat API, and what else it has; `chats` is False where it has no chats at all."""

    name: str
    write_request: Callable[[ChatRequest, Asked], ProviderRequest] = _no_chat
    """Raises RequestError for what cannot be expressed, FileNeeded for files that must be fetched first."""
    reader: Callable[[ReplyContext], Reader] = _no_chat
    read_whole: Callable[[Any, ReplyContext], list[Event]] = _no_chat
    wire: Wire = SSEReader
    read_error: Callable[[int, Mapping[str, str], bytes], UpstreamReplyError] = read_error
    usual: frozenset[str] = frozenset()
    """Faults of OpenAI's format that are this API's own form, such as an end without `[DONE]`: they are not noted."""
    embeddings: ProviderEmbeddings | None = None
    models: ProviderModels | None = None
    images: ProviderImages | None = None

    @property
    def chats(self) -> bool:
        """Whether it answers chats."""
        return self.write_request is not _no_chat


DIALECTS: Mapping[str, str] = {
    "anthropic": ".anthropic",
    "anthropic_bedrock": ".anthropic.bedrock",
    "bedrock": ".bedrock",
    "cohere": ".cohere",
    "ollama": ".ollama",
    "gemini": ".gemini",
    "hf_tgi": ".hf_tgi",
    "dashscope": ".dashscope",
    "openai_responses": ".openai_responses",
    "stability": ".stability",
    "bfl": ".bfl",
    "replicate": ".replicate",
    "fal": ".fal",
    "sdwebui": ".sdwebui",
}
"""By name, the module that has its `DIALECT`; imported when an upstream speaks it."""


def dialect_of(name: str) -> ProviderDialect:
    """The dialect of that name.  Raises KeyError."""
    dialect: ProviderDialect = import_module(DIALECTS[name], __package__).DIALECT
    return dialect
