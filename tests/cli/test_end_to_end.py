"""The command as users run it: a simulator, the proxy before it, and the commands that its start screen prints."""

from __future__ import annotations

import json
import re
import shlex
import urllib.request
from pathlib import Path
from typing import Any

from cli.local import SECONDS, Command


def requests_in(screen: str) -> list[urllib.request.Request]:
    """The curl calls of a start screen."""
    calls = [shlex.split(line) for line in screen.replace("\\\n", " ").splitlines() if line.strip().startswith("curl")]
    found: list[urllib.request.Request] = []
    for call in calls:
        url = next(word for word in call if word.startswith("http://"))
        headers = dict(call[i + 1].split(": ", 1) for i, word in enumerate(call) if word == "-H")
        body = call[call.index("-d") + 1].encode() if "-d" in call else None
        found.append(urllib.request.Request(url, body, headers))
    return found


def fetch(request: urllib.request.Request) -> tuple[str, bytes]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=SECONDS) as response:
        return response.headers["Content-Type"], response.read()


def test_the_printed_commands_work(tmp_path: Path) -> None:
    with Command(["-m", "trueline", "sim", "--port", "0"], env={}, cwd=tmp_path) as sim:
        url = re.search(r"http://\S+", sim.until("http://"))
        assert url
        arguments = ["-m", "trueline", "serve", "--port", "0", "--upstream", url[0]]
        with Command(arguments, env={}, cwd=tmp_path) as serve:
            screen = serve.until("Ready")
            replies = [fetch(request) for request in requests_in(screen)]
            assert serve.stop() == 0
        assert sim.stop() == 0

    assert "set by --upstream" in screen
    check_shapes(replies)


def check_shapes(replies: list[tuple[str, bytes]]) -> None:
    (_, whole), (stream_type, streamed), (_, image) = replies
    reply: Any = json.loads(whole)
    assert reply["object"] == "chat.completion" and reply["choices"][0]["message"]["content"]
    assert stream_type.startswith("text/event-stream") and streamed.endswith(b"data: [DONE]\n\n")
    chunks = [json.loads(event.removeprefix(b"data: ")) for event in streamed.split(b"\n\n")[:-2]]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert set(json.loads(image)["data"][0]) & {"url", "b64_json"}
