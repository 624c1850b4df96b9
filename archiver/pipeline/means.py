"""What a run is given from outside, so that tests can hold it still."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from archiver.model import Event

if TYPE_CHECKING:
    from archiver.pipeline.workers import Workers

OnEvent = Callable[[Event], None]


class Stop:
    """What another thread asks a run to end with, the way Ctrl-C ends one in the main thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = False
        self._cancel: Callable[[], object] | None = None

    def ask(self) -> None:
        """End the run as soon as it can be ended whole."""
        with self._lock:
            self._asked = True
            if self._cancel:
                self._cancel()

    def ends(self, cancel: Callable[[], object] | None) -> None:
        """What cancels the fetching while it is under way; None when it is over."""
        with self._lock:
            self._cancel = cancel
            if cancel and self._asked:
                cancel()

    def check(self) -> None:
        """Raises KeyboardInterrupt once the run was asked to end. For the steps between which nothing is half done."""
        if self._asked:
            raise KeyboardInterrupt


@dataclass(frozen=True, slots=True)
class Means:
    """Who hears of events, the clock, where record ids come from, and what may end the run."""

    on_event: OnEvent
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    new_id: Callable[[], str] = lambda: f"urn:uuid:{uuid.uuid4()}"
    stop: Stop = field(default_factory=Stop)
    workers: Workers | None = None
    """Worker processes that several posts share; None: each has its own."""
