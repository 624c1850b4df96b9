"""Every fault that a link can have: what a server on loopback plays for it, and the status that it deserves in report.json.

Run by `benchmarks/load.py`: listens on 127.0.0.0/8, over TCP and with several kinds of bad TLS, says on standard output which ports, and
at the end of standard input how many connections it had open at most, to one address and in all.
"""

from __future__ import annotations

import asyncio
import datetime
import gzip
import io
import json
import os
import socket
import ssl
import struct
import sys
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import trustme
from PIL import Image

Write = asyncio.StreamWriter
Ports = dict[str, int]
TLS = ("tls", "tls-expired", "tls-future", "tls-wrong-host", "tls-self-signed", "tls-unknown", "tls-hangs", "tls-cut")
GOOD = "ok"


def picture(name: str = "JPEG", mode: str = "RGB", size: tuple[int, int] = (240, 180), **options: Any) -> bytes:
    noise = np.random.default_rng(7).integers(0, 255, (12, 16, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).convert(mode).save(out, name, **options)
    return out.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(10**6))) + chunk(b"IEND", b"")


def http(body: bytes, kind: str = "image/jpeg", status: str = "200 OK", fields: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{fields}\r\n".encode("latin-1") + body


def to(location: str, status: str = "302 Found") -> bytes:
    return f"HTTP/1.1 {status}\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


JPEG = picture()
HTML = b"<!DOCTYPE html><title>Parked</title><p>Nothing here."
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
FRAMES = [Image.new("P", (40, 30), n) for n in range(3)]
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"


def chunks(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


async def endless(writer: Write) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while not writer.transport.is_closing():
        writer.write(b"x" * 65536)
        await writer.drain()


async def drip(writer: Write, start: bytes = b"HTTP/1.1 200 OK\r\n\r\n") -> None:
    writer.write(start)
    while not writer.transport.is_closing():
        writer.write(b"x")
        await asyncio.sleep(0.1)


async def head_bomb(writer: Write) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n" + b"X-Bomb: yes and again\r\n" * 20_000)
    await writer.drain()


async def silence(_: Write) -> None:
    await asyncio.sleep(60)


async def slow_head(writer: Write) -> None:
    await drip(writer, b"HTTP/1.1 200 OK\r\nX-Slow: ")


async def goodbye(writer: Write) -> None:
    """A whole answer, and one to nobody a moment later."""
    writer.write(http(JPEG))
    await asyncio.sleep(0.01)
    writer.write(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")


Play = Callable[[Write], Awaitable[None]]


@dataclass(frozen=True)
class Fault:
    status: str
    answer: bytes | Play = b""
    """`{origin}` in a head stands for the server's own, `{next}` for the same path one step further."""
    end: Literal["keep", "close", "reset"] = "keep"
    link: str = "http://{host}:{tcp}/{path}"


FAULTS: dict[str, Fault] = {
    # status
    "404": Fault("http_error", http(HTML, "text/html", "404 Not Found")),
    "410": Fault("http_error", http(b"", "text/html", "410 Gone")),
    "500": Fault("http_error", http(b"", "text/html", "500 Trouble")),
    "503-later": Fault("http_error", http(b"", "text/html", "503 Busy", "Retry-After: 1\r\n")),
    "html": Fault("not_image", http(HTML, "image/jpeg")),
    "to-home-page": Fault("not_image", to("/page/")),
    "empty": Fault("empty", http(b"")),
    "204": Fault("empty", b"HTTP/1.1 204 No Content\r\n\r\n"),
    "304": Fault("empty", b"HTTP/1.1 304 Not Modified\r\n\r\n"),
    "truncated": Fault("truncated", http(JPEG)[:-900], "close"),
    "reset-in-body": Fault("truncated", http(JPEG)[:-900], "reset"),
    "gzip-damaged": Fault("corrupt", http(gzip.compress(JPEG)[:999] + b"\xff" * 99, fields="Content-Encoding: gzip\r\n")),
    "wrong-type": Fault("ok", http(JPEG, "text/plain")),
    "no-type": Fault("ok", b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(JPEG) + JPEG),
    "garbage": Fault("corrupt", http(b"\xff\xd8\xff\xe0" + bytes(range(256)) * 9)),
    "jpeg-cut-before-sent": Fault("corrupt", http(JPEG[: len(JPEG) // 2])),
    "svg": Fault("unsupported", http(SVG, "image/svg+xml")),
    "one-pixel": Fault("ok", http(picture("PNG", size=(1, 1)), "image/png")),
    "animated": Fault("ok", http(picture("GIF", "P", save_all=True, append_images=FRAMES), "image/gif")),
    "cmyk": Fault("ok", http(picture("JPEG", "CMYK"))),
    # bounds
    "endless": Fault("too_large", endless),
    "announced": Fault("too_large", b"HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\nxxx", "close"),
    "drip": Fault("timeout", drip),
    "slow-head": Fault("timeout", slow_head),
    "head-bomb": Fault("too_large", head_bomb, "close"),
    "gzip-bomb": Fault("too_large", http(gzip.compress(bytes(9 * 2**20)), fields="Content-Encoding: gzip\r\n")),
    "png-bomb": Fault("unsupported", http(png_that_claims(30000, 30000), "image/png")),
    "tls-hangs": Fault("timeout", link="https://{host}:{tls-hangs}/{path}"),
    # network
    "dns": Fault("dns_error", link="http://none.invalid/{path}"),
    "refused": Fault("network_error", link="http://{host}:{refused}/{path}"),
    "reset": Fault("network_error", b"", "reset"),
    "reset-in-head": Fault("network_error", b"HTTP/1.1 200 OK\r\nContent-", "reset"),
    "silent": Fault("timeout", silence),
    "no-http": Fault("network_error", b"SSH-2.0-server\r\n", "close"),
    "http-1.0": Fault("ok", b"HTTP/1.0 200 OK\r\n\r\n" + JPEG, "close"),
    "early-hints": Fault("ok", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + http(JPEG)),
    "bare-lf": Fault("ok", http(JPEG).replace(b"\r\n", b"\n", 4)),
    "chunks-broken": Fault("truncated", CHUNKED + b"\r\n" + chunks(JPEG).replace(b"\r\n0\r\n", b"zz\r\n"), "close"),
    "length-beside-chunks": Fault("ok", CHUNKED + b"Content-Length: 7\r\n\r\n" + chunks(JPEG)),
    "two-lengths": Fault("network_error", http(JPEG, fields="Content-Length: 7\r\n")),
    "closed-when-idle": Fault("ok", http(JPEG), "close"),
    "408-when-idle": Fault("ok", goodbye, "close"),
    "tls": Fault("ok", http(JPEG), link="https://{host}:{tls}/{path}"),
    "tls-expired": Fault("tls_error", link="https://{host}:{tls-expired}/{path}"),
    "tls-future": Fault("tls_error", link="https://{host}:{tls-future}/{path}"),
    "tls-wrong-host": Fault("tls_error", link="https://{host}:{tls-wrong-host}/{path}"),
    "tls-self-signed": Fault("tls_error", link="https://{host}:{tls-self-signed}/{path}"),
    "tls-unknown": Fault("tls_error", link="https://{host}:{tls-unknown}/{path}"),
    "tls-cut": Fault("network_error", link="https://{host}:{tls-cut}/{path}"),
    # redirects
    "redirect": Fault("ok", to("/ok/?moved", "301 Moved Permanently")),
    "redirect-308": Fault("ok", to("{origin}/ok/b\u00fccher", "308 Permanent Redirect")),
    "redirect-userinfo": Fault("ok", to("http://me:word@{authority}/ok/")),
    "loop": Fault("redirect_error", to("{origin}/{path}")),
    "too-many": Fault("redirect_error", to("{origin}/{path}x")),
    "nowhere": Fault("redirect_error", b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"),
    "to-file": Fault("redirect_error", to("file:///etc/passwd")),
    "to-data": Fault("redirect_error", to("data:image/png;base64,AAAA")),
    # addresses
    "private": Fault("blocked", link="http://10.1.2.3/{path}"),
    "private-in-hex": Fault("blocked", link="http://0xa010203/{path}"),
    "private-mapped": Fault("blocked", link="http://[::ffff:10.1.2.3]/{path}"),
    "to-metadata": Fault("blocked", to("http://169.254.169.254/latest/")),
    "port-22": Fault("blocked", link="http://{host}:22/{path}"),
    # headers that lie
    "control-bytes": Fault("ok", http(JPEG, "image/\x1b[31mjpeg\x00", fields='Content-Disposition: x; filename="../../\x01.php"\r\n')),
    GOOD: Fault("ok", http(JPEG)),
    "page": Fault("not_image", http(HTML, "text/html")),
}


def link(name: str, host: str, path: str, ports: Ports) -> str:
    """The address that a post names; `path` makes it differ from all others."""
    found = FAULTS[name].link.replace("{host}", host).replace("{path}", f"{name}/{path}")
    for port, number in ports.items():
        found = found.replace(f"{{{port}}}", str(number))
    return found


class Web:
    """Answers and counts."""

    def __init__(self) -> None:
        self.open: Counter[str] = Counter()
        self.peak_address = self.peak_all = 0

    async def talk(self, reader: asyncio.StreamReader, writer: Write) -> None:
        host, port = writer.get_extra_info("sockname")
        self.open[host] += 1
        self.peak_address, self.peak_all = max(self.peak_address, self.open[host]), max(self.peak_all, self.open.total())
        with suppress(OSError, asyncio.IncompleteReadError):
            while await self.answer(await reader.readuntil(b"\r\n\r\n"), reader, writer, f"{host}:{port}"):
                pass
        writer.close()
        self.open[host] -= 1

    async def answer(self, head: bytes, reader: asyncio.StreamReader, writer: Write, authority: str) -> bool:
        path = head.split(b" ", 2)[1].decode().lstrip("/")
        fault = FAULTS[path.partition("/")[0]]
        if callable(fault.answer):
            play, leaving = asyncio.ensure_future(fault.answer(writer)), asyncio.ensure_future(reader.read(1))
            await asyncio.wait((play, leaving), return_when=asyncio.FIRST_COMPLETED)
            for task in (play, leaving):
                task.cancel()
            await asyncio.gather(play, leaving, return_exceptions=True)
        else:
            start, gap, body = fault.answer.partition(b"\r\n\r\n")
            for word, value in (("origin", f"http://{authority}"), ("authority", authority), ("path", path)):
                start = start.replace(f"{{{word}}}".encode(), value.encode())
            writer.write(start + gap + body)
            await writer.drain()
        if fault.end == "reset":
            await asyncio.sleep(0.05)  # what was sent must have arrived
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return fault.end == "keep"


def contexts(hosts: list[str], authority: trustme.CA) -> dict[str, ssl.SSLContext]:
    past, future = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC), datetime.datetime(2090, 1, 1, tzinfo=datetime.UTC)
    lone = trustme.CA()
    issued = {
        "tls": authority.issue_cert(*hosts),
        "tls-expired": authority.issue_cert(*hosts, not_before=past, not_after=past + datetime.timedelta(1)),
        "tls-future": authority.issue_cert(*hosts, not_before=future, not_after=future + datetime.timedelta(1)),
        "tls-wrong-host": authority.issue_cert("other.example"),
        "tls-unknown": trustme.CA().issue_cert(*hosts),
    }
    made = {name: ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for name in [*issued, "tls-self-signed"]}
    for name, certificate in issued.items():
        certificate.configure_cert(made[name])
    with lone.cert_pem.tempfile() as cert, lone.private_key_pem.tempfile() as key:
        made["tls-self-signed"].load_cert_chain(cert, key)
    return made


async def hang(reader: asyncio.StreamReader, writer: Write) -> None:
    with suppress(OSError):
        await reader.read()
        writer.close()


async def cut(reader: asyncio.StreamReader, writer: Write) -> None:
    await reader.read(100)
    writer.close()


async def serve(hosts: list[str]) -> None:
    """Until standard input ends."""
    web, authority = Web(), trustme.CA()
    refused = socket.socket()
    refused.bind(("0.0.0.0", 0))  # and never listened on
    ports = {"refused": refused.getsockname()[1]}
    made: dict[str, ssl.SSLContext | None] = {"tcp": None, **contexts(hosts, authority)}
    servers = {name: await asyncio.start_server(web.talk, "0.0.0.0", 0, ssl=tls, backlog=1024) for name, tls in made.items()}
    servers["tls-hangs"] = await asyncio.start_server(hang, "0.0.0.0", 0)
    servers["tls-cut"] = await asyncio.start_server(cut, "0.0.0.0", 0)
    ports |= {name: server.sockets[0].getsockname()[1] for name, server in servers.items()}
    print(json.dumps({"ports": ports, "authority": authority.cert_pem.bytes().decode()}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps({"to_one_address": web.peak_address, "in_all": web.peak_all}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1:]))
