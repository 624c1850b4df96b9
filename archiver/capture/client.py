"""Targets -> Outcomes: fetches each target with its redirects and retries, politely and within bounds."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Self

from archiver.capture import policy, urls
from archiver.capture.breaker import Breaker
from archiver.capture.cookies import read_cookies
from archiver.capture.exchange import Answer, Exchanger, Question, Record
from archiver.capture.headers import ACCEPT, Speech
from archiver.capture.hosts import by_host
from archiver.capture.limits import Limits
from archiver.capture.passwords import read_passwords
from archiver.capture.policy import REDIRECTS, Refusal
from archiver.capture.robots import PRODUCT, ROBOTS_BYTES_MAX, Rules, read_rules, rules_of
from archiver.capture.urls import Place
from archiver.model import Captured, Event, FetchSettings, Hop, Missed, Outcome, Reason, Target

Answers = dict[tuple[str, str, bool, str], asyncio.Future[Answer]]
"""What was asked for one archive, and what came of it: URL, `Accept`, whether headers for the target's origin went along, log-in."""


Robots = Callable[[str], tuple[int, bytes] | None]
"""Status and decoded body that an archive holds for the URL of a robots.txt; None where it has to be asked for."""


@dataclass(slots=True)
class _Walk:
    """The way of one target, as far as it has gone."""

    first: Place
    accept: str
    record: Record
    ports: frozenset[int]
    """What its redirects may open beside 80 and 443."""
    hops: list[Hop] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    retries: int = 0
    asked: bool = False
    keep_bytes: int = 0
    for_robots: bool = False
    last: Answer | None = None
    answers: Answers = field(default_factory=dict)
    robots: Robots = lambda _: None

    @property
    def attempts(self) -> int:
        """Tries so far, along the whole chain; a redirect is none."""
        return self.retries + 1 if self.asked else 0


class Client:
    """Fetches targets. Start as many tasks as there are targets: those that may not run yet wait cheaply.

    Usage: `async with Client(settings, on_event=..., spool_dir=..., now=...) as client: await client.fetch(target, record=...)`.
    One client can fetch for several archives: what hosts are spared, they are spared by all of them together.
    """

    def __init__(
        self,
        settings: FetchSettings,
        *,
        on_event: Callable[[Event], None],
        spool_dir: Path,
        now: Callable[[], datetime],
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`chance` gives the jitter, 0..1. Raises UsageError when a setting cannot be used."""
        self._settings = settings
        self._on_event = on_event
        self._now = now
        self._chance = chance
        passwords = read_passwords(Path.home() / ".netrc") if settings.netrc else ()
        cookies = [*read_cookies(settings.cookies_file)]
        for host, file in by_host(settings.host_cookies).items():
            cookies += read_cookies(file, only_host=host)
        speech = Speech(settings, tuple(cookies), passwords)
        self._limits = Limits(settings)
        self._breaker = Breaker(settings.host_failures_max)
        self._exchanger = Exchanger(settings, spool_dir=spool_dir, now=now, limits=self._limits, speech=speech)
        self._robots: dict[tuple[str, str, int], asyncio.Task[Rules]] = {}

    async def __aenter__(self) -> Self:
        self._exchanger.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._robots.values():
            task.cancel()
        await asyncio.gather(*self._robots.values(), return_exceptions=True)
        await self._exchanger.close()

    async def fetch(
        self,
        target: Target,
        *,
        record: Record,
        accept: str = ACCEPT,
        ports: Collection[int] = (),
        walked: Sequence[Hop] = (),
        onward: Place | None = None,
        answers: Answers | None = None,
        robots: Robots = lambda _: None,
    ) -> Outcome:
        """Fetch one target: Captured when its last hop is a whole 2xx response with a body, otherwise Missed with the reason.

        `record` is awaited once for each response that arrived (redirects and failed attempts too); the response is closed after it.
        `ports`: what the post itself names, and redirects may therefore open beside 80, 443 and the port of the target.
        `answers`: those of this archive so far, to which this adds its own; what stands there already is not asked for again, and what is
        under way is waited for, so that several targets that lead to one URL fetch it once.
        `walked`: redirects of the target that the archive holds already, the last of which leads `onward`; they are not asked for again.
        `robots`: the rules of hosts that the archive holds already; those are not asked for again either.

        Raises nothing that a server or network can cause; cancelling is immediate and leaves nothing behind. Raises OutputError when
        our own disk cannot hold a response, and whatever `record` raises.
        """
        place = urls.parse(target.url)
        if isinstance(place, Refusal):
            return Missed(target, (), self._now(), place.reason, place.detail, 0)
        walk = _Walk(place, accept, record, frozenset({place.port, *ports}), [*walked], [hop.url for hop in walked])
        walk.answers, walk.robots = {} if answers is None else answers, robots
        refusal = await self._walk(walk, onward)
        at = walk.hops[-1].at if walk.hops else self._now()
        stored = walk.hops[-1].stored if walk.hops else None
        if refusal is None and stored is not None and stored.size_bytes == 0:
            refusal = Refusal(Reason.EMPTY, "the body is empty once its encoding is undone")
        limit = self._settings.max_body_bytes
        if refusal is None and stored is not None and stored.size_bytes > limit:
            refusal = Refusal(Reason.TOO_LARGE, f"{stored.size_bytes} bytes once its encoding is undone, the limit is {limit}")
        if refusal is not None or stored is None:
            reason, detail = (refusal.reason, refusal.detail) if refusal else (Reason.NETWORK_ERROR, "no answer")
            return Missed(target, tuple(walk.hops), at, reason, detail, walk.attempts)
        return Captured(
            target, tuple(walk.hops), at, stored.payload_sha256, stored.size_bytes, stored.ref, stored.payload_ref, walk.attempts
        )

    async def _walk(self, walk: _Walk, onward: Place | None = None) -> Refusal | None:
        """Follow the redirects from the first place, or from `onward`, to the last; None when it ends in a capture."""
        place: Place | Refusal = self._follow(walk, onward) if onward else walk.first
        while True:
            if isinstance(place, Refusal):
                return place
            refusal = await self._refused(walk, place)
            if refusal is not None:
                return refusal
            walk.seen.append(place.url)
            answer = await self._answer(walk, place)
            walk.last = answer
            walk.hops.append(answer.hop)
            if answer.refusal is not None or answer.head is None or answer.head.status not in REDIRECTS:
                return answer.refusal
            following = urls.follow(place, answer.head.first("location").encode("latin-1"))
            if not isinstance(following, Refusal):
                self._tell("redirect", place, following.url, status=answer.head.status)
            place = self._follow(walk, following)

    async def _refused(self, walk: _Walk, place: Place) -> Refusal | None:
        """What forbids even to ask."""
        if why := policy.port_refused(place.port, written=walk.ports, redirected=bool(walk.seen)):
            return Refusal(Reason.BLOCKED, f"{urls.visible(place.url)}: {why}")
        if self._settings.robots == "obey" and not walk.for_robots and not (await self._rules(place, walk)).allow(place.path):
            return Refusal(Reason.BLOCKED, f"robots.txt of {place.host} does not allow it")
        return None

    def _follow(self, walk: _Walk, following: Place | Refusal) -> Place | Refusal:
        """Where a redirect leads to, unless the chain may not go on there."""
        if isinstance(following, Refusal):
            return following
        return policy.redirect_refusal(following.url, walk.seen, self._settings) or following

    async def _answer(self, walk: _Walk, place: Place) -> Answer:
        """What the archive holds of this place, or what it answers now."""
        own = place.origin == walk.first.origin
        key = (place.url, walk.accept, own, walk.first.userinfo if own else "")
        known = walk.answers.get(key)
        if known is not None:
            walk.asked = True
            return await asyncio.shield(known)
        coming = walk.answers[key] = asyncio.get_running_loop().create_future()
        try:
            answer = await self._persist(walk, place)
        except BaseException as error:
            del walk.answers[key]
            coming.cancel() if isinstance(error, asyncio.CancelledError) else coming.set_exception(error)
            if not coming.cancelled():
                coming.exception()  # taken, so that nobody has to wait for it
            raise
        coming.set_result(answer)
        return answer

    async def _persist(self, walk: _Walk, place: Place) -> Answer:
        """Ask until there is an answer, nothing can recover, or the retries are used up; a partial response outranks none."""
        best: Answer | None = None
        while True:
            answer = await self._attempt(walk, place)
            if best is None or answer.hop.stored is not None or best.hop.stored is None:
                best = answer
            refusal = answer.refusal
            if refusal is None or not refusal.recovers or walk.retries >= self._settings.retries:
                return best
            asked = policy.retry_after_s(answer.head.first("retry-after"), self._now()) if answer.head else None
            wait_s = policy.wait_before_retry_s(walk.retries + 1, asked, self._settings, self._chance())
            if asked is not None or answer.hop.status == 429:
                self._limits.hold(place.host, wait_s)
            self._tell("retry", place, refusal.detail, reason=str(refusal.reason), attempt=walk.attempts, wait_s=round(wait_s, 3))
            await asyncio.sleep(wait_s)
            walk.retries += 1

    async def _attempt(self, walk: _Walk, place: Place) -> Answer:
        async with self._limits.host(place.host, lambda: self._given_up(place) is not None):
            given_up = self._given_up(place)
            if given_up is not None:
                return Answer(Hop(place.url, 0, self._now()), given_up)
            walk.asked = True
            self._tell("fetch", place, attempt=walk.attempts, hop=len(walk.hops) + 1)
            answer = await self._exchanger.ask(Question(place, walk.first, walk.accept, walk.record, walk.keep_bytes))
            self._count(place, answer)
        self._tell_answer(walk, place, answer)
        return answer

    def _given_up(self, place: Place) -> Refusal | None:
        return self._breaker.refusal(place, asyncio.get_running_loop().time())

    def _count(self, place: Place, answer: Answer) -> None:
        """For the circuit breaker: whether the host did what it could, or failed at this link."""
        refusal = answer.refusal
        plea = answer.head is not None and (answer.hop.status == 429 or (answer.hop.status == 503 and answer.head.first("retry-after")))
        unfinished = refusal is not None and refusal.reason in (Reason.TIMEOUT, Reason.TRUNCATED)
        if answer.reached and not plea and not unfinished:
            self._limits.reached(place.host)
        if 0 < answer.hop.status < 500 and not plea and not unfinished:
            self._breaker.answered(place)
        elif refusal is not None and refusal.reason is not Reason.BLOCKED:
            self._breaker.failed(place, refusal, asyncio.get_running_loop().time())

    async def _rules(self, place: Place, asking: _Walk) -> Rules:
        """The robots.txt of the place's origin, fetched once (RFC 9309 section 2.3), into the archive of who asked first."""
        task = self._robots.get(place.origin)
        if task is None:
            task = self._robots[place.origin] = asyncio.create_task(self._fetch_rules(place, asking))
        return await asyncio.shield(task)

    async def _fetch_rules(self, place: Place, asking: _Walk) -> Rules:
        robots = Place(place.scheme, place.host, place.port, "/robots.txt")
        product = self._settings.user_agent or PRODUCT
        if (held := asking.robots(robots.url)) is not None:
            return rules_of(held[0], held[1][:ROBOTS_BYTES_MAX], product)
        walk = _Walk(robots, "text/plain", asking.record, frozenset({place.port}), keep_bytes=ROBOTS_BYTES_MAX, for_robots=True)
        refusal = await self._walk(walk)
        status = walk.hops[-1].status if walk.hops else 0
        return read_rules(status, walk.last.raw if walk.last and refusal is None else b"", product)

    def _tell_answer(self, walk: _Walk, place: Place, answer: Answer) -> None:
        refusal, stored = answer.refusal, answer.hop.stored
        fields = {"status": answer.hop.status, "attempt": walk.attempts, "size_bytes": stored.size_bytes if stored else 0}
        reason = {"reason": str(refusal.reason)} if refusal else {}
        self._tell("answer", place, refusal.detail if refusal else "", **fields, **reason)

    def _tell(self, name: str, place: Place, detail: str = "", **fields: object) -> None:
        self._on_event(Event(name, place.url, detail, {"host": place.host, **fields}))
