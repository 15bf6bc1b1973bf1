"""Where a model is: AI Studio's and Vertex AI's paths."""

from __future__ import annotations

from ..parameters import in_path
from ..provider import Asked

__all__ = ["is_vertex", "model_path"]

_VERTEX = "aiplatform.googleapis.com"
_PUBLISHER = "/publishers/google"


def model_path(asked: Asked) -> str:
    """The model's path behind the base URL: what that lacks is filled from `project` and `region`."""
    model = asked.model.removeprefix("google/")
    named = model if model.startswith(("models/", "tunedModels/")) else f"models/{model}"
    return f"{_lacking(asked)}/{in_path(named, '/@')}"


def is_vertex(asked: Asked) -> bool:
    """Whether the upstream is Vertex AI, by its host or its path."""
    host, base = asked.settings.get("host", ""), asked.settings.get("base_path", "")
    if not host and not base:
        return bool(asked.settings.get("project"))
    return host.endswith(_VERTEX) or _PUBLISHER in base


def _lacking(asked: Asked) -> str:
    settings = asked.settings
    host, base = settings.get("host", ""), settings.get("base_path", "").rstrip("/")
    if not is_vertex(asked):
        return ""
    if _PUBLISHER in base or not (host or base):
        return ""
    version = "" if base else "/v1"
    project = settings.get("project")
    if not project or "/projects/" in base:  # without a project it is the express form, for API keys
        return version + _PUBLISHER
    return f"{version}/projects/{project}/locations/{settings.get('region', 'global')}{_PUBLISHER}"
