"""Where the server's ids, times and chances come from: a seed makes them the same each time."""

from __future__ import annotations

import random
import string
import time

__all__ = ["Ids"]

BASE62 = string.ascii_letters + string.digits
SEEDED_TIME = 1_760_000_000


class Ids:
    """The ids, the time and the chances of one reply."""

    def __init__(self, seed: int | None = None, salt: str = "") -> None:
        self.random = random.Random() if seed is None else random.Random(f"{seed}:{salt}")
        self.now = int(time.time()) if seed is None else SEEDED_TIME

    def token(self, length: int) -> str:
        """`length` letters and digits."""
        return "".join(self.random.choices(BASE62, k=length))

    def hex(self, length: int) -> str:
        """`length` hexadecimal digits."""
        return f"{self.random.getrandbits(4 * length):0{length}x}"
