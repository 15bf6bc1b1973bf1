"""What the table of clients says of openai-python, tried with it; and that the table speaks of known faults only."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import openai
import pytest

from trueline.check.clients import TABLE
from trueline.faults import FAULTS
from trueline.sim import PLANTERS, SimOptions, SimServer, example_request
from trueline.sim.examples import NEEDS

pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")

MODES = ("stream", "helper", "whole")
VARIANTS = 3
"""Forms of a fault that are tried; one in which the client stumbles is enough."""
FEW_TOOLS = ("tool-",)


class Outcome(NamedTuple):
    """What the client made of one reply."""

    error: Exception | None = None
    chunks: int = 0
    finish: str | None = None
    reply: Any = None

    @property
    def role(self) -> str | None:
        return self.reply.choices[0].message.role if self.reply is not None else None

    @property
    def call(self) -> Any:
        calls = self.reply.choices[0].message.tool_calls if self.reply is not None else None
        return calls[0] if calls else None


Seen = dict[str, Outcome]


def twice(text: str | None) -> bool:
    """Is it one text, several times?"""
    said = text or ""
    return any(said == said[:size] * (len(said) // size) for size in range(1, len(said) // 2 + 1))


def joined(seen: Seen) -> bool:
    helper = seen["helper"]
    call = helper.call
    return twice(helper.role) or (call is not None and (twice(call.id) or twice(call.function.name)))


CLAIMS: dict[str, Callable[[Seen], bool]] = {
    "joins repeated text": joined,
    "stops where a choice": lambda seen: isinstance(seen["helper"].error, (TypeError, IndexError, RuntimeError)),
    "stops at a chunk without choices": lambda seen: isinstance(seen["helper"].error, (TypeError, AttributeError)),
    "JSONDecodeError": lambda seen: isinstance(seen["stream"].error, json.JSONDecodeError),
    "another form of `[DONE]`": lambda seen: isinstance(seen["stream"].error, AttributeError),
    "no chunk at all": lambda seen: seen["stream"].chunks == 0 and seen["stream"].error is None,
    "loses the first chunk": lambda seen: seen["helper"].error is None and seen["helper"].role is None,
    "as if it were all": lambda seen: seen["stream"] == (None, seen["stream"].chunks, None, None),
    "reports success": lambda seen: seen["stream"] == (None, seen["stream"].chunks, None, None),
    "loses the message": lambda seen: str(seen["whole"].error) == "Error code: 400",
    "`choices` is None": lambda seen: seen["whole"].error is None and seen["whole"].reply.choices is None,
}
"""Words of what is said -> whether it is so."""

SAID = [(fault, what) for client, what, faults in TABLE if client == "openai-python" for fault in faults.split()]


async def ask(client: openai.AsyncOpenAI, mode: str, request: dict[str, Any]) -> Outcome:
    """One request, in one of the ways in which programs ask."""
    chunks, finish = 0, None
    try:
        if mode == "whole":
            return Outcome(reply=await client.chat.completions.create(**request))
        if mode == "helper":
            async with client.chat.completions.stream(**request) as events:
                async for _ in events:
                    chunks += 1
                return Outcome(None, chunks, None, await events.get_final_completion())
        async for chunk in await client.chat.completions.create(stream=True, **request):
            chunks += 1
            for choice in chunk.choices or ():
                finish = finish or choice.finish_reason
    except Exception as error:
        return Outcome(error, chunks)
    return Outcome(None, chunks, finish)


async def see(fault: str, variant: int) -> Seen:
    """What becomes of a reply with the fault."""
    _, request = example_request(fault)
    request = {name: value for name, value in (request or {}).items() if name not in ("stream", "stream_options")}
    if fault.startswith(FEW_TOOLS):
        request |= NEEDS["two_tools"]
    async with (
        SimServer(SimOptions(faults=(fault,), variant=variant)) as sim,
        openai.AsyncOpenAI(base_url=sim.url, api_key="sk-sim", max_retries=0) as client,
    ):
        return {mode: await ask(client, mode, request) for mode in MODES}


@pytest.mark.parametrize(("fault", "what"), SAID)
async def test_what_is_said_of_openai_python(fault: str, what: str) -> None:
    (claim,) = [holds for words, holds in CLAIMS.items() if words in what]
    seen = [await see(fault, variant) for variant in range(VARIANTS)]

    assert any(map(claim, seen)), seen


@pytest.mark.parametrize("fault", ["tool-id-empty-later", "tool-name-empty-later", "done-no-blank-line", "sse-comment"])
async def test_what_openai_python_puts_up_with(fault: str) -> None:
    """It was said otherwise; with the version here it is so."""
    for variant in range(VARIANTS):
        helper = (await see(fault, variant))["helper"]
        assert helper.error is None
        assert not joined({"helper": helper})


def test_the_table_speaks_of_known_faults() -> None:
    said = {fault for _, _, faults in TABLE for fault in faults.split()}

    assert said <= set(FAULTS)
    assert {fault for fault, _ in SAID} <= set(PLANTERS)
    assert len(TABLE) == len({(client, what) for client, what, _ in TABLE})
