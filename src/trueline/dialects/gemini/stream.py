"""Gemini's replies to events: a chunk of a stream and a whole reply have the same form."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from msgspec import UNSET, Struct

from ...context import ReplyContext
from ...errors import RequestError
from ...events import (
    ChoiceStart,
    Event,
    Extras,
    Failure,
    Finish,
    Opaque,
    ReasoningDelta,
    ReplyStart,
    TextDelta,
    ToolFragment,
    Usage,
)
from ...wire import jsonio
from . import meaning
from .answer import ANSWER, answers_by_call
from .errors import blocked, error_of
from .grounding import citation_key, url_citations
from .partial import PartialCall, is_partial
from .sound import Sound, samples

__all__ = ["CALL_ID", "FORMAT", "GeminiReader"]

Fields: TypeAlias = dict[str, Any]

CALL_ID: Final = "call_"
"""How an id begins that was minted for a call, as Gemini most often gives none."""
FORMAT: Final = "google-gemini-v1"
"""What `reasoning_details` call Gemini's signatures."""

_CANDIDATE = frozenset(("content", "finishReason", "finishMessage", "index", "logprobsResult"))
_REPLY = frozenset(("candidates", "usageMetadata", "modelVersion", "responseId", "createTime"))


class _Candidate(Struct):
    """What a candidate has said so far."""

    texts: list[str] = []
    """What it said, by part."""
    cited: set[tuple[Any, ...]] = set()
    calls: int = 0
    finished: bool = False
    open_call: PartialCall | None = None
    sound: Sound | None = None


class GeminiReader:
    """`read(payload) -> events` for each chunk of a stream, or for a whole reply; never raises."""

    def __init__(self, context: ReplyContext, whole: bool = False) -> None:
        self._context = context
        self._count = context.request.n
        self._whole = whole
        self._answers_by_call = _answers_by_call(context)
        self._started = False
        self._candidates: dict[int, _Candidate] = {}

    def read(self, payload: Any, event: bytes | None = None) -> list[Event]:
        """`event`: the name of the server-sent event, where it had one."""
        if isinstance(payload, list):
            return [one for item in payload for one in self.read(item, event)]
        if not isinstance(payload, dict):
            return []
        error = error_of(payload)
        if error is not None:
            return [Failure(error)]
        events: list[Event] = []
        if not self._started:
            self._started = True
            events.append(_start(payload))
        given = payload.get("candidates")
        candidates = given if isinstance(given, list) else []
        for position, candidate in enumerate(candidates):
            if isinstance(candidate, dict):
                self._read_candidate(candidate, position, events)
        if not candidates and not self._ended:
            refusal = blocked(payload.get("promptFeedback"))
            if refusal is not None:
                return [Failure(refusal)]
        extras = {name: value for name, value in payload.items() if name not in _REPLY and value not in (None, {})}
        if extras:
            events.append(Opaque(Extras(reply=extras)))
        used = meaning.usage(payload.get("usageMetadata"))
        if used is not None and (self._whole or any(one.finished for one in self._candidates.values())):
            events.append(Usage(used))
        return events

    @property
    def said_nothing(self) -> bool:
        """No candidate came."""
        return not self._candidates

    @property
    def _ended(self) -> bool:
        """All that was said has been finished."""
        return bool(self._candidates) and all(one.finished for one in self._candidates.values())

    # -- one candidate ------------------------------------------------------------------------------------------------

    def _read_candidate(self, given: Fields, position: int, events: list[Event]) -> None:
        index = given.get("index")
        index = index if type(index) is int and index >= 0 else position
        if index >= self._count:
            return  # one that was not asked for
        content = given.get("content")
        parts = content.get("parts") if isinstance(content, dict) else None
        parts = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
        candidate = self._candidates.get(index)
        if candidate is None:
            candidate = self._candidates[index] = _Candidate()
            events.append(ChoiceStart(index, None if _without_text(parts) else ""))
        before = len(events)
        for part in parts:
            self._read_part(index, candidate, part, events)
        self._add_logprobs(index, given.get("logprobsResult"), events, before)
        self._add_extras(index, candidate, given, events)
        word = meaning.finish_word(given.get("finishReason"))
        if word is not None and not candidate.finished:
            self._finish(index, candidate, word, given.get("finishMessage"), events)

    def _read_part(self, index: int, candidate: _Candidate, part: Fields, events: list[Event]) -> None:
        call, text, thought = part.get("functionCall"), part.get("text"), part.get("thought") is True
        signature = part.get("thoughtSignature")
        signature = signature if isinstance(signature, str) and signature else None
        candidate.texts.append(text if isinstance(text, str) and not thought else "")
        if isinstance(call, dict):
            self._read_call(index, candidate, call, signature, events)
        elif isinstance(text, str):
            self._read_text(index, text, thought, signature, events)
        else:
            held = None if thought else part.get("inlineData")
            sound, picture = samples(held), _picture(held, signature)
            if sound is not None:
                candidate.sound = candidate.sound or Sound(self._context)
                events += candidate.sound.add(index, sound)
            elif picture is not None:
                events.append(Opaque(Extras(message={"images": [picture]}), index))
            elif part.keys() - {"thought"}:
                events.append(Opaque(Extras(message={"google_parts": [part]}), index))

    def _read_text(self, index: int, text: str, thought: bool, signature: str | None, events: list[Event]) -> None:
        extras = None
        if signature is not None:
            place = "thought" if thought else "text" if text else "end"
            detail = {"type": "reasoning.encrypted", "data": signature, "format": FORMAT, "part": place}
            extras = Extras(message={"reasoning_details": [detail]})
        if text:
            events.append((ReasoningDelta if thought else TextDelta)(index, text, extras=extras))
        elif extras is not None:
            events.append(Opaque(extras, index))

    def _read_call(
        self, index: int, candidate: _Candidate, call: Fields, signature: str | None, events: list[Event]
    ) -> None:
        """A call in one piece; the pieces of one whose arguments come in increments are put together."""
        if candidate.open_call is not None or is_partial(call):
            candidate.open_call = candidate.open_call or PartialCall()
            done = candidate.open_call.add(call, signature)
            if done is None:
                return
            candidate.open_call, (call, signature) = None, done
        identity, name, arguments = call.get("id"), call.get("name"), call.get("args")
        written = jsonio.encode(arguments if isinstance(arguments, dict) else {}).decode()
        if name == ANSWER and self._answers_by_call:
            candidate.texts[-1] = written
            self._read_text(index, written, False, signature, events)
            return
        extra = None
        if signature is not None:
            extra = {"extra_content": {"google": {"thought_signature": signature}}}
        candidate.calls += 1
        events.append(
            ToolFragment(
                index,
                id=identity if isinstance(identity, str) and identity else CALL_ID + self._context.mint.token(24),
                name=name,
                kind="function",
                arguments=written,
                whole=True,
                call_extras=extra,
            )
        )

    def _add_logprobs(self, index: int, given: Any, events: list[Event], before: int) -> None:
        found = meaning.logprobs(given) if given and self._context.request.logprobs else None
        if found is None:
            return
        text = next((one for one in events[before:] if type(one) is TextDelta), None)
        if text is not None:
            text.logprobs = found
        else:
            events.append(Opaque(Extras(), index, found))

    def _add_extras(self, index: int, candidate: _Candidate, given: Fields, events: list[Event]) -> None:
        """Citations as OpenAI has them, and what OpenAI has no place for under its own name."""
        extras = {name: value for name, value in given.items() if name not in _CANDIDATE and value not in (None, {})}
        grounding, citations = given.get("groundingMetadata"), given.get("citationMetadata")
        if grounding or citations:
            texts = candidate.texts if self._whole else ["".join(candidate.texts)]
            found = url_citations(grounding, citations, texts)
            cited = [
                one for one in found if citation_key(one) not in candidate.cited
            ]  # a stream may say again where it is from
            candidate.cited.update(map(citation_key, cited))
            if cited:
                events.append(Opaque(Extras(message={"annotations": cited}), index))
        if extras:
            events.append(Opaque(Extras(choice=extras), index))

    def _finish(self, index: int, candidate: _Candidate, word: str, why: Any, events: list[Event]) -> None:
        candidate.finished = True
        if candidate.sound is not None:
            events += candidate.sound.end(index)
        if candidate.open_call is not None:
            word = "MALFORMED_FUNCTION_CALL" if meaning.plain_finish(word) else word  # it was cut
        extras = None
        if not meaning.plain_finish(word):
            extras = Extras(choice={"native_finish_reason": word})
            if isinstance(why, str) and why and extras.choice is not None:
                extras.choice["native_finish_message"] = why
        reason = meaning.finish(word, candidate.calls > 0, any(map(str.strip, candidate.texts)))
        events.append(Finish(index, reason, extras=extras))


def _answers_by_call(context: ReplyContext) -> bool:
    body = context.request.body
    if "response_format" not in body:
        return False
    try:
        return answers_by_call(body, context.route.model or context.request.model or "") is not None
    except RequestError:
        return False  # nobody asked Gemini that


def _start(payload: Fields) -> ReplyStart:
    start = ReplyStart()
    for name, value in (("id", payload.get("responseId")), ("model", payload.get("modelVersion"))):
        if isinstance(value, str) and value:
            setattr(start, name, value)
    moment = meaning.created(payload.get("createTime"))
    start.created = UNSET if moment is None else moment
    tier = meaning.service_tier(payload.get("usageMetadata"))
    start.service_tier = UNSET if tier is None else tier
    return start


def _without_text(parts: list[Fields]) -> bool:
    """Whether a candidate begins with calls or sound and says nothing beside them."""
    return any(
        isinstance(part.get("functionCall"), dict) or samples(part.get("inlineData")) for part in parts
    ) and not any(
        isinstance(part.get("text"), str) and part["text"] and part.get("thought") is not True for part in parts
    )


def _picture(data: Any, signature: str | None) -> Fields | None:
    """A generated picture as OpenRouter has it in `images`."""
    kind, content = (data.get("mimeType"), data.get("data")) if isinstance(data, dict) else (None, None)
    if not isinstance(kind, str) or not kind.startswith("image/") or not isinstance(content, str):
        return None
    picture: Fields = {"type": "image_url", "image_url": {"url": f"data:{kind};base64,{content}"}}
    if signature is not None:
        picture["extra_content"] = {"google": {"thought_signature": signature}}
    return picture
