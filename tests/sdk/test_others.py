"""Models, and what passes through: embeddings, completions, paths that Trueline knows nothing of."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from sdk.world import SECONDS, World, sim
from trueline.faults import FAULTS

LISTS = sorted(f.id for f in FAULTS.values() if f.where == ("models",) and f.action == "mends")


@pytest.fixture(params=[None, *LISTS])
def models(request: pytest.FixtureRequest, client: openai.OpenAI, direct: openai.OpenAI) -> tuple[Any, Any]:
    """The list as it should be, and as it comes from a server with a fault."""
    faults = [request.param] if request.param else []
    wanted = list(direct.models.list())
    return wanted, list(client.models.list(extra_headers={"x-sim": json.dumps({"faults": faults})}))


def test_models(models: tuple[Any, Any]) -> None:
    wanted, listed = models

    assert [model.id for model in listed] == [model.id for model in wanted]
    assert all(model.object == "model" and isinstance(model.created, int) and model.owned_by for model in listed)


async def test_models_async(world: World) -> None:
    async with openai.AsyncOpenAI(base_url=world.url, api_key="sk-test", max_retries=0, timeout=SECONDS) as sdk:
        assert "gpt-4o" in [model.id async for model in sdk.models.list()]
        assert (await sdk.models.retrieve("gpt-4o")).id == "gpt-4o"


def test_a_model_whose_name_has_a_slash(client: openai.OpenAI) -> None:
    assert client.models.retrieve("org/model:latest").id == "org/model:latest"


def test_embeddings(client: openai.OpenAI, direct: openai.OpenAI) -> None:
    """The SDK asks for base64 by itself and decodes it."""
    request: Any = {"model": "text-embedding-3-small", "input": ["one", "two"], "extra_body": sim()}

    assert client.embeddings.create(**request).data == direct.embeddings.create(**request).data
    assert client.embeddings.create(**request, encoding_format="float").data[0].embedding


def test_completions(client: openai.OpenAI) -> None:
    request: Any = {"model": "gpt-3.5-turbo-instruct", "prompt": "echo: old and good", "extra_body": sim()}
    whole = client.completions.create(**request)
    streamed = client.completions.create(**request, stream=True)

    assert whole.choices[0].text == "old and good"
    assert "".join(chunk.choices[0].text for chunk in streamed if chunk.choices) == "old and good"


def test_an_unknown_path_is_the_servers_to_answer(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="Invalid URL"):
        client.moderations.create(input="tea")
