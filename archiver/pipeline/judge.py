"""The judging half: payloads are measured as they arrive, then compared, then grouped. It needs no network.

The main process holds values only (pictures, pairs); pixels, features and comparisons live in worker processes and in the cache file.
The result does not depend on the order in which payloads arrive, nor on the number of workers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from archiver.errors import ArchiverError, InputError, OutputError
from archiver.model import BY_BYTES, Decision, Event, Measured, Pair, Picture, Reason, Unreadable, Verdict
from archiver.pipeline import tasks
from archiver.pipeline.assemble import Judgement
from archiver.pipeline.cache import Cache
from archiver.pipeline.settings import Settings
from archiver.pipeline.tasks import Source
from archiver.pipeline.workers import WorkerFailure, Workers, default_count, wait_for

T = TypeVar("T")

PICTURES_PER_WORKER = 150
"""A worker costs start-up and memory; one is enough for a post, more join for collections."""
PAIRS_PER_TASK = 48
FAILURES_MAX = 3
"""Pairs on which comparing may fail, when it fails on all of them, before it is held to be at fault itself."""
VAST_FROM = 2_000
"""Pictures from which on what a task over all of them took is worth the start of another process."""

REASONS = {"crash": Reason.CORRUPT, "timeout": Reason.CORRUPT, "memory": Reason.UNSUPPORTED}
"""What a picture is called that a decoder did not survive."""


def _go_on() -> None:
    """Nobody asks the run to end."""


class Judge:
    """Measures what is submitted; `finish` compares and groups. A context manager: leaving it by an exception ends all work at once."""

    def __init__(
        self,
        cache: Path,
        settings: Settings,
        on_event: Callable[[Event], None],
        *,
        expected: int = 100,
        check: Callable[[], None] = _go_on,
        workers: Workers | None = None,
    ) -> None:
        """`workers`: those that several judges share; else it has some of its own, by how many pictures are `expected`."""
        self._cache = Cache.open(cache)
        self._shelf: tasks.Shelf = (str(self._cache.path), self._cache.version)
        self._settings = settings
        self._event = on_event
        self._check = check
        self._lock = threading.Lock()
        self._submitted: set[str] = set()
        self._waiting: set[Future[Any]] = set()
        """What was asked of the workers and is not done; what is done is let go of."""
        self._noted: list[Future[None]] = []
        self._pictures: dict[str, Picture] = {}
        self._unreadable: dict[str, Unreadable] = {}
        self._failure: ArchiverError | None = None
        self._workers = workers or Workers(settings.workers or _count(expected))
        self._own = workers is None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._own:
            self._workers.__exit__(kind, error, trace)
        for future in tuple(self._waiting):
            future.cancel()  # in the line of shared workers
        for noted in self._noted:
            wait_for(noted)
        self._cache.close()

    def submit(self, source: Source) -> None:
        """Measure one payload, once, unless the cache knows it. Does not wait."""
        if source.payload in self._submitted:
            return
        self._submitted.add(source.payload)
        known = self._cache.load(source.payload)
        if known is not None:
            self._keep(source.payload, known)
            return
        future = self._workers.submit(tasks.measure_source, source)
        self._await(future)
        noted: Future[None] = Future()  # a future wakes those who wait for it before its callbacks have run
        future.add_done_callback(lambda done: self._note(source.payload, done, noted))
        self._noted.append(noted)

    def adopt(self, found: Measured | None, source: Source) -> None:
        """Take over what another judge measured; measure `source` when that is lost."""
        if found is None:
            self.submit(source)
        elif source.payload not in self._submitted:
            self._submitted.add(source.payload)
            self._cache.save(found)
            self._keep(source.payload, found.picture)

    def _note(self, payload: str, future: Future[Any], noted: Future[None]) -> None:
        try:
            self._measured(payload, future)
        finally:
            noted.set_result(None)

    def _measured(self, payload: str, future: Future[Any]) -> None:
        """Runs in a worker's thread."""
        if future.cancelled():
            return
        error = future.exception()
        if error is not None:
            found: Measured | Unreadable = Unreadable(payload, Reason.CORRUPT, f"could not be read back: {error}")
        elif isinstance(result := future.result(), WorkerFailure):
            found = Unreadable(payload, REASONS[result.kind], f"the decoder failed ({result.kind}): {result.detail}")
        else:
            found = result
            try:
                self._cache.save(found)
            except OutputError as full:
                self._failure = full
        self._keep(payload, found.picture if isinstance(found, Measured) else found)

    def _keep(self, payload: str, found: Picture | Unreadable) -> None:
        with self._lock:
            if isinstance(found, Picture):
                self._pictures[payload] = found
            else:
                self._unreadable[payload] = found
            done = len(self._pictures) + len(self._unreadable)
        self._event(Event("measured", fields={"done": done, "total": len(self._submitted)}))

    def finish(self, urls: Mapping[str, Sequence[str]], decisions: Sequence[Decision]) -> Judgement:
        """Wait for the measuring, then compare and group. `urls`: under which addresses each payload stands.

        Raises OutputError when the disk is full.
        """
        self._wait()
        if self._failure is not None:
            raise self._failure
        pictures = [self._pictures[payload] for payload in sorted(self._pictures)]
        self._event(Event("stage", detail="Comparing", fields={"pictures": len(pictures)}))
        found = self._ask(tasks.find_candidates, self._shelf, pictures)
        pairs = self._compare([(pictures[a], pictures[b]) for a, b in found])
        groups = self._ask(tasks.group_pairs, pictures, pairs, tuple(decisions), dict(urls))
        return Judgement(dict(self._pictures), dict(self._unreadable), groups.clusters, groups.unsure, groups.held_apart)

    def by_bytes(self, payload: str) -> bool:
        """Wait for the measuring; whether this payload was not decoded and is compared by its bytes alone."""
        self._wait()
        return payload in self._unreadable and self._unreadable[payload].reason in BY_BYTES

    def measured(self, payloads: Sequence[str], names: Sequence[str]) -> tuple[Picture, ...]:
        """Wait for these payloads. Raises InputError for the first that is no picture, calling it by its name."""
        self._wait()
        for payload, name in zip(payloads, names, strict=True):
            if payload not in self._pictures:
                raise InputError(f"{name} is no picture that can be compared: {self._unreadable[payload].detail}")
        return tuple(self._pictures[payload] for payload in payloads)

    def same(self, before: str, now: str) -> bool:
        """Whether a payload of an earlier capture and one of this are the same picture. True, too, when the earlier one is not in the
        cache any more: that other bytes are another picture is only said when it was seen."""
        old, new = self._known(before), self._known(now)
        return before == now or old is None or new is None or self._verdict(old, new).verdict is Verdict.SAME

    def verdict(self, a: str, b: str) -> Pair:
        """What holds between two different measured payloads."""
        return self._verdict(self._pictures[a], self._pictures[b])

    def _verdict(self, a: Picture, b: Picture) -> Pair:
        first, second = sorted((a, b), key=lambda picture: picture.payload)
        return self._compare([(first, second)])[0]

    def _known(self, payload: str) -> Picture | None:
        found = self._pictures.get(payload) or self._cache.load(payload)
        return found if isinstance(found, Picture) else None

    def previews(self, payloads: Iterable[str]) -> dict[str, bytes]:
        """JPEGs of measured pictures, longest side 480 px."""
        return {payload: self._cache.load_preview(payload) for payload in payloads if payload in self._pictures}

    def thumbnails(self, payloads: Iterable[str]) -> dict[str, bytes]:
        """JPEGs of measured pictures, longest side 200 px."""
        return {payload: self._cache.load_thumbnail(payload) for payload in payloads if payload in self._pictures}

    def _await(self, future: Future[Any]) -> None:
        self._waiting.add(future)
        future.add_done_callback(self._waiting.discard)

    def _wait(self) -> None:
        for noted in self._noted:
            with suppress(Exception):  # `_measured` has taken note of it
                wait_for(noted)
            self._check()

    def _compare(self, wanted: Sequence[tuple[Picture, Picture]]) -> list[Pair]:
        """The verdicts, known ones from the cache, the rest from the workers."""
        strictness = self._settings.strictness
        known = self._cache.load_pairs([(a.payload, b.payload) for a, b in wanted], strictness)
        rest = [(a, b) for a, b in wanted if (a.payload, b.payload) not in known]
        batches = [rest[start : start + PAIRS_PER_TASK] for start in range(0, len(rest), PAIRS_PER_TASK)]
        futures = [self._workers.submit_unbounded(tasks.compare_pairs, self._shelf, batch, strictness) for batch in batches]
        for future in futures:
            self._await(future)
        for batch, future in zip(batches, futures, strict=True):
            result = wait_for(future)
            pairs = self._one_by_one(batch) if isinstance(result, WorkerFailure) else result
            _refuse_failures(pairs)
            self._check()
            self._cache.save_pairs(pairs, strictness)
            known.update({(pair.a, pair.b): pair for pair in pairs})
            self._event(Event("compared", fields={"pairs": len(batch), "total": len(rest)}))
        return [known[a.payload, b.payload] for a, b in wanted]

    def _one_by_one(self, batch: Sequence[tuple[Picture, Picture]]) -> list[Pair]:
        """What a process did not survive, again: the pair that brings it down costs its own verdict only."""
        found: list[Pair] = []
        for pair in batch:
            self._check()
            result = wait_for(self._workers.submit_unbounded(tasks.compare_pairs, self._shelf, [pair], self._settings.strictness))
            found += [tasks.not_compared(*pair, f"{result.kind}, {result.detail}")] if isinstance(result, WorkerFailure) else result
            _refuse_failures(found)
        return found

    def _ask(self, function: Callable[..., T], *args: Any) -> T:
        """One task over all pictures; it needs numpy, which the main process never loads."""
        submit = self._workers.submit_vast if len(self._pictures) >= VAST_FROM else self._workers.submit_unbounded
        return _result(submit(function, *args))


def _count(expected: int) -> int:
    return max(1, min(default_count(), -(-expected // PICTURES_PER_WORKER)))


def _refuse_failures(pairs: Sequence[Pair]) -> None:
    """Raises ArchiverError when none of several pairs could be compared: then it is not the pictures."""
    if len(pairs) > FAILURES_MAX and all(pair.because.startswith(tasks.NOT_COMPARED) for pair in pairs):
        raise ArchiverError(f"comparing pictures failed: {pairs[0].because}")


def _result(future: Future[T | WorkerFailure]) -> T:
    result = wait_for(future)
    if isinstance(result, WorkerFailure):
        raise ArchiverError(f"comparing pictures failed ({result.kind}): {result.detail}")
    return result
