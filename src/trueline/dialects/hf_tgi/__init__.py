"""Hugging Face's text generation: `/generate` and `/generate_stream` of text-generation-inference, and the Inference
API's `/models/MODEL`, which takes and gives the same.

https://huggingface.github.io/text-generation-inference/ and
https://huggingface.co/docs/inference-providers/tasks/text-generation (seen 2026-11)
"""

from ..provider import ProviderDialect, ProviderModels
from .errors import read_error
from .models import read_models
from .reply import GenerateReader, read_whole
from .request import write_request

__all__ = ["DIALECT"]

DIALECT = ProviderDialect(
    "hf_tgi",
    write_request,
    GenerateReader,
    read_whole,
    read_error=read_error,
    usual=frozenset(
        (
            "sse-no-space",
            "sse-event-line",
            "sse-comment",  # keep-alives
            "done-missing",  # the last token comes with the whole text
            "stop-echoed",  # the text ends with the stop sequence
            "usage-placeholder-zero",  # nobody says how long the prompt was
            "usage-missing-nonstream",
            "usage-missing-stream",
        )
    ),
    models=ProviderModels("/info", read_models),
)
