"""The judge: says what in a reply is not OpenAI's format, by rule and by the name of the fault.

    for finding in judge_chat_stream(request, body, "text/event-stream"):
        print(finding.level, finding.rule, finding.fault, finding.text)

It knows bytes, JSON and OpenAI's rules (spec/rules.md); it repairs nothing and asks nobody.  Reading is lenient, so
that one fault does not hide the others; a body of any kind gives findings, never an exception.  A finding is "must"
where it breaks OpenAI's schema or an official SDK misreads it, else "exact".
"""

from __future__ import annotations

from .chat_stream import judge_chat_stream
from .chat_whole import judge_chat_whole
from .errors import judge_error, judge_headers
from .exchange import SHOWS_AS, UNSEEN, judge_exchange
from .findings import Extras, Finding, Level
from .images import judge_image_stream, judge_images
from .plain import judge_completions, judge_embeddings, judge_model, judge_models

__all__ = [
    "SHOWS_AS",
    "UNSEEN",
    "Extras",
    "Finding",
    "Level",
    "judge_chat_stream",
    "judge_chat_whole",
    "judge_completions",
    "judge_embeddings",
    "judge_error",
    "judge_exchange",
    "judge_headers",
    "judge_image_stream",
    "judge_images",
    "judge_model",
    "judge_models",
]
