"""A `tokenizer.json` of the user's own: counted by the package `tokenizers`, in pieces, or refused with a reason."""

from __future__ import annotations

import builtins
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import tokenizers as hf
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.tokens import ESTIMATE, Running, TokenizerError, tokenizer_for
from trueline.tokens.asked import Counted, count_asked
from trueline.tokens.pieces import well_formed
from trueline.tokens.tokenizers import FileTokenizer

PROSE = [
    "The quick brown fox jumps over the lazy dog, and the dog doesn't mind.",
    "def count(text):\n    return len(text.split())\n\n\nclass Fox:\n    pass\n",
    "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich.",
    "お誕生日おめでとう。今日は良い天気ですね。你好，世界。",
    "Привет, мир! Сколько здесь слов?",
]


def byte_level() -> hf.Tokenizer:
    """As GPT-2, Llama 3 and Qwen have it."""
    made = hf.Tokenizer(hf.models.BPE())
    made.pre_tokenizer = hf.pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = hf.pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(PROSE * 3, hf.trainers.BpeTrainer(vocab_size=600, initial_alphabet=alphabet))
    return made


def sentence_piece() -> hf.Tokenizer:
    """As Llama 2 and Mistral have it: a mark for a space, one more before the text, no words."""
    made = hf.Tokenizer(hf.models.BPE(byte_fallback=True, unk_token="<unk>"))
    made.normalizer = hf.normalizers.Sequence([hf.normalizers.Prepend("▁"), hf.normalizers.Replace(" ", "▁")])
    words = [f"▁{word}" for line in PROSE for word in line.split()]
    special = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256))]
    made.train_from_iterator(words, hf.trainers.BpeTrainer(vocab_size=700, special_tokens=special))
    return made


@pytest.fixture(scope="module", params=[byte_level, sentence_piece])
def file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp(request.param.__name__) / "tokenizer.json"
    request.param().save(str(path))
    return str(path)


def whole(file: str, text: str) -> int:
    return len(hf.Tokenizer.from_file(file).encode(well_formed(text), add_special_tokens=False).ids)


@pytest.mark.parametrize("text", ["", *PROSE, "unseen 🦊 \x00 \ud800 text", "  two  spaces ", "\n\n"])
def test_counts_as_the_package_does(file: str, text: str) -> None:
    tokenizer = tokenizer_for("llama-3", {"llama-*": file})

    assert tokenizer.count(text) == whole(file, text)
    assert tokenizer.exact


@pytest.mark.parametrize("model", ["text-davinci-003", "code-davinci-002", "davinci", "gpt2"])
def test_a_model_that_is_served_no_more(file: str, model: str) -> None:
    request = {"model": model, "prompt": PROSE[0]}
    estimate = ESTIMATE.count(PROSE[0])

    assert count_asked(request) == Counted(model, estimate, False, "estimate")
    assert count_asked(PROSE[0], model) == Counted(model, estimate, False, "estimate")
    assert count_asked(request, files={model: file}) == Counted(model, whole(file, PROSE[0]), True, "tokenizer.json")
    assert count_asked(PROSE[0], model, {"*": file}) == Counted(model, whole(file, PROSE[0]), True, "tokenizer.json")


TEXTS = st.lists(
    st.sampled_from(
        ["The quick", " fox", "doesn't", " ", "  ", "\n", "\n\n", "你好，世界。", "x", "42", "\t", "🦊", "ö", "'s"]
    )
).map("".join)


@settings(max_examples=100, deadline=None)
@given(text=TEXTS, cuts=st.lists(st.integers(0, 60), max_size=8), tokens=st.integers(0, 20))
@pytest.mark.parametrize("window", [7, 4096])
def test_in_pieces(file: str, window: int, text: str, cuts: list[int], tokens: int) -> None:
    tokenizer = FileTokenizer(file)
    tokenizer.window = window
    running = Running(tokenizer)
    for start, end in pairwise([0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]):
        running.add(text[start:end])

    assert running.tokens == tokenizer.count(text)
    assert tokenizer.count(text[: tokenizer.cut(text, tokens)]) <= tokens
    assert tokenizer.cut(text, tokenizer.count(text)) == len(text)


def test_pieces_change_nothing(file: str) -> None:
    text = " ".join(PROSE[:3]) * 30

    tokenizer = FileTokenizer(file)
    tokenizer.window = 100

    assert tokenizer.count(text) == whole(file, text)


def test_sure_needs_no_vocabulary(tmp_path: Path) -> None:
    running = Running(FileTokenizer(str(tmp_path / "missing.json")))
    running.add("ﷺ")

    assert running.sure(100)
    assert not running.sure(17)  # its compatibility form has 18 characters


@pytest.mark.parametrize("content", [None, "", "{}", "no json", '{"version": "1.0"}'])
def test_a_file_that_is_none(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    if content is not None:
        path.write_text(content)
    tokenizer = FileTokenizer(str(path))

    with pytest.raises(TokenizerError, match=r"tokenizer\.json"):
        tokenizer.load()

    assert tokenizer.exact is False
    assert tokenizer.count("Hello world") == ESTIMATE.count("Hello world")
    assert 0 < tokenizer.cut("Hello world, hello", 2) < 18


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "tokenizers":
            raise ModuleNotFoundError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)

    with pytest.raises(TokenizerError, match=r"pip install 'trueline\[tokenizers\]'"):
        FileTokenizer("tokenizer.json").load()
