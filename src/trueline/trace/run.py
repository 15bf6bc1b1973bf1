"""Takes a recorded reply through the engine, event by event, and says what happened."""

from __future__ import annotations

from ..context import FormatOptions
from ..errors import TruelineError
from ..mint import Mint
from ..pipeline import Pipeline, WholeImages
from ..recorded import Kind
from ..recordings import Played, open_reply
from .cut import cut_events, is_stream
from .form import Step, Trace
from .watcher import Watcher

__all__ = ["trace"]


def trace(
    data: bytes,
    mint: Mint,
    *,
    model: str | None = None,
    stream: bool | None = None,
    options: FormatOptions | None = None,
    kind: Kind | None = None,
) -> Trace:
    """The trace of a file: a bare body, or a recording of `trueline serve --record`.

    Raises RecordingError, as `open_reply`.
    """
    watcher = Watcher()
    played = open_reply(data, mint, model=model, stream=stream, options=options, tracer=watcher, kind=kind)
    body = b"".join(played.pieces)
    form = "one body"
    if is_stream(body):
        form = "event stream" if body.lstrip()[:1] != b"{" else "JSON lines"
    if played.pipe is None:
        return _without_engine(played, body, form)
    error = _run(played, played.pipe, body, form != "one body", watcher)
    return Trace(
        form,
        watcher.steps,
        dict(played.pipe.faults),
        error.body()["error"] if error is not None else None,
        played.status,
        played.path,
        played.cut.message if played.cut is not None else None,
    )


def _without_engine(played: Played, body: bytes, kind: str) -> Trace:
    error = played.error
    faults = dict.fromkeys(error.faults, 1) if error is not None else {}
    step = Step(body, faults, [], b"" if error is not None else body)
    said = error.body()["error"] if error is not None else None
    return Trace(kind, [step], faults, said, played.status, played.path, passed=error is None)


def _run(played: Played, pipe: Pipeline, body: bytes, streamed: bool, watcher: Watcher) -> TruelineError | None:
    known: dict[str, int] = {}
    for came in cut_events(body) if streamed else [body]:
        step = watcher.begin(came)
        step.left = pipe.feed(came)
        known = _note_untold(step, known, pipe.faults)
    # The end is a step of its own where events came before it; a whole body is read when it is complete.
    step = watcher.begin(b"") if streamed or not watcher.steps else watcher.steps[-1]
    step.left += pipe.close(played.cut)
    if isinstance(pipe, WholeImages) and pipe.missing and pipe.error is None:
        step.left += pipe.finish()  # pictures that had to be fetched stay URLs here
    _note_untold(step, known, pipe.faults)
    if streamed and step.quiet and not (step.left or step.events):
        watcher.steps.pop()
    return pipe.error


def _note_untold(step: Step, known: dict[str, int], faults: dict[str, int]) -> dict[str, int]:
    """Put down what was noted in this step by a pipeline that has no tracer; the faults so far."""
    if step.events or step.faults:
        return dict(faults)
    for fault, count in faults.items():
        if count > known.get(fault, 0):
            step.faults[fault] = count - known.get(fault, 0)
    return dict(faults)
