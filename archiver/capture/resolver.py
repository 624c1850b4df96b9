"""Names to addresses: each name is looked up once per run, every address is judged, and exactly those that pass are used.

A second answer of the same name server therefore cannot differ from the one that was judged (DNS rebinding), and a name with one
public and one forbidden address is reached through the public one only.
"""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass

from archiver.capture import addresses
from archiver.capture.policy import Refusal
from archiver.errors import UsageError
from archiver.model import FetchSettings, Reason

LOOKUPS_MAX = 32
_FAMILIES = {0: socket.AF_UNSPEC, 4: socket.AF_INET, 6: socket.AF_INET6}
_LOCALHOST = ("127.0.0.1", "::1")
_HOST = r"(\[[^\]]*\]|[^:\[\]]*)"
_CONNECT_TO = re.compile(rf"{_HOST}:([0-9]*):{_HOST}:([0-9]*)")
_RESOLVE = re.compile(rf"\+?{_HOST}:([0-9]+):(.+)")


@dataclass(frozen=True, slots=True)
class Route:
    """Where a connection is made to."""

    addresses: tuple[str, ...]
    port: int
    diverted: str = ""
    """`host:port` that the user put in the place of the URL's own, or empty."""


@dataclass(frozen=True, slots=True)
class _Divert:
    host: str
    port: str
    to_host: str
    to_port: str


class Resolver:
    """Looks names up as the settings say (`connect_to`, `resolve`, `ip_version`, `allow_addresses`)."""

    def __init__(self, settings: FetchSettings) -> None:
        """Raises UsageError when a setting cannot be read."""
        self._allowed = addresses.ranges(settings.allow_addresses)
        self._diverts = tuple(_divert(spec) for spec in settings.connect_to)
        self._given = dict(_given(spec) for spec in settings.resolve)
        self._family = _FAMILIES[settings.ip_version]
        self._timeout_s = settings.connect_timeout_s
        self._answers: dict[str, asyncio.Task[tuple[str, ...] | Refusal]] = {}
        self._routes: dict[tuple[str, int, bool], Route] = {}
        self._lookups = asyncio.Semaphore(LOOKUPS_MAX)

    async def route(self, host: str, port: int, *, judged: bool = True) -> Route | Refusal:
        """The way to `host:port` (host in plain ASCII spelling). `judged` is False for a proxy that the user named."""
        known = self._routes.get((host, port, judged))
        if known is not None:
            return known
        route = await self._find(host, port, judged=judged)
        if isinstance(route, Route):
            self._routes[(host, port, judged)] = route
        return route

    def refused(self, host: str) -> Refusal | None:
        """Why `host` may not be asked for through a proxy, which looks names up itself: what is written as an address is judged here."""
        told = addresses.literal(host)
        written = (str(told),) if told else _LOCALHOST if _is_localhost(host) else ()
        why = "; ".join(f"{one} is {reason}" for one in written if (reason := addresses.forbidden(one, self._allowed)))
        return Refusal(Reason.BLOCKED, f"no connection to {host}: {why}") if why else None

    async def _find(self, host: str, port: int, *, judged: bool) -> Route | Refusal:
        to_host, to_port = self._diverted(host, port)
        found = self._told(to_host, to_port) or await self._addresses(to_host)
        if isinstance(found, Refusal):
            return found
        permitted = tuple(one for one in found if not judged or not addresses.forbidden(one, self._allowed))
        if not permitted:
            why = "; ".join(f"{one} is {addresses.forbidden(one, self._allowed)}" for one in found)
            return Refusal(Reason.BLOCKED, f"no connection to {to_host}: {why}")
        diverted = "" if (to_host, to_port) == (host, port) else f"{to_host}:{to_port}"
        return Route(permitted, to_port, diverted)

    def _told(self, host: str, port: int) -> tuple[str, ...] | Refusal | None:
        """The addresses that the user gave, of the chosen IP version; None when there are none for this place."""
        given = self._given.get((host, port)) or self._given.get(("*", port))
        found = tuple(one for one in given or () if self._fits(one))
        return found or (Refusal(Reason.DNS_ERROR, f"no address given for {host} is of the chosen IP version") if given else None)

    def _fits(self, address: str) -> bool:
        return self._family in (socket.AF_UNSPEC, socket.AF_INET6 if ":" in address else socket.AF_INET)

    def _diverted(self, host: str, port: int) -> tuple[str, int]:
        for rule in self._diverts:
            if rule.host in ("", host) and rule.port in ("", str(port)):
                return rule.to_host or host, int(rule.to_port or port)
        return host, port

    async def _addresses(self, host: str) -> tuple[str, ...] | Refusal:
        ip = addresses.literal(host)
        if ip is not None:
            if not self._fits(str(ip)):
                return Refusal(Reason.DNS_ERROR, f"{host} is not an address of the chosen IP version")
            return (str(ip),)
        if _is_localhost(host):
            return tuple(one for one in _LOCALHOST if self._fits(one))
        task = self._answers.get(host)
        if task is None:
            task = self._answers[host] = asyncio.create_task(self._look_up(host))
        answer = await asyncio.shield(task)
        if isinstance(answer, Refusal) and answer.recovers and self._answers.get(host) is task:
            del self._answers[host]  # may be better next time
        return answer

    async def _look_up(self, host: str) -> tuple[str, ...] | Refusal:
        async with self._lookups:
            try:
                async with asyncio.timeout(self._timeout_s):
                    infos = await _getaddrinfo(host, self._family)
            except TimeoutError:
                return Refusal(Reason.DNS_ERROR, f"no answer for the name {host} within {self._timeout_s:g} s", recovers=True)
            except (OSError, UnicodeError) as exc:
                return _lookup_failed(host, exc)
        found = tuple(dict.fromkeys(infos))
        return found or Refusal(Reason.DNS_ERROR, f"the name {host} has no address")

    async def close(self) -> None:
        for task in self._answers.values():
            task.cancel()
        await asyncio.gather(*self._answers.values(), return_exceptions=True)


def _lookup_failed(host: str, exc: OSError | UnicodeError) -> Refusal:
    text = exc.strerror if isinstance(exc, OSError) and exc.strerror else "no valid name"
    passing = isinstance(exc, socket.gaierror) and exc.errno == socket.EAI_AGAIN
    return Refusal(Reason.DNS_ERROR, f"the name {host} does not resolve: {text}", recovers=passing)


async def _getaddrinfo(host: str, family: socket.AddressFamily) -> list[str]:
    """The system's lookup, hosts file included, in a thread that no exit has to wait for."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[list[str]] = loop.create_future()

    def settle(found: list[str], error: OSError | UnicodeError | None) -> None:
        if not done.done():
            done.set_exception(error) if error else done.set_result(found)

    def work() -> None:
        found: list[str] = []
        error: OSError | UnicodeError | None = None
        try:
            found = [str(info[4][0]) for info in socket.getaddrinfo(host, None, family, socket.SOCK_STREAM)]
        except (OSError, UnicodeError) as exc:
            error = exc
        with suppress(RuntimeError):  # the run is over and its loop closed
            loop.call_soon_threadsafe(settle, found, error)

    threading.Thread(target=work, name="archiver-lookup", daemon=True).start()
    return await done


def _divert(spec: str) -> _Divert:
    match = _CONNECT_TO.fullmatch(spec)
    if match is None:
        raise UsageError(f"connect-to wants HOST1:PORT1:HOST2:PORT2, not {spec!r}")
    host, port, to_host, to_port = (part.strip("[]").lower() for part in match.groups())
    return _Divert(host, port, to_host, to_port)


def _given(spec: str) -> tuple[tuple[str, int], tuple[str, ...]]:
    match = _RESOLVE.fullmatch(spec)
    found = tuple(part.strip().strip("[]") for part in match[3].split(",")) if match else ()
    if match is None or any(addresses.literal(one) is None for one in found):
        raise UsageError(f"resolve wants HOST:PORT:ADDR[,ADDR], not {spec!r}")
    return (match[1].strip("[]").lower(), int(match[2])), found


def _is_localhost(host: str) -> bool:
    """RFC 6761 section 6.3."""
    return host.removesuffix(".") == "localhost" or host.removesuffix(".").endswith(".localhost")
