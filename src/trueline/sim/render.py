"""From a request to the reply that goes on the wire: answer, commit the faults, render, fail.

    reply = render_chat({"model": "gpt-4o", "messages": […], "stream": True}, faults=["sse-no-space"], seed=1)
    reply.status, reply.headers, reply.chunks, reply.body

Pure but for the time and chance of `Ids`, which a seed makes constant.  The sockets are in `server.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from trueline.sim.chat import ChatAnswer, answer_chat
from trueline.sim.encodings import compress
from trueline.sim.errors import SimError, for_status
from trueline.sim.failures import break_off
from trueline.sim.faults import PLANTERS, Ctx, Head, Planter
from trueline.sim.ids import Ids
from trueline.sim.images import answer_image, png, stream_image
from trueline.sim.options import OptionError, SimOptions, checked, did_you_mean, with_overrides
from trueline.sim.plain import CompletionAnswer, answer_completion, answer_embeddings, answer_model, list_models
from trueline.sim.providers import PROVIDERS
from trueline.sim.reply import DONE, SimReply, encode_event, encode_json, encode_whole
from trueline.sim.requests import check_key, check_taken, read_body

__all__ = ["Draft", "faults_of", "render", "render_chat", "render_json"]

Json = dict[str, Any]
_DEFAULT_HOST = "http://sim.example"


@dataclass
class Draft:
    """A reply as objects, before faults and bytes."""

    endpoint: str
    whole: Any = None
    chunks: list[Any] | None = None
    answer: ChatAnswer | CompletionAnswer | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    named: bool = False
    """Image events have names, and no [DONE] follows them (rules.md F4)."""
    clean: Any = None


def render(
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    options: SimOptions | None = None,
    host: str = _DEFAULT_HOST,
    count: int = 1,
) -> tuple[SimReply, SimOptions]:
    """The reply to a request, and the options that count for it (`x_sim` included).  Never raises.

    `headers` have lower-case names; `count` is the number of the request, for `fail_every`.
    """
    options = options or SimOptions()
    request: Json = {}
    try:
        request = read_body(body, headers.get("content-type", "")) if method == "POST" else {}
        options = _own_options(request, headers, options)
        check_key(headers, options.require_key)
    except SimError as error:
        return _rendered(_error_draft(error), request, options, Ids(options.seed), host), options
    accepted = headers.get("accept-encoding", "")
    return _answer(method, path.partition("?")[0], request, options, host, count, accepted), options


def render_chat(
    request: Json,
    faults: Iterable[str] = (),
    options: SimOptions | None = None,
    *,
    seed: int | None = 0,
    variant: int = 0,
) -> SimReply:
    """The reply to a chat request, with these faults.  Raises OptionError for an unknown fault id."""
    return render_json("/v1/chat/completions", request, faults, options, seed=seed, variant=variant)


def render_json(
    path: str,
    request: Json | None,
    faults: Iterable[str] = (),
    options: SimOptions | None = None,
    *,
    seed: int | None = 0,
    variant: int = 0,
) -> SimReply:
    """The reply to a POST of `request` to a path, or to a GET where it is None."""
    base = options or SimOptions()
    chosen = msgspec.structs.replace(base, faults=(*base.faults, *faults), seed=seed, variant=variant or base.variant)
    faults_of(chosen)
    method = "GET" if request is None else "POST"
    reply, _ = render(method, path, {}, b"" if request is None else encode_json(request), chosen)
    return reply


def _own_options(request: Json, headers: Mapping[str, str], options: SimOptions) -> SimOptions:
    """The options with the request's own `x_sim`, from its body or from its header."""
    try:
        given = request.pop("x_sim", None)
        if given is None and "x-sim" in headers:
            given = msgspec.json.decode(headers["x-sim"])
        if isinstance(given, str):
            given = msgspec.json.decode(given)
        if isinstance(given, dict):
            options = with_overrides(options, given)
        faults_of(checked(options))
    except (OptionError, msgspec.DecodeError) as error:
        raise SimError(400, str(error), param="x_sim", code="invalid_x_sim") from None
    return options


def faults_of(options: SimOptions) -> tuple[str, ...]:
    """The faults that the options choose, in the order in which they are committed.

    Raises OptionError for an unknown fault or provider.
    """
    wanted = set(options.faults)
    for fault in options.faults:
        if fault not in PLANTERS:
            raise OptionError(f"Unknown fault: '{fault}'.{did_you_mean(fault, PLANTERS)}")
    if options.like is not None:
        if options.like not in PROVIDERS:
            raise OptionError(
                f"Unknown provider: '{options.like}'.{did_you_mean(options.like, PROVIDERS)} "
                f"Known: {', '.join(PROVIDERS)}."
            )
        wanted.update(PROVIDERS[options.like])
    return tuple(fault for fault in PLANTERS if fault in wanted)


def _answer(
    method: str, path: str, request: Json, options: SimOptions, host: str, count: int, accepted: str
) -> SimReply:
    ids = Ids(options.seed, path + repr(sorted(request.items(), key=lambda item: item[0])))
    failure = options.failure(count)
    try:
        if failure is not None and failure[:5] == "http-":
            raise for_status(int(failure[5:]))
        if failure == "error" and not request.get("stream"):
            raise for_status(500)
        draft = _draft(method, path, request, options, host, ids)
        _forced_error(draft, request, options)
    except SimError as error:
        draft = _error_draft(error)
    reply = _rendered(draft, request, options, ids, host)
    if options.random_cuts:
        reply.chunks = _cut(reply, ids)
    if options.encoding is not None and options.encoding in accepted:
        reply = compress(reply, options.encoding)
    return break_off(reply, failure, options.fail_after) if failure else reply


def _error_draft(error: SimError) -> Draft:
    return Draft("errors", error.body(), status=error.status, headers=error.headers, clean=error)


def _forced_error(draft: Draft, request: Json, options: SimOptions) -> None:
    """An error fault that is asked for by name makes a good request fail, where it concerns its endpoint."""
    for fault in options.faults:
        planter = PLANTERS[fault]
        if planter.error is None or not ("errors" in planter.on or draft.endpoint in planter.on):
            continue
        if "include_usage" in planter.needs and not request.get("stream_options"):
            continue
        if "b64" in planter.needs and not request.get("response_format"):
            continue
        raise planter.error()


def _draft(method: str, path: str, request: Json, options: SimOptions, host: str, ids: Ids) -> Draft:
    """The clean answer.  Raises SimError."""
    route = path.rstrip("/").removeprefix("/v1")
    if method == "GET":
        if route == "/models":
            return Draft("models", list_models())
        if route.startswith("/models/"):
            return Draft("models", answer_model(route.removeprefix("/models/")))
        if route.startswith("/images/"):
            return Draft("files", png(route.removeprefix("/images/").removesuffix(".png")))
    elif method == "POST":
        stream = bool(request.get("stream"))
        check_taken(request, options.refuses)
        if route == "/chat/completions":
            chat = answer_chat(_taken(request, options), options, ids)
            return Draft("chat", chat.whole, chat.chunks() if stream else None, chat)
        if route == "/completions":
            text = answer_completion(request, options, ids)
            return Draft("completions", text.whole, text.chunks() if stream else None, text)
        if route == "/embeddings":
            return Draft("embeddings", answer_embeddings(request))
        if route in ("/images/generations", "/images/edits", "/images/variations"):
            return _image_draft(route, request, options, host, ids)
    raise SimError(404, f"Invalid URL ({method} {path})")


def _taken(request: Json, options: SimOptions) -> Json:
    """The request as the model takes it, which may overlook some of it."""
    for fault in faults_of(options):
        asked = PLANTERS[fault].asked
        request = asked(request, options) if asked is not None else request
    return request


def _image_draft(route: str, request: Json, options: SimOptions, host: str, ids: Ids) -> Draft:
    edit = not route.endswith("generations")
    if route.endswith("variations"):
        request.setdefault("prompt", "a variation")
    if request.get("stream"):
        events = stream_image(request, edit, ids)
        return Draft("images", answer_image(request, edit, options.image_host or host, ids), events, named=True)
    return Draft("images", answer_image(request, edit, options.image_host or host, ids))


def _planters(draft: Draft, options: SimOptions) -> list[Planter]:
    """Those that concern this reply: by name all, by `like` those that leave it usable (or shape its error)."""
    return [
        planter
        for fault in faults_of(options)
        if draft.endpoint in (planter := PLANTERS[fault]).on
        and (fault in options.faults or not planter.spoils or draft.endpoint == "errors")
    ]


def _rendered(draft: Draft, request: Json, options: SimOptions, ids: Ids, host: str) -> SimReply:
    """The reply with its faults, as bytes."""
    if draft.endpoint == "files":
        return SimReply(200, _headers(ids, "image/png", {}), [draft.whole])
    planters = _planters(draft, options)
    stream = draft.chunks is not None
    for planter in planters:
        if planter.mode is not None:
            stream = planter.mode == "stream"
    planters = [planter for planter in planters if _shows(planter, stream)]
    ctx = Ctx(request, draft.endpoint, options, ids, stream, draft.answer, host, draft.clean)
    escapes = any(planter.escapes for planter in planters)
    if stream:
        chunks = _stream_body(draft, planters, ctx, escapes)
        content_type = "text/event-stream; charset=utf-8"
    else:
        chunks = [_whole_body(draft, planters, ctx, escapes)]
        content_type = "application/json"
    head = Head(draft.status, _headers(ids, content_type, draft.headers))
    ending: Any = "end"
    for planter in planters:
        if planter.head is not None:
            head = planter.head(head, ctx)
        ending = planter.ending or ending
    length = None if stream or ending == "end" else len(chunks[0]) * 2
    repeat = (1, len(chunks)) if stream and options.endless and len(chunks) > 1 else None
    committed = tuple(fault for fault in faults_of(options) if PLANTERS[fault] in planters)
    return SimReply(
        head.status,
        head.headers,
        chunks,
        stream,
        ending,
        length=length,
        repeat=repeat,
        tokens=draft.answer.usage["completion_tokens"] if draft.answer else 0,
        faults=committed,
    )


def _shows(planter: Planter, stream: bool) -> bool:
    """Has the planter something to do in this mode?  Its head alone does not make a fault of the other mode."""
    if planter.mode is not None:
        return True
    streamed = planter.chunks is not None or planter.frames is not None
    whole = planter.whole is not None or planter.raw is not None
    return (streamed if stream else whole) or not (streamed or whole)


def _whole_body(draft: Draft, planters: list[Planter], ctx: Ctx, escapes: bool) -> bytes:
    value = draft.whole() if callable(draft.whole) else draft.whole
    for planter in planters:
        if planter.whole is not None:
            value = planter.whole(value, ctx)
    body = encode_whole(value, escapes) + (b"" if draft.endpoint == "models" else b"\n")
    for planter in planters:
        if planter.raw is not None:
            body = planter.raw(body, ctx)
    return body


def _stream_body(draft: Draft, planters: list[Planter], ctx: Ctx, escapes: bool) -> list[bytes]:
    """The frames; an endless stream has no end to render."""
    chunks = draft.chunks
    if chunks is None:
        chunks = draft.answer.chunks() if draft.answer else [draft.whole]
    for planter in planters:
        if planter.chunks is not None:
            chunks = planter.chunks(chunks, ctx)
    if draft.named:
        frames = [encode_event(chunk, escapes, chunk.get("type")) for chunk in chunks]
    else:
        frames = [encode_event(chunk, escapes) for chunk in chunks]
        frames.append(DONE)
    if ctx.options.endless and not draft.named:
        tail = sum(1 for chunk in chunks if _ends(chunk)) + 1
        frames = frames[:-tail] or frames[:1]
    for planter in planters:
        if planter.frames is not None:
            frames = planter.frames(frames, ctx)
    return frames


def _ends(chunk: Any) -> bool:
    """Does this chunk belong to the end of a stream: a finish, or the usage?"""
    choices = (chunk.get("choices") or []) if isinstance(chunk, dict) else []
    return not choices or any(isinstance(choice, dict) and choice.get("finish_reason") for choice in choices)


def _headers(ids: Ids, content_type: str, extra: dict[str, str]) -> dict[str, str]:
    """The headers that every answer of OpenAI has (rules.md H)."""
    return {
        "content-type": content_type,
        "access-control-expose-headers": "X-Request-ID",
        "openai-organization": "user-sim",
        "openai-processing-ms": "7",
        "openai-version": "2020-10-01",
        "x-ratelimit-limit-requests": "10000",
        "x-ratelimit-limit-tokens": "2000000",
        "x-ratelimit-remaining-requests": "9999",
        "x-ratelimit-remaining-tokens": "1999990",
        "x-ratelimit-reset-requests": "6ms",
        "x-ratelimit-reset-tokens": "0s",
        "x-request-id": "req_" + ids.hex(32),
        "x-content-type-options": "nosniff",
        **extra,
    }


def _cut(reply: SimReply, ids: Ids) -> list[bytes]:
    """The same body in pieces of random length: from one byte to three events."""
    body, made, at = reply.body, [], 0
    longest = max(2, 3 * len(body) // max(len(reply.chunks), 1)) if reply.stream else max(2, len(body) // 2)
    while at < len(body):
        step = ids.random.choice((1, 2, ids.random.randint(1, longest)))
        made.append(body[at : at + step])
        at += step
    return made
