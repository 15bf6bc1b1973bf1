"""The log never makes a request wait."""

from __future__ import annotations

import io
import json
import logging
import os
from collections.abc import Iterator
from typing import TextIO

import pytest

from trueline.cli.logs import JsonLines, NeverWaiting, TextLines
from trueline.shell.logline import LogLine

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


# ---- JSON


def json_line(*said: object, **more: object) -> dict[str, object]:
    stream = io.StringIO()
    made = logging.Logger("trueline.test")
    made.addHandler(handler := logging.StreamHandler(stream))
    handler.setFormatter(JsonLines())
    made.warning(*said, **more)  # type: ignore[arg-type]
    line: dict[str, object] = json.loads(stream.getvalue())
    assert stream.getvalue().count("\n") == 1 and str(line.pop("time")).endswith("Z")
    return line


def test_a_line_of_fields_is_an_object_of_them() -> None:
    line = LogLine("r", status=200, model="a\nb", faults={"id-missing": 1})

    assert json_line("%s", line) == {"level": "warning", "logger": "trueline.test", **line.fields}
    assert list(line.fields) == [
        *("request", "method", "path", "status", "ms", "upstream", "model", "bytes", "faults", "error"),
        *("changes", "usage", "prompt_tokens", "completion_tokens", "cost_usd"),
    ]


def test_any_other_line_is_a_message() -> None:
    assert json_line("one %s", "two") == {"level": "warning", "logger": "trueline.test", "message": "one two"}
    assert json_line("a %s %s", 1, 2)["message"] == "a 1 2"


def test_an_exception_is_in_the_object() -> None:
    try:
        raise ZeroDivisionError("no")
    except ZeroDivisionError:
        line = json_line("it failed", exc_info=True)

    assert line["message"] == "it failed" and "ZeroDivisionError: no" in str(line["exception"])


def test_what_cannot_be_written_as_utf8() -> None:
    assert json_line("%s", LogLine("req_1", model="a\ud800"))["model"] == "a?"


@pytest.mark.parametrize("formatter", [TextLines(), JsonLines()], ids=["text", "json"])
def test_many_lines_at_once_read_as_if_each_had_been_written_alone(formatter: logging.Formatter) -> None:
    lines = [LogLine(f"req_{i}", status=200, faults={"bom": i}) for i in range(40)]
    alone, together = io.StringIO(), io.StringIO()
    one, many = NeverWaiting(alone), NeverWaiting(together)
    one.setFormatter(formatter)
    many.setFormatter(formatter)

    for at, line in enumerate(lines):
        record = logging.LogRecord("trueline.exchange", logging.INFO, "", 0, "%s", (line,), None)
        record.created = 1_700_000_000.25 + at
        record.msecs = 250.0
        one.emit(record)
    many.write_lines("trueline.exchange", logging.INFO, [(1_700_000_000.25 + i, line) for i, line in enumerate(lines)])

    assert together.getvalue() == alone.getvalue()
    assert together.getvalue().count("\n") == len(lines)


def test_of_many_lines_that_nobody_reads_each_is_counted(pipe: tuple[TextIO, TextIO]) -> None:
    written, reader = pipe
    handler = NeverWaiting(written)
    handler.setFormatter(TextLines())
    line = LogLine(LINE)
    count = 2000
    handler.write_lines("a", logging.INFO, [(1.0, line)] * count)
    dropped = handler.dropped
    os.set_blocking(reader.fileno(), False)
    seen = reader.read().count(LINE)

    assert dropped
    assert seen + dropped == count
    handler.write_lines("a", logging.INFO, [(1.0, line)])
    assert reader.read().startswith(f"{dropped} lines of the log were dropped")
