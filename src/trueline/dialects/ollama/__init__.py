"""Ollama's own chat API: `POST /api/chat`, answered with JSON or with a JSON object a line.

https://github.com/ollama/ollama/blob/main/docs/api.md (seen 2026-11)
"""

from ...wire.ndjson import NDJSONReader
from ..provider import ProviderDialect, ProviderEmbeddings, ProviderModels
from .more import read_embeddings, read_models, write_embeddings
from .reply import ChatReader, read_error, read_whole
from .request import write_request

__all__ = ["DIALECT"]

DIALECT = ProviderDialect(
    "ollama",
    write_request,
    ChatReader,
    read_whole,
    NDJSONReader,
    read_error,
    embeddings=ProviderEmbeddings(write_embeddings, read_embeddings),
    models=ProviderModels("/api/tags", read_models),
)
