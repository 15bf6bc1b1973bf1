"""Embedding replies."""

from __future__ import annotations

from collections.abc import Sequence

from ..context import FormatOptions
from ..dialects.error_bodies import error_in
from ..dialects.openai_embeddings import joined, read_embeddings, without_extras
from ..dialects.provider import ProviderEmbeddings
from ..errors import TruelineError, UpstreamCutError, UpstreamReplyTooLargeError
from ..messages import EmbeddingRequest
from ..wire import jsonio
from .base import MAX_REPLY, WholeBody, not_json

__all__ = ["Embeddings"]


class Embeddings(WholeBody):
    """The reply to `POST /v1/embeddings`."""

    def __init__(
        self,
        request: EmbeddingRequest,
        options: FormatOptions = FormatOptions(),
        own: ProviderEmbeddings | None = None,
    ) -> None:
        super().__init__(options)
        self._request = request
        self._own = own
        self._keep = options.extras == "keep"

    def part(self, request: EmbeddingRequest) -> Embeddings:
        """For the reply to one of several requests that were made of this one's; `take` takes what comes of them."""
        return Embeddings(request, self._options, self._own)

    def take(self, replies: Sequence[bytes]) -> bytes:
        """The one reply of several, in the order of their texts; or nothing and `error`."""
        self.done = True
        if sum(map(len, replies)) > MAX_REPLY:
            return self._fail(UpstreamReplyTooLargeError(f"The upstream's replies are larger than {MAX_REPLY} bytes."))
        return jsonio.encode(joined([jsonio.decode(reply) for reply in replies]))

    def read(self, body: bytes) -> bytes | TruelineError:
        """The exact reply, or why there is none."""
        if not body.strip():
            return UpstreamCutError("The upstream's reply is empty.", code="upstream_empty_reply")
        try:
            payload = jsonio.decode(body, self.note)
        except jsonio.JSONError:
            return not_json(body)
        error = error_in(payload)
        if error is not None:
            self.note("err-in-200-body")
            return error
        if self._own is not None:
            payload = self._own.read(payload, self._request)
        reply = read_embeddings(payload, self._request, self.note)
        if isinstance(reply, TruelineError):
            return reply
        if self._options.model_name == "requested" and self._request.model and reply["model"] != self._request.model:
            self.note("model-differs")
            reply["model"] = self._request.model
        if not self._keep:
            reply = self._trimmed(reply, without_extras(reply))
        return body if self._own is None and not self.faults and jsonio.same(reply, payload) else jsonio.encode(reply)
