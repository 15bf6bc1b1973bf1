"""What a program hears through OpenAI's SDK: the same facts of a whole reply, of a stream folded by the SDK's helper,
and of a stream folded by hand the way programs do it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import openai

__all__ = ["Call", "Heard", "Said", "fold", "hear_helper", "hear_helper_async", "hear_stream", "hear_whole"]


@dataclass
class Call:
    """One tool call."""

    id: str
    name: str
    arguments: str


@dataclass
class Said:
    """One choice."""

    content: str | None = None
    refusal: str | None = None
    calls: list[Call] = field(default_factory=list)
    function: tuple[str, str] | None = None
    finish: str | None = None

    def settle(self) -> Said:
        """No text is None or empty, as servers like it, where something else was said."""
        if self.calls or self.function or self.refusal:
            self.content = self.content or None
        return self


@dataclass
class Heard:
    """One reply: its choices, and the tokens as (prompt, completion, total)."""

    choices: list[Said]
    usage: tuple[int, int, int] | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """By kind, for comparisons that leave a kind out."""
        return {
            "content": [said.content for said in self.choices],
            "refusal": [said.refusal for said in self.choices],
            "calls": [[(call.name, call.arguments) for call in said.calls] for said in self.choices],
            "ids": [[call.id for call in said.calls] for said in self.choices],
            "function": [said.function for said in self.choices],
            "finish": [said.finish for said in self.choices],
            "usage": self.usage,
        }


def hear_whole(client: openai.OpenAI, request: dict[str, Any], **more: Any) -> Heard:
    """A whole reply."""
    return _of_completion(client.chat.completions.create(**_whole(request), **more))


def hear_stream(client: openai.OpenAI, request: dict[str, Any], **more: Any) -> Heard:
    """A stream, folded by hand."""
    with client.chat.completions.create(**_streamed(request), stream=True, **more) as stream:
        return fold(stream)


def hear_helper(client: openai.OpenAI, request: dict[str, Any], **more: Any) -> Heard:
    """A stream, folded by the SDK."""
    with client.chat.completions.stream(**_streamed(request), **more) as stream:
        return _of_completion(stream.get_final_completion())


async def hear_helper_async(client: openai.AsyncOpenAI, request: dict[str, Any], **more: Any) -> Heard:
    """A stream, folded by the SDK's async client."""
    async with client.chat.completions.stream(**_streamed(request), **more) as stream:
        return _of_completion(await stream.get_final_completion())


def _whole(request: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in request.items() if name not in ("stream", "stream_options")}


def _streamed(request: dict[str, Any]) -> dict[str, Any]:
    return {"stream_options": {"include_usage": True}, **_whole(request)}


def fold(chunks: Iterable[Any]) -> Heard:
    """The facts of the chunks of a stream, put together with no more care than a tutorial takes."""
    choices: dict[int, Said] = {}
    usage = None
    for chunk in chunks:
        usage = _usage(chunk.usage) or usage
        for choice in chunk.choices:
            said = choices.setdefault(choice.index, Said())
            _add(said, choice.delta)
            said.finish = choice.finish_reason or said.finish
    return Heard([choices[index].settle() for index in sorted(choices)], usage)


def _add(said: Said, delta: Any) -> None:
    if delta.content is not None:
        said.content = (said.content or "") + delta.content
    if delta.refusal is not None:
        said.refusal = (said.refusal or "") + delta.refusal
    if delta.function_call is not None:
        name, arguments = said.function or ("", "")
        called = delta.function_call
        said.function = (name + (called.name or ""), arguments + (called.arguments or ""))
    for fragment in delta.tool_calls or ():
        if fragment.index == len(said.calls):
            said.calls.append(Call(fragment.id, fragment.function.name, ""))
        said.calls[fragment.index].arguments += fragment.function.arguments or ""


def _of_completion(completion: Any) -> Heard:
    """The facts of a `ChatCompletion`, whole or as the helper of streams gives it."""
    return Heard([_of_choice(choice) for choice in completion.choices], _usage(completion.usage))


def _of_choice(choice: Any) -> Said:
    message = choice.message
    called = message.function_call
    return Said(
        message.content,
        message.refusal,
        [Call(call.id, call.function.name, call.function.arguments) for call in message.tool_calls or ()],
        (called.name, called.arguments) if called else None,
        choice.finish_reason,
    ).settle()


def _usage(usage: Any) -> tuple[int, int, int] | None:
    return (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) if usage else None
