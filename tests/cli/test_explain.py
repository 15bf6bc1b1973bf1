"""`trueline explain`: what a person reads, at two widths, and what a machine reads.

The texts in `explained/` are what the command writes; `WRITE_DOCS=1` writes them anew, for a reader of the diff.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
from pathlib import Path

import pytest

from cli.local import ROOT
from trueline.cli import main
from trueline.recordings import Recording

HERE = Path(__file__).parent / "explained"
BROKEN = "docs/examples/broken.sse"
THOUGHT = (
    b'{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"m","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"<think>hm</think>Hi","refusal":null},"logprobs":null,"finish_reason":"eos"}],'
    b'"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3},"system_fingerprint":"fp_1"}'
)


@pytest.fixture
def explain(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Explain:
    monkeypatch.chdir(ROOT)
    return Explain(capsys, monkeypatch)


class Explain:
    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys, self._monkeypatch = capsys, monkeypatch

    def __call__(self, *arguments: str, columns: int | None = None, stdin: bytes | None = None) -> tuple[int, str, str]:
        if columns is None:
            self._monkeypatch.delenv("COLUMNS", raising=False)
        else:
            self._monkeypatch.setenv("COLUMNS", str(columns))
        if stdin is not None:
            self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = main(["explain", *arguments])
        out, err = self._capsys.readouterr()
        return code, out, err


def golden(name: str, text: str) -> str:
    if os.environ.get("WRITE_DOCS"):
        (HERE / name).write_text(text, encoding="utf-8")
    return (HERE / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("columns", [80, 120])
def test_a_broken_stream(explain: Explain, columns: int) -> None:
    code, out, err = explain(BROKEN, columns=columns)

    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= columns
    assert out == golden(f"broken-{columns}.txt", out)


def test_the_guide_shows_what_is_written(explain: Explain) -> None:
    _, out, _ = explain("docs/examples/thoughts.sse", columns=80)
    guide = ROOT / "docs/explain.md"
    page = guide.read_text(encoding="utf-8")
    before, _, rest = page.partition("```text\n")
    shown, _, after = rest.partition("```\n")
    if os.environ.get("WRITE_DOCS"):
        guide.write_text(f"{before}```text\n{out}```\n{after}", encoding="utf-8")
        shown = out

    assert shown == out


def test_a_whole_reply(explain: Explain) -> None:
    code, out, _ = explain(columns=80, stdin=THOUGHT)

    assert (code, out) == (0, golden("whole-80.txt", out))


def test_all_rules(explain: Explain) -> None:
    _, out, _ = explain("--all", columns=80, stdin=THOUGHT)

    assert re.search(r"\n     ReplyStart id=.*\n       kept by Envelope, ", out)
    assert "kept by" not in explain(columns=80, stdin=THOUGHT)[1]


def test_full_shortens_nothing(explain: Explain) -> None:
    _, out, _ = explain(BROKEN, "--full", columns=80)

    assert "…" not in out and (ROOT / BROKEN).read_text().split("\n\n")[2] in out


def test_an_exact_reply(explain: Explain) -> None:
    exact = THOUGHT.replace(b"<think>hm</think>", b"").replace(b"eos", b"stop")
    code, out, _ = explain(stdin=exact)

    assert code == 0 and out.endswith("\n\nIt was exact: it leaves as it came.\n")


def test_a_cut_stream_is_an_error(explain: Explain) -> None:
    code, out, _ = explain(stdin=b'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n')

    assert code == 1 and out.endswith("The honest answer is an error.\n")


def test_an_error_before_the_first_byte(explain: Explain) -> None:
    code, out, _ = explain(stdin=b"<html>no</html>")

    assert code == 1 and '→ {"error": {"message": "The upstream\'s reply is not JSON' in out


def test_colours(explain: Explain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trueline.cli.explain.has_colour", lambda stream: True)
    _, coloured, _ = explain(BROKEN, columns=80)

    assert "\x1b[33mchanged\x1b[0m" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == golden("broken-80.txt", (HERE / "broken-80.txt").read_text())


def test_no_colours_beside_a_terminal(explain: Explain) -> None:
    assert "\x1b" not in explain(BROKEN)[1]


def test_what_comes_cannot_move_the_cursor(explain: Explain) -> None:
    _, out, _ = explain(stdin=b'data: {"choices":[{"delta":{"content":"\x1b[2J\\u001b[2J"}}]}\n\n\x1b]0;x\x07')

    assert "\x1b" not in out and "\x07" not in out and r"\x1b[2J" in out


def test_json(explain: Explain) -> None:
    code, out, _ = explain(BROKEN, "--json")
    document = json.loads(out)

    assert (code, document["result"], document["file"]) == (0, "mended", BROKEN)
    assert "".join(step["came"] for step in document["steps"]) == (ROOT / BROKEN).read_text()
    assert document["steps"][1]["events"][0]["acts"][0]["did"] == "changed"


def test_the_form_can_be_chosen(explain: Explain) -> None:
    _, out, _ = explain("--stream", "--full", stdin=THOUGHT)

    assert "json-for-stream" in out and "→ data: [DONE]" in out


def test_what_cannot_be_read(explain: Explain, tmp_path: Path) -> None:
    missing, empty = tmp_path / "none.sse", tmp_path / "empty.json"
    empty.write_bytes(Recording(error="invalid_api_key").encode())

    assert explain(str(missing)) == (2, "", f"trueline: {missing}: No such file or directory\n")
    code, out, err = explain(str(empty))
    assert (code, out) == (2, "") and err.startswith(f"trueline: {empty}: no upstream was answered in it")
