"""OpenAI's Responses API, for models that live nowhere else: at OpenAI, Azure, xAI, DeepSeek, OpenRouter and Bedrock.

https://platform.openai.com/docs/api-reference/responses (seen 2026-11)
https://platform.openai.com/docs/guides/migrate-to-responses (seen 2026-11)
https://learn.microsoft.com/en-us/azure/ai-foundry/openai/how-to/responses (seen 2026-11)
"""

from ..provider import ProviderDialect, ProviderEmbeddings, ProviderModels
from .embeddings import read_embeddings, write_embeddings
from .errors import read_error
from .reply import read_whole
from .request import write_request
from .stream import ResponseReader

__all__ = ["DIALECT"]

DIALECT = ProviderDialect(
    "openai_responses",
    write_request,
    ResponseReader,
    read_whole,
    read_error=read_error,
    usual=frozenset(("sse-event-line", "done-duplicated")),
    embeddings=ProviderEmbeddings(write_embeddings, read_embeddings),
    models=ProviderModels("/v1/models", lambda payload: payload),
)
