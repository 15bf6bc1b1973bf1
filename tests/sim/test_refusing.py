"""What the model server can be told not to take."""

from __future__ import annotations

from typing import Any

import pytest

from trueline.sim.options import REFUSALS, OptionError, SimOptions, checked
from trueline.sim.render import render_chat

HELLO = [{"role": "user", "content": "hello"}]
HOLDS: dict[str, dict[str, Any]] = {
    "stream_options": {"stream": True, "stream_options": {"include_usage": True}},
    "n": {"n": 2},
    "max_tokens": {"max_tokens": 5},
    "max_completion_tokens": {"max_completion_tokens": 5},
    "developer": {"messages": [{"role": "developer", "content": "be brief"}, *HELLO]},
    "functions": {"functions": [{"name": "look", "parameters": {"type": "object"}}]},
    "parts": {"messages": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}]},
    "seed": {"seed": 1},
}


def test_all_are_tried() -> None:
    assert set(HOLDS) == set(REFUSALS)


@pytest.mark.parametrize("name", REFUSALS)
def test_a_request_is_refused_for_what_it_holds_and_for_nothing_else(name: str) -> None:
    options = SimOptions(refuses=(name,))
    for held, fields in HOLDS.items():
        reply = render_chat({"model": "gpt-4o", "messages": HELLO, **fields}, options=options)

        assert (reply.status >= 400) == (held == name), held


def test_a_name_that_does_not_exist() -> None:
    with pytest.raises(OptionError, match="Did you mean 'seed'"):
        checked(SimOptions(refuses=("sed",)))
