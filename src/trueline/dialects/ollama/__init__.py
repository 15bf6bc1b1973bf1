"""Ollama's own chat API: `POST /api/chat`, answered with JSON or with a JSON object a line.

https://github.com/ollama/ollama/blob/main/docs/api.md (seen 2026-11)
"""

from ...wire.ndjson import NDJSONReader
from ..native import NativeDialect, NativeEmbeddings, NativeModels
from .more import read_embeddings, read_models, write_embeddings
from .reply import ChatReader, read_error, read_whole
from .request import write_request

__all__ = ["DIALECT"]

DIALECT = NativeDialect(
    "ollama",
    write_request,
    ChatReader,
    read_whole,
    NDJSONReader,
    read_error,
    embeddings=NativeEmbeddings(write_embeddings, read_embeddings),
    models=NativeModels("/api/tags", read_models),
)
