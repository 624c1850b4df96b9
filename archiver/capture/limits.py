"""How much at once: per host, per address behind many names, and in all.

Waiting costs one future per target, so thousands may queue. Slots are always taken in the order host, address, all, which cannot
deadlock, and are given back during pauses. An idle kept-alive connection counts against the same limits: the oldest is closed when
a new one needs its place.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from archiver.capture.hosts import by_host
from archiver.capture.wire import HEARD_S, WireProtocol
from archiver.model import FetchSettings

PACE_S_MAX = 1.0
"""The slowest pace that a host can ask for by refusing requests."""
PACE_LEAST_S = 0.05
"""A shorter pause than this is none."""
Origin = tuple[str, str, int]


@dataclass(slots=True)
class _Host:
    slots: asyncio.Semaphore
    pace_s: float
    """Pause between two requests."""
    next_at_s: float = 0.0


class _Slots:
    """A semaphore that prefers a waiter of the same origin, so that its connection is used again."""

    def __init__(self, size: int) -> None:
        self.size = self._free = max(1, size)
        self._waiting: dict[Origin, deque[asyncio.Future[None]]] = {}

    def one(self, origin: Origin) -> _Slot:
        """One slot, for the time of an `async with`."""
        return _Slot(self, origin)

    async def take(self, origin: Origin) -> None:
        """Wait for a slot; whoever has it gives it back with `hand_on`."""
        if self._free > 0:
            self._free -= 1
        else:
            await self._wait(origin)

    def grow(self, size: int) -> None:
        """Have `size` slots at least; the new ones go to those who wait."""
        for _ in range(size - self.size):
            self.hand_on(next(iter(self._waiting), ("", "", 0)))
        self.size = max(self.size, size)

    async def _wait(self, origin: Origin) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(origin, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # the slot came at the moment of cancelling
                self.hand_on(origin)
            raise

    def hand_on(self, origin: Origin) -> None:
        """Give the slot to the next of this origin, or to the other origins in turn."""
        while self._waiting:
            heir = origin if origin in self._waiting else next(iter(self._waiting))
            queue = self._waiting.pop(heir)
            turn = queue.popleft()
            if queue:
                self._waiting[heir] = queue  # at the end of the line
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


class _Slot:
    """Two for every exchange: a class is twice as quick as a generator here."""

    __slots__ = ("_origin", "_slots")

    def __init__(self, slots: _Slots, origin: Origin) -> None:
        self._slots = slots
        self._origin = origin

    async def __aenter__(self) -> None:
        await self._slots.take(self._origin)

    async def __aexit__(self, *_: object) -> None:
        self._slots.hand_on(self._origin)


@dataclass(slots=True)
class _Address:
    slots: _Slots
    active: int = 0
    door: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True)
class _Idle:
    address: str
    origin: Origin
    protocol: WireProtocol


@dataclass(slots=True)
class Claim:
    """The right to one connection: an idle one that is to be used again, or none, and then a new one may be opened."""

    idle: _Idle | None = None


class Limits:
    """The queue that every request stands in."""

    def __init__(self, settings: FetchSettings) -> None:
        """Raises UsageError for settings of a host that is none."""
        self._settings = settings
        self._per_host = by_host(settings.host_connections)
        self._delay_s = by_host(settings.host_delay_s)
        self._all = _Slots(settings.concurrency)
        self._active = 0
        self._hosts: dict[str, _Host] = {}
        self._addresses: dict[str, _Address] = {}
        self._idle: list[_Idle] = []
        self._wanted: Counter[Origin] = Counter()

    @asynccontextmanager
    async def host(self, name: str, hopeless: Callable[[], bool] = lambda: False) -> AsyncIterator[None]:
        """A slot of this host, after its pause; nobody pauses for what is `hopeless` by then."""
        host = self._host(name)
        async with host.slots:
            loop = asyncio.get_running_loop()
            while not hopeless() and (wait_s := host.next_at_s - loop.time()) > 0:  # noqa: ASYNC110 - the moment may move on while we sleep
                await asyncio.sleep(wait_s)
            host.next_at_s = loop.time() + host.pace_s
            yield

    @asynccontextmanager
    async def connection(self, address: str, origin: Origin) -> AsyncIterator[Claim]:
        """A slot of this address and one of all, with room made for the connection that may have to be opened.

        Call `took` with the claim and the connection that the pool then hands out. An empty address (a proxy's) has no limit of its own.
        """
        entry = self._address(address, origin[1])
        self._wanted[origin] += 1
        claimed = False
        try:
            async with entry.slots.one(origin), self._all.one(origin):
                self._wanted[origin] -= 1
                claimed = True
                entry.active += 1
                self._active += 1
                try:
                    yield Claim(await self._make_room(address, entry, origin))
                finally:
                    entry.active -= 1
                    self._active -= 1
        finally:
            if not claimed:
                self._wanted[origin] -= 1
            if not self._wanted[origin]:
                del self._wanted[origin]

    async def keep(self, address: str, origin: Origin, protocol: WireProtocol | None) -> None:
        """Note a connection that went back to the pool, or see to it that it is closed before its slot is given back.

        None: there was a try to connect, which a server may have seen.
        """
        if protocol is None:
            await asyncio.sleep(HEARD_S)
        elif protocol.active:  # another task has it again already
            return
        elif protocol.is_connected() and not protocol.should_close:
            self._idle.append(_Idle(address, origin, protocol))
        else:
            await protocol.gone()

    def took(self, claim: Claim, protocol: WireProtocol) -> None:
        """The pool handed out `protocol`; it keeps an order of its own, so that may be another one than was claimed."""
        self._idle = [one for one in self._idle if one.protocol is not protocol]
        if claim.idle is not None and claim.idle.protocol is not protocol:
            self._idle.append(claim.idle)
        claim.idle = None

    def hold(self, name: str, wait_s: float) -> None:
        """The host says that we ask too much: no request for so long, and one after the other from then on."""
        host = self._host(name)
        host.next_at_s = max(host.next_at_s, asyncio.get_running_loop().time() + wait_s)
        host.pace_s = max(host.pace_s, min(wait_s, PACE_S_MAX))

    def reached(self, name: str) -> None:
        """The host answered: the pauses that it once asked for grow shorter again."""
        host = self._host(name)
        asked_for = self._delay_s.get(name, self._settings.delay_s)
        host.pace_s = max(asked_for, host.pace_s / 2 if host.pace_s > PACE_LEAST_S else 0.0)

    def per_host(self, name: str) -> int:
        """Connections to this host at a time."""
        return self._per_host.get(name, self._settings.per_host)

    def _host(self, name: str) -> _Host:
        if name not in self._hosts:
            slots = asyncio.Semaphore(max(1, self.per_host(name)))
            self._hosts[name] = _Host(slots, self._delay_s.get(name, self._settings.delay_s))
        return self._hosts[name]

    def _address(self, address: str, host: str) -> _Address:
        """As many slots as the host with the most of those that were asked for at this address."""
        size = max(self._settings.per_host, self.per_host(host)) if address else self._settings.concurrency
        if address not in self._addresses:
            self._addresses[address] = _Address(_Slots(size))
        self._addresses[address].slots.grow(size)
        return self._addresses[address]

    async def _make_room(self, address: str, entry: _Address, origin: Origin) -> _Idle | None:
        """Find an idle connection of this origin, or close others until there is room for a new one."""
        for one in self._idle:
            if one.origin == origin and one.protocol.is_connected():
                self._idle.remove(one)
                return one
        if address:
            async with entry.door:  # what one of us closes, the next one must not take for closed already
                await self._make_room_here(address, entry)
        self._idle = [one for one in self._idle if one.protocol.is_connected()]
        oldest = self._oldest()
        await self._drop(oldest[: max(0, self._active + len(oldest) - self._settings.concurrency)])
        return None

    async def _make_room_here(self, address: str, entry: _Address) -> None:
        here = [one for one in self._oldest() if one.address == address]
        lost = [one for one in here if not one.protocol.is_connected()]  # closed by the server meanwhile
        live = [one for one in here if one not in lost]
        await self._drop(lost + live[: max(0, entry.active + len(live) - entry.slots.size)])

    def _oldest(self) -> list[_Idle]:
        """Those that somebody waits for come last."""
        return sorted(self._idle, key=lambda one: self._wanted[one.origin] > 0)

    async def _drop(self, surplus: list[_Idle]) -> None:
        self._idle = [one for one in self._idle if one not in surplus]
        await asyncio.gather(*(one.protocol.gone() for one in surplus))
