"""The log never makes a request wait."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Iterator
from typing import TextIO

import pytest

from trueline.cli.logs import NeverWaiting

LINE = "x" * 200


@pytest.fixture
def pipe() -> Iterator[tuple[TextIO, TextIO]]:
    """The two ends of a pipe: where the log is written, and where somebody may read it."""
    read, write = os.pipe()
    with open(write, "w") as written, open(read) as reader:
        yield written, reader


def logger(stream: TextIO) -> logging.Logger:
    made = logging.Logger("test")
    made.addHandler(NeverWaiting(stream))
    return made


def test_lines_are_written_at_once() -> None:
    stream = io.StringIO()
    logger(stream).warning("one %s", "two")

    assert stream.getvalue() == "one two\n"


def test_a_pipe_that_nobody_reads_stops_nothing(pipe: tuple[TextIO, TextIO]) -> None:
    written, reader = pipe
    log = logger(written)
    for _ in range(2_000):  # six times what a pipe holds
        log.warning(LINE)
    os.set_blocking(reader.fileno(), False)
    kept = reader.read().splitlines()
    log.warning("room again")
    after = reader.read().splitlines()

    assert 10 < len(kept) < 2_000 and set(kept) == {LINE}
    assert after == [f"{2_000 - len(kept)} lines of the log were dropped: nobody read them.", "room again"]


def test_a_long_line_comes_whole(pipe: tuple[TextIO, TextIO]) -> None:
    written, reader = pipe
    logger(written).warning("ä" * 3_000)
    os.set_blocking(reader.fileno(), False)

    assert reader.read() == "ä" * 3_000 + "\n"
