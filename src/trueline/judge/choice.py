"""One choice of a chat stream, from its role to its finish (rules.md C4 to C7, C10)."""

from __future__ import annotations

from typing import Any

from .answer import Answer, judge_answer, judge_finish
from .calls import Calls
from .chat import OMITS_LOGPROBS, Json
from .findings import Docket
from .logprobs import judge_logprobs
from .pieces import Pieces
from .reasoning import judge_reasoning, reasoning_of
from .schema import ABSENT

__all__ = ["Choice"]

_SAYS = ("content", "refusal", "tool_calls", "audio", "function_call", "annotations")
_NO_FINISH = (None, "", "null", "None", "none", "undefined")
"""What stands for no finish; the words among them are noted with the schema."""
_ORDER = ("index", "delta", "logprobs", "finish_reason")
_REPEATED = 8
"""Characters below which text that comes again is taken for speech: "ha", "haha"."""
_SINGLE = 16
"""So many chunks of one character each are no tokens, unless the script is one of signs."""


class Choice:
    """The state of one choice, and the judgement of its deltas."""

    def __init__(self, docket: Docket, request: Json, index: Any) -> None:
        self._docket = docket
        self._request = request
        self._calls = Calls(docket)
        self._answer = Answer(f"choice {index}")
        self._content, self._reasoning, self._refusal = Pieces(), Pieces(), Pieces()
        self.begun = 0
        """How many times it began: deltas with a role that open it."""
        self.finishes = 0
        self._is_first = True
        self._first_null = ""
        self._running = 0  # deltas in a row that each begin with all of the text
        self._pieces = 0
        self._singles = 0

    @property
    def calling(self) -> bool:
        return self._calls.seen

    def see(self, choice: Json, where: str, model: str) -> None:
        """Take this choice's part of a chunk."""
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            delta = choice["message"] if isinstance(choice.get("message"), dict) else {}
            if not delta and choice.get("finish_reason") in _NO_FINISH:
                return
        finish = choice.get("finish_reason")
        if finish in _NO_FINISH:
            finish = None
        if self.finishes:
            self._after_finish(delta, finish, where)
        self._keys(choice, delta, where, model)
        if delta.get("role") and (self._is_first or delta.get("content") == ""):
            self.begun += 1
        if self._is_first:
            self._begin(delta, where)
        else:
            self._go_on(delta, finish, where)
        self._is_first = False
        self._lists(delta, where)
        self._logprobs(choice, delta, finish, where)
        self._say(delta, finish, where)
        if finish is not None:
            self._finish(choice, delta, finish, where)

    def _keys(self, choice: Json, delta: Json, where: str, model: str) -> None:
        """The fields of the choice itself."""
        if [name for name in choice if name in _ORDER] != [name for name in _ORDER if name in choice]:
            self._docket.note("choice-key-order", where, list(choice))
        audio = delta.get("audio")
        if isinstance(audio, dict) and set(audio) == {"expires_at"}:
            return  # the last chunk of audio has neither key (C11)
        if "finish_reason" not in choice and "finishReason" not in choice and "finish_details" not in choice:
            self._docket.note("finish-key-absent", where, list(choice))
        elif "finish_reason" not in choice:
            self._docket.note("finish-camel-or-details", where, list(choice), level="must")
        if "logprobs" not in choice and not OMITS_LOGPROBS.match(model):
            self._docket.note("logprobs-missing-key", where, list(choice))

    def _begin(self, delta: Json, where: str) -> None:
        note, spot = self._docket.note, f"{where}.delta"
        role = delta.get("role", ABSENT)
        if role is ABSENT:
            note("role-missing-first", spot, delta)
        elif role != "assistant":
            note("role-foreign" if role else "role-null-or-empty", f"{spot}.role", role, level="must")
        content = delta.get("content", ABSENT)
        if content is ABSENT:
            note("first-content-missing", spot, delta)
        elif isinstance(content, str) and content:
            mixed = bool(delta.get("tool_calls"))
            note("content-and-tool-same-delta" if mixed else "first-content-text", spot, delta)
        elif content == "" and delta.get("refusal", 0) is not None:
            note("first-refusal-missing", spot, delta)
        elif content is None and not delta.get("tool_calls") and "function_call" not in delta:
            self._first_null = spot if delta.get("refusal") is None else ""

    def _go_on(self, delta: Json, finish: Any, where: str) -> None:
        note, spot = self._docket.note, f"{where}.delta"
        if "role" in delta:
            role = delta["role"]
            key = "role-null-or-empty" if not role else "role-repeated" if role == "assistant" else "role-foreign"
            note(key, f"{spot}.role", role, level="exact")
        says = [name for name in _SAYS if name in delta and delta[name] not in (None, [])]
        if len(says) > 1:
            both = delta.get("content") and delta.get("tool_calls")
            note("content-and-tool-same-delta" if both else "delta-mixed", spot, delta)
        silent = not any(value for name, value in delta.items() if name != "role")
        if silent and finish is None and not self.finishes:
            note("empty-deltas", spot, delta)
        elif "content" in delta and delta["content"] in ("", None) and not self.finishes:
            note("empty-deltas", f"{spot}.content", delta, what="`content` of a delta in the middle is empty or null")

    def _lists(self, delta: Json, where: str) -> None:
        for name, value in delta.items():
            if name == "tool_calls" or not isinstance(value, list):
                continue
            if any(isinstance(item, dict) and not isinstance(item.get("index"), int) for item in value):
                self._docket.note("list-in-delta-no-index", f"{where}.delta.{name}", value)

    def _logprobs(self, choice: Json, delta: Json, finish: Any, where: str) -> None:
        judge_logprobs(self._docket, self._request, choice, f"{where}.logprobs")
        asked = bool(self._request.get("logprobs"))
        if asked and finish is None and delta.get("content") and choice.get("logprobs") is None:
            self._docket.note("logprobs-asked", f"{where}.logprobs", choice.get("logprobs"))

    def _say(self, delta: Json, finish: Any, where: str) -> None:
        answer = self._answer
        self._repeats(delta.get("content"), finish, f"{where}.delta.content")
        if isinstance(delta.get("refusal"), str):
            self._refusal.add(delta["refusal"])
        if "tool_calls" in delta:
            self._calls.see(delta["tool_calls"], f"{where}.delta.tool_calls")
        if delta.get("function_call"):
            answer.function_call = True
        elif "function_call" in delta:
            self._docket.note("tool-calls-null", f"{where}.delta.function_call", None)
        judge_reasoning(self._docket, delta, f"{where}.delta")
        self._reasoning.add(reasoning_of(delta))

    def _repeats(self, content: Any, finish: Any, where: str) -> None:
        """Add the text of a delta; text that says again what was said is noted, and counts once."""
        if not isinstance(content, str) or not content:
            return
        size = self._content.size
        self._pieces += 1
        self._singles += len(content) == 1
        if finish is not None and len(content) >= _REPEATED and len(content) == size and content == str(self._content):
            self._docket.note("final-full-repeat", where, content)
            return
        longer = len(content) > size > 0 and content.startswith(str(self._content))
        self._running = self._running + 1 if longer else 0
        if self._running > 1 and len(content) >= _REPEATED:
            self._docket.note("content-cumulative", where, content)
        if longer:
            self._content = Pieces(content)
        else:
            self._content.add(content)

    def _finish(self, choice: Json, delta: Json, finish: Any, where: str) -> None:
        self.finishes += 1
        if self.finishes == 1 and any(value for name, value in delta.items() if name != "role"):
            self._docket.note("finish-with-content", f"{where}.delta", delta)
        elif self.finishes == 1 and delta.keys() & {"content", "refusal"}:
            self._docket.note("empty-deltas", f"{where}.delta", delta, what="the delta of the finish chunk is not {}")
        if finish == "sensitive":
            self._docket.note("err-moderation-200", f"{where}.finish_reason", finish)
        self._answer.finish = finish
        judge_finish(self._docket, self._request, self._called(), f"{where}.finish_reason")

    def _called(self) -> Answer:
        """The answer, with a call where one came that nobody can read."""
        answer = self._answer
        return Answer(answer.where, function_call=answer.function_call, finish=answer.finish, custom=self._calls.seen)

    def _after_finish(self, delta: Json, finish: Any, where: str) -> None:
        says = any(value for name, value in delta.items() if name != "role")
        if finish:
            self._docket.note("finish-twice", where, finish)
        elif says:
            self._docket.note("content-after-finish", f"{where}.delta", delta)
        else:
            self._docket.note("chunk-after-finish", f"{where}.delta", delta)

    def close(self, completion_tokens: Any) -> None:
        """The stream has ended: judge the choice as a whole."""
        answer = self._answer
        answer.content, answer.reasoning = str(self._content), str(self._reasoning)
        answer.refusal = str(self._refusal)
        answer.calls = self._calls.calls()
        self._calls.close()
        if self._first_null and answer.content:
            self._docket.note("content-null-first-delta", self._first_null)
        if self._singles == self._pieces >= _SINGLE and sum(map(str.isascii, answer.content)) > self._pieces / 2:
            self._docket.note("one-char-chunks", answer.where, answer.content)
        judge_answer(self._docket, self._request, answer, completion_tokens)
