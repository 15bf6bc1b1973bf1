"""TLS over a transport: records however they arrive, and every way in which a connection can end."""

from __future__ import annotations

import asyncio
import ssl
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
import trustme

from shell.upstream.scripted import until
from shell.upstream.secured import App, Far, Line
from trueline.shell.upstream.secure import SecureTransport

if TYPE_CHECKING:
    from typing_extensions import Buffer


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def near_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def far(request: pytest.FixtureRequest, authority: trustme.CA) -> Far:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = request.param
    authority.issue_cert("model.test").configure_cert(context)
    return Far(context)


async def shaking(line: Line, app: App, context: ssl.SSLContext, far: Far) -> asyncio.Task[SecureTransport]:
    """A handshake of which the server's last words are still in `far.outgoing`."""
    task = asyncio.ensure_future(SecureTransport.over(line, app, context, "model.test"))
    await until(lambda: line.written)
    while not far.shake_hands(line.taken()):
        line.protocol.data_received(far.outgoing.read())
    return task


async def connected(app: App, context: ssl.SSLContext, far: Far) -> tuple[Line, SecureTransport]:
    line = Line()
    task = await shaking(line, app, context, far)
    if last := far.outgoing.read():
        line.protocol.data_received(last)
    return line, await task


async def turns() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


# ---- records


@pytest.mark.parametrize("size", [1, 300, 16_384, 16_385, 100_000])
@pytest.mark.parametrize("cuts", ["one read", "by record", "every byte", "in the middle", "after a byte"])
async def test_records_however_they_arrive(near_context: ssl.SSLContext, far: Far, size: int, cuts: str) -> None:
    app = App()
    line, _ = await connected(app, near_context, far)
    data = [bytes([65 + number]) * size for number in range(3)]
    records = [far.sends(each) for each in data]
    whole = b"".join(records)
    places = {
        "one read": [0, len(whole)],
        "by record": [0, len(records[0]), len(records[0]) * 2, len(whole)],
        "every byte": list(range(len(whole) + 1)) if size < 1000 else [*range(100), len(whole)],
        "in the middle": [0, len(whole) // 2, len(whole)],
        "after a byte": [0, len(records[0]) + 1, len(whole)],
    }[cuts]
    for start, end in pairwise(places):
        line.protocol.data_received(whole[start:end])
    assert b"".join(app.seen) == b"".join(data)  # type: ignore[arg-type]
    if cuts in ("one read", "by record"):  # one call for each read, however many records it holds
        assert len(app.seen) == len(places) - 1


async def test_what_is_written_leaves_at_once(near_context: ssl.SSLContext, far: Far) -> None:
    line, secure = await connected(App(), near_context, far)
    for data in (b"x", bytes(300), memoryview(bytes(200_000)), bytearray(b"yz")):
        secure.write(data)
        assert far.reads(line.taken()) == bytes(data)
    secure.write(b"")
    assert line.taken() == b""


async def test_data_that_comes_with_the_end_of_the_handshake(
    authority: trustme.CA, near_context: ssl.SSLContext
) -> None:
    """In TLS 1.2 the server has the last word; the protocol gets data once its owner has the transport."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    authority.issue_cert("model.test").configure_cert(context)
    far, line, app = Far(context), Line(), App()
    task = await shaking(line, app, near_context, far)

    line.protocol.data_received(far.sends(b"early"))
    assert app.seen == []
    assert (await task).is_reading()
    await turns()
    assert app.seen == [b"early"]


async def test_session_tickets_are_no_data(authority: trustme.CA, near_context: ssl.SSLContext) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 4
    authority.issue_cert("model.test").configure_cert(context)
    far, line, app = Far(context), Line(), App()
    task = await shaking(line, app, near_context, far)
    tickets = far.outgoing.read()
    await task

    line.protocol.data_received(tickets)
    line.protocol.data_received(far.sends(b"data"))
    await turns()
    assert app.seen == [b"data"]


# ---- the pace


async def test_what_arrived_before_a_pause_waits_for_its_end(near_context: ssl.SSLContext, far: Far) -> None:
    app = App()
    line, secure = await connected(app, near_context, far)
    app.on_data = lambda _: secure.pause_reading()
    line.protocol.data_received(far.sends(b"one"))
    assert [line.reading, secure.is_reading()] == [False, False]
    line.protocol.data_received(far.sends(b"two"))  # as of a transport that has read already
    line.protocol.data_received(far.ends())
    assert app.seen == [b"one"]

    secure.resume_reading()
    assert [line.reading, secure.is_reading()] == [True, True]
    await turns()
    assert app.seen == [b"one", b"two"], "the protocol has paused again, and is not told of the end"
    app.on_data = len
    secure.resume_reading()
    await turns()
    assert app.seen == [b"one", b"two", "eof", None]


async def test_the_pace_of_the_transport_underneath(near_context: ssl.SSLContext, far: Far) -> None:
    app = App()
    line, secure = await connected(app, near_context, far)
    line.protocol.pause_writing()
    line.protocol.resume_writing()
    assert app.seen == ["pause", "resume"]
    assert secure.get_write_buffer_size() == 7


class Renegotiating(ssl.SSLContext):
    """OpenSSL takes no data between a server's wish to renegotiate and its next words."""

    def wrap_bio(self, *args: object, **kwargs: object) -> ssl.SSLObject:
        made = super().wrap_bio(*args, **kwargs)  # type: ignore[arg-type]
        taking, context = made.write, self
        context.busy = False

        def write(data: Buffer) -> int:
            if context.busy:
                raise ssl.SSLWantReadError
            return taking(memoryview(data)[:5])  # and it may take less than it is given

        made.write = write  # type: ignore[method-assign]
        return made

    busy = False


@pytest.mark.parametrize("full", [False, True], ids=["", "full"])
async def test_writing_while_the_peer_renegotiates(authority: trustme.CA, far: Far, full: bool) -> None:
    context, app = Renegotiating(ssl.PROTOCOL_TLS_CLIENT), App()
    authority.configure_trust(context)
    line, secure = await connected(app, context, far)
    context.busy = True
    secure.write(b"hello ")
    secure.write(b"world")
    assert line.taken() == b""
    assert app.seen == ["pause"]
    assert secure.get_write_buffer_size() == 7 + 11

    if full:
        line.protocol.pause_writing()
    context.busy = False
    line.protocol.data_received(far.sends(b"now"))
    assert far.reads(line.taken()) == b"hello world"
    if full:
        assert app.seen == ["pause", b"now"]
        line.protocol.resume_writing()
        assert app.seen == ["pause", b"now", "resume"]
    else:
        assert app.seen == ["pause", "resume", b"now"]


# ---- ends


async def test_an_announced_end_is_answered(near_context: ssl.SSLContext, far: Far) -> None:
    app = App()
    line, secure = await connected(app, near_context, far)
    line.protocol.data_received(far.sends(b"last") + far.ends())
    await turns()
    assert app.seen == [b"last", "eof", None]
    assert line.closed and secure.is_closing()
    far.incoming.write(line.taken())
    far.tls.unwrap()  # ours has arrived


async def test_closing_announces_the_end(near_context: ssl.SSLContext, far: Far) -> None:
    app = App()
    line, secure = await connected(app, near_context, far)
    secure.close()
    secure.close()
    secure.write(b"too late")
    await turns()
    assert app.seen == [None]
    far.incoming.write(line.taken())
    far.tls.unwrap()  # which finds that both have been announced


def garbage(record: bytes) -> bytes:
    return record[:-1] + bytes([record[-1] ^ 1])


async def test_a_record_that_is_not_the_peers(near_context: ssl.SSLContext, far: Far) -> None:
    app = App()
    line, _ = await connected(app, near_context, far)
    line.protocol.data_received(far.sends(b"fine") + garbage(far.sends(b"altered")))
    assert line.aborted
    await turns()
    assert app.seen == [b"fine", ssl.SSLError]


@pytest.mark.parametrize("arrived", ["nothing", "half a record", "a record"])
async def test_an_end_that_is_not_announced_is_a_lost_connection(
    near_context: ssl.SSLContext, far: Far, arrived: str
) -> None:
    app = App()
    line, _ = await connected(app, near_context, far)
    record = far.sends(b"data")
    line.protocol.data_received({"nothing": b"", "half a record": record[:-3], "a record": record}[arrived])
    assert not line.protocol.eof_received()
    assert line.aborted
    await turns()
    assert app.seen == ([b"data", None] if arrived == "a record" else [None])


@pytest.mark.parametrize("exc", [None, ConnectionResetError("reset")])
async def test_a_lost_connection(near_context: ssl.SSLContext, far: Far, exc: Exception | None) -> None:
    app = App()
    line, secure = await connected(app, near_context, far)
    line.lose(exc)
    await turns()
    secure.write(b"nobody")
    secure.pause_reading()
    secure.resume_reading()
    await turns()
    assert app.seen == [exc if exc is None else type(exc)]
    assert line.written == b""


async def test_dropping_it_while_it_delivers(near_context: ssl.SSLContext, far: Far) -> None:
    app = App()
    line, secure = await connected(app, near_context, far)
    app.on_data = lambda _: secure.abort()
    line.protocol.data_received(far.sends(b"one") + far.ends())
    line.protocol.data_received(far.sends())
    await turns()
    assert app.seen == [b"one", None]


# ---- handshakes that fail


async def test_a_certificate_that_is_not_trusted(far: Far) -> None:
    line, app = Line(), App()
    task = await shaking_until_failure(line, app, ssl.create_default_context(), far)
    with pytest.raises(ssl.SSLCertVerificationError):
        await task
    with pytest.raises(ssl.SSLError, match="UNKNOWN_CA"):  # the server is told why
        far.reads(line.taken())
    line.protocol.data_received(b"whatever it says to that")
    line.abort()
    await turns()
    assert app.seen == []


async def shaking_until_failure(
    line: Line, app: App, context: ssl.SSLContext, far: Far
) -> asyncio.Task[SecureTransport]:
    task = asyncio.ensure_future(SecureTransport.over(line, app, context, "model.test"))
    await until(lambda: line.written)
    far.shake_hands(line.taken())
    line.protocol.data_received(far.outgoing.read())
    return task


@pytest.mark.parametrize("how", ["eof", "lost", "reset", "cancelled"])
async def test_a_handshake_that_is_broken_off(near_context: ssl.SSLContext, how: str) -> None:
    line, app = Line(), App()
    task = asyncio.ensure_future(SecureTransport.over(line, app, near_context, "model.test"))
    await until(lambda: line.written)
    if how == "eof":
        line.protocol.eof_received()
    elif how == "cancelled":
        task.cancel()
        await turns()
        line.abort()
    else:
        line.lose(None if how == "lost" else ConnectionResetError("reset"))
    with pytest.raises(asyncio.CancelledError if how == "cancelled" else ConnectionResetError):
        await task
    await turns()
    assert app.seen == []


async def test_a_connection_that_has_ended_before_the_handshake(near_context: ssl.SSLContext) -> None:
    line = Line()
    line.closed = True
    with pytest.raises(ConnectionResetError):
        await SecureTransport.over(line, App(), near_context, "model.test")
