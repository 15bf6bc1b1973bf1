"""Amazon Bedrock's Converse API: one form for all models that it serves.

`POST /model/{modelId}/converse` answers with JSON, `/converse-stream` with an AWS event stream.
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html (seen 2026-11)
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html (seen 2026-11)
"""

from ...wire.aws_eventstream import EventStreamReader
from ..provider import ProviderDialect, ProviderEmbeddings
from .embeddings import most_texts, read_embeddings, write_embeddings
from .errors import read_error
from .reply import read_whole
from .request import write_request
from .stream import ConverseReader

__all__ = ["DIALECT"]

DIALECT = ProviderDialect(
    "bedrock",
    write_request,
    ConverseReader,
    read_whole,
    EventStreamReader,
    read_error,
    embeddings=ProviderEmbeddings(write_embeddings, read_embeddings, most_texts),
    usual=frozenset(("list-in-delta-no-index",)),
)
