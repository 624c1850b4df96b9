"""What became of each picture since the capture before."""

from __future__ import annotations

from dataclasses import dataclass

from archiver.model import Report

URLS_MAX = 12

_HEADINGS = {
    "gone": "Gone: there was a picture then",
    "removed": "No longer in the post",
    "new": "New",
    "different-picture": "Another picture at the same address",
    "different-bytes": "The same picture in other bytes",
    "unchanged": "Unchanged",
}


@dataclass(frozen=True, slots=True)
class Change:
    """The pictures to which the same happened."""

    heading: str
    urls: tuple[str, ...]
    worth_listing: bool


def since(report: Report) -> tuple[Change, ...]:
    """What there is to say, the losses first; nothing on a first capture."""
    urls = {kind: [image.target.url for image in report.images if image.change == kind] for kind in _HEADINGS}
    urls["removed"] = list(report.removed)
    return tuple(Change(_HEADINGS[kind], tuple(found), kind != "unchanged") for kind, found in urls.items() if found)


def lines(report: Report) -> list[str]:
    """The same for the terminal: counts, and addresses of what is not as it was."""
    found = since(report)
    told = [""] if found else []
    told += ["Since the capture before"] if found else []
    for change in found:
        told.append(f"  {len(change.urls):>4}  {change.heading}")
        if change.worth_listing:
            told += [f"        {url}" for url in change.urls[:URLS_MAX]]
            told += [f"        ... and {len(change.urls) - URLS_MAX} more in the report"] if len(change.urls) > URLS_MAX else []
    return told
