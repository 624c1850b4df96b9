"""aiohttp's connectors with our protocol on them, pinned to addresses that were judged beforehand.

What may be connected to travels in a context variable, which timers and handles of the event loop keep alive long after an exchange:
so it holds nothing else.

`_factory`, `_resolve_host` and `_get` are private names of aiohttp, which is therefore pinned to a minor release. Should one of the
first two lose its meaning, `_checked_socket` (a public hook) still refuses every address that the exchange was not given.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any

import aiohttp
from aiohttp.abc import ResolveResult
from aiohttp.connector import Connection

from archiver.capture.addresses import literal
from archiver.capture.resolver import Route
from archiver.capture.wire import WireProtocol, read_buffer

KEEP_ALIVE_S = 15.0
_HANDSHAKE_S = 3600.0
"""No bound of its own: the connect timeout is."""


@dataclass(frozen=True, slots=True)
class Way:
    """What the running task is about to connect to."""

    route: Route
    fresh: bool = False
    """A connection that was never used is wanted."""


CURRENT: ContextVar[Way] = ContextVar("archiver_way")


class _Fresh(aiohttp.TCPConnector):
    """Hands out no connection of the pool where a new one is wanted."""

    async def _get(self, key: Any, traces: Any) -> Connection | None:
        return None if CURRENT.get().fresh else await super()._get(key, traces)


class PinnedConnector(_Fresh):
    """Connects to the addresses and the port of the current way and to nothing else."""

    def __init__(self) -> None:
        super().__init__(limit=0, use_dns_cache=False, keepalive_timeout=KEEP_ALIVE_S, socket_factory=_checked_socket)
        self._factory = partial(WireProtocol, loop=self._loop, buffer=read_buffer())  # type: ignore[assignment]  # partial is invariant

    async def _resolve_host(self, host: str, port: int, traces: object = None) -> list[ResolveResult]:
        route = CURRENT.get().route
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=route.port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for address in route.addresses
        ]


def _checked_socket(info: aiohttp.AddrInfoType) -> socket.socket:
    family, kind, proto, _, address = info
    route = CURRENT.get().route
    if address[0] not in route.addresses and literal(str(address[0])) not in {literal(one) for one in route.addresses}:
        raise OSError(errno.EACCES, f"{address[0]} was not resolved for this exchange")
    return socket.socket(family, kind, proto)


async def _encrypted(transport: asyncio.Transport, protocol: WireProtocol, context: ssl.SSLContext, host: str) -> asyncio.Transport:
    """TLS with the host, within the connect timeout that the caller runs under."""
    loop = asyncio.get_running_loop()
    encrypted = await loop.start_tls(transport, protocol, context, server_hostname=host.rstrip("."), ssl_handshake_timeout=_HANDSHAKE_S)
    if encrypted is None:
        raise ConnectionResetError(errno.ECONNRESET, "closed before TLS")
    return encrypted


def socks_connector(proxy: str) -> aiohttp.TCPConnector:
    """A connector through a SOCKS proxy that looks names up itself. Raises ValueError for an unusable proxy URL."""
    from aiohttp_socks import ProxyConnectionError, ProxyConnector, ProxyError, ProxyTimeoutError  # imported only when needed

    buffer = read_buffer()

    class SocksConnector(_Fresh, ProxyConnector):
        async def connect(self, *args: Any, **kwargs: Any) -> Connection:
            try:
                return await super().connect(*args, **kwargs)
            except (ProxyError, ProxyConnectionError, ProxyTimeoutError) as exc:
                raise aiohttp.ClientConnectionError(f"the proxy does not connect: {exc}") from exc

        async def _connect_via_proxy(
            self,
            host: str,
            port: int,
            ssl: ssl.SSLContext | None = None,
            timeout: float | None = None,  # noqa: ASYNC109 - its signature
        ) -> tuple[asyncio.Transport, WireProtocol]:
            transport, first = await super()._connect_via_proxy(host, port, None, timeout)
            protocol = WireProtocol(self._loop, buffer, keep=first)
            transport.set_protocol(protocol)
            if ssl is not None:  # here and not below, where being cancelled would wait for a peer that says nothing
                transport = await _encrypted(transport, protocol, ssl, host)
            protocol.connection_made(transport)
            return transport, protocol

    options: dict[str, Any] = {"limit": 0, "keepalive_timeout": KEEP_ALIVE_S, "rdns": True}
    connector: aiohttp.TCPConnector = SocksConnector.from_url(proxy.replace("socks5h://", "socks5://"), **options)
    return connector
