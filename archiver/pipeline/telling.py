"""What a person is told of each link, in the terminal and in the log: always with host and number of tries, and why it failed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from archiver.capture import urls
from archiver.capture.policy import Refusal
from archiver.model import Captured, Event, Image, Missed, Outcome


def outcome(found: Outcome) -> Event:
    """What the network half made of a link."""
    url, told = found.target.url, {"host": _host(found.target.url), "attempt": found.attempts}
    match found:
        case Captured():
            return Event("captured", url, fields={**told, "size_bytes": found.size_bytes})
        case Missed():
            return Event("missed", url, found.detail, {**told, "reason": found.reason.value})


def results(images: Iterable[Image], outcomes: Iterable[Outcome]) -> Iterator[Event]:
    """What each link has come to in the report, where a captured answer may have turned out to be no picture."""
    attempts = {one.target.url: one.attempts for one in outcomes}
    for image in images:
        url = image.target.url
        yield Event("result", url, image.error, {"host": _host(url), "attempt": attempts.get(url, 0), "reason": image.status})


def _host(url: str) -> str:
    place = urls.parse(url)
    return "" if isinstance(place, Refusal) else place.host
