"""What of a request is changed on its way to a server that is known not to take it as OpenAI does.

A rule per thing that is known; each changes members of the request's object and gives the change a name, so that
nothing is changed without a word (`x-trueline-request`, the log, the metrics).  A server of which nothing is known gets
every byte as it came.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple, Protocol

from ...errors import RequestError
from ...messages import ChatRequest, CompletionRequest, EmbeddingRequest
from ...wire.jsonio import GONE

__all__ = ["LIMITS", "Known", "Outgoing", "outgoing"]

Members = dict[str, Any]

LIMITS = ("max_tokens", "max_completion_tokens")
"""The two names of the same limit."""


class Known(Protocol):
    """What is known of a server; see `providers.Capabilities`, which has more."""

    def __hash__(self) -> int: ...
    @property
    def stream_options(self) -> bool | None: ...
    @property
    def usage_in_stream(self) -> bool | None: ...
    @property
    def max_tokens_name(self) -> Literal["max_tokens", "max_completion_tokens"] | None: ...
    @property
    def developer_role(self) -> bool | None: ...
    @property
    def functions(self) -> bool | None: ...
    @property
    def content_parts(self) -> bool | None: ...
    @property
    def unsupported(self) -> Mapping[str, Literal["drop", "refuse"]]: ...


class Outgoing(NamedTuple):
    """A request as it is sent on."""

    body: bytes
    changes: tuple[str, ...] = ()
    """The names of what was changed: `max_tokens<-max_completion_tokens`, `seed dropped`."""


class _Draft:
    """The members of a request as they will be sent."""

    __slots__ = ("changed", "changes", "members")

    def __init__(self, body: Members) -> None:
        self.members = dict(body)
        self.changed: Members = {}
        self.changes: list[str] = []

    def set(self, name: str, value: Any) -> None:
        self.members[name] = self.changed[name] = value

    def drop(self, name: str) -> Any:
        self.changed[name] = GONE
        return self.members.pop(name)


Rule = Callable[[_Draft, Any], None]


def outgoing(request: ChatRequest | CompletionRequest | EmbeddingRequest, model: str | None, known: Known) -> Outgoing:
    """The request for a server of which so much is known, with its name for the model (None: as the client said).

    Raises RequestError for a parameter that the server does not take and that cannot be left out.
    """
    kind: type = type(request)
    rules = _rules_for(known, kind)
    if not rules:
        return Outgoing(request.with_model(model))
    draft = _Draft(request.body)
    for rule in rules:
        rule(draft, known)
    if not draft.changed:
        return Outgoing(request.with_model(model))
    if model is not None:
        draft.set("model", model)
    if isinstance(request, ChatRequest):
        request.asked_as_tools = _AS_TOOLS in draft.changes
    request.usage_added = _USAGE_ASKED in draft.changes
    return Outgoing(request.with_members(draft.changed), tuple(dict.fromkeys(draft.changes)))


@lru_cache(maxsize=4096)
def _rules_for(known: Known, kind: type) -> tuple[Rule, ...]:
    """The rules that may have something to do: one for each thing that is known to be unlike OpenAI's."""
    chat = kind is ChatRequest
    streams = kind is not EmbeddingRequest
    wanted: tuple[tuple[bool, Rule], ...] = (
        (bool(known.unsupported), _unsupported),
        (chat and known.max_tokens_name is not None, _limit),
        (chat and known.developer_role is False, _developer),
        (chat and known.functions is False, _functions),
        (chat and known.content_parts is False, _parts),
        (streams and known.stream_options is False, _stream_options),
        (streams and known.stream_options is True and known.usage_in_stream is not True, _ask_usage),
    )
    return tuple(rule for applies, rule in wanted if applies)


def _unsupported(draft: _Draft, known: Known) -> None:
    """Parameters that the server does not take."""
    for name, way in known.unsupported.items():
        if name not in draft.members:
            continue
        if way == "refuse" and not _says_nothing(name, draft.members[name]):
            raise RequestError(
                f"Unsupported parameter: '{name}' is not supported with this model.",
                param=name,
                code="unsupported_parameter",
            )
        draft.drop(name)
        draft.changes.append(f"{name} dropped")


_NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "n": (1,),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "logit_bias": ({},),
    "stop": ([],),
    "tools": ([],),
    "tool_choice": ("auto",),
    "parallel_tool_calls": (True,),
    "response_format": ({"type": "text"},),
    "store": (False,),
    "service_tier": ("auto",),
    "temperature": (1,),
    "top_p": (1,),
}
"""Values that ask for what happens without them."""


def _says_nothing(name: str, value: Any) -> bool:
    return value is None or value in _NEUTRAL.get(name, ())


def _limit(draft: _Draft, known: Known) -> None:
    """The limit under the name that the server obeys; of two limits the smaller one."""
    name = known.max_tokens_name
    other = LIMITS[name == LIMITS[0]]
    if name is None or other not in draft.members:
        return
    given = [value for value in (draft.drop(other), draft.members.get(name)) if type(value) is int]
    if given:
        draft.set(name, min(given))
        draft.changes.append(f"{name}<-{other}")
    else:
        draft.changes.append(f"{other} dropped")  # it was null


def _developer(draft: _Draft, known: Known) -> None:
    """The role that OpenAI renamed, under its old name."""

    def change(message: Members) -> Members:
        return {**message, "role": "system"} if message.get("role") == "developer" else message

    _each_message(draft, change, "system<-developer")


def _parts(draft: _Draft, known: Known) -> None:
    """Text in parts as one string, a line for each part; with a picture among them there is no string for it."""

    def change(message: Members) -> Members:
        text = _joined(message.get("content"))
        return message if text is None else {**message, "content": text}

    _each_message(draft, change, "content<-parts")


def _joined(content: Any) -> str | None:
    if not isinstance(content, list) or not content:
        return None
    texts = [part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None for part in content]
    return None if any(not isinstance(text, str) for text in texts) else "\n".join(map(str, texts))


def _each_message(draft: _Draft, change: Callable[[Members], Members], name: str) -> None:
    messages = draft.members.get("messages")
    if not isinstance(messages, list):
        return
    changed = [change(message) if isinstance(message, dict) else message for message in messages]
    if any(new is not old for new, old in zip(changed, messages, strict=True)):
        draft.set("messages", changed)
        draft.changes.append(name)


def _stream_options(draft: _Draft, known: Known) -> None:
    if "stream_options" in draft.members:
        draft.drop("stream_options")
        draft.changes.append("stream_options dropped")


_USAGE_ASKED = "usage asked"


def _ask_usage(draft: _Draft, known: Known) -> None:
    """Ask for the usage of a stream, whose client did not: it is taken out of the reply again."""
    members = draft.members
    options = members.get("stream_options")
    asked = isinstance(options, dict) and options.get("include_usage")
    if members.get("stream") is True and not asked:
        draft.set("stream_options", {**(options or {}), "include_usage": True})
        draft.changes.append(_USAGE_ASKED)


# -- functions, which became tools ------------------------------------------------------------------------------------

_AS_TOOLS = "tools<-functions"


def _functions(draft: _Draft, known: Known) -> None:
    """The functions of 2023 as tools, and the calls and results of the conversation with them."""
    members = draft.members
    if isinstance(members.get("functions"), list) and not members.get("tools"):
        draft.set("tools", [{"type": "function", "function": each} for each in draft.drop("functions")])
        draft.changes.append(_AS_TOOLS)
    if "function_call" in members and "tool_choice" not in members:
        choice = draft.drop("function_call")
        if "tools" in members:
            named = isinstance(choice, dict)
            draft.set("tool_choice", {"type": "function", "function": choice} if named else choice)
        draft.changes.append("tool_choice<-function_call")
    _each_message(draft, _Calls().change, "tool_calls<-function_call")


class _Calls:
    """The ids that calls and their results get, which the old form has none of."""

    def __init__(self) -> None:
        self._count = 0

    def change(self, message: Members) -> Members:
        """The message in the form of tools."""
        call = message.get("function_call")
        if message.get("role") == "assistant" and isinstance(call, dict) and not message.get("tool_calls"):
            self._count += 1
            made = {name: value for name, value in message.items() if name != "function_call"}
            made["tool_calls"] = [{"id": self._id(), "type": "function", "function": call}]
            return made
        if message.get("role") == "function":
            made = {name: value for name, value in message.items() if name != "name"}
            return {**made, "role": "tool", "tool_call_id": self._id()}
        return message

    def _id(self) -> str:
        """Of the last call.  Nine letters and digits: the only ids that Mistral's templates take."""
        return f"call{self._count:05d}"
