"""What becomes of a recorded reply, event by event: how it came, which faults were noted where, what each rule did, and
how it left.

Pure: the very pipeline that the proxy runs, with a tracer in it (`pipeline/traced.py`).
"""

from __future__ import annotations

from .form import Act, Did, Seen, Step, Trace
from .run import trace

__all__ = ["Act", "Did", "Seen", "Step", "Trace", "trace"]
