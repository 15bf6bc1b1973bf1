"""What a row of the table of providers says."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

import msgspec

__all__ = ["AUTHS", "DIALECTS", "FETCHED", "UNKNOWN", "Auth", "Capabilities", "Dialect", "Provider"]

Dialect = Literal[
    "openai",
    "anthropic",
    "gemini",
    "ollama",
    "cohere",
    "bedrock",
    "anthropic_bedrock",
    "openai_responses",
    "hf_tgi",
    "dashscope",
    "stability",
    "bfl",
    "replicate",
    "fal",
    "sdwebui",
]
"""The format that a server speaks; the last five are for pictures only."""

Auth = Literal[
    "bearer",
    "key",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "x-key",
    "query",
    "sigv4",
    "azure_ad",
    "google_token",
    "none",
]
"""How a key is shown: `Authorization: Bearer`, `Authorization: Key`, a header of that name, the query's `key`, a
signature, a token that has to be fetched, or not at all."""

FETCHED: Final = frozenset(("sigv4", "azure_ad", "google_token"))
"""Ways to show a key for which it is made for the occasion, out of credentials that never leave."""
DIALECTS: Final[tuple[str, ...]] = Dialect.__args__  # type: ignore[attr-defined]  # typeshed does not know Literal's
AUTHS: Final[tuple[str, ...]] = Auth.__args__  # type: ignore[attr-defined]  # as above

_NONE: Final[Mapping[str, Literal["drop", "refuse"]]] = MappingProxyType({})


class Capabilities(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What is known of the requests that a server takes.  None: nobody has looked, so nothing is to be assumed."""

    stream_options: bool | None = None
    """It takes `stream_options: {"include_usage": true}`; False: it refuses the parameter."""
    usage_in_stream: bool | None = None
    """Its streams tell the usage although nobody asked."""
    max_tokens_name: Literal["max_tokens", "max_completion_tokens"] | None = None
    """The only name of the limit that it obeys; None: both, or not known."""
    developer_role: bool | None = None
    """It takes messages with the role `developer`."""
    functions: bool | None = None
    """It takes the old `functions` and `function_call`."""
    content_parts: bool | None = None
    """It takes a message's content as a list of parts; False: as a string only."""
    n: bool | None = None
    """It answers with as many choices as `n` says; False: with one, or it refuses `n` above 1."""
    keeps: frozenset[str] = frozenset()
    """What it is known to keep exactly: some of max_tokens, stop, n, response_format, tool_choice, logprobs."""
    unsupported: Mapping[str, Literal["drop", "refuse"]] = _NONE
    """Parameter -> what becomes of a request with it: dropped, where the answer is no other without it, or refused."""


UNKNOWN: Final = Capabilities()
"""The capabilities of a server of which nothing is known."""


class Provider(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One way to reach a provider or a kind of server."""

    name: str
    """As in `upstreams.*.provider`, and before the slash of `provider/model`."""
    title: str
    dialect: Dialect = "openai"
    url: str
    """Base URL, with `{placeholders}` for settings of that name; of a model server, where it usually listens."""
    path: str = "{path}"
    """What is added to the URL: `{path}` is OpenAI's, such as `/chat/completions`, `{model}` the model's name."""
    plain_path: str = ""
    """The same for requests that are not answered by a model, such as a list of models, where it differs."""
    auth: Auth = "bearer"
    key_env: tuple[str, ...] = ()
    """Environment variables that hold its key; the first that is set counts.  Where keys are made (`FETCHED`), one
    that is set says no more than that there is something to make them from."""
    places: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    """Placeholder -> environment variables that may fill it, where the settings do not."""
    spelled: Mapping[str, str] = MappingProxyType({})
    """Hosts that are not what their placeholders make of them, and what they are instead."""
    hosts: tuple[str, ...] = ()
    """How its URLs begin, without the scheme; `*` stands for any one part of the host."""
    also: tuple[str, ...] = ()
    """Other names for it, as gateways have them before the slash of a model's name."""
    capabilities: Capabilities = UNKNOWN
    faults: tuple[str, ...] = ()
    """Faults to expect of it (`faults/`)."""
    docs: str
    """Its own page on the API."""
    seen: str
    """The day on which the row was written down; what nobody looked up again that day is from memory."""
