"""Ctrl-C in the middle of a check: what is known by then is reported."""

from __future__ import annotations

import asyncio
import json
import signal
import sys

import pytest

from check.mistaken import answer, read_request

ANSWERED = 12
"""Requests that are answered before the server falls silent."""
SECONDS = 30


def _hears_ctrl_c() -> None:
    """Also where the tests run in the background of a shell, whose children are told to ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("form", ["screen", "json"])
async def test_ctrl_c_reports_what_is_known(form: str) -> None:
    silent, seen = asyncio.Event(), 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        try:
            while (asked := await read_request(reader)) is not None:
                seen += 1
                if seen > ANSWERED:
                    silent.set()
                    continue
                writer.write(answer(asked, None))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        command = [sys.executable, "-m", "trueline", "check", url, "--yes", *(["--json"] if form == "json" else [])]
        process = await asyncio.create_subprocess_exec(
            *command,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            preexec_fn=_hears_ctrl_c,
        )
        await asyncio.wait_for(silent.wait(), SECONDS)
        process.send_signal(signal.SIGINT)
        out, err = await asyncio.wait_for(process.communicate(), SECONDS)

    assert process.returncode == 130
    assert b"\r" not in err  # a bar would be of no use here
    assert b"Traceback" not in err
    if form == "json":
        told = json.loads(out)
        assert any("Stopped" in note for note in told["notes"])
        verdicts = [probe["verdict"] for probe in told["probes"]]
        assert "pass" in verdicts
        assert verdicts.count("skipped") > len(verdicts) / 2
    else:
        text = out.decode()
        assert "Stopped before all was asked" in text
        assert " probes  skipped: the check was stopped before" in text
