"""Pictures through Trueline with OpenAI's SDK: each form that a client may ask for, whatever form the server gives."""

from __future__ import annotations

import base64
from typing import Any

import openai
import pytest

from sdk.world import SECONDS, World, sim
from trueline.faults import FAULTS
from trueline.sim import PLANTERS

PNG = b"\x89PNG\r\n\x1a\n"
PROMPT = "a teapot"
MENDED = sorted(
    fault.id
    for fault in FAULTS.values()
    if fault.action == "mends" and "images" in fault.where and "images" in getattr(PLANTERS.get(fault.id), "on", ())
    and not PLANTERS[fault.id].spoils
)  # fmt: skip
# Servers that answer with the address of a picture on a machine that nobody else can reach.
UNREACHABLE = {"img-embedding-shape"}
# Servers that answer with one picture, or withhold one, whatever was asked for.
FEWER = {"img-binary-body": 1, "img-partial-n": 1, "img-single-field": 1}


def picture(image: Any) -> bytes:
    """The picture of a reply, if it is one and comes in base64."""
    assert image.url is None
    data = base64.b64decode(image.b64_json, validate=True)
    assert data.startswith(PNG)
    return data


def test_url(client: openai.OpenAI) -> None:
    reply = client.images.generate(model="dall-e-2", prompt=PROMPT, n=2, extra_body=sim())

    assert reply.data and [image.b64_json for image in reply.data] == [None, None]
    assert len({image.url for image in reply.data}) == 2
    assert all(image.revised_prompt is None for image in reply.data)
    assert isinstance(reply.created, int)


def test_base64(client: openai.OpenAI) -> None:
    reply = client.images.generate(model="dall-e-3", prompt=PROMPT, response_format="b64_json", extra_body=sim())

    assert reply.data and picture(reply.data[0])
    assert reply.data[0].revised_prompt == "A picture of: a teapot"


async def test_gpt_image_async(world: World) -> None:
    async with openai.AsyncOpenAI(base_url=world.url, api_key="sk-test", max_retries=0, timeout=SECONDS) as sdk:
        reply = await sdk.images.generate(model="gpt-image-1.5", prompt=PROMPT, size="1024x1024", extra_body=sim())

    assert reply.data and picture(reply.data[0])
    assert (reply.output_format, reply.quality, reply.size) == ("png", "high", "1024x1024")
    assert reply.usage and reply.usage.total_tokens == reply.usage.input_tokens + reply.usage.output_tokens


def test_stream(client: openai.OpenAI) -> None:
    events = list(
        client.images.generate(model="gpt-image-1.5", prompt=PROMPT, stream=True, partial_images=2, extra_body=sim())
    )

    kinds = ["image_generation.partial_image"] * 2 + ["image_generation.completed"]
    assert [event.type for event in events] == kinds
    assert len({base64.b64decode(event.b64_json) for event in events}) == 3
    assert events[-1].usage.total_tokens > 0  # type: ignore[union-attr]


def test_edits_pass_through(client: openai.OpenAI) -> None:
    reply = client.images.edit(model="gpt-image-1.5", image=("cup.png", PNG + bytes(300)), prompt=PROMPT)

    assert reply.data and picture(reply.data[0])


@pytest.mark.parametrize("asked", ["url", "b64_json"])
@pytest.mark.parametrize("fault", MENDED)
def test_a_mended_fault_is_not_seen(fault: str, asked: Any, client: openai.OpenAI) -> None:
    request: Any = {"model": "dall-e-2", "prompt": PROMPT, "n": 2, "response_format": asked}
    if fault in UNREACHABLE and asked == "b64_json":
        with pytest.raises(openai.InternalServerError, match="could not be fetched"):
            client.images.generate(**request, extra_body=sim(faults=[fault]))
        return
    reply = client.images.generate(**request, extra_body=sim(faults=[fault]))

    assert isinstance(reply.created, int)
    assert reply.data and len(reply.data) == FEWER.get(fault, 2)
    for image in reply.data:
        assert picture(image) if asked == "b64_json" else image.url and not image.b64_json
