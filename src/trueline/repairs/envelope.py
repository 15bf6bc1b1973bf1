"""One constant id, created, model, tier and fingerprint per reply (`faults.md` section 1)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from msgspec import UNSET, UnsetType

from ..events import ReplyStart
from .base import Result, Rule

__all__ = ["Envelope"]

_NO_ID = ("", "null", "None", "undefined")
_CHAT_ID = "chatcmpl-"
_COMPLETION_ID = "cmpl-"
_TIERS = ("auto", "default", "flex", "scale", "priority", "fast")
_OTHER_TIERS = {"standard": "default", "on_demand": "default"}
_DATES = ("%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")


class Envelope(Rule):
    """Mend the envelope once; the writer stamps it on every chunk."""

    sees = (ReplyStart,)
    mends = (
        "id-missing",
        "id-empty",
        "id-null-string",
        "id-prefix-wrong",
        "completions-id",
        "created-missing",
        "created-float",
        "created-ms",
        "created-string",
        "model-empty",
        "model-differs",
        "service-tier-foreign",
        "fingerprint-missing",
    )

    def see(self, event: ReplyStart) -> Result:
        if self.context.translated:
            self._translate(event)
        event.id = self._id(event.id)
        event.created = self._created(event.created)
        event.model = self._model(event.model)
        self.context.tier = event.service_tier
        event.service_tier = self._tier(event.service_tier)
        event.fingerprint = self._fingerprint(event.fingerprint, event.model)
        return event

    def _translate(self, event: ReplyStart) -> None:
        """Fill what another API has no place for, and keep its id where the operator sees it: nobody's fault."""
        if isinstance(event.id, str) and event.id:
            self.context.upstream_id = event.id
        event.id = self._prefix + self.context.mint.token(29)
        if event.created is UNSET:
            event.created = self.context.mint.now()
        if event.model is UNSET:
            event.model = self.context.route.model or self.context.request.model or "unknown"
        if event.fingerprint is UNSET and self.context.options.fingerprint == "derive":
            event.fingerprint = self._derived(event.model)

    @property
    def _prefix(self) -> str:
        return _CHAT_ID if self.context.chat else _COMPLETION_ID

    def _id(self, value: Any) -> str:
        number = isinstance(value, int) and not isinstance(value, bool)
        if number:
            self.note("id-missing")
            value = str(value)
        if not isinstance(value, str) or value in _NO_ID:
            missing = value is UNSET or value is None or not isinstance(value, str)
            self.note("id-missing" if missing else "id-null-string" if value else "id-empty")
        elif self.context.options.id == "keep":
            if not number and not value.startswith(self._prefix):
                other = not self.context.chat and value.startswith(_CHAT_ID)
                self.note("completions-id" if other else "id-prefix-wrong")
            return value
        else:
            self.context.upstream_id = value
        return self._prefix + self.context.mint.token(29)

    def _created(self, value: Any) -> int:
        if isinstance(value, str):
            self.note("created-string")
            value = _seconds(value)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value or value < 1:
            self.note("created-missing")
            return self.context.mint.now()
        if value > 1e20:
            self.note("created-missing")
            return self.context.mint.now()
        if value > 1e11:
            self.note("created-ms")
            value = value / (1e9 if value > 1e17 else 1e6 if value > 1e14 else 1e3)
        elif isinstance(value, float):
            self.note("created-float")
        return int(value)

    def _model(self, value: Any) -> str:
        asked = self.context.request.model
        if self.context.options.model_name == "requested" and asked:
            if value != asked:
                self.note("model-differs")
            return asked
        if isinstance(value, str) and value:
            return value
        self.note("model-empty")
        return self.context.route.model or asked or "unknown"

    def _tier(self, value: Any) -> Any:
        if value is UNSET or value is None or value in _TIERS or not self.context.mends("service-tier-foreign"):
            return value
        self.note("service-tier-foreign")
        return _OTHER_TIERS.get(value, UNSET) if isinstance(value, str) else UNSET

    def _fingerprint(self, value: Any, model: str) -> str | UnsetType | None:
        """The upstream's, a null that came with the key, else one derived from the backend (DESIGN 1, rule 2)."""
        if isinstance(value, str) and value:
            return value
        if not self.context.chat:
            # OpenAI's completions have none, or text (rules.md R).
            if value is not UNSET:
                self.note("fingerprint-missing")
            return UNSET
        if value is None:
            return value
        if self.context.options.fingerprint == "keep":
            return UNSET
        self.note("fingerprint-missing")
        return self._derived(model)

    def _derived(self, model: Any) -> str:
        route = self.context.route
        backend = "\0".join((route.upstream, str(model), route.model or ""))
        return "fp_" + sha256(backend.encode("utf-8", "replace")).hexdigest()[:10]


def _seconds(value: str) -> float | None:
    if re.fullmatch(r"\s*[0-9]{1,20}(\.[0-9]+)?\s*", value):
        return float(value) if "." in value else int(value)
    for pattern in _DATES:
        try:
            return int(datetime.strptime(value.strip()[:19], pattern).replace(tzinfo=UTC).timestamp())
        except ValueError:
            continue
    return None
