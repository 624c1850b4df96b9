"""When a host is left alone: pure, the caller passes the time in.

What counts are links, not requests: a few dead pictures that are tried again and again say nothing about the others of their host.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from archiver.capture.policy import Refusal
from archiver.capture.urls import Place
from archiver.model import Reason

REST_S = 600.0
"""After so long a host that was given up is tried once more: a run over many posts may take hours."""
PROVEN = 3
"""So many times as much is borne from a host that has answered well in this run."""


@dataclass(slots=True)
class _Record:
    failed: set[str] = field(default_factory=set)
    """Links that failed since the last good answer."""
    proven: bool = False
    given_up: Refusal | None = None
    given_up_at_s: float = 0.0


class Breaker:
    """Counts links that failed in a row, for each port of a host by itself: what is dead over http may live over https."""

    def __init__(self, failures_max: int) -> None:
        """`failures_max`: so many links in a row end it; 0 for never."""
        self._most = failures_max
        self._records: dict[tuple[str, str, int], _Record] = {}

    def answered(self, place: Place) -> None:
        """A good answer, or one that says plainly that there is nothing."""
        record = self._record(place)
        record.failed.clear()
        record.proven = True

    def failed(self, place: Place, refusal: Refusal, now_s: float) -> None:
        """No connection, no answer or half of one, an error of the server's own, a plea to be left alone."""
        record = self._record(place)
        record.failed.add(place.url)
        many = len(record.failed)
        if record.given_up is None and many >= self._most * (PROVEN if record.proven else 1) > 0:
            record.given_up_at_s = now_s
            came = refusal.reason in (Reason.TRUNCATED, Reason.TOO_LARGE)  # of the other links nothing did
            reason = Reason.NETWORK_ERROR if came else refusal.reason
            record.given_up = Refusal(
                reason, f"{place.authority} was given up after {many} links in a row failed; the last: {refusal.detail}"
            )

    def refusal(self, place: Place, now_s: float) -> Refusal | None:
        """Why nothing is asked for there; None when it may be. Another failure after the rest, and it is given up again."""
        record = self._record(place)
        if record.given_up is not None and now_s - record.given_up_at_s >= REST_S:
            record.given_up = None
        return record.given_up

    def _record(self, place: Place) -> _Record:
        return self._records.setdefault(place.origin, _Record())
