"""How often an upstream is asked for one reply, and in which form.

Once, nearly always.  Once more where it refused a parameter that has another form; for each choice that it did not
give of `n`; and for an answer that is not what was asked for, where the settings say so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from ..context import Enforce
from ..dialects.openai_chat.refusals import Lesson, lesson_in
from ..dialects.openai_chat.request import Outgoing, outgoing
from ..errors import RequestError, TruelineError, UpstreamError, UpstreamReplyError
from ..messages import MAX_N, ChatRequest, CompletionRequest, EmbeddingRequest
from ..pipeline import Pipeline
from ..pipeline.several import Part, Places, Several
from ..providers import UNKNOWN, Capabilities
from ..wire import jsonio
from .awaited import AwaitedExchange
from .learned import Learned
from .routes import Choice
from .translated import Translator
from .upstream import Response, UpstreamClient
from .work import work_off

__all__ = ["AT_ONCE", "Asker", "asks_more", "lesson_of", "tailored"]

AT_ONCE = 16
"""Choices that are asked for at the same time; others wait for their turn."""

_CHECKED = ("response_format", "tool_choice", "tools")
"""What an answer can fail to keep to, so that it is asked for again."""


def tailored(request: Any, model: str | None, known: Capabilities) -> Outgoing:
    """The request as the upstream takes it.  Raises RequestError."""
    if known is UNKNOWN or not isinstance(request, (ChatRequest, CompletionRequest, EmbeddingRequest)):
        return Outgoing(request.with_model(model))
    return outgoing(request, model, known)


def asks_more(request: Any, gives_all: bool | None, enforce: Enforce) -> bool:
    """Whether the upstream may have to be asked several times for the reply; `gives_all`: see `Learned`."""
    if not isinstance(request, (ChatRequest, CompletionRequest)):
        return False
    if _wanted(request) > 1 and enforce.n != "off":
        return enforce.n == "on" or not gives_all
    return enforce.on_invalid == "retry" and not request.stream and any(map(request.body.get, _CHECKED))


def lesson_of(
    error: TruelineError, raw: bytes, request: Any, choice: Choice, known: Capabilities, enforce: Enforce
) -> Lesson | None:
    """What the refusal of a request teaches, if asking in another form is of use; `raw`: the request as it came."""
    if not isinstance(error, UpstreamReplyError) or not isinstance(request, (ChatRequest, CompletionRequest)):
        return None
    again = _again(request, raw)
    sent = tailored(again, choice.model, known).body
    members = jsonio.decode(sent)
    lesson = lesson_in(error, members if isinstance(members, dict) else {})
    if lesson is None or lesson.field == "n":
        return lesson if lesson is not None and enforce.n != "off" else None
    try:
        changed = tailored(again, choice.model, _with(known, lesson)).body != sent
    except RequestError:
        return None
    return lesson if changed else None


def _with(known: Capabilities, lesson: Lesson) -> Capabilities:
    return msgspec.structs.replace(known, **{lesson.field: lesson.value})


def _again(request: Any, raw: bytes) -> Any:
    """The request as it came, whatever was let go of."""
    return type(request)(jsonio.decode_strict(raw), raw)


class _OneChoice(Exception):
    """The upstream refuses to give several choices."""


class _Broken(Exception):
    """The reply has ended in an error event: what still comes is of no use."""


class Asker:
    """Asks the upstream of one exchange, and has its reply sent but for the last bytes."""

    def __init__(
        self,
        exchange: AwaitedExchange,
        upstream: UpstreamClient,
        choice: Choice,
        learned: Learned,
        make: Callable[[Any], Pipeline],
        path: str,
        kind: bytes,
        translator: Translator | None = None,
    ) -> None:
        self._exchange = exchange
        self._upstream = upstream
        self._choice = choice
        self._learned = learned
        self._make = make
        self._path = path
        self._kind = kind
        self._model = exchange.model
        self._enforce = exchange.options.enforce
        tried = exchange.client.tried
        self._tried = {tried} if tried is not None else set()
        """What was learned from this request: each of it once."""
        self._translator = translator
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._writing = asyncio.Lock()

    @property
    def _known(self) -> Capabilities:
        return self._learned.of(self._choice, self._model)

    async def reply(self, request: Any) -> bytes:
        """The reply's last bytes, for `AwaitedExchange.finish`.  Raises what the exchange fails with."""
        gives_all = self._learned.gives_all(self._choice, request)
        if asks_more(request, gives_all, self._enforce):
            apart = _wanted(request) > 1 and (self._enforce.n == "on" or gives_all is False)
            return await self._several(request, apart=apart)
        raw = request.raw
        try:
            response, request = await self._ask(request)
        except _OneChoice:
            return await self._several(_again(request, raw), apart=True)
        return await self._exchange.run(self._make(request), response)

    # -- one call -----------------------------------------------------------------------------------------------------

    async def _ask(self, request: Any) -> tuple[Response, Any]:
        """Send the request, in another form if the first one is refused for its form.

        The response, which is no error, and the request whose reply it is.
        """
        if self._translator is not None:
            return await self._translated(self._translator, request), request
        exchange, choice = self._exchange, self._choice
        raw = request.raw
        tried = set(self._tried)
        while True:
            known = self._known
            sent = tailored(request, choice.model, known)
            exchange.changed(sent.changes)
            request.let_go(self._learned.may_count(choice, request))
            response = await exchange.call(
                self._upstream, choice, "POST", self._path, sent.body, content_type=self._kind
            )
            try:
                await exchange.refuse_error(response, choice.backend)
            except TruelineError as error:
                lesson = lesson_of(error, raw, request, choice, known, self._enforce)
                if lesson is None or lesson.field in tried:
                    for field in tried:
                        self._learned.forget(choice, self._model, field)
                    raise
                self._learned.add(choice, self._model, lesson)
                if lesson.field == "n":
                    raise _OneChoice from None
                tried.add(lesson.field)
                request = _again(request, raw)
            else:
                return response, request

    async def _translated(self, translator: Translator, request: Any) -> Response:
        """The reply of an upstream that speaks an API of its own, which may have no word for several choices."""
        try:
            return await translator.ask(request)
        except RequestError as error:
            if error.param != "n" or error.code != "unsupported_parameter" or self._enforce.n == "off":
                raise
            self._learned.add(self._choice, self._model, Lesson("n", False))
            raise _OneChoice from None

    # -- several ------------------------------------------------------------------------------------------------------

    async def _several(self, request: Any, *, apart: bool) -> bytes:
        """Ask for each choice by itself from the start (`apart`), or for those that did not come."""
        exchange, raw = self._exchange, request.raw
        count = _wanted(request)
        prompts = request.n // count
        whole = exchange.pipe = Several(stream=request.stream)
        exchange.faults = whole.faults
        try:
            if not apart:
                try:
                    await self._part(whole, request, Places(most=request.n))
                except _OneChoice:
                    apart = True
                    exchange.error = None
            if apart:
                places = [Places(shift, count, prompts) for shift in range(count)]
            elif count > 1 and prompts == 1:
                places = [Places(shift) for shift in whole.missing(count)]
                self._learned.gave(self._choice.backend.name, self._model, request.stream, not places)
            else:
                places = []
            if places:
                whole.share(place.shift for place in places)
                exchange.changed((_APART,))
                await self._parts(whole, _single(_again(request, raw)), places)
        except _Broken:
            pass
        return whole.finish()

    async def _parts(self, whole: Several, request: Any, places: Iterable[Places]) -> None:
        """Ask once for each of the places; one that fails takes the others with it."""
        raw = request.raw

        async def one(place: Places) -> None:
            async with self._turn:
                await self._part(whole, _varied(_again(request, raw), place.shift), place)

        try:
            async with asyncio.TaskGroup() as group:
                for place in places:
                    group.create_task(one(place))
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None

    async def _part(self, whole: Several, request: Any, places: Places) -> None:
        """Ask once, and again for an answer that is not what was asked for."""
        raw, left = request.raw, self._enforce.retries if self._enforce.on_invalid == "retry" else 0
        while True:
            response, request = await self._ask(request)
            whole.secrets = self._exchange.secrets
            pipe = self._make(request)
            pipe.defer()
            part = whole.part(pipe, places)
            try:
                await self._pump(part, response)
            finally:
                part.collect()
                response.close()
            if part.error is None:
                return
            if left == 0 or whole.stream or not getattr(part.error, "retryable", False):
                raise part.error
            left -= 1
            part.fail()
            self._exchange.changed((_AGAIN,))
            request = _varied(_again(request, raw), MAX_N * (self._enforce.retries - left))

    async def _pump(self, part: Part, response: Response) -> None:
        exchange = self._exchange
        cut: UpstreamError | None = None
        first = True
        try:
            while not part.done:
                with exchange.waiting():
                    data = await response.read()
                if not data:
                    break
                exchange.received += len(data)
                if first:
                    exchange.note_content_type(data)
                    first = False
                await self._give(part, part.feed(data))
                exchange.keep_examples(data, part.faults)
        except UpstreamError as error:
            exchange.error = cut = error
        for fault in response.faults:
            exchange.note(fault)
        if cut is None and part.done and part.error is None and not part.left:
            response.finish()
        await self._give(part, part.close(cut))

    async def _give(self, part: Part, out: bytes) -> None:
        """Send what a part gave; one event at a time, though many parts give some."""
        while part.owed is not None:
            await work_off(part.owed)
            out += part.settle()
        if out:
            async with self._writing:
                await self._exchange.stream(out)
        if part.broken:
            raise _Broken


_APART = "n asked apart"
_AGAIN = "asked again"


def _wanted(request: Any) -> int:
    """The choices that are asked for of each prompt."""
    wanted: int = request.body.get("n") or 1
    return wanted


def _varied(request: Any, by: int) -> Any:
    """The request with another seed, where it has one: the same seed would give the same answer."""
    seed = request.body.get("seed")
    return _again(request, request.with_members({"seed": seed + by})) if by and type(seed) is int else request


def _single(request: Any) -> Any:
    """The request for one choice."""
    changes: dict[str, Any] = {"n": jsonio.GONE}
    if "best_of" in request.body and request.body["best_of"] == request.body.get("n"):
        changes["best_of"] = jsonio.GONE
    return _again(request, request.with_members(changes))
