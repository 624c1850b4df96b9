"""How many connections a server has open at a time, by its own strict count."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

import pytest

from archiver.capture.limits import Limits
from archiver.capture.wire import HEARD_S, WireProtocol, read_buffer
from archiver.model import FetchSettings
from tests.capture.harness import QUICK, fetch_all
from tests.servers import response

OK = response(b"picture")
LAST = response(b"picture", headers=[("Connection", "close")])
ENDINGS = {
    "kept": (OK, False),
    "closed as said": (LAST, True),
    "said and left to us": (LAST, False),
    "closed without a word": (OK, True),
    "cut short": (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nabc", True),
    "too large": (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nabc", False),
    "no HTTP": (b"SSH-2.0\r\n", False),
    "more than was asked for": (OK + b"surplus", False),
}


@dataclass
class Strict:
    """One thread for all connections: whenever one is accepted, it looks which of the others are closed, and counts the rest."""

    listener: socket.socket
    answer: bytes
    closes: bool
    heads: dict[socket.socket, bytes] = field(default_factory=dict)
    requests: int = 0
    peak: int = 0

    def run(self) -> None:
        with suppress(OSError):
            while True:
                self.listener.settimeout(0.001)
                with suppress(TimeoutError):
                    sock, _ = self.listener.accept()
                    sock.setblocking(False)
                    self.hear()
                    self.heads[sock] = b""
                    self.peak = max(self.peak, len(self.heads))
                self.hear()
                for one in [one for one, head in self.heads.items() if head.endswith(b"\r\n\r\n")]:
                    self.reply(one)

    def hear(self) -> None:
        for sock in list(self.heads):
            try:
                while piece := sock.recv(65536):
                    self.heads[sock] += piece
                self.drop(sock)
            except BlockingIOError:
                continue
            except OSError:
                self.drop(sock)

    def reply(self, sock: socket.socket) -> None:
        self.requests += 1
        self.heads[sock] = b""
        with suppress(OSError):
            sock.send(self.answer)
        if self.closes:
            self.drop(sock)

    def drop(self, sock: socket.socket) -> None:
        del self.heads[sock]
        sock.close()


@contextmanager
def strict(answer: bytes, closes: bool) -> Iterator[Strict]:
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        server = Strict(listener, answer, closes)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        yield server
    thread.join(5)


@pytest.mark.parametrize("names", [1, 30])
@pytest.mark.parametrize("ending", ENDINGS)
def test_no_more_connections_are_open_than_the_limit_however_they_end(ending: str, names: int) -> None:
    with strict(*ENDINGS[ending]) as server:
        port = server.listener.getsockname()[1]
        settings = replace(QUICK, per_host=3, connect_to=(f"::127.0.0.1:{port}",), host_failures_max=0, retries=1)
        fetch_all([f"http://h{i % names}.example/{i}" for i in range(60)], settings)
    assert server.requests >= 60
    assert server.peak <= 3


def timed(work: Callable[[Limits, WireProtocol, socket.socket], asyncio.Future[object]]) -> float:
    """Seconds that `work` takes with the limits of one connection a host, and one connection with its other end."""

    async def run() -> float:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with theirs:
            _, protocol = await loop.create_connection(lambda: WireProtocol(loop, read_buffer()), sock=ours)
            began = loop.time()
            await work(Limits(FetchSettings(per_host=2)), protocol, theirs)
            return loop.time() - began

    return asyncio.run(asyncio.wait_for(run(), 30))


async def closed_by(theirs: socket.socket, protocol: WireProtocol) -> None:
    closed = protocol.closed
    assert closed is not None
    theirs.close()
    await closed


ORIGIN = ("http", "h", 80)


@pytest.mark.parametrize("state", ["to be closed", "closed by the server", "never made"])
def test_a_place_is_given_back_only_when_the_server_can_have_heard_that_it_is_free(state: str) -> None:
    async def leave(limits: Limits, protocol: WireProtocol, theirs: socket.socket) -> None:
        if state == "to be closed":
            protocol.force_close()
        elif state == "closed by the server":
            await closed_by(theirs, protocol)
        await limits.keep("a", ORIGIN, None if state == "never made" else protocol)
        assert state == "never made" or not protocol.is_connected()

    assert timed(leave) >= HEARD_S * 0.9


def test_who_comes_while_a_connection_is_being_closed_waits_for_that_too() -> None:
    async def two_come(limits: Limits, protocol: WireProtocol, theirs: socket.socket) -> None:
        await limits.keep("a", ORIGIN, protocol)
        await closed_by(theirs, protocol)
        came: list[float] = []

        async def come(name: str) -> None:
            async with limits.connection("a", ("http", name, 80)) as claim:
                assert claim.idle is None
                came.append(asyncio.get_running_loop().time())

        began = asyncio.get_running_loop().time()
        await asyncio.gather(come("x"), come("y"))
        assert min(came) - began >= HEARD_S * 0.9

    timed(two_come)
