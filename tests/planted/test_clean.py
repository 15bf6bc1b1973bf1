"""A clean reply passes, and nothing is noted: neither of the simulator's nor of the reference server's."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from engine.kit import load_module
from planted.conftest import Judge
from planted.exchange import BASES, USAGE, Ask, clean, read_reply
from planted.facts import facts_of
from trueline.sim import SimReply
from trueline.sim.examples import NEEDS

OF: dict[str, tuple[str, ...]] = {
    "chat": ("tools", "two_tools", "empty_tool", "n", "logprobs", "max_tokens", "stop", "json", "prefill"),
    "completions": ("n", "max_tokens", "stop"),
    "images": ("n", "b64", "image_stream"),
    "embeddings": ("base64", "inputs"),
}
STREAM = {"stream": True}


def asks() -> Iterator[Ask]:
    """Every endpoint, in every mode, with everything that a request may ask for."""
    for endpoint, (path, base) in BASES.items():
        if base is None:
            yield Ask(endpoint, False, path, "null")
            continue
        modes: list[dict[str, Any]] = [{}, STREAM, STREAM | USAGE] if endpoint in ("chat", "completions") else [{}]
        for need in ("", *OF[endpoint]):
            for mode in modes:
                request = base | (NEEDS[need] if need else {}) | mode
                yield Ask(endpoint, bool(request.get("stream")), path, json.dumps(request))


ASKS = list(asks())


@pytest.mark.parametrize("ask", ASKS, ids=lambda ask: f"{ask.path} {ask.body}"[:120])
def test_of_the_simulator(ask: Ask, judge: Judge) -> None:
    reply = clean(ask)

    heard = read_reply(ask, reply)

    assert heard.faults == {}
    assert judge(ask, heard) == []
    assert heard.facts == facts_of(ask.path, reply.body, ask.stream)
    if ask.endpoint == "chat" and not (ask.stream and "stop" in json.loads(ask.body)):  # what may begin one waits
        assert heard.out == reply.body


@pytest.fixture(scope="module")
def gold(shared: Path) -> Iterator[int]:
    """The port of the reference server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), load_module(shared / "spec" / "gold_server.py", "gold").H)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


# Of legacy completions the reference server streams no usage; and it never looks for a stop string.
OF_THE_REFERENCE = [
    ask
    for ask in ASKS
    if not (ask.endpoint == "completions" and "include_usage" in ask.body) and '"stop"' not in ask.body
]


@pytest.mark.parametrize("ask", OF_THE_REFERENCE, ids=lambda ask: f"{ask.path} {ask.body}"[:120])
def test_of_the_reference_server(ask: Ask, gold: int, judge: Judge) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", gold, timeout=10)
    headers = {"content-type": "application/json", "authorization": "Bearer sk-good", "connection": "close"}
    connection.request("GET" if ask.request is None else "POST", ask.path, ask.body, headers)
    response = connection.getresponse()
    sent = SimReply(response.status, {k.lower(): v for k, v in response.getheaders()}, [response.read()])
    connection.close()

    heard = read_reply(ask, sent)

    assert sent.status == heard.status == 200
    assert heard.faults == {}
    assert judge(ask, heard) == []
