"""The file of one exchange: written and read again, limited, and honest about what is missing."""

from __future__ import annotations

import json

import pytest

from trueline.mint import Mint
from trueline.recordings import Body, Call, Recording, RecordingError, Request, open_reply, read_recording

LIMIT = 1000
KEY = b"sk-proj-4abcdefghijklmnop1234"
CHAT = b'{"model":"gpt-4o","messages":[{"role":"user","content":"Hi"}]}'
STREAMED = CHAT[:-1] + b',"stream":true}'
REPLY = b'{"choices":[{"message":{"content":"Hi"},"finish_reason":"eos"}]}'
EVENTS = (
    b'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n',
    b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n',
    b"data: [DONE]\n\n",
)


class Fixed(Mint):
    def now(self) -> int:
        return 1_700_000_000

    def token(self, length: int) -> str:
        return "x" * length


def body(*pieces: bytes, limit: int = LIMIT) -> Body:
    return Body.of(b"".join(pieces), [(float(n), len(piece)) for n, piece in enumerate(pieces)], limit=limit)


def recording(*reply: bytes, request: bytes = CHAT, path: str = "/chat/completions", **call: object) -> bytes:
    made = Call(upstream="up", path=path, body=body(request), status=200, reply=body(*reply))
    for name, value in call.items():
        setattr(made, name, value)
    return Recording(id="req_1", request=Request("POST", "/v1" + path, [], body(request)), calls=[made]).encode()


# ---- bodies


@pytest.mark.parametrize(
    "pieces", [(b"one", b"two"), (b"",), ("é".encode()[:1], "é".encode()[1:]), (b"\xff\x00", b"\xfe")]
)
def test_a_body_comes_back_read_by_read(pieces: tuple[bytes, ...]) -> None:
    kept = body(*pieces)

    assert kept.pieces == [piece for piece in pieces if piece]
    assert (kept.data, kept.size, kept.truncated) == (b"".join(pieces), len(b"".join(pieces)), False)


def test_text_is_kept_as_text_and_other_bytes_as_base64() -> None:
    assert (body("é".encode()).text, body("é".encode()).base64) == ("é", None)
    assert (body(b"\xff").text, body(b"\xff").base64) == (None, "/w==")


def test_a_limit_cuts_a_body_between_characters() -> None:
    kept = body(b"abc", "déf".encode(), limit=5)

    assert (kept.text, kept.size, kept.truncated, kept.reads) == ("abcd", 7, True, [(0.0, 3), (1.0, 1)])


def test_no_part_of_a_key_is_kept_at_the_limit() -> None:
    kept = body(b"key: ", KEY, limit=20)

    assert kept.text == "key: sk-proj[redacte" and kept.truncated


def test_a_key_over_two_reads_is_left_out() -> None:
    kept = body(b"one " + KEY[:12], KEY[12:] + b" two", b" three")

    assert kept.text == "one sk-proj[redacted] two three"
    assert kept.pieces == [b"one sk-proj[redacted]", b" two", b" three"]


def test_a_body_that_is_only_the_beginning() -> None:
    kept = Body.of(b"abc", [(0.0, 3), (1.0, 4)], limit=LIMIT, size=7)

    assert (kept.text, kept.size, kept.truncated, kept.reads) == ("abc", 7, True, [(0.0, 3)])


# ---- files


def test_a_file_is_read_again() -> None:
    data = recording(REPLY)
    again = read_recording(data)

    assert again is not None and again.encode() == data
    assert json.loads(data)["trueline_recording"] == 1


@pytest.mark.parametrize("data", [b"", b"{}", REPLY, EVENTS[0], b"[1]"])
def test_what_is_no_recording(data: bytes) -> None:
    assert read_recording(data) is None


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (recording(REPLY)[:200], "no whole recording"),
        (b'{"trueline_recording": 2}', "of form 2; this Trueline reads form 1"),
        (b'{"trueline_recording": 1, "calls": 3}', "no whole recording"),
    ],
)
def test_a_broken_recording_says_so(data: bytes, why: str) -> None:
    with pytest.raises(RecordingError, match=why):
        read_recording(data)


# ---- through the engine


def play(data: bytes, **chosen: object) -> tuple[bytes, dict[str, int]]:
    played = open_reply(data, Fixed(), **chosen)  # type: ignore[arg-type]
    assert played.pipe is not None
    out = b"".join(map(played.pipe.feed, played.pieces)) + played.pipe.close(played.cut)
    return out or json.dumps(played.pipe.error and played.pipe.error.body()).encode(), played.pipe.faults


def test_the_request_of_the_recording_decides() -> None:
    whole, _ = play(recording(*EVENTS))
    streamed, _ = play(recording(*EVENTS, request=STREAMED))

    assert json.loads(whole)["choices"][0]["message"]["content"] == "Hi"
    assert streamed.startswith(b'data: {"id":"chatcmpl-') and streamed.endswith(b"data: [DONE]\n\n")
    assert json.loads(whole)["model"] == "gpt-4o"


def test_the_form_may_be_chosen() -> None:
    assert play(recording(*EVENTS), stream=True)[0].startswith(b"data: ")


@pytest.mark.parametrize(
    ("path", "request_body", "reply", "shape"),
    [
        ("/completions", b'{"model":"m","prompt":"x"}', b'{"choices":[{"text":"y"}]}', "text_completion"),
        ("/embeddings", b'{"model":"m","input":"x"}', b'{"data":[{"embedding":[1]}]}', "list"),
        ("/models", b"", b'{"data":[{"id":"m"}]}', "list"),
        ("/models/m", b"", b'{"id":"m"}', "model"),
    ],
)
def test_other_paths(path: str, request_body: bytes, reply: bytes, shape: str) -> None:
    assert json.loads(play(recording(reply, request=request_body, path=path))[0])["object"] == shape


def test_pictures() -> None:
    request = b'{"model":"dall-e-3","prompt":"x"}'
    out, _ = play(recording(b'["https://a.example/b.png"]', request=request, path="/images/generations"))

    assert json.loads(out)["data"] == [{"url": "https://a.example/b.png"}]


def test_a_cut_reply_stays_cut() -> None:
    out, _ = play(recording(EVENTS[0], request=STREAMED, end="cut", why="The connection broke."))

    assert b'"message":"The connection broke."' in out and b'"finish_reason":"stop"' not in out


def test_a_reply_beyond_the_limit_is_not_taken_for_whole() -> None:
    out, _ = play(recording(*EVENTS, request=STREAMED, reply=body(*EVENTS, limit=50)))

    assert b"The recording holds the beginning of the reply only." in out


def test_a_reply_that_is_an_error() -> None:
    played = open_reply(recording(b'{"detail":"no"}', status=404), Fixed())

    assert played.pipe is None and played.error is not None
    assert (played.error.status, played.error.message) == (404, "no")


def test_a_reply_that_passes_as_it_is() -> None:
    played = open_reply(recording(b"bytes", path="/files/1/content"), Fixed())

    assert (played.pipe, played.error, played.pieces) == (None, None, [b"bytes"])


def test_an_exchange_without_an_upstream() -> None:
    with pytest.raises(RecordingError, match="no upstream was answered in it"):
        open_reply(Recording(id="req_1").encode(), Fixed())


def test_a_bare_body() -> None:
    out, faults = play(REPLY)

    assert json.loads(out)["choices"][0]["finish_reason"] == "stop" and "finish-foreign-vocab" in faults
