"""Four choices asked for apart whose first words come in another order than they were asked for."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import openai
import pytest

from sdk.world import SECONDS, running_world

COUNT = 4
SEED = 10
REFUSED = {"error": {"message": "Only one choice: set 'n' to 1.", "param": "n", "code": "unsupported_value"}}
BROKEN = {"error": {"message": "The third of them fell over.", "type": "server_error", "code": "third_broke"}}


class Upstream(ThreadingHTTPServer):
    """Gives one choice, each when its turn has come: they are told apart by their seeds."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.turns = [threading.Event() for _ in range(COUNT)]
        self.fails: int | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Upstream

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if "n" in request:
            self._answer(400, "application/json", json.dumps(REFUSED))
            return
        number = request["seed"] - SEED
        assert self.server.turns[number].wait(SECONDS)
        if number == self.server.fails:
            self._answer(500, "application/json", json.dumps(BROKEN))
            return
        deltas: list[tuple[Any, Any]] = [({"role": "assistant", "content": ""}, None)]
        deltas += [({"content": text}, None) for text in ("choice ", str(number))] + [({}, "stop")]
        chunks = [_chunk(number, delta, finish) for delta, finish in deltas]
        self._answer(200, "text/event-stream", "".join(chunks) + "data: [DONE]\n\n")

    def _answer(self, status: int, kind: str, body: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        """Not said."""


def _chunk(number: int, delta: Any, finish: str | None) -> str:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    head = {"id": f"chatcmpl-{number}", "object": "chat.completion.chunk", "created": 1, "model": "local"}
    return f"data: {json.dumps({**head, 'choices': [choice]})}\n\n"


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    made = Upstream()
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    for turn in made.turns:
        turn.set()
    made.shutdown()
    made.server_close()
    thread.join(SECONDS)


@pytest.fixture
def client(upstream: Upstream) -> Iterator[openai.OpenAI]:
    with (
        running_world(upstream.url) as world,
        openai.OpenAI(base_url=world.url, api_key="sk-test", max_retries=0, timeout=SECONDS) as made,
    ):
        yield made


ASKED: Any = {"model": "local", "messages": [{"role": "user", "content": "hi"}], "n": COUNT, "seed": SEED}


def test_the_last_one_first(upstream: Upstream, client: openai.OpenAI) -> None:
    waiting = list(upstream.turns)
    waiting.pop().set()
    with client.chat.completions.stream(**ASKED) as stream:
        for event in stream:
            if event.type == "content.done" and waiting:
                waiting.pop().set()
        final = stream.get_final_completion()

    assert [choice.index for choice in final.choices] == [0, 1, 2, 3]
    assert [choice.message.content for choice in final.choices] == [f"choice {number}" for number in (3, 2, 1, 0)]


def test_one_that_fails_before_it_begins(upstream: Upstream, client: openai.OpenAI) -> None:
    upstream.fails = 1
    waiting = [upstream.turns[1], upstream.turns[3]]
    waiting.pop().set()
    with (
        pytest.raises(openai.APIError, match="fell over") as failed,
        client.chat.completions.stream(**ASKED) as stream,
    ):
        for event in stream:
            if event.type == "content.done" and waiting:
                waiting.pop().set()
    assert failed.value.code == "third_broke"
