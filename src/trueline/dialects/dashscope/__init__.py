"""Alibaba's DashScope: `/services/aigc/text-generation/generation`, and `multimodal-generation` for models that see or
hear; streamed where `X-DashScope-SSE: enable` says so.

https://www.alibabacloud.com/help/en/model-studio/use-qwen-by-calling-api and its SDK,
https://github.com/dashscope/dashscope-sdk-python (seen 2026-11)
"""

from ..provider import ProviderDialect, ProviderEmbeddings
from .embeddings import most_texts, read_embeddings, write_embeddings
from .errors import read_error
from .reply import read_whole
from .request import write_request
from .stream import GenerationReader

__all__ = ["DIALECT"]

DIALECT = ProviderDialect(
    "dashscope",
    write_request,
    GenerationReader,
    read_whole,
    read_error=read_error,
    usual=frozenset(
        (
            "sse-event-line",
            "sse-id-retry",
            "sse-comment",  # `:HTTP_STATUS/200`
            "sse-no-space",
            "done-missing",  # a stream ends with its last finish reason
            "usage-dup",
            "usage-every-chunk-cumulative",
            "content-cumulative",  # without `incremental_output`
            "list-in-delta-no-index",
        )
    ),
    embeddings=ProviderEmbeddings(write_embeddings, read_embeddings, most_texts),
)
