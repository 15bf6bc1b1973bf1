"""OpenAI's legacy completions: plain text, whole and streamed (rules.md section R)."""

from .reader import CompletionReader, read_whole
from .writer import CompletionWriter, write_whole

__all__ = ["CompletionReader", "CompletionWriter", "read_whole", "write_whole"]
