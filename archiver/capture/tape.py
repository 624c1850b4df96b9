"""One exchange as it is kept while it happens: the request, the response in a spool, and the clock that watches it.

Memory per exchange is bounded (head and spool buffer), and so is the spool on disk; it has no name to be left behind.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

from archiver.capture.framing import Body, Framer
from archiver.capture.throttle import Throttle
from archiver.capture.watch import Watch
from archiver.model import FetchSettings

if TYPE_CHECKING:
    from archiver.capture.wire import WireProtocol

    OnAttach = Callable[[WireProtocol], None]

SPOOL_MEMORY_BYTES = 256 * 1024
_FRAMING_BYTES_MIN = 1024 * 1024
"""So much chunk framing is always borne; beyond it, framing must not outweigh what it frames."""


@dataclass(frozen=True, slots=True)
class End:
    """How an exchange ended."""

    kind: Literal["complete", "cut", "silent", "slow", "too_large", "malformed"]
    """silent: nothing came for too long; slow: it took too long all the same."""
    detail: str = ""


class Tape:
    """What one exchange said, both ways, and the clock that watches it."""

    def __init__(
        self,
        settings: FetchSettings,
        spool_dir: Path,
        deadline_s: float,
        throttle: Throttle,
        watch: Watch,
        on_attach: OnAttach,
    ) -> None:
        """`deadline_s` is in the time of the running event loop; `on_attach` is called with the connection of the exchange."""
        self._on_attach = on_attach
        self.settings = settings
        self.throttle = throttle
        self._watch = watch
        self.framer = Framer()
        self.request = b""
        self.spool: IO[bytes] = tempfile.SpooledTemporaryFile(SPOOL_MEMORY_BYTES, dir=str(spool_dir))  # noqa: SIM115 - outlives this call
        self.spooled_bytes = 0
        self.spool_error: OSError | None = None
        """Set when our own disk failed: that is no fault of the server's."""
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

    def attach(self, protocol: WireProtocol, request: bytes) -> None:
        """Begin on this connection, on which `request` is about to be sent."""
        self.protocol, self.reused = protocol, protocol.served > 0
        self._on_attach(protocol)
        self.request, self.peer_ip, self.tls = request, protocol.peer_ip, protocol.tls
        self._heard_s = self._loop.time()
        self._watch.add(self)

    def feed(self, data: memoryview) -> int:
        """Keep a copy of what belongs to this exchange; returns how many bytes that was."""
        self._heard_s = self._loop.time()
        if not self._received_bytes:
            self._window_start_s = self._heard_s
        self._received_bytes += len(data)
        taken = self.framer.feed(data)
        mine = data[:taken]
        if self.framer.head is None:
            self._pending += mine
            return taken
        if not self.spooled_bytes:  # the head is whole; what came before it is not kept
            mine = memoryview(bytes(self._pending + mine) if self._pending else mine)[self.framer.preamble_bytes :]
            self._pending.clear()
        self._write(mine)
        return taken

    def verdict(self) -> End | None:
        """Whether the exchange has ended with the bytes fed so far, and how."""
        if self.spool_error is not None:
            return End("cut", "the disk is full")
        if self.framer.fault:
            return End("malformed", self.framer.fault)
        oversize = self._oversize() if self.framer.head is not None else ""
        if oversize:
            return End("too_large", oversize)
        return End("complete") if self.framer.complete else None

    def finish(self, end: End) -> None:
        self._watch.drop(self)
        if not self.end.done():
            self.end.set_result(end)

    def close(self) -> None:
        """Drop the spool and whatever still runs."""
        self._watch.drop(self)
        if self.protocol is not None:
            self.protocol.detach(self)
        self.spool.close()

    def rest(self, seconds: float) -> None:
        """Our own pause is no silence of the peer."""
        self._heard_s = self._window_start_s = self._loop.time() + seconds
        self._window_bytes = self._received_bytes

    def look(self, now_s: float) -> None:
        """End the exchange when the server has taken too long."""
        end = self._overdue(now_s)
        if end is not None and self.protocol is not None:
            self.protocol.cut(end)

    def _oversize(self) -> str:
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

    def _write(self, data: memoryview) -> None:
        try:
            self.spool.write(data)
        except OSError as exc:
            self.spool_error = exc
        self.spooled_bytes += len(data)

    def _shorten(self, size: int) -> None:
        if self.spooled_bytes > size:
            self.spool.truncate(size)
            self.spooled_bytes = size

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
