"""The tee on the wire: every byte of an exchange is kept as it was sent and received.

aiohttp connects, pools and speaks TLS and to proxies; this module takes over its protocol class: it writes the request, frames the
response with archiver.capture.framing and keeps both on a tape. What aiohttp says to a proxy to have a tunnel set up is its own.

Rule 1: one tape per exchange; it is attached before the request is written and detached at the last byte of the response, so
        that nothing which arrives on an idle connection can be mistaken for an answer (such a connection is closed).
Rule 2: bytes that come before the request are fed once, when the tape is attached.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from aiohttp.client_proto import ResponseHandler

from archiver.capture.tape import End, Tape

READ_BYTES = 256 * 1024
HEARD_S = 0.02
"""A server counts a connection until it has heard that it is closed, and comes to that when it next looks."""


def read_buffer() -> memoryview:
    """Where the connections of one event loop may read into in turn: what was read is taken away before the next one reads."""
    return memoryview(bytearray(READ_BYTES))


class WireProtocol(ResponseHandler, asyncio.BufferedProtocol):
    """aiohttp's end of a connection, with the tape between it and the socket."""

    def __init__(self, loop: asyncio.AbstractEventLoop, buffer: memoryview, keep: object = None) -> None:
        """`keep` is held as long as the connection lives (a proxy's stream whose finaliser would close it)."""
        super().__init__(loop)
        self.served = 0
        """Exchanges finished on this connection."""
        self.peer_ip = ""
        self.tls = ""
        """`tls/1.3` or the like, or empty."""
        self._tape: Tape | None = None
        self._into = buffer
        self._early = b""
        self._tunnelling = False
        self._keep = keep
        self._raw: asyncio.Transport | None = None

    @property
    def active(self) -> bool:
        """Whether an exchange is under way."""
        return self._tape is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._raw = cast(asyncio.Transport, transport)
        super().connection_made(self._raw)
        peer = transport.get_extra_info("peername")
        self.peer_ip = str(peer[0]).partition("%")[0] if isinstance(peer, tuple) else ""
        tls = transport.get_extra_info("ssl_object")
        self.tls = (tls.version() or "").lower().replace("tlsv", "tls/") if tls else ""

    async def gone(self) -> None:
        """Close now and return when the server knows of it, too: the place may be taken by another connection then."""
        self.close()
        if self._raw is not None:
            self._raw.abort()  # a TLS peer would be waited for otherwise; our close_notify is out already
        closed = self.closed
        if closed is not None:
            await asyncio.wait((closed,), timeout=1.0)
            if closed.done() and not closed.cancelled():
                closed.exception()  # taken, so that asyncio does not report it as forgotten
        await asyncio.sleep(HEARD_S)

    def set_response_params(self, **params: Any) -> None:
        """Called by aiohttp before it has a proxy set up a tunnel: what is said until then is not taped."""
        self._tunnelling = True
        super().set_response_params(**params)

    def converse(self, tape: Tape, request: bytes) -> None:
        """Begin an exchange: send the request, and take for its answer what comes from now on."""
        self._tape = tape
        tape.attach(self, request)
        if self.transport is None or self.transport.is_closing():
            self._finish(tape, End("cut", "the server closed the connection"))
            return
        self.transport.write(request)
        if self._early:
            early, self._early = self._early, b""
            self.data_received(early)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._into

    def buffer_updated(self, nbytes: int) -> None:
        self._heard(self._into[:nbytes])

    def data_received(self, data: bytes) -> None:
        self._heard(memoryview(data))

    def _heard(self, data: memoryview) -> None:
        """Take what came; it is gone from `data` when this returns."""
        tape = self._tape
        if tape is None:
            self._unasked(bytes(data))
            return
        wait_s = tape.throttle.take(len(data), self._loop.time())
        taken = tape.feed(data)
        framer = tape.framer
        end = tape.verdict()
        if end is not None:
            if taken < len(data) or not (framer.head and framer.head.persistent):
                self.force_close()
            self._finish(tape, end)
        elif wait_s > 0:
            self._pause(tape, wait_s)

    def connection_lost(self, exc: BaseException | None) -> None:
        tape = self._tape
        if tape is not None:
            if tape.framer.end() and exc is None:
                self._finish(tape, End("complete"))
            else:
                self._finish(tape, End("cut", "the connection was reset" if exc else "the server closed the connection"))
        super().connection_lost(exc)
        self._raw = None  # the pool may hold on to us for a while, and a TLS transport to a quarter of a megabyte

    def detach(self, tape: Tape) -> None:
        """Nobody listens any more; what still arrives closes the connection."""
        if self._tape is tape:
            self._tape = None
            self.served += 1

    def cut(self, end: End) -> None:
        """End the exchange from our side and close the connection."""
        if self._tape is not None:
            self._finish(self._tape, end)
            self._shut()

    def _unasked(self, data: bytes) -> None:
        if self._tunnelling:
            super().data_received(data)
        elif self.served:  # nobody asked: the connection cannot be trusted with another request
            self.force_close()
            self._shut()
        else:
            self._early += data

    def _finish(self, tape: Tape, end: End) -> None:
        self._tape = None
        self.served += 1
        if end.kind != "complete":
            self.force_close()
        tape.finish(end)

    def _pause(self, tape: Tape, wait_s: float) -> None:
        if self.transport is not None:
            tape.rest(wait_s)
            self.transport.pause_reading()
            self._loop.call_later(wait_s, self._resume)

    def _resume(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    def _shut(self) -> None:
        if self.transport is not None:
            self.transport.abort()
