"""One clock for all exchanges under way: a timer of its own for each would cost more than all that it has to say."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from archiver.model import FetchSettings

if TYPE_CHECKING:
    from archiver.capture.tape import Tape

_TICK_S_MAX = 1.0
_TICK_S_MIN = 0.01


class Watch:
    """Looks at every tape that it was given, at least four times in the shortest time that a server may take for anything."""

    def __init__(self, settings: FetchSettings) -> None:
        shortest_s = min(settings.read_timeout_s, settings.min_speed_window_s, settings.total_timeout_s)
        self._tick_s = max(_TICK_S_MIN, min(_TICK_S_MAX, shortest_s / 4))
        self._tapes: set[Tape] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, tape: Tape) -> None:
        self._tapes.add(tape)
        if self._timer is None:
            self._wait()

    def drop(self, tape: Tape) -> None:
        """Not to be looked at any more; no matter whether it ever was."""
        self._tapes.discard(tape)

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._tick_s, self._tick)

    def _tick(self) -> None:
        self._timer = None
        now_s = asyncio.get_running_loop().time()
        for tape in tuple(self._tapes):
            tape.look(now_s)
        if self._tapes:
            self._wait()
