"""Edits and variations with the official SDK: forms up, exact replies down."""

from __future__ import annotations

import json

import openai
import pytest

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


@pytest.mark.parametrize(
    "faults", [[], ["img-created-missing"], ["img-data-prefix"], ["img-both-null"], ["img-meta-null"]]
)
def test_an_edit(client: openai.OpenAI, faults: list[str]) -> None:
    reply = client.images.edit(
        image=("a.png", PNG),
        prompt="a hat",
        model="gpt-image-1.5",
        extra_headers={"x-sim": json.dumps({"faults": faults})},
    )

    assert isinstance(reply.created, int)
    assert reply.data is not None and reply.data[0].url is None
    assert (reply.data[0].b64_json or "").startswith("iVBOR")


def test_an_edit_that_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.images.edit(image=("a.png", PNG), prompt="a hat", model="does-not-exist")

    assert caught.value.code == "model_not_found"
