"""One pair of servers for the folder, and the SDK's clients for each."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest

from sdk.world import SECONDS, World, running_world


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    with running_world() as made:
        yield made


@pytest.fixture(scope="session")
def client(world: World) -> Iterator[openai.OpenAI]:
    """OpenAI's client of Trueline."""
    with openai.OpenAI(base_url=world.url, api_key="sk-test", max_retries=0, timeout=SECONDS) as made:
        yield made


@pytest.fixture(scope="session")
def direct(world: World) -> Iterator[openai.OpenAI]:
    """OpenAI's client of the model server: what a clean answer is."""
    with openai.OpenAI(base_url=world.direct, api_key="sk-test", max_retries=0, timeout=SECONDS) as made:
        yield made
