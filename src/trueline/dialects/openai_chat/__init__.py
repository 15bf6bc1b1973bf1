"""OpenAI's chat completions: the dialect that clients speak, and the one that most upstreams mean to.

`fields` reads single fields whatever their type; `chunks` reads the payloads of a stream into events, `whole` a whole
reply into the same events; `stream_writer` and `whole_writer` write events as OpenAI sends them (rules.md sections C
and N).
"""

from .chunks import ChunkReader
from .stream_writer import StreamWriter
from .whole import read_whole
from .whole_writer import write_whole

__all__ = ["ChunkReader", "StreamWriter", "read_whole", "write_whole"]
