"""An exchange that fails when its request has left already lets go of the upstream."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.running import CHAT, body_of, running, settings
from shell.upstream.scripted import until
from trueline.errors import RequestError
from trueline.shell.gateway import PIPELINES
from trueline.sim import SimServer


@pytest.mark.parametrize(("failure", "status"), [(ValueError("made up"), 500), (RequestError("made up"), 400)])
async def test_a_pipeline_that_cannot_be_made(failure: Exception, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async with SimServer() as sim, running(settings(sim.url), noisy=True) as proxy:
        talk = await proxy.talk()
        read, _ = PIPELINES["/chat/completions"]

        def broken(*_: Any) -> Any:
            raise failure

        with monkeypatch.context() as patched:
            patched.setitem(PIPELINES, "/chat/completions", (read, broken))
            await talk.send("POST", CHAT, body_of())
            assert (await talk.reply()).status == status
        await until(lambda: proxy.running == 0)
        await talk.send("POST", CHAT, body_of())
        assert (await talk.reply()).status == 200
        await until(lambda: proxy.running == 0)
