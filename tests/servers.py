"""The web on loopback: raw-socket servers that send exactly the bytes they are told to, over TCP or TLS, with every fault there is.

    with serve(routes({"/a.png": response(PNG)})) as web:
        ... web.url("/a.png") ... web.requests[0].target ... web.peak_connections

A handler is a function of one connection and one request; it may send anything, in pieces, slowly, wrongly, or reset the connection.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

import trustme


@dataclass(frozen=True)
class Request:
    """What arrived, and on which connection (0-based)."""

    head: bytes
    connection: int

    @property
    def line(self) -> str:
        return self.head.split(b"\r\n", 1)[0].decode("latin-1")

    @property
    def target(self) -> str:
        """Path and query, also of a request in absolute form."""
        target = self.line.split(" ")[1]
        return "/" + target.split("/", 3)[3] if target.startswith("http://") else target

    @property
    def headers(self) -> dict[str, str]:
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}

    @property
    def host(self) -> str:
        return self.headers.get("host", "")


class Connection:
    """One accepted connection, as a handler sees it."""

    def __init__(self, sock: socket.socket, number: int) -> None:
        self.sock = sock
        self.number = number
        self.open = True
        self.answering: Callable[[], None] = lambda: None
        """Called before the first byte of an answer leaves: the peer may be on its way to the next request then."""

    def send(self, *parts: bytes, pause_s: float = 0.0) -> None:
        """Send the parts, with a pause between them. A peer that has gone is no error here."""
        self.answering()
        with suppress(OSError):
            for index, part in enumerate(parts):
                if index and pause_s:
                    time.sleep(pause_s)
                self.sock.sendall(part)

    def close(self) -> None:
        """Close in order (FIN), TLS with close_notify."""
        self.answering()
        self.open = False
        with suppress(OSError, ValueError):
            if isinstance(self.sock, ssl.SSLSocket):
                self.sock.settimeout(0.2)
                self.sock = self.sock.unwrap()
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)
        self._drain()
        self.sock.close()

    def cut(self) -> None:
        """Close without a TLS close_notify."""
        self.answering()
        self.open = False
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def reset(self) -> None:
        """Abort the connection (RST)."""
        self.answering()
        self.open = False
        with suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw = socket.socket(fileno=self.sock.detach()) if isinstance(self.sock, ssl.SSLSocket) else self.sock
        raw.close()

    def read_head(self) -> bytes:
        """The next request head, or what came before the peer closed."""
        data = b""
        with suppress(OSError):
            while not data.endswith(b"\r\n\r\n"):
                piece = self.sock.recv(1)
                if not piece:
                    break
                data += piece
        return data

    def _drain(self) -> None:
        with suppress(OSError):
            self.sock.settimeout(0.2)
            while self.sock.recv(65536):
                pass


Handler = Callable[[Connection, Request], None]


@dataclass
class Server:
    """A running server and what it has seen."""

    port: int
    host: str
    scheme: str
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    open_connections: int = 0
    peak_connections: int = 0
    busy: int = 0
    """Requests whose answer has not begun."""
    peak_busy: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, request: Request) -> Callable[[], None]:
        """Note a request; returns what notes that its answer has begun (once, however often it is called)."""
        with self.lock:
            self.requests.append(request)
            self.busy += 1
            self.peak_busy = max(self.peak_busy, self.busy)
        left = [1]

        def answered() -> None:
            with self.lock:
                self.busy -= left.pop() if left else 0

        return answered

    def url(self, path: str, host: str = "") -> str:
        name = host or (f"[{self.host}]" if ":" in self.host else self.host)
        return f"{self.scheme}://{name}:{self.port}{path}"

    def targets(self) -> list[str]:
        return [request.target for request in self.requests]


@contextmanager
def serve(
    handler: Handler,
    *,
    tls: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    greeting: Callable[[Connection], None] | None = None,
    workers_daemon: bool = True,
) -> Iterator[Server]:
    """Serve on loopback until the block ends. `greeting` runs on each new connection before TLS and before anything is read."""
    listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=512)
    server = Server(listener.getsockname()[1], host, "https" if tls else "http")
    stopped = threading.Event()
    live: set[socket.socket] = set()

    def work(sock: socket.socket, number: int) -> None:
        with server.lock:
            server.open_connections += 1
            server.peak_connections = max(server.peak_connections, server.open_connections)
            live.add(sock)
        try:
            _talk(sock, number, server, handler, tls, greeting)
        finally:
            with server.lock:
                server.open_connections -= 1
                live.discard(sock)
            with suppress(OSError):
                sock.close()

    def accept() -> None:
        while not stopped.is_set():
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            number, server.connections = server.connections, server.connections + 1
            threading.Thread(target=work, args=(sock, number), daemon=workers_daemon).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        stopped.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for sock in list(live):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def _talk(
    sock: socket.socket,
    number: int,
    server: Server,
    handler: Handler,
    tls: ssl.SSLContext | None,
    greeting: Callable[[Connection], None] | None,
) -> None:
    connection = Connection(sock, number)
    try:
        if greeting is not None:
            greeting(connection)
        if tls is not None and connection.open:
            connection.sock = tls.wrap_socket(sock, server_side=True)
    except (OSError, ssl.SSLError):
        return
    while connection.open:
        head = connection.read_head()
        if not head.endswith(b"\r\n\r\n"):
            break
        request = Request(head, number)
        connection.answering = server.begin(request)
        try:
            handler(connection, request)
        finally:
            connection.answering()
    if connection.open:
        with suppress(OSError):
            connection.sock.close()


# --- handlers and bytes -----------------------------------------------------------------------------------------------


def response(body: bytes = b"", status: str = "200 OK", headers: Iterable[tuple[str, str]] = (("Content-Type", "image/png"),)) -> bytes:
    """A response with a Content-Length."""
    fields = [*headers, ("Content-Length", str(len(body)))]
    return f"HTTP/1.1 {status}\r\n".encode() + b"".join(f"{k}: {v}\r\n".encode("latin-1") for k, v in fields) + b"\r\n" + body


def redirect(location: str | bytes, status: str = "302 Found") -> bytes:
    where = location if isinstance(location, bytes) else location.encode()
    return f"HTTP/1.1 {status}\r\nLocation: ".encode() + where + b"\r\nContent-Length: 0\r\n\r\n"


def chunked(*chunks: bytes, extension: bytes = b"", trailers: bytes = b"") -> bytes:
    """A body in chunks, without a head."""
    framed = b"".join(f"{len(chunk):x}".encode() + extension + b"\r\n" + chunk + b"\r\n" for chunk in chunks if chunk)
    return framed + b"0\r\n" + trailers + b"\r\n"


def routes(table: Mapping[str, bytes | Handler]) -> Handler:
    """By request target; what is not in the table is a 404. A bytes value is sent as it is; `Connection: close` in it closes."""

    def handle(connection: Connection, request: Request) -> None:
        what = table.get(request.target)
        if what is None:
            connection.send(response(b"not here", "404 Not Found", [("Content-Type", "text/plain")]))
        elif callable(what):
            what(connection, request)
        else:
            connection.send(what)
            if b"connection: close" in what.split(b"\r\n\r\n")[0].lower():
                connection.close()

    return handle


def sequence(*steps: bytes | Handler) -> Handler:
    """The n-th request gets the n-th step, later ones the last."""
    lock = threading.Lock()
    counter = iter(range(10**9))

    def handle(connection: Connection, request: Request) -> None:
        with lock:
            step = steps[min(next(counter), len(steps) - 1)]
        if callable(step):
            step(connection, request)
        else:
            connection.send(step)

    return handle


def then_close(*parts: bytes, pause_s: float = 0.0) -> Handler:
    """Send and close in order."""

    def handle(connection: Connection, request: Request) -> None:
        connection.send(*parts, pause_s=pause_s)
        connection.close()

    return handle


def then_cut(*parts: bytes) -> Handler:
    """Send and close without a TLS close_notify."""

    def handle(connection: Connection, request: Request) -> None:
        connection.send(*parts)
        connection.cut()

    return handle


def then_reset(*parts: bytes) -> Handler:
    """Send, let it arrive, and reset."""

    def handle(connection: Connection, request: Request) -> None:
        connection.send(*parts)
        time.sleep(0.05)
        connection.reset()

    return handle


def then_hang(*parts: bytes, hang_s: float = 30.0) -> Handler:
    """Send and say nothing more until the peer goes away."""

    def handle(connection: Connection, request: Request) -> None:
        connection.send(*parts)
        with suppress(OSError):
            connection.sock.settimeout(hang_s)
            connection.sock.recv(1)
        connection.cut()

    return handle


def drip(head: bytes, *, pause_s: float = 0.05, piece: bytes = b"x") -> Handler:
    """Send the head, then one piece after the other for as long as the peer takes them."""

    def handle(connection: Connection, request: Request) -> None:
        with suppress(OSError):
            connection.sock.sendall(head)
            while True:
                time.sleep(pause_s)
                connection.sock.sendall(piece)
        connection.cut()

    return handle


def flood(head: bytes, *, piece: bytes = b"x" * 65536) -> Handler:
    """An endless body."""
    return drip(head, pause_s=0.0, piece=piece)


@contextmanager
def full_port(host: str, port: int = 0) -> Iterator[int]:
    """A port whose queue is full: connecting to it hangs."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener, ExitStack() as clients:
        listener.bind((host, port))
        listener.listen(0)
        for _ in range(3):
            client = clients.enter_context(socket.socket(family))
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


# --- certificates -------------------------------------------------------------------------------------------------------


@cache
def authority() -> trustme.CA:
    """The authority that tests trust; its PEM file is written by `ca_pem`."""
    return trustme.CA()


def ca_pem() -> bytes:
    return authority().cert_pem.bytes()


def certificate(
    *names: str, ca: trustme.CA | None = None, not_before: datetime | None = None, not_after: datetime | None = None
) -> ssl.SSLContext:
    """A server context with a certificate for these names."""
    issued = (ca or authority()).issue_cert(*names, not_before=not_before, not_after=not_after)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(context)
    return context


def self_signed() -> ssl.SSLContext:
    """A server context whose certificate vouches for itself."""
    lone = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with lone.cert_pem.tempfile() as cert, lone.private_key_pem.tempfile() as key:
        context.load_cert_chain(cert, key)
    return context


# --- proxies --------------------------------------------------------------------------------------------------------------


def relay(left: socket.socket, right: socket.socket) -> None:
    """Pass bytes both ways until one side ends."""

    def one_way(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for sock in (source, sink):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    back = threading.Thread(target=one_way, args=(right, left), daemon=True)
    back.start()
    one_way(left, right)
    back.join(5)


def http_proxy(onward: Callable[[str, int], tuple[str, int]]) -> Handler:
    """An HTTP proxy: absolute-form requests and CONNECT. `onward` says where a name really is."""

    def handle(connection: Connection, request: Request) -> None:
        method, where, _ = request.line.split(" ")
        authority = where if method == "CONNECT" else where.split("/")[2]
        name, _, port = authority.partition(":")
        with socket.create_connection(onward(name, int(port or 80))) as upstream:
            if method == "CONNECT":
                connection.send(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n")
            else:
                upstream.sendall(request.head)
            relay(connection.sock, upstream)
        connection.cut()

    return handle


def socks5_proxy(onward: Callable[[str, int], tuple[str, int]], names: list[str]) -> Callable[[Connection], None]:
    """A greeting that plays a SOCKS5 proxy (RFC 1928) without passwords; `names` gets what was asked for."""

    def greet(connection: Connection) -> None:
        sock = connection.sock
        sock.recv(sock.recv(2)[1])
        sock.sendall(b"\x05\x00")
        kind = sock.recv(4)[3]
        name = socket.inet_ntoa(sock.recv(4)) if kind == 1 else sock.recv(sock.recv(1)[0]).decode()
        port = int.from_bytes(sock.recv(2), "big")
        names.append(name)
        try:
            with socket.create_connection(onward(name, port)) as upstream:
                sock.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
                relay(sock, upstream)
        except OSError:
            sock.sendall(b"\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00")
        connection.cut()

    return greet
