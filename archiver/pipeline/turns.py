"""Who goes next: tasks in line for worker processes, and the memory that those processes share.

What all processes of a run hold together stays below ALL_BYTES, whatever is decoded and however many workers were asked for. Measured
as proportional set sizes with `benchmarks/memory.py`: the main process 50 MB, a worker with its modules 45 MB, with an ordinary
picture up to twice that, with a large one 215 MB more. Three workers and one large picture at a time are what fits.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")

ALL_BYTES = 400_000_000
MAIN_BYTES = 50_000_000
IDLE_BYTES = 45_000_000
"""A worker process between two tasks."""
ORDINARY_BYTES = 45_000_000
LARGE_BYTES = 215_000_000
"""What a task takes beyond that: with an ordinary picture, and with one that says it is large."""
DECODERS_MAX = (ALL_BYTES - MAIN_BYTES - LARGE_BYTES) // IDLE_BYTES
"""Processes of one `Workers` that may hold strangers' bytes."""


class Memory:
    """An allowance that is handed out in the order in which it was asked for. For several threads.

    Whoever is first in line when nothing is taken gets what he wants in any case, so that nobody waits for ever.
    """

    def __init__(self, size_bytes: int) -> None:
        self._left = size_bytes
        self._taken = 0
        self._line: deque[object] = deque()
        self._changed = threading.Condition()

    def take(self, size_bytes: int) -> None:
        """Wait for so much."""
        ticket = object()
        with self._changed:
            self._line.append(ticket)
            self._changed.wait_for(lambda: self._line[0] is ticket and (not self._taken or size_bytes <= self._left))
            self._line.popleft()
            self._taken += size_bytes
            self._left -= size_bytes
            self._changed.notify_all()

    def give(self, size_bytes: int) -> None:
        """Give so much back."""
        with self._changed:
            self._taken -= size_bytes
            self._left += size_bytes
            self._changed.notify_all()

    def grow(self, size_bytes: int) -> None:
        """Have so much more to hand out, or less."""
        with self._changed:
            self._left += size_bytes
            self._changed.notify_all()


SHARED = Memory(ALL_BYTES - MAIN_BYTES)
"""Of all workers that this process starts."""


class Line(Generic[T]):
    """Tasks in line. Those under limits are for some of the threads only. For several threads."""

    def __init__(self) -> None:
        self._limited: deque[T] = deque()
        self._free: deque[T] = deque()
        self._closed = False
        self._changed = threading.Condition()

    def put(self, task: T, *, limited: bool) -> None:
        with self._changed:
            (self._limited if limited else self._free).append(task)
            self._changed.notify_all()

    def take(self, *, limited: bool) -> T | None:
        """Wait for the next task; None when the line is closed and nothing is left for this thread. `limited`: it may take those, too."""
        with self._changed:
            while True:
                if limited and self._limited:
                    return self._limited.popleft()
                if self._free:
                    return self._free.popleft()
                if self._closed:
                    return None
                self._changed.wait()

    def close(self) -> None:
        """Let everybody go when the line is empty."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def drop(self) -> list[T]:
        """Take all that wait out of the line."""
        with self._changed:
            left = [*self._limited, *self._free]
            self._limited.clear()
            self._free.clear()
            return left
