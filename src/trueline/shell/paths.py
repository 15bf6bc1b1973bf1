"""What follows an upstream's base URL: OpenAI's path as it is, or in the shape that its provider wants."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import quote

__all__ = ["PLAIN", "Paths"]

_OF_A_MODEL = ("/chat/", "/completions", "/embeddings", "/images/", "/audio/")
"""How the paths begin that a model answers; others, such as `/models`, have no model in them."""
_AS_IT_IS = "{path}"


@dataclass(frozen=True, slots=True)
class Paths:
    """`shape` holds `{path}` and may hold `{model}` and a query; `plain`: the same for what no model answers."""

    shape: str = _AS_IT_IS
    plain: str = ""
    key: str = ""
    """The query that shows a key, where it is shown so."""

    @property
    def as_they_are(self) -> bool:
        """Nothing is done to a path."""
        return self.shape == _AS_IT_IS and not self.key

    def with_key(self, key: str) -> Paths:
        """The same paths with `key` in the query."""
        return replace(self, key="key=" + quote(key, safe=""))

    def of(self, path: str, model: str | None) -> str:
        """Where `path`, with its query, is found for a model."""
        if self.as_they_are:
            return path
        bare, _, query = path.partition("?")
        of_a_model = model is not None and bare.startswith(_OF_A_MODEL)
        shape = self.shape if of_a_model or not self.plain else self.plain
        # One pass: what stands in a model's name is text and no placeholder.
        parts = shape.split("{model}")
        shaped = quote(model or "", safe="").join(part.replace("{path}", bare) for part in parts)
        start, _, own = shaped.partition("?")
        queries = "&".join(filter(None, (own, query, self.key)))
        return f"{start}?{queries}" if queries else start


PLAIN = Paths()
