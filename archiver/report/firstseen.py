"""When a copy was there: what the server, the camera and the address say. Evidence, not proof.

Last-Modified (RFC 9110 section 8.8.2), EXIF DateTimeOriginal, and dates that stand in the URL, as blogs and news sites
write them (/2014/05/ or 20140501).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from archiver.model import Image

EARLIEST_YEAR = 1990
"""Before the web: clocks that were never set."""

_DASHED = re.compile(r"(?<!\d)((?:19|20)\d\d)([/_-])(0[1-9]|1[0-2])(?:\2(0[1-9]|[12]\d|3[01]))?(?!\d)")
_RUN = re.compile(r"(?<!\d)((?:19|20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?!\d)")


@dataclass(frozen=True, slots=True)
class Sighting:
    """One dated hint."""

    on: date
    shown: str
    """The date as far as it is known: `2014-05-01` or `2014-05`."""
    says: str
    """Who says so, in words."""


def sightings(images: Iterable[Image], until: datetime) -> tuple[Sighting, ...]:
    """All dated hints on these places of one payload, earliest first; nothing from the future, each hint once."""
    found: set[Sighting] = set()
    for image in images:
        hints = [_last_modified(image), _exif(image), *(_in_url(url) for url in {image.target.url, *(hop.url for hop in image.hops)})]
        found |= {hint for hint in hints if hint and hint.on.year >= EARLIEST_YEAR and hint.on <= until.date()}
    return tuple(sorted(found, key=lambda hint: (hint.on, hint.shown, hint.says)))


def _last_modified(image: Image) -> Sighting | None:
    stamp = image.hops[-1].last_modified if image.hops else ""
    try:
        on = parsedate_to_datetime(stamp).date()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return Sighting(on, on.isoformat(), "Last-Modified, says the server")


def _exif(image: Image) -> Sighting | None:
    taken = image.picture.evidence.exif_taken if image.picture else ""
    try:
        on = datetime.fromisoformat(taken).date()
    except ValueError:
        return None
    return Sighting(on, on.isoformat(), "taken, says the camera (EXIF)")


def _in_url(url: str) -> Sighting | None:
    try:
        path = urlsplit(url).path
    except ValueError:
        return None
    match = _DASHED.search(path)
    year, month, day = match.group(1, 3, 4) if match else (None, None, None)
    if run := None if match else _RUN.search(path):
        year, month, day = run.groups()
    if not year or not month:
        return None
    try:
        on = date(int(year), int(month), int(day or 1))
    except ValueError:
        return None
    return Sighting(on, on.isoformat() if day else f"{year}-{month}", "in the address")
