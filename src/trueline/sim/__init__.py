"""`trueline sim`: a model server for demos and tests.  It answers exactly as OpenAI does, except for what was chosen.

    async with SimServer(SimOptions(faults=("sse-no-space",), rate=50)) as sim:   # real sockets
        … sim.url, sim.requests, sim.open_streams, sim.release(), await sim.until(lambda: sim.open_streams == 0) …
    reply = render_chat(request, faults=["tool-index-missing"])                   # no sockets: status, headers, chunks

A request chooses for itself with `"x_sim": {…}` in its body or an `x-sim` header: the fields of `SimOptions`.
The answer is what the prompt says after `echo: `; else a sentence about the prompt.  It judges nothing: no engine here.
"""

from __future__ import annotations

from trueline.sim.connection import Recorded
from trueline.sim.examples import example_request
from trueline.sim.faults import NOT_PLANTABLE, PLANTERS
from trueline.sim.options import FAILURES, OptionError, SimOptions
from trueline.sim.providers import PROVIDERS
from trueline.sim.render import render, render_chat, render_json
from trueline.sim.reply import SimReply
from trueline.sim.server import SimServer

__all__ = [
    "FAILURES",
    "NOT_PLANTABLE",
    "PLANTERS",
    "PROVIDERS",
    "OptionError",
    "Recorded",
    "SimOptions",
    "SimReply",
    "SimServer",
    "example_request",
    "render",
    "render_chat",
    "render_json",
]
