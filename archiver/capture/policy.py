"""What a fetch may do next: pure decisions, free of clocks, sockets and chance (the caller passes those in).

Rule 1: what may recover is tried again (RFC 9110 section 15, RFC 6585, RFC 8470), anything else is final.
Rule 2: `Retry-After` (RFC 9110 section 10.2.3) outranks our own backoff, up to a cap.
Rule 3: a redirect is followed only to http(s), never in a circle, never beyond the limit.
Rule 4: a port of the fetch standard's bad-port list is never opened, and a redirect opens only 80, 443 and what the post itself names.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from archiver.model import FetchSettings, Reason

URL_SHOWN_MAX = 500
REDIRECTS = frozenset({301, 302, 303, 307, 308})
BODILESS = frozenset({204, 205, 304})
RETRIED = frozenset({408, 425, 429})

# https://fetch.spec.whatwg.org/#port-blocking
_BAD_PORTS = """
    0 1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117 119 123 135 137 139 143 161
    179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601 636 989 990 993 995 1719 1720 1723 2049 3659 4045 4190
    5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697 10080
"""
BAD_PORTS = frozenset(int(port) for port in _BAD_PORTS.split())


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something is not done, in the words of the report."""

    reason: Reason
    detail: str
    recovers: bool = False
    """Whether the same may succeed when it is tried again."""


def port_refused(port: int, *, written: Collection[int] = (), redirected: bool = False) -> str:
    """Why `port` may not be opened, or the empty string. `written` holds the ports that the post itself names."""
    if port in BAD_PORTS:
        return f"port {port} is not used for the web"
    if redirected and port not in (80, 443) and port not in written:
        return f"a redirect may not open port {port}, which the post does not name"
    return ""


def status_refusal(status: int) -> Refusal | None:
    """What a final status (not a redirect) other than a full success means; None for a success that has a body."""
    if status in BODILESS:
        return Refusal(Reason.EMPTY, f"the server answered {status}, which has no body")
    if 200 <= status < 300:
        return None
    return Refusal(Reason.HTTP_ERROR, f"the server answered {status}")


def status_recovers(status: int) -> bool:
    """Whether the same request may succeed later."""
    return status in RETRIED or 500 <= status < 600


def retry_after_s(value: str, now: datetime) -> float | None:
    """Seconds asked for by a `Retry-After` header, as a number or as a date; None when it says nothing usable.

    >>> retry_after_s("120", datetime(2026, 1, 1, tzinfo=UTC))
    120.0
    >>> retry_after_s("Thu, 01 Jan 2026 00:00:30 GMT", datetime(2026, 1, 1, tzinfo=UTC))
    30.0
    """
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def backoff_s(attempt: int, settings: FetchSettings, chance: float) -> float:
    """Pause after the `attempt`-th failure (1-based), doubled each time, with jitter: `chance` in 0..1 spreads it over 50..100 %."""
    full = min(settings.backoff_cap_s, settings.backoff_base_s * 2.0 ** min(attempt - 1, 30))
    return full * (0.5 + chance / 2)


def wait_before_retry_s(attempt: int, retry_after: float | None, settings: FetchSettings, chance: float) -> float:
    """Seconds to wait before the next attempt."""
    own = backoff_s(attempt, settings, chance)
    return own if retry_after is None else min(max(retry_after, own), max(settings.retry_after_cap_s, own))


def redirect_refusal(url: str, seen: Collection[str], settings: FetchSettings) -> Refusal | None:
    """Whether the chain `seen` (URLs requested so far, without fragments) may go on to `url`."""
    if url in seen:
        return Refusal(Reason.REDIRECT_ERROR, f"redirect loop: {url[:URL_SHOWN_MAX]} was asked before")
    if len(seen) > settings.max_redirects:
        return Refusal(Reason.REDIRECT_ERROR, f"more than {settings.max_redirects} redirects")
    return None
