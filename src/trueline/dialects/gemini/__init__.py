"""Google's Gemini API: AI Studio (v1beta) and Vertex AI (v1).

`POST …/models/{model}:generateContent` answers with JSON, `:streamGenerateContent?alt=sse` with an event stream.
https://ai.google.dev/api/generate-content (seen 2026-11-22)
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference (seen 2026-11-22)
"""

from ..provider import ProviderDialect
from .embeddings import EMBEDDINGS
from .errors import read_error
from .images import IMAGES
from .models import MODELS
from .reply import read_whole
from .request import write_request
from .stream import GeminiReader

__all__ = ["DIALECT"]

DIALECT = ProviderDialect(
    "gemini",
    write_request,
    GeminiReader,
    read_whole,
    read_error=read_error,
    embeddings=EMBEDDINGS,
    models=MODELS,
    images=IMAGES,
    usual=frozenset(
        (
            "sse-crlf",
            "done-missing",  # a stream ends with its last finish reason
            "json-array-stream",
            "json-for-stream",  # of an array with one chunk
            "usage-unasked",
            "usage-dup",
            "usage-every-chunk-cumulative",
            "list-in-delta-no-index",
            "content-null-first-delta",
        )
    ),
)
