"""Counting tokens, offline: text by model, prompts, completions and pictures.  Importing this loads no vocabulary."""

from __future__ import annotations

from .running import Running
from .tokenizers import ESTIMATE, Tokenizer, TokenizerError, tokenizer_for, tokenizer_named

__all__ = ["ESTIMATE", "Running", "Tokenizer", "TokenizerError", "tokenizer_for", "tokenizer_named"]
