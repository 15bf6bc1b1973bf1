"""Trueline as a library: a reply in, its exact form out, with no server.

import trueline

exact = trueline.fix(reply)                        # a dict, or bytes: JSON or an event stream
fixer = trueline.StreamFixer(request)              # a stream, as it arrives
for piece in upstream:
    client.write(fixer.feed(piece))
client.write(fixer.close())
tokens = trueline.count_tokens(request)            # of a prompt; or of a text: count_tokens(text, model="gpt-4o")
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, overload

from .context import FormatOptions, Route
from .errors import TruelineError
from .messages import read_chat_request
from .pipeline import chat_pipeline
from .recorded import look
from .shell.clock import SystemMint
from .wire import jsonio

__all__ = ["StreamFixer", "count_tokens", "fix"]


@overload
def fix(reply: bytes, *, model: str | None = ..., options: FormatOptions = ...) -> bytes: ...
@overload
def fix(reply: dict[str, Any], *, model: str | None = ..., options: FormatOptions = ...) -> dict[str, Any]: ...
def fix(
    reply: dict[str, Any] | bytes, *, model: str | None = None, options: FormatOptions = FormatOptions()
) -> dict[str, Any] | bytes:
    """The exact OpenAI form of a reply of any endpoint, in the type in which it came.

    `reply`: a whole reply as a dict, or a body as bytes, JSON or an event stream.  `model`: the name that was
    requested.  The rest of the request is inferred from the reply (`recorded/`).

    Raises TruelineError where the honest answer is an error; its `body()` is the OpenAI error.  A stream that fails
    after its first chunk is returned with the error event in it, as a client would receive it.
    """
    data = reply if isinstance(reply, bytes) else jsonio.encode(reply)
    pipe = look(data).pipeline(SystemMint(), model=model, options=options)
    out = pipe.feed(data) + pipe.close()
    if pipe.error is not None:
        raise pipe.error
    if isinstance(reply, bytes):
        return out
    exact: dict[str, Any] = jsonio.decode(out)
    return exact


def count_tokens(
    given: Mapping[str, Any] | str, *, model: str | None = None, tokenizers: Mapping[str, str] = MappingProxyType({})
) -> int:
    """The tokens of a text, or of what a request of a chat, a completion or embeddings gives the model to read.

    `model`: the name to count for; without one, the request's own, or gpt-4o.  `tokenizers`: a `tokenizer.json` for
    each model, by name or pattern.  The first call for an encoding reads its vocabulary, which takes part of a
    second and holds the interpreter for a tenth of it: make it before an event loop has to answer.

    There is no network, and nothing is raised for what a text or a request says.  Raises TypeError for anything else,
    and trueline.tokens.TokenizerError where a vocabulary cannot be read.
    """
    from .tokens.asked import count_asked

    return count_asked(given, model, tokenizers).tokens


class StreamFixer:
    """A chat stream, mended as it arrives.

    `request`: the chat request that the stream answers, as sent; what it asked for (`n`, `stream_options`, `tools`…)
    decides how the stream has to look.  Without one, a plain request is assumed.
    """

    def __init__(
        self,
        request: Mapping[str, Any] | None = None,
        *,
        model: str | None = None,
        options: FormatOptions = FormatOptions(),
    ) -> None:
        body: dict[str, Any] = {"messages": [{"role": "user", "content": ""}], **(request or {}), "stream": True}
        if model is not None:
            body["model"] = model
        parsed = read_chat_request(jsonio.encode(body))
        self._pipe = chat_pipeline(parsed, Route(upstream="library"), SystemMint(), options)

    def feed(self, data: bytes) -> bytes:
        """The bytes that the client gets for these bytes of the upstream; cut anywhere.

        Raises TruelineError where the stream failed before its first chunk: answer with its status and `body()`.
        """
        return self._checked(self._pipe.feed(data))

    def close(self, cut: TruelineError | None = None) -> bytes:
        """The last bytes; the upstream has ended, or was `cut`.  A stream that never finished ends in an error event.

        Raises TruelineError like `feed`.
        """
        return self._checked(self._pipe.close(cut))

    def _checked(self, out: bytes) -> bytes:
        if self._pipe.error is not None:
            raise self._pipe.error
        return out

    @property
    def faults(self) -> dict[str, int]:
        """The faults met so far: id -> how often."""
        return self._pipe.faults

    @property
    def done(self) -> bool:
        """Nothing more will be written."""
        return self._pipe.done
