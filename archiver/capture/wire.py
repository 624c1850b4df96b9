"""The tee on the wire: every byte of an exchange is kept as it was sent and received.

aiohttp connects, pools, speaks TLS and writes the request; this module takes over its protocol class, so that the response is
framed by archiver.capture.framing and spooled, and aiohttp only learns when its head has come and when it has ended.

Rule 1: one tape per exchange; it is attached before the request is written and detached at the last byte of the response, so
        that nothing which arrives on an idle connection can be mistaken for an answer (such a connection is closed).
Rule 2: bytes that come before the request are fed once, when the tape is attached.
Rule 3: memory per exchange is bounded (head and spool buffer), and so is the spool on disk; it has no name to be left behind.
"""

from __future__ import annotations

import asyncio
import tempfile
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, cast

from aiohttp import ClientPayloadError
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpVersion, RawResponseMessage
from aiohttp.streams import StreamReader
from multidict import CIMultiDict, CIMultiDictProxy

from archiver.capture.framing import Body, Framer, Head
from archiver.capture.resolver import Route
from archiver.capture.throttle import Throttle
from archiver.model import FetchSettings

SPOOL_MEMORY_BYTES = 256 * 1024
_FRAMING_BYTES_MIN = 1024 * 1024
"""So much chunk framing is always borne; beyond it, framing must not outweigh what it frames."""
_NO_FIELDS: CIMultiDictProxy[str] = CIMultiDictProxy(CIMultiDict())

CURRENT: ContextVar[Tape] = ContextVar("archiver_tape")
"""The tape of the exchange that the running task is about to make."""


@dataclass(frozen=True, slots=True)
class End:
    """How an exchange ended."""

    kind: Literal["complete", "cut", "silent", "slow", "too_large", "malformed"]
    """silent: nothing came for too long; slow: it took too long all the same."""
    detail: str = ""


class Tape:
    """What one exchange said, both ways, and the clock that watches it."""

    def __init__(self, settings: FetchSettings, spool_dir: Path, deadline_s: float, throttle: Throttle, route: Route) -> None:
        """`deadline_s` is in the time of the running event loop; a connection may be made to the addresses of `route` only."""
        self.route = route
        self.settings = settings
        self.throttle = throttle
        self.framer = Framer()
        self.request = bytearray()
        self.spool: IO[bytes] = tempfile.SpooledTemporaryFile(SPOOL_MEMORY_BYTES, dir=str(spool_dir))  # noqa: SIM115 - outlives this call
        self.spooled_bytes = 0
        self.end: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        self.protocol: WireProtocol | None = None
        self.reused = False
        self.peer_ip = ""
        self.tls = ""
        self._loop = asyncio.get_running_loop()
        self._deadline_s = deadline_s
        self._heard_s = 0.0
        self._window_start_s = 0.0
        self._window_bytes = 0
        self._received_bytes = 0
        self._pending = bytearray()
        self._timer: asyncio.TimerHandle | None = None

    def attach(self, protocol: WireProtocol) -> None:
        """Begin on this connection."""
        self.protocol, self.reused = protocol, protocol.served > 0
        self.request.clear()
        self._heard_s = self._loop.time()
        transport = protocol.transport
        if transport is not None:
            peer = transport.get_extra_info("peername")
            self.peer_ip = str(peer[0]).partition("%")[0] if isinstance(peer, tuple) else ""
            tls = transport.get_extra_info("ssl_object")
            self.tls = (tls.version() or "").lower().replace("tlsv", "tls/") if tls else ""
        self._watch()

    def feed(self, data: bytes) -> int:
        """Keep what belongs to this exchange; returns how many bytes that was."""
        self._heard_s = self._loop.time()
        if not self._received_bytes:
            self._window_start_s = self._heard_s
        self._received_bytes += len(data)
        taken = self.framer.feed(data)
        mine = data[:taken] if taken < len(data) else data
        if self.spooled_bytes:
            self._write(mine)
        else:
            self._pending += mine
            if self.framer.head is not None:
                self._write(bytes(self._pending[self.framer.preamble_bytes :]))
                self._pending.clear()
        return taken

    def oversize(self) -> str:
        """Why the response is too large, or the empty string."""
        limit = self.settings.max_body_bytes
        if self.framer.kind is Body.LENGTH and self.framer.length_bytes > limit:
            return f"the server announces {self.framer.length_bytes} bytes, the limit is {limit}"
        if self.framer.body_bytes > limit:
            self._shorten(self.framer.head_bytes + limit)
            return f"larger than the limit of {limit} bytes"
        framing = self.spooled_bytes - self.framer.head_bytes - self.framer.body_bytes
        if framing > _FRAMING_BYTES_MIN + self.framer.body_bytes:
            return f"{framing} bytes of chunk framing around {self.framer.body_bytes} bytes"
        return ""

    def finish(self, end: End) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self.end.done():
            self.end.set_result(end)

    def close(self) -> None:
        """Drop the spool and whatever still runs."""
        if self._timer is not None:
            self._timer.cancel()
        if self.protocol is not None:
            self.protocol.detach(self)
        self.spool.close()

    def rest(self, seconds: float) -> None:
        """Our own pause is no silence of the peer."""
        self._heard_s = self._window_start_s = self._loop.time() + seconds
        self._window_bytes = self._received_bytes

    def _write(self, data: bytes) -> None:
        self.spool.write(data)
        self.spooled_bytes += len(data)

    def _shorten(self, size: int) -> None:
        if self.spooled_bytes > size:
            self.spool.truncate(size)
            self.spooled_bytes = size

    def _watch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        left = self._deadline_s - self._loop.time()
        pause = min(self.settings.read_timeout_s / 4, self.settings.min_speed_window_s / 4, 1.0)
        self._timer = self._loop.call_later(max(0.01, min(pause, left)), self._tick)

    def _tick(self) -> None:
        end = self._overdue(self._loop.time())
        if end is None or self.protocol is None:
            self._watch()
        else:
            self.protocol.cut(end)

    def _overdue(self, now: float) -> End | None:
        settings = self.settings
        if now >= self._deadline_s:
            return End("slow", f"not finished within {settings.total_timeout_s:g} s")
        if now - self._heard_s >= settings.read_timeout_s:
            return End("silent", f"nothing came for {settings.read_timeout_s:g} s")
        window = now - self._window_start_s
        if self._received_bytes and window >= settings.min_speed_window_s and not self.throttle.active:
            if self._received_bytes - self._window_bytes < settings.min_speed_bytes_s * window:
                return End("slow", f"slower than {settings.min_speed_bytes_s} bytes/s over {settings.min_speed_window_s:g} s")
            self._window_start_s, self._window_bytes = now, self._received_bytes
        return None


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
        if framer.fault:
            self._finish(tape, End("malformed", framer.fault))
        elif oversize := tape.oversize() if framer.head else "":
            self._finish(tape, End("too_large", oversize))
        elif framer.complete:
            if taken < len(data) or not (framer.head and framer.head.persistent):
                self.force_close()
            self._finish(tape, End("complete"))
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
