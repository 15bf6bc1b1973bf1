"""OpenAI's embeddings: vectors in input order, as numbers or as base64, as asked (`faults.md` section 14)."""

from .reader import joined, read_embeddings, without_extras

__all__ = ["joined", "read_embeddings", "without_extras"]
