"""Small HTTP servers on loopback, and the command as a process of its own."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SECONDS = 30


@contextlib.contextmanager
def http_server(
    body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Iterator[tuple[int, list[str]]]:
    """(port, the requests so far) of a server that answers every GET alike."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(f"{self.path} {self.headers.get('Authorization') or ''}".strip())
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join(SECONDS)


class Command:
    """A `trueline` process whose output is read line by line, never for ever."""

    def __init__(self, arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            env={**clean_environment(), **env},
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def until(self, text: str) -> str:
        """The output up to the line that holds `text`."""
        output = ""
        while text not in output:
            line = self._lines.get(timeout=SECONDS)
            assert line, f"ended without {text!r}: {output}{self.process.stderr and self.process.stderr.read()}"
            output += line
        return output

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(SECONDS)

    def __enter__(self) -> Command:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(SECONDS)
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()


def clean_environment() -> dict[str, str]:
    """This environment without what would change the command's mind."""
    dropped = ("TRUELINE_", "OPENAI_")
    proxies = {"http_proxy", "https_proxy", "no_proxy", "all_proxy"}
    kept = {k: v for k, v in os.environ.items() if not k.startswith(dropped) and k.lower() not in proxies}
    return {**kept, "PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
