"""Lists of models and single models."""

from __future__ import annotations

from typing import Any

from ..dialects.error_bodies import error_in
from ..dialects.openai_models import read_model, read_models
from ..errors import NotFoundError, TruelineError, UpstreamFormatError
from ..wire import jsonio
from .base import MAX_REPLY, not_json

__all__ = ["Models"]


class Models:
    """The reply to `GET /v1/models`, or to `GET /v1/models/{id}` with `single`."""

    content_type = b"application/json"

    def __init__(self, single: str | None = None) -> None:
        self._single = single
        self._body: list[bytes] = []
        self._size = 0
        self.error: TruelineError | None = None
        self.done = False
        self.faults: dict[str, int] = {}
        self.upstream_id: str | None = None

    def note(self, fault: str) -> None:
        self.faults[fault] = self.faults.get(fault, 0) + 1

    def feed(self, data: bytes) -> bytes:
        self._size += len(data)
        if self._size <= MAX_REPLY:
            self._body.append(data)
        return b""

    def close(self, cut: TruelineError | None = None) -> bytes:
        self.done = True
        if cut is not None:
            self.error = cut
            return b""
        body = b"".join(self._body)
        try:
            payload = jsonio.decode(body, self.note)
        except jsonio.JSONError:
            self.error = not_json(body)
            return b""
        self.error = error_in(payload)
        if self.error is not None:
            self.note("err-in-200-body")
            return b""
        reply = self._read(payload)
        if reply is None:
            return b""
        return body if reply == payload and not self.faults else jsonio.encode(reply)

    def _read(self, payload: Any) -> dict[str, Any] | None:
        if self._single is None:
            listed = read_models(payload, self.note)
            if listed is None:
                self.error = UpstreamFormatError("The upstream's reply is not a list of models.")
            return listed
        if isinstance(payload, dict) and isinstance(payload.get("data"), list):
            # The upstream answers the whole list to a question about one model.
            listed = read_models(payload, self.note) or {"data": []}
            found = next((m for m in listed["data"] if m["id"] == self._single), None)
            if found is None:
                self.error = NotFoundError(
                    f"The model '{self._single}' does not exist", param="model", code="model_not_found"
                )
            return found
        model = read_model(payload, self.note)
        if model is None:
            self.error = UpstreamFormatError("The upstream's reply is not a model.")
        return model
