"""The tee on the wire: every byte of an exchange is kept as it was sent and received.

aiohttp connects, pools, speaks TLS and writes the request; this module takes over its protocol class, so that the response is
framed by archiver.capture.framing and kept on a tape, and aiohttp only learns when its head has come and when it has ended.

Rule 1: one tape per exchange; it is attached before the request is written and detached at the last byte of the response, so
        that nothing which arrives on an idle connection can be mistaken for an answer (such a connection is closed).
Rule 2: bytes that come before the request are fed once, when the tape is attached.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from aiohttp import ClientPayloadError
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpVersion, RawResponseMessage
from aiohttp.streams import StreamReader
from multidict import CIMultiDict, CIMultiDictProxy

from archiver.capture.framing import Head
from archiver.capture.tape import CURRENT, End, Tape

_NO_FIELDS: CIMultiDictProxy[str] = CIMultiDictProxy(CIMultiDict())


class WireProtocol(ResponseHandler):
    """aiohttp's end of a connection, with the tape between it and the socket."""

    def __init__(self, loop: asyncio.AbstractEventLoop, keep: object = None) -> None:
        """`keep` is held as long as the connection lives (a proxy's stream whose finaliser would close it)."""
        super().__init__(loop)
        self.served = 0
        """Exchanges finished on this connection."""
        self._tape: Tape | None = None
        self._keep = keep
        self._raw: asyncio.Transport | None = None

    @property
    def active(self) -> bool:
        """Whether an exchange is under way."""
        return self._tape is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._raw = cast(asyncio.Transport, transport)
        super().connection_made(cast(asyncio.Transport, _Tee(self._raw, self)))

    async def gone(self) -> None:
        """Close now and return when the socket is closed: its place may be taken by another connection then."""
        self.close()
        if self._raw is not None:
            self._raw.abort()  # a TLS peer would be waited for otherwise; our close_notify is out already
        closed = self.closed
        if closed is not None:
            await asyncio.wait((closed,), timeout=1.0)
            if closed.done() and not closed.cancelled():
                closed.exception()  # taken, so that asyncio does not report it as forgotten

    def set_response_params(self, **params: Any) -> None:
        """Called by aiohttp just before it writes a request: here the exchange begins.

        While a tunnel is set up through a proxy no timer is given; that talk is aiohttp's own and is not taped.
        """
        tape = CURRENT.get(None) if "timer" in params else None
        self._tape = tape
        if tape is not None:
            tape.attach(self)
        super().set_response_params(**params)

    def sent(self, data: bytes) -> None:
        if self._tape is not None:
            self._tape.request += data

    def data_received(self, data: bytes) -> None:
        tape = self._tape
        if tape is None:
            if self.served:  # nobody asked: the connection cannot be trusted with another request
                self.force_close()
                self._shut()
            else:
                super().data_received(data)  # kept aside until the tape is attached
            return
        if not data:
            return
        announced = tape.framer.head is not None
        wait_s = tape.throttle.take(len(data), self._loop.time())
        taken = tape.feed(data)
        framer = tape.framer
        if framer.head is not None and not announced:
            self._announce(framer.head)
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

    def _announce(self, head: Head) -> None:
        message = RawResponseMessage(HttpVersion(*head.version), head.status, "", _NO_FIELDS, (), False, None, False, False)
        self._payload = StreamReader(self, 2**16, loop=self._loop)  # never holds data: its end is the end of the exchange
        self.feed_data((message, self._payload))

    def _finish(self, tape: Tape, end: End) -> None:
        self._tape = None
        self.served += 1
        if end.kind != "complete":
            self.force_close()
        tape.finish(end)
        if tape.framer.head is None:
            self.set_exception(ClientPayloadError(end.detail))
        elif self._payload is not None:
            self._payload.feed_eof()

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


class _Tee:
    """A transport that notes what is written to it."""

    __slots__ = ("_protocol", "_transport")

    def __init__(self, transport: asyncio.Transport, protocol: WireProtocol) -> None:
        self._transport = transport
        self._protocol = protocol

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        self._protocol.sent(data)
        self._transport.write(data)

    def writelines(self, parts: list[bytes]) -> None:
        self.write(b"".join(parts))
