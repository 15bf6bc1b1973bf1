"""One exchange of the native server: from the request to the upstream and back by callbacks, without a task.

What the upstream sends arrives here in one call per read; what the pipeline makes of it leaves in one write.  The
status of a reply is held back until the pipeline has something to say, as in `AwaitedExchange`.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ...errors import DrainingError, TruelineError, UpstreamError
from ...messages import LARGE_REQUEST
from ...providers import UNKNOWN
from ..asking import asks_more, lesson_of, tailored
from ..exchange import CLIENT_CLOSED, JSON, MAX_ERROR_BODY, Exchange, log_failure
from ..gateway import PIPELINES, Gateway, options_of
from ..headers import Pairs
from ..work import Job, begin_work
from .client import NativeClient

if TYPE_CHECKING:
    from ..routes import Choice
    from ..upstream import Call
    from ..upstream.headers import ResponseHead

__all__ = ["NativeExchange"]

REFUSED = (400, 404, 422)
"""Statuses with which an upstream refuses a form that it does not take."""


class NativeExchange(Exchange[NativeClient]):
    """A `ResponseSink` for its upstream's reply."""

    _choice: Choice | None = None
    _call: Call | None = None
    _status = 0
    _error_body: list[bytes] | None = None
    """What the upstream says of its error, as far as it came."""
    _error_size = 0
    _start = b""
    _last = b""
    _known = 0
    _ended = False
    _paused = False
    _working = False
    """Something is done elsewhere that the pipeline owes."""
    _job: Job | None = None
    _closing = False
    """The upstream's reply has ended, and what the pipeline gives next is its last."""
    _admitted = False
    _steady: Callable[[bytes], bytes | None] | None = None
    """See Pipeline: takes most of what a stream brings."""
    _flows = False
    """A stream has begun, and neither its end nor that of its client has come."""
    _request: Any = None
    _asked = b""
    """The request as it came, until its upstream has taken it."""

    def __init__(self, gateway: Gateway, client: NativeClient) -> None:
        super().__init__(client, gateway.request_id)
        self.gateway = gateway
        self._idle_since = self.began
        gateway.metrics.running.add(self)

    # -- to the upstream ----------------------------------------------------------------------------------------------

    def admit(self) -> bool:
        """Whether the request may send its body; if not, it has been answered."""
        if self._admitted or not self.gateway.settings.keys:
            return True
        self._admitted = True
        try:
            self.gateway.authenticate(self.client)
        except TruelineError as error:
            self.fail(error)
            return False
        return True

    def run(self, path: str, body: bytes) -> None:
        """Send the request on; `path` is a key of `PIPELINES`."""
        self.waited += perf_counter() - self._idle_since
        try:
            self._send(path, body)
        except TruelineError as error:
            self.fail(error)
        except Exception:
            self._fail_inside()

    def _send(self, path: str, body: bytes) -> None:
        gateway, client = self.gateway, self.client
        read, make = PIPELINES[path]
        request = read(body)
        self.model = request.model
        choice, known, self.price, upstream = gateway.way_to(request.model)
        self._choice, backend = choice, choice.backend
        options = options_of(client, choice)
        if known.keeps or gateway.conduct.trusts:
            options = gateway.settled(options, choice, request, known)
        self.options, enforce = options, options.enforce
        more = request.n != 1 or enforce.on_invalid == "retry"
        if backend.translated or (more and asks_more(request, gateway.learned.gives_all(choice, request), enforce)):
            self._pass_on(body, None)
            return
        if known is UNKNOWN:
            forwarded = request.with_model(choice.model)
        else:
            forwarded, changes = tailored(request, choice.model, known)
            self.changed(changes)
        self.upstream = backend.name
        prepared, self.secrets = client.turns.prepared(self, choice, path)
        self._request, self._asked = request, body
        self._call = upstream.start_prepared(prepared, b"\r\nx-request-id: " + self.request_id, forwarded, sink=self)
        # The request has left: nobody waits for what is done from here on.
        pipe = self.pipe = make(request, choice.route, gateway.mint, self.options)
        pipe.secrets = self.secrets
        pipe.defer()
        self.faults = pipe.facts.faults
        request.let_go(len(body) >= LARGE_REQUEST and gateway.learned.may_count(choice, request))
        self._idle_since = perf_counter()
        if self._paused:
            self._call.pause()

    # -- from the upstream (see ResponseSink) -------------------------------------------------------------------------

    def on_head(self, status: int, headers: Pairs) -> None:
        """See ResponseSink."""
        now = perf_counter()
        self.upstream_seconds = now - self._idle_since
        self.waited += now - self._idle_since
        self.reply_headers = headers
        self._status = status
        if 200 <= status < 300:
            self._asked = b""
        else:
            self._error_body = []
            if status < 400:
                assert self._choice is not None
                self.fail(self.redirected(self._choice.backend))
        self._idle_since = perf_counter()

    def on_data(self, data: bytes) -> None:
        """See ResponseSink."""
        steady = self._steady
        out = steady(data) if steady is not None else None
        if out is None:
            try:
                self._take(data)
            except Exception:  # said here: the call may be over, and tells nobody any more
                self._fail_inside()
            return
        self._last = data
        self.received += len(data)
        if out:
            self.client.write(out)

    def _take(self, data: bytes) -> None:
        """Take bytes of which it is not known what they are."""
        pipe = self.pipe
        if pipe is None or not (self._flows or self._waits_for(data)):
            return
        self._last = data
        self.received += len(data)
        out = pipe.feed(data)
        if len(self.faults) != self._known:
            self._known = self.keep_examples(data, self.faults)
        if pipe.done:
            self._leave(out)
            return
        if self._flows:
            if out:
                self.client.write(out)
        elif out:
            self._write(out)
        else:
            self._idle_since = perf_counter()
        if pipe.facts.owed is not None:
            self._steady = None
            self._begin_work(pipe.facts.owed)
        elif self._flows:
            self._steady = pipe.steady()

    def _waits_for(self, data: bytes) -> bool:
        """Whether the first bytes are those of a reply that is waited for."""
        if self._ended:
            return False
        if not self.client.started:
            self.waited += perf_counter() - self._idle_since
        if self._error_body is not None:
            self._take_error(data)
            return False
        if not self.received:
            self._start = data
            self.note_content_type(data)
        return True

    def on_end(self) -> None:
        """See ResponseSink."""
        if self._ended:
            return
        try:
            if not self.client.started:
                self.waited += perf_counter() - self._idle_since
            if self._error_body is not None:
                self._answer_error(b"".join(self._error_body))
            else:
                self._close(None)
        except Exception:
            self._fail_inside()

    def on_whole(self, status: int, head: ResponseHead, body: bytes) -> None:
        """See ResponseSink: what most whole replies are, so that the steps of the others are taken at once."""
        pipe = self.pipe
        if not body or status != 200 or pipe is None:
            self.on_head(status, head.sized(len(body)))
            self.on_data(body)
            self.on_end()
            return
        self.upstream_seconds = seconds = perf_counter() - self._idle_since
        self.waited += seconds
        self.reply_headers = head.headers
        self.reply_head = head
        self._status = status
        self._start = self._last = body
        self.received = len(body)
        if body[:1] != b"{" or not head.is_json:  # an object that is called one: nothing is wrong with that
            self.note_content_type(body)
        last = pipe.feed(body)
        try:
            if not pipe.done:
                last += pipe.close()
            owed = pipe.facts.owed
            if owed is not None:
                self._closing = True
                self._begin_work(owed)
                return
            if pipe.error is not None or pipe.content_type != JSON:
                self._finish(last)
                return
            self.sample = body
            self.status = 200
            if self.price is not None:
                self.account(last)
            self.client.reply(200, self.whole_head(len(last)), last)
            self._end()
        except Exception:
            self._fail_inside()

    def on_error(self, error: Exception) -> None:
        """See ResponseSink."""
        if self._ended:
            return
        try:
            if not isinstance(error, TruelineError):
                raise error
            if not self.client.started:
                self.waited += perf_counter() - self._idle_since
            if self._error_body is not None:
                self._answer_error(b"")  # the status says enough
            elif self._status and isinstance(error, UpstreamError):
                self.error = error
                self._close(error)
            else:
                self.fail(error)
        except Exception:
            self._fail_inside()

    def _take_error(self, data: bytes) -> None:
        assert self._error_body is not None
        self._error_body.append(data)
        self._error_size += len(data)
        if self._error_size > MAX_ERROR_BODY:
            self._answer_error(b"")
        self._idle_since = perf_counter()

    def _answer_error(self, body: bytes) -> None:
        choice = self._choice
        assert choice is not None
        error = self.upstream_error(self._status, body, choice.backend)
        lesson = self._learn(error, choice) if self._status in REFUSED and self._asked else None
        if lesson is None:
            self.fail(error)
        else:
            self._pass_on(self._asked, lesson)

    def _learn(self, error: TruelineError, choice: Choice) -> str | None:
        """What the upstream taught by refusing a form of the request that has another one."""
        learned, model, request = self.gateway.learned, self.model, self._request
        lesson = lesson_of(error, self._asked, request, choice, learned.of(choice, model), self.options.enforce)
        if lesson is None:
            return None
        learned.add(choice, model, lesson)
        return lesson.field

    def _pass_on(self, body: bytes, tried: str | None) -> None:
        """Let an exchange that can wait answer: the upstream has to be asked again, or several times."""
        if self._call is not None:
            self._call.cancel()
        self._ended = True
        self.gateway.metrics.running.discard(self)
        self._let_go()
        self.client.turns.pass_on(self.client, self.request_id, body, tried)

    def _leave(self, out: bytes) -> None:
        """The pipeline has said its last: the upstream's connection may be of use to the next exchange."""
        call, pipe = self._call, self.pipe
        assert call is not None and pipe is not None
        if pipe.error is None and not pipe.left:
            call.finish()
        else:
            call.cancel()
        self._finish(out)

    def _close(self, cut: UpstreamError | None) -> None:
        """The upstream's reply has ended, or was cut."""
        assert self.pipe is not None
        if self._call is not None and self._call.mislabelled:
            self.note("content-encoding-kept")
        last = self.pipe.close(cut)
        if self.pipe.owed is None:
            self._finish(last)
            return
        self._closing = True
        if last:
            self._write(last)
        self._begin_work(self.pipe.owed)

    # -- work that is owed --------------------------------------------------------------------------------------------

    def _begin_work(self, work: Callable[[], None]) -> None:
        """Have done elsewhere what the pipeline owes; until then the upstream waits."""
        if self._working:
            return
        self._working = True
        if self._call is not None:
            self._call.pause()
        self._job = begin_work(work, self._settle)

    def _settle(self) -> None:
        """It is done, or there is no time left for it: go on."""
        pipe = self.pipe
        if self._ended or pipe is None or not self._working:
            return
        self._working = False
        self._drop_job()
        try:
            out = pipe.settle()
            if pipe.owed is None and self._closing:
                self._finish(out)
                return
            if pipe.owed is None and pipe.done:
                self._leave(out)
                return
            if out:
                self._write(out)
            if pipe.owed is not None:
                self._begin_work(pipe.owed)
            elif not self._paused and self._call is not None:
                self._call.resume()
        except Exception:
            self._fail_inside()

    def _write(self, out: bytes) -> None:
        """Send bytes of a stream; its head goes first."""
        if not self.client.started:
            self.status = 200
            self.client.start(200, self.stream_head())
            self._flows = True
        self.client.write(out)

    def _finish(self, last: bytes) -> None:
        """Send what the pipeline gave at its end: the last of a stream, a whole reply, or its error."""
        pipe, client = self.pipe, self.client
        assert pipe is not None
        if len(self.faults) != self._known:
            self.keep_last_examples(self._start, self._last)
        if pipe.error is not None:
            self.fail(pipe.error)
            return
        self.status = 200
        if not pipe.content_type.startswith(b"text/event-stream"):
            self.account(last)
            client.reply(200, self.whole_head(len(last)), last)
        else:
            if not client.started:
                client.start(200, self.stream_head())
            client.end(last)
        self._end()

    # -- to the client ------------------------------------------------------------------------------------------------

    def fail(self, error: TruelineError) -> None:
        """Answer with an error: its status if nothing was sent, else the event that the pipeline makes of it.

        What has begun and cannot end in an error event gets no end at all.
        """
        self.blame(error)
        client = self.client
        if self._call is not None:
            self._call.cancel()
        if not client.started:
            head, body = self.error_reply(error)
            self.status = error.status
            client.reply(error.status, head, body)
        else:
            last = self.last_words(error)
            if last:
                client.end(last)
            else:
                client.break_off()
        self._end()

    def _fail_inside(self) -> None:
        """A failure of Trueline itself takes this exchange down and no other."""
        log_failure(self)
        try:
            self.fail(TruelineError("Trueline failed to handle this request; its log says why."))
        except Exception:
            log_failure(self)
            if not self._ended:
                self.client.break_off()
                self._end()

    def drain(self) -> None:
        """The server stops, and the time for running replies is over."""
        self._settle()
        if self._ended:
            return
        try:
            self.fail(DrainingError("The server is shutting down, and the time for running replies is over."))
        except Exception:
            self._fail_inside()

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self.gateway.end(self)
            self._let_go()
            client = self.client
            client.turns.replied(client)

    def _let_go(self) -> None:
        """Leave no circle of references behind: what ends is freed at once, and its memory is used again while warm."""
        self.client.exchange = None
        self._flows = False
        self._steady = None
        self._call = None
        self._drop_job()
        if self.pipe is not None:
            self.pipe.release()
        if self.error is not None:
            self.error.__traceback__ = self.error.__context__ = None

    def _drop_job(self) -> None:
        """Whatever is still worked on, nobody waits for it."""
        if self._job is not None:
            self._job.drop()
            self._job = None

    # -- the client's pace --------------------------------------------------------------------------------------------

    def pause(self) -> None:
        """The client does not take what was written: read no more for it."""
        self._paused = True
        if self._call is not None:
            self._call.pause()

    def resume(self) -> None:
        """The client takes bytes again."""
        self._paused = False
        if self._call is not None and not self._ended and not self._working:
            self._call.resume()

    def gone(self) -> None:
        """The client closed its connection: let go of the upstream at once."""
        if self._ended:
            return
        self._ended = True
        if self._call is not None:
            self._call.cancel()
        self.status = CLIENT_CLOSED
        self.gateway.end(self)
        self._let_go()
