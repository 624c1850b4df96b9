"""The async half of a run: every target fetched once, every exchange handed to the one writer as soon as it is whole."""

from __future__ import annotations

import asyncio
import gc
import signal
import tempfile
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from archiver.capture.client import Answers, Client, Robots
from archiver.capture.headers import ACCEPT
from archiver.capture.urls import Place, parse
from archiver.model import Captured, Exchange, FetchSettings, Missed, Outcome, Stored, Target
from archiver.pipeline import discretion
from archiver.pipeline.means import Means
from archiver.pipeline.reopening import Begun
from archiver.warc.writer import WarcWriter

T = TypeVar("T")

SETTLE_EVERY_S = 2.0
GARBAGE = 20_000
"""So many new objects before cycles among them are looked for."""
PAGE_ACCEPT = "text/html,application/xhtml+xml,text/markdown;q=0.9,*/*;q=0.8"

Job = Callable[[Client], Coroutine[Any, Any, T]]
"""What is to be done with a client."""


def visitor(settings: FetchSettings, means: Means) -> Client:
    """A client, to be entered with `async with`. Raises UsageError when a setting cannot be used."""
    # The spools are files without names: nothing of them is left, however the process ends.
    return Client(settings, on_event=means.on_event, spool_dir=Path(tempfile.gettempdir()), now=means.now)


def alone(job: Job[T], settings: FetchSettings, means: Means) -> T:
    """Do the job with a client of its own; SIGINT, SIGTERM and `means.stop` cancel it. Raises KeyboardInterrupt then."""

    async def main() -> T:
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        with suppress(RuntimeError, ValueError, NotImplementedError):  # not the main thread: the caller handles signals
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, task.cancel)
        means.stop.ends(lambda: loop.call_soon_threadsafe(task.cancel))
        try:
            with collecting_seldom():
                async with visitor(settings, means) as client:
                    return await job(client)
        finally:
            means.stop.ends(None)

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Thousands of targets wait at a time: with Python's own thresholds, looking for cycles among them over and over takes a quarter of
    the time of a run. What an exchange holds is let go of when it ends, not when it is found."""
    before = gc.get_threshold()
    if before[0]:  # 0: somebody has switched it off
        gc.set_threshold(max(before[0], GARBAGE), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class Capture:
    """What a client fetches for one archive."""

    def __init__(
        self, client: Client, writer: WarcWriter, begun: Callable[[Target], Begun] = lambda _: Begun(), robots: Robots = lambda _: None
    ) -> None:
        """`begun`: the redirects of a target that an earlier run followed before it was cut off; `robots`: the rules that it got."""
        self._client = client
        self._writer = writer
        self._begun, self._robots = begun, robots
        self._ports: frozenset[int] = frozenset()
        self._answers: Answers = {}

    async def page(self, url: str) -> Outcome:
        """Fetch the post itself."""
        return await self.one(Target(url, ()), accept=PAGE_ACCEPT)

    def named(self, targets: Iterable[Target]) -> None:
        """All that the post links, fetched now or not: redirects may open the ports that stand there."""
        places = (parse(target.url) for target in targets)
        self._ports = frozenset(place.port for place in places if isinstance(place, Place))

    async def all(self, targets: Sequence[Target], on_outcome: Callable[[Outcome], None]) -> None:
        """Fetch every target, reporting each outcome as it comes; in the archive before it is reported."""

        async def one(target: Target) -> None:
            on_outcome(await self.one(target))

        try:
            async with asyncio.TaskGroup() as group:
                settling = group.create_task(self._settle())
                fetching = [group.create_task(one(target)) for target in targets]
                await asyncio.gather(*fetching, return_exceptions=True)
                settling.cancel()
        except BaseExceptionGroup as several:  # the first tells why the run ends: a full disk, say
            raise several.exceptions[0] from None

    async def one(self, target: Target, *, accept: str = ACCEPT) -> Outcome:
        """Fetch one target; whatever came of it is in the archive when this returns."""
        begun = self._begun(target)
        fetched = await self._client.fetch(
            target,
            record=self._record,
            accept=accept,
            ports=self._ports,
            walked=begun.hops,
            onward=begun.onward,
            answers=self._answers,
            robots=self._robots,
        )
        outcome = discretion.outcome(fetched)
        match outcome:
            case Missed():
                self._writer.write_missed(outcome)
            case Captured():
                pass
        return outcome

    async def _settle(self) -> None:
        """What is with the system only is lost when the disk or the power fails: at most the captures of a few seconds are."""
        while True:
            await asyncio.sleep(SETTLE_EVERY_S)
            await asyncio.to_thread(self._writer.settle())

    async def _record(self, exchange: Exchange) -> Stored:
        # Written in one piece on the loop: an exchange is in the archive whole or not at all, whatever is cancelled.
        return self._writer.write_exchange(exchange)
