"""OpenAI's list of models and single models (`faults.md` section 14)."""

from .reader import read_model, read_models, without_extras

__all__ = ["read_model", "read_models", "without_extras"]
