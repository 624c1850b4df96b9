"""clusters.csv: one row per image of the post, for spreadsheets."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from io import StringIO

from archiver.model import Image, Report
from archiver.report import wording
from archiver.report.places import Places, host
from archiver.report.registration import frame

COLUMNS = (
    "number",
    "cluster",
    "keeper",
    "status",
    "url",
    "final_url",
    "host",
    "http_status",
    "format",
    "width_px",
    "height_px",
    "frames",
    "size_bytes",
    "sha256",
    "lines",
    "caption",
    "alt",
    "last_modified",
    "change",
    "warc_file",
    "warc_offset",
    "warc_length",
    "error",
    "difference",
)

_FORMULA_STARTS = ("=", "+", "-", "@", "|", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What spreadsheets take for the start of a formula (OWASP, CSV Injection), the full-width signs included."""


def render(report: Report) -> str:
    """RFC 4180 text with a header row and CRLF, in the order of the post; no cell can become a formula."""
    out = StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    differences = _differences(report)
    for number, image in enumerate(report.images, 1):
        writer.writerow([safe(cell) for cell in _row(number, image, differences.get(number, ""))])
    return out.getvalue().encode("utf-8", "replace").decode()


def safe(cell: object) -> str:
    """The cell as text that a spreadsheet leaves alone: control characters become spaces, a formula gets a leading apostrophe.

    >>> safe("=HYPERLINK(1)")
    "'=HYPERLINK(1)"
    """
    if isinstance(cell, int):
        return str(cell)
    text = "".join(" " if c < " " or "\x7f" <= c <= "\x9f" else c for c in str(cell))
    return f"'{text}" if text.lstrip().startswith(_FORMULA_STARTS) else text


def _differences(report: Report) -> dict[int, str]:
    """Number of the image -> how it differs from the best copy of its cluster, or from the copy that was compared with that."""
    places = Places(report)
    numbers = {id(image): number for number, image in enumerate(report.images, 1)}
    pictures = {image.payload: image.picture for image in report.images if image.picture and image.payload}
    told = {}
    for cluster in report.clusters:
        laid = frame(cluster.members, cluster.pairs, pictures)
        for image in places.members(cluster):
            tie = laid.placed.get(image.payload) if laid else None
            if image.keeper:
                words = ""
            elif tie is None or not tie.towards:
                words = wording.SAME_FILE
            else:
                words = wording.of_copy(tie.pair, image.payload, pictures.get(tie.towards), pictures.get(image.payload))
                words += "" if tie.towards == cluster.keeper else f" (seen against {places.url(tie.towards)})"
            told[numbers[id(image)]] = words
    return told


def _row(number: int, image: Image, difference: str) -> list[object]:
    last = image.hops[-1] if image.hops else None
    links = image.target.links
    return [
        number,
        image.cluster,
        "yes" if image.keeper else "",
        image.status,
        image.target.url,
        last.url if last else "",
        host(image.target.url),
        last.status if last and last.status else "",
        image.format,
        *_size(image),
        image.size_bytes if image.payload else "",
        image.payload,
        " ".join(str(link.line) for link in links),
        _first(link.caption for link in links),
        _first(link.alt for link in links),
        last.last_modified if last else "",
        image.change,
        *_warc(image),
        image.error,
        difference,
    ]


def _size(image: Image) -> list[object]:
    picture = image.picture
    return [picture.width_px, picture.height_px, picture.frames] if picture else ["", "", ""]


def _warc(image: Image) -> list[object]:
    return [image.record.file, image.record.offset, image.record.length] if image.record else ["", "", ""]


def _first(texts: Iterable[str]) -> str:
    return next((text for text in texts if text), "")
