"""What is measured: one row per case, as data for `measure`."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CASES", "Case"]

CHAT = "/v1/chat/completions"


@dataclass(frozen=True, slots=True)
class Case:
    """A load, and what is counted."""

    key: str
    title: str
    model: str
    """The reply that is asked for: see native/upstream.c.  {count} is how many events last as long as the case."""
    unit: str
    """`request` or `event`: what the CPU time is divided by."""
    connections: int = 0
    """How many at once; 0 for as many as the gateway's row says."""
    streamed: bool = False
    rate: int = 0
    """Events a second of each stream; 0 for all that is not paced."""
    tls: bool = False
    quick: bool = True
    """Whether the quick mode runs it."""

    @property
    def faulty(self) -> bool:
        """Whether the upstream commits faults."""
        return self.model.startswith("fault")


CASES = (
    Case("whole", "Whole replies, exact", "exact", "request"),
    Case("whole-faults", "Whole replies, with faults", "faults", "request"),
    Case("paced", "Paced streams, exact", "events-50-{count}", "event", 400, True, 50, quick=False),
    Case("paced-faults", "Paced streams, with faults", "faulty-50-{count}", "event", 400, True, 50),
    Case("burst", "202 events at once, exact", "events-0-202", "event", 8, True, quick=False),
    Case("burst-faults", "202 events at once, with faults", "faulty-0-202", "event", 8, True),
    Case("tls-whole", "Whole replies with faults, TLS to the upstream", "faults", "request", tls=True, quick=False),
    Case(
        "tls-paced", "Paced streams with faults, TLS to the upstream", "faulty-50-{count}", "event", 400, True, 50,
        tls=True, quick=False,
    ),
)  # fmt: skip
