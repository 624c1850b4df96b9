"""What a run is given from outside, so that tests can hold it still."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from archiver.model import Event

OnEvent = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Means:
    """Who hears of events, the clock, and where record ids come from."""

    on_event: OnEvent
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    new_id: Callable[[], str] = lambda: f"urn:uuid:{uuid.uuid4()}"
