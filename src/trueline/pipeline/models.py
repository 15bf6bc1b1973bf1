"""Lists of models and single models."""

from __future__ import annotations

from typing import Any

from ..context import FormatOptions
from ..dialects.error_bodies import error_in
from ..dialects.openai_models import read_model, read_models, without_extras
from ..dialects.provider import ProviderModels
from ..errors import NotFoundError, TruelineError, UpstreamFormatError
from ..wire import jsonio
from .base import WholeBody, not_json

__all__ = ["Models"]


class Models(WholeBody):
    """The reply to `GET /v1/models`, or to `GET /v1/models/{id}` with `single`."""

    def __init__(
        self,
        single: str | None = None,
        options: FormatOptions = FormatOptions(),
        own: ProviderModels | None = None,
    ) -> None:
        super().__init__(options)
        self._single = single
        self._own = own
        self._keep = options.extras == "keep"

    def read(self, body: bytes) -> bytes | TruelineError:
        """The exact reply, or why there is none."""
        try:
            payload = jsonio.decode(body, self.note)
        except jsonio.JSONError:
            return not_json(body)
        error = error_in(payload)
        if error is not None:
            self.note("err-in-200-body")
            return error
        if self._own is not None:
            payload = self._own.read(payload)
        reply = self._read(payload)
        if isinstance(reply, TruelineError):
            return reply
        if not self._keep:
            reply = self._trimmed(reply, without_extras(reply))
        return body if self._own is None and not self.faults and jsonio.same(reply, payload) else jsonio.encode(reply)

    def _read(self, payload: Any) -> dict[str, Any] | TruelineError:
        if self._single is None:
            listed = read_models(payload, self.note)
            return listed or UpstreamFormatError("The upstream's reply is not a list of models.")
        if isinstance(payload, dict) and isinstance(payload.get("data"), list):
            # The upstream answers the whole list to a question about one model.
            listed = read_models(payload, self.note) or {"data": []}
            found = next((m for m in listed["data"] if m["id"] == self._single), None)
            return found or NotFoundError(
                f"The model '{self._single}' does not exist", param="model", code="model_not_found"
            )
        return read_model(payload, self.note) or UpstreamFormatError("The upstream's reply is not a model.")
