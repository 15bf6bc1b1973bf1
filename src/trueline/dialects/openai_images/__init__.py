"""OpenAI's images: whole replies and event streams (DESIGN section 1, rules.md section G).

`reader` reads any server's reply into an `ImageReply`, `writer` writes it as OpenAI does, in the form that was asked
for; `stream` does the same for the events of a streamed generation.
"""

from .reader import Image, ImageReply, read_payload, read_whole
from .stream import ImageEvents
from .writer import mend_form, supply, wanted_form, write_whole

__all__ = [
    "Image",
    "ImageEvents",
    "ImageReply",
    "mend_form",
    "read_payload",
    "read_whole",
    "supply",
    "wanted_form",
    "write_whole",
]
