"""Ollama's own chat API: `POST /api/chat`, answered with JSON or with a JSON object a line.

https://github.com/ollama/ollama/blob/main/docs/api.md (seen 2026-11)
"""

from ...wire.ndjson import NDJSONReader
from ..native import NativeDialect
from .reply import ChatReader, read_error, read_whole
from .request import write_request

__all__ = ["DIALECT"]

DIALECT = NativeDialect("ollama", write_request, ChatReader, read_whole, NDJSONReader, read_error)
