"""One request and its response: the step that the client repeats for every hop and every attempt."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

import aiohttp
from yarl import URL

from archiver.capture import failures
from archiver.capture.connector import CURRENT, PinnedConnector, Way, socks_connector
from archiver.capture.framing import Head
from archiver.capture.headers import Speech, blanked, without_userinfo
from archiver.capture.limits import Claim, Limits
from archiver.capture.policy import Refusal
from archiver.capture.resolver import Resolver, Route
from archiver.capture.tape import End, Tape
from archiver.capture.throttle import Throttle
from archiver.capture.tls import Trust
from archiver.capture.urls import Place, parse, visible
from archiver.capture.watch import Watch
from archiver.capture.wire import WireProtocol
from archiver.errors import OutputError, UsageError
from archiver.model import Exchange, FetchSettings, Hop, Stored, Truncation

Record = Callable[[Exchange], Awaitable[Stored]]
"""What takes an exchange into an archive."""
SOCKS = ("socks4", "socks4a", "socks5", "socks5h")


@dataclass(frozen=True, slots=True)
class Question:
    """One request to make."""

    place: Place
    first: Place
    """The target that the chain of redirects began with."""
    accept: str
    record: Record
    keep_bytes: int = 0
    """How much of the raw response to hand back, for the few responses that the client itself reads."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it."""

    hop: Hop
    refusal: Refusal | None
    """Why this is no capture; None for a capture and for a redirect."""
    head: Head | None = None
    raw: bytes = b""
    reached: bool = False
    """Whether the host answered at all."""


class Exchanger:
    """Makes exchanges and hands them to the archive."""

    def __init__(
        self,
        settings: FetchSettings,
        *,
        spool_dir: Path,
        now: Callable[[], datetime],
        limits: Limits,
        speech: Speech,
    ) -> None:
        """Raises UsageError when a setting cannot be used."""
        self._settings = settings
        self._spool_dir = spool_dir
        self._now = now
        self._limits = limits
        self._speech = speech
        self._resolver = Resolver(settings)
        self._trust = Trust(settings)
        self._throttle = Throttle(settings.limit_rate_bytes_s)
        self._watch = Watch(settings)
        self._proxy = _proxy(settings.proxy)
        self._proxy_url = URL(settings.proxy) if self._proxy is not None else None
        self._patience = aiohttp.ClientTimeout(total=None, connect=settings.connect_timeout_s)
        self._connector: aiohttp.TCPConnector | None = None

    def open(self) -> None:
        """Needs a running event loop. Raises UsageError for an unusable proxy."""
        if self._proxy_is_socks:
            try:
                self._connector = socks_connector(self._settings.proxy)
            except ValueError as exc:
                raise UsageError(f"not a usable proxy: {exc}") from exc
        else:
            self._connector = PinnedConnector()

    async def close(self) -> None:
        if self._connector is not None:
            await self._connector.close()
        await self._resolver.close()

    async def ask(self, question: Question) -> Answer:
        """Make one exchange and record it when a response head came. Never raises for what a network or server does.

        Raises OutputError when the response cannot be kept on our own disk.
        """
        route = await self._route(question.place)
        if isinstance(route, Refusal):
            return Answer(Hop(question.place.url, 0, self._now()), route)
        address = "" if self._settings.proxy else route.addresses[0]
        async with self._limits.connection(address, question.place.origin) as claim:
            if self._throttle.active:
                await asyncio.sleep(self._throttle.owed_s(asyncio.get_running_loop().time()))
            answer, stale = await self._once(question, route, address, claim)
            if stale:  # such a connection is replaced silently, once (RFC 9112 section 9.3.1)
                answer, _ = await self._once(question, route, address, claim, fresh=True)
            return answer

    async def _route(self, place: Place) -> Route | Refusal:
        """The addresses to connect to: those of the host, or of the proxy that the user named (not judged)."""
        if self._settings.proxy and (refusal := self._resolver.refused(place.host)):
            return refusal
        if self._proxy_is_socks:
            return Route((), place.port)
        if self._proxy is not None:
            return await self._resolver.route(self._proxy.host, self._proxy.port, judged=False)
        return await self._resolver.route(place.host, place.port)

    @property
    def _proxy_is_socks(self) -> bool:
        return self._settings.proxy.partition("://")[0].lower() in SOCKS

    async def _once(self, question: Question, route: Route, address: str, claim: Claim, *, fresh: bool = False) -> tuple[Answer, bool]:
        """One try on one connection; the flag says that the connection was stale and nothing was lost by it."""
        deadline_s = asyncio.get_running_loop().time() + self._settings.total_timeout_s
        on_attach = partial(self._limits.took, claim)
        tape = Tape(self._settings, self._spool_dir, deadline_s, self._throttle, self._watch, on_attach)
        try:
            at = self._now()
            failed = await self._converse(tape, question, at, Way(route, fresh))
            await self._limits.keep(address, question.place.origin, tape.protocol)
            if tape.spool_error is not None:
                raise OutputError(f"cannot keep what arrives in {self._spool_dir}: {tape.spool_error.strerror}")
            end = tape.end.result() if tape.end.done() else None
            if end is None:
                refusal = failures.no_connection(failed or OSError("no answer"), question.place, self._settings)
                return Answer(Hop(question.place.url, 0, at), refusal), False
            if _stale(tape, end):
                return Answer(Hop(question.place.url, 0, at), failures.verdict(end, tape.framer)[1]), True
            return await self._conclude(question, tape, end, at, route), False
        finally:
            tape.close()

    async def _converse(self, tape: Tape, question: Question, at: datetime, way: Way) -> Exception | None:
        """Send the request and wait for the end of the response; the exception when there was no exchange."""
        assert self._connector is not None
        place = question.place
        fields = self._speech.headers(place, question.first, accept=question.accept, now_s=at.timestamp())
        token = CURRENT.set(way)
        try:
            loop, context = asyncio.get_running_loop(), self._trust.context(place.host)
            request = aiohttp.ClientRequest("GET", _yarl(place), loop=loop, ssl=context, proxy=self._proxy_url)
            connection = await self._connector.connect(request, [], self._patience)
            try:
                cast(WireProtocol, connection.protocol).converse(tape, _head(place, fields, request))
                await tape.end
            finally:
                connection.release() if tape.end.done() else connection.close()
        except Exception as exc:  # whatever a stranger's server provokes in the layers below costs this target only
            _forget_way_of(exc)
            return exc
        finally:
            CURRENT.reset(token)
        return None

    async def _conclude(self, question: Question, tape: Tape, end: End, at: datetime, route: Route) -> Answer:
        truncated, refusal = failures.verdict(end, tape.framer)
        head, url = tape.framer.head, question.place.url
        if head is None:
            return Answer(Hop(url, 0, at, tape.peer_ip, truncated=truncated), refusal, reached=tape.framer.started)
        raw = _start_of(tape, question.keep_bytes)
        exchange = self._exchange(question.place, tape, head, at, route, truncated_as=truncated)
        stored = await question.record(exchange)
        kind, modified = visible(head.first("content-type")), visible(head.first("last-modified"))
        hop = Hop(url, head.status, at, exchange.ip, kind, modified, truncated, stored)
        return Answer(hop, refusal, head, raw, reached=True)

    def _exchange(self, place: Place, tape: Tape, head: Head, at: datetime, route: Route, *, truncated_as: Truncation) -> Exchange:
        notes = [f"interim response dropped: {status}" for status in dict.fromkeys(tape.framer.interim)]
        if place.scheme == "https" and self._trust.exempt(place.host):
            notes.append("certificate not verified")
        if route.diverted:
            notes.append(f"connected to {route.diverted} instead of {place.host}:{place.port}")
        if self._settings.proxy:
            notes.append("through a proxy")
        if robots := head.get("x-robots-tag"):
            notes.append(f"X-Robots-Tag: {visible(robots)}")
        if not self._settings.keep_secrets and _blank_userinfo(tape, head):
            notes.append("userinfo blanked: Location")
        tape.spool.seek(0)
        return Exchange(
            url=place.url,
            at=at,
            ip="" if self._settings.proxy else tape.peer_ip,
            request=blanked(tape.request, self._settings),
            response=cast(BinaryIO, tape.spool),
            status=head.status,
            truncated=truncated_as,
            protocol=f"http/{head.version[0]}.{head.version[1]}" + (f"; {tape.tls}" if tape.tls else ""),
            notes=tuple(notes),
        )


def _stale(tape: Tape, end: End) -> bool:
    """Whether a kept-alive connection was closed under us, had timed out, or still held the end of an answer before."""
    if not tape.reused:
        return False
    head = tape.framer.head
    if head is not None:
        return head.status == 408 and not head.persistent  # said to an idle connection, while our request was on its way
    return end.kind == "malformed" or (end.kind == "cut" and not tape.framer.started)


def _blank_userinfo(tape: Tape, head: Head) -> bool:
    """Take it out of what is kept of the response; whether there was any."""
    if "@" not in head.get("location"):
        return False
    sent = _start_of(tape, tape.framer.head_bytes)
    shown = without_userinfo(sent)
    tape.spool.seek(0)
    tape.spool.write(shown)
    return shown != sent


def _start_of(tape: Tape, size: int) -> bytes:
    if not size:
        return b""
    tape.spool.seek(0)
    return tape.spool.read(size)


def _forget_way_of(exc: BaseException) -> None:
    """An exception holds the frames that it came through, in circles that only the garbage collector finds; those of a failed TLS
    handshake hold a quarter of a megabyte."""
    link: BaseException | None = exc
    while link is not None:
        traceback.clear_frames(link.__traceback__)
        link.__traceback__ = None
        link = link.__cause__ or link.__context__


def _head(place: Place, fields: list[tuple[str, str]], request: aiohttp.ClientRequest) -> bytes:
    """The request as it goes over the wire (RFC 9112 section 3); a proxy that is no tunnel is told the whole URL."""
    target = place.url if request.proxy is not None and not request.is_ssl() else place.path
    log_in = request.headers.get("Proxy-Authorization")  # set by the connector, for a proxy that is no tunnel
    told = [("Host", request.headers["Host"]), *fields, *([("Proxy-Authorization", log_in)] if log_in else ())]
    return "\r\n".join([f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in told), "\r\n"]).encode()


def _yarl(place: Place) -> URL:
    """Path and query in one piece, so that not even an empty query is lost on the way."""
    host = f"[{place.host}]" if ":" in place.host else place.host
    return URL.build(scheme=place.scheme, host=host, port=place.port, path=place.path, encoded=True)


def _proxy(url: str) -> Place | None:
    """The http(s) proxy, or None without one. Raises UsageError."""
    if not url or url.partition("://")[0].lower() in SOCKS:
        return None
    place = parse(url if "://" in url else f"http://{url}")
    if isinstance(place, Refusal):
        raise UsageError(f"not a usable proxy: {place.detail}")
    return place
