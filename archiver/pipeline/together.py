"""Several posts at the same time, and one polite visitor to every host.

What is shared out is the waiting for the network: the fetches of all posts run on one event loop, in a thread of its own, through one
client, so that limits, pauses and connections are those of one visitor; and strangers' pictures are decoded by one set of worker processes,
so that memory is bounded however many posts there are. All the rest of a post (reading, judging, writing) is
done here, one post after the other, in the caller's thread, where Ctrl-C arrives.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from archiver.capture.client import Client
from archiver.errors import ArchiverError
from archiver.model import Event, FetchSettings
from archiver.pipeline import archive as single
from archiver.pipeline import capturing
from archiver.pipeline.archive import Fetched, Steps
from archiver.pipeline.discretion import bare
from archiver.pipeline.means import Means
from archiver.pipeline.runs import Run
from archiver.pipeline.settings import Settings
from archiver.pipeline.workers import WAIT_S, Workers


def archive(posts: Sequence[tuple[str, Path]], jobs: int, settings: Settings, means: Means) -> list[Run]:
    """Archive each (source, folder), at most `jobs` of them at a time; what ends one of them stands in its Run.

    Raises UsageError for settings that no client can use, and KeyboardInterrupt; every WARC is complete and readable then.
    """
    with (
        Network(settings.fetch, means) as network,
        Workers(settings.workers) as workers,
        _UnderWay(network, settings, replace(means, workers=workers)) as under_way,
    ):
        for number, (source, where) in enumerate(posts):
            while under_way.count >= jobs:
                under_way.finish_one()
            under_way.begin(number, source, where)
        while under_way.count:
            under_way.finish_one()
        return [under_way.runs[number] for number in range(len(posts))]


class Network:
    """One client on an event loop in a thread of its own. A context manager: leaving it cancels whatever is still fetched."""

    def __init__(self, settings: FetchSettings, means: Means) -> None:
        self._settings = settings
        self._means = means
        self._ready: Future[Client] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()), name="network", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._client = self._ready.result()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def start(self, job: capturing.Job[Fetched]) -> Future[Fetched]:
        """Have the job done on the network's thread."""
        return asyncio.run_coroutine_threadsafe(job(self._client), self._loop)

    def close(self) -> None:
        """Cancel what is under way and wait until it has let go of everything."""
        if self._thread.is_alive():
            with suppress(RuntimeError):  # the loop has just ended by itself
                self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join()

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ending = asyncio.Event()
        try:
            async with capturing.visitor(self._settings, self._means) as client:
                self._ready.set_result(client)
                await self._ending.wait()
                await _cancel_all()  # before their client is closed
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)


async def _cancel_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


class _UnderWay:
    """The posts that were begun and not ended. Leaving it by an exception ends them all, each WARC whole."""

    def __init__(self, network: Network, settings: Settings, means: Means) -> None:
        self.runs: dict[int, Run] = {}
        """Number of a post -> what came of it."""
        self._network = network
        self._settings = settings
        self._means = means
        self._posts: dict[Future[Fetched], tuple[int, str, Path, Steps]] = {}

    @property
    def count(self) -> int:
        return len(self._posts)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            return
        self._network.close()  # first, so that nobody writes any more into what is closed now
        if self._means.workers is not None:
            self._means.workers.terminate()  # nobody waits for what they do
        for _, _, _, steps in self._posts.values():
            with suppress(BaseException):
                steps.throw(error)

    def begin(self, number: int, source: str, where: Path) -> None:
        """Read the post and have its pictures fetched."""
        self._means.on_event(Event("stage", detail=f"{bare(source)} -> {where}"))
        steps = single.steps(source, where, self._settings, self._means)
        try:
            job = next(steps)
        except ArchiverError as error:
            self.runs[number] = Run(bare(source), where, error=error)
            return
        self._posts[self._network.start(job)] = (number, source, where, steps)

    def finish_one(self) -> None:
        """Wait for the fetching of some post, then judge it and write what is to be written."""
        while not (done := wait(self._posts, timeout=WAIT_S, return_when=FIRST_COMPLETED).done):
            pass  # a signal that came just as the wait began is heard between two of them
        future = next(iter(done))
        number, source, where, steps = self._posts[future]
        try:
            self.runs[number] = single.finish(steps, future.result)
        except ArchiverError as error:
            self.runs[number] = Run(bare(source), where, error=error)
        del self._posts[future]
