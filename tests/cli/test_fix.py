"""`trueline fix`: the exact reply on stdout, the faults on stderr, an honest exit code."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from trueline.cli import main

EXACT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1700000000,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hi", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    "system_fingerprint": "fp_1",
}


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> str:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": "m"}
    return f"data: {json.dumps({**head, 'system_fingerprint': 'fp_1', 'choices': [choice], **more})}\n\n"


STREAM = chunk({"role": "assistant", "content": ""}) + chunk({"content": "Hi"}) + chunk({}, "stop") + "data: [DONE]\n\n"


class Fixed:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def body(self) -> Any:
        return json.loads(self.out)

    @property
    def chunks(self) -> list[Any]:
        lines = [line.removeprefix("data: ") for line in self.out.split("\n\n") if line.strip()]
        assert lines.pop() == "[DONE]"
        return [json.loads(line) for line in lines]


class Fix:
    def __init__(self, capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> None:
        self._captured, self._file = capsysbinary, tmp_path / "reply"

    def __call__(self, reply: object, *flags: str) -> Fixed:
        text = reply if isinstance(reply, str) else json.dumps(reply)
        self._file.write_text(text, encoding="utf-8")
        code = main(["fix", str(self._file), *flags])
        return self.done(code)

    def done(self, code: int) -> Fixed:
        out, err = self._captured.readouterr()
        return Fixed(code, out.decode(), err.decode())


@pytest.fixture
def fix(capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fix:
    monkeypatch.delenv("COLUMNS", raising=False)
    return Fix(capsysbinary, tmp_path)


def test_an_exact_reply_passes_unchanged(fix: Fix) -> None:
    done = fix(json.dumps(EXACT, indent=2))

    assert (done.code, done.out, done.err) == (0, json.dumps(EXACT, indent=2) + "\n", "")


def test_an_exact_stream_passes(fix: Fix) -> None:
    done = fix(STREAM)

    assert (done.code, done.err) == (0, "")
    assert [c["choices"][0]["delta"] for c in done.chunks] == [
        {"role": "assistant", "content": ""},
        {"content": "Hi"},
        {},
    ]


def test_faults_are_named(fix: Fix) -> None:
    choices = [{**EXACT["choices"][0], "finish_reason": "eos"}]  # type: ignore[index]
    done = fix({**EXACT, "choices": choices, "created": 1700000000.5})

    assert done.code == 0
    assert done.body["choices"][0]["finish_reason"] == "stop"
    assert done.body["created"] == 1700000000
    named = [line.split("  ", 1) for line in done.err.splitlines()]
    assert {name for name, _ in named} == {"1 finish-foreign-vocab", "1 created-float"}
    assert all(line for _, line in named)


def test_from_stdin(fix: Fix, monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments in (["fix"], ["fix", "-"]):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(EXACT).encode())))
        done = fix.done(main(arguments))
        assert (done.code, done.body) == (0, EXACT)


def test_a_stream_folded_and_a_reply_unfolded(fix: Fix) -> None:
    folded = fix(STREAM, "--no-stream")
    unfolded = fix(EXACT, "--stream")

    assert folded.body["object"] == "chat.completion"
    assert folded.body["choices"][0]["message"]["content"] == "Hi"
    assert "".join(c["choices"][0]["delta"].get("content") or "" for c in unfolded.chunks if c["choices"]) == "Hi"
    assert unfolded.chunks[-1]["usage"] == EXACT["usage"]


def test_several_choices_and_log_probabilities_are_kept(fix: Fix) -> None:
    entry = {"token": "Hi", "logprob": -0.1, "bytes": [72, 105], "top_logprobs": []}
    first = {**EXACT["choices"][0], "logprobs": {"content": [entry], "refusal": None}}  # type: ignore[index]
    reply = {**EXACT, "choices": [first, {**first, "index": 1}]}

    assert fix(reply).body == reply


def test_the_requested_model(fix: Fix) -> None:
    reply = {key: value for key, value in EXACT.items() if key != "model"}

    assert fix(reply, "--model", "asked").body["model"] == "asked"


IMAGES: list[Any] = [
    {"created": 1700000000, "data": [{"url": "https://x/1.png"}]},
    {"created": 1700000000, "data": [{"b64_json": "aGk="}, {"b64_json": "aGk="}]},
]


@pytest.mark.parametrize("reply", IMAGES)
def test_an_exact_image_reply(reply: Any, fix: Fix) -> None:
    done = fix(reply)

    assert (done.code, done.body, done.err) == (0, reply, "")


def test_an_image_reply_with_a_fault(fix: Fix) -> None:
    done = fix({"created": 1700000000.5, "data": [{"url": "https://x/1.png"}]})

    assert (done.code, done.body["created"]) == (0, 1700000000)
    assert done.err.startswith("1 created-float")


def test_an_error_stays_an_error(fix: Fix) -> None:
    done = fix({"error": {"message": "no such model", "type": "invalid_request_error", "param": None, "code": None}})

    assert done.code == 1
    assert done.body["error"]["message"] == "no such model"


def test_what_is_no_reply_is_an_error(fix: Fix) -> None:
    done = fix("<html>Bad gateway</html>")

    assert done.code == 1
    assert set(done.body["error"]) == {"message", "type", "param", "code"}


def test_an_empty_reply_is_an_error(fix: Fix) -> None:
    done = fix("\n")

    assert (done.code, done.body["error"]["code"]) == (1, "upstream_empty_reply")


def test_a_stream_that_was_cut(fix: Fix) -> None:
    done = fix(chunk({"role": "assistant", "content": ""}) + chunk({"content": "Hi"}))

    assert done.code == 1
    assert 'data: {"error":' in done.out
    assert '"finish_reason":"stop"' not in done.out


def test_what_cannot_be_read(fix: Fix, tmp_path: Path) -> None:
    missing = fix.done(main(["fix", str(tmp_path / "none.json")]))

    assert (missing.code, missing.out) == (2, "")
    assert missing.err == f"trueline: {tmp_path / 'none.json'}: No such file or directory\n"
