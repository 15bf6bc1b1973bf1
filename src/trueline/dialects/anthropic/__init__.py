"""Anthropic's Messages API, version 2023-06-01: at Anthropic, on Vertex AI and, with frames of its own, on Bedrock.

https://platform.claude.com/docs/en/api/messages (seen 2026-11)
https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai (seen 2026-11)
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html (seen 2026-11)
"""

from ..provider import ProviderDialect
from .errors import read_error
from .listing import MODELS
from .reply import read_whole
from .request import write_request
from .stream import MessageReader

__all__ = ["DIALECT"]

DIALECT = ProviderDialect(
    "anthropic",
    write_request,
    MessageReader,
    read_whole,
    read_error=read_error,
    usual=frozenset(("sse-event-line", "done-duplicated", "tool-index-back", "usage-every-chunk-cumulative")),
    models=MODELS,
)
