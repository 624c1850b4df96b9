"""report.html: one file that opens offline, in which strangers' words stay text.

No script but the one of this package runs: the policy names it by its hash (CSP Level 3, section 6.7.2), nothing is
loaded from anywhere, and only re-encoded JPEGs are shown.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from archiver.model import Image, Report
from archiver.report import changes, view, wording
from archiver.report.harmless import visible
from archiver.report.links import href
from archiver.report.places import caption, host, is_page, report_title, totals

LARGE_IMAGES = 300
"""From here on pictures belong into files beside the report (`render_beside`)."""

PICTURES_CHARS_MAX = 2_400_000
"""How much of one page the pictures may fill (base64), so that a post of a hundred pictures stays under 3 MB."""
LIVE_GROUPS = 12
LIVE_ROWS = 200
"""Of a large report: how much is shown at once. The rest stands in the page as inert templates, so that it opens quickly."""
QUOTED_LINES_MAX = 1000
LINE_CHARS_MAX = 400
NAMED_MAX = 12
"""How much of the post is quoted, and how many images are named per line."""

STYLES = ("report.css", "compare.css")
SCRIPTS = ("compare.js", "report.js")


@dataclass(frozen=True, slots=True)
class Beside:
    """A report whose pictures are files of their own."""

    html: str
    files: Mapping[str, bytes]
    """Relative path -> JPEG; to be written beside the report."""


@dataclass(frozen=True, slots=True)
class Row:
    """One image in the table of all."""

    place: view.Place
    shown: view.Shown | None
    status: str
    status_words: str
    error: str
    format: str
    width: int
    height: int
    size: str
    size_bytes: int
    cluster: str
    keeper: bool
    caption: str
    change: str


@dataclass(frozen=True, slots=True)
class Failure:
    """One image that is not archived as a picture."""

    place: view.Place
    caption: str
    error: str
    hops: tuple[tuple[str, str, str], ...]


def render(report: Report, thumbnails: Mapping[str, bytes], previews: Mapping[str, bytes]) -> str:
    """The whole page in one text. `thumbnails` and `previews` map payload -> JPEG; a preview is preferred where there is one."""
    sources = {payload: _data_uri(jpeg) for payload, jpeg in _affordable(report, thumbnails, previews).items()}
    return _page(report, view.Album(sources, everywhere=False), files_beside=False)


def render_beside(report: Report, thumbnails: Mapping[str, bytes], previews: Mapping[str, bytes], *, folder: str = "pictures") -> Beside:
    """The page for many pictures: they lie in `folder` beside it and are loaded as they are scrolled to."""
    jpegs = {payload: (f"{folder}/{payload}.jpg", jpeg) for payload, jpeg in {**thumbnails, **previews}.items()}
    album = view.Album({payload: path for payload, (path, _) in jpegs.items()}, everywhere=True)
    return Beside(_page(report, album, files_beside=True), dict(jpegs.values()))


def _page(report: Report, album: view.Album, *, files_beside: bool) -> str:
    gallery = view.Gallery(report, album)
    clusters = [gallery.cluster(n, cluster) for n, cluster in enumerate(report.clusters, 1)]
    doubts = [(gallery.pair(f"u{n}", pair), is_page(pair)) for n, pair in enumerate(report.unsure, 1)]
    unsure, pages = [group for group, page in doubts if not page], [group for group, page in doubts if page]
    apart = [gallery.pair(f"s{n}", pair) for n, pair in enumerate(report.held_apart, 1)]
    rows = [_row(image, gallery, fetched=report.post is not None) for image in report.images]
    style, script = asset(*STYLES), asset(*SCRIPTS)
    template = environment().get_template("report.html")
    text = template.render(
        report=report,
        post=report.post,
        title=report_title(report),
        totals=totals(report),
        changes=changes.since(report),
        clusters=clusters,
        unsure=unsure,
        pages=pages,
        apart=apart,
        failures=_failures(report, gallery),
        rows=rows,
        quoted=_quoted(report),
        made_with=_made_with(report.tool),
        frames=[group.frame for group in (*clusters, *unsure, *pages, *apart)],
        style=style,
        script=script,
        policy=policy(style, script, files_beside=files_beside),
        lazy=files_beside,
        live_groups=LIVE_GROUPS,
        live_rows=LIVE_ROWS if files_beside else max(1, len(rows)),
    )
    return text.encode("utf-8", "replace").decode()


def policy(style: str, script: str, *, files_beside: bool = False) -> str:
    """The Content-Security-Policy of a page with exactly this style and this script.

    Not every browser counts a `file:` page as its own origin, so pictures beside it get the scheme by name.
    """
    pictures = "img-src data: blob: 'self'" + (" file:" if files_beside else "")
    own = [f"style-src {_digest(style)}", f"script-src {_digest(script)}"]
    return "; ".join(["default-src 'none'", pictures, *own, "base-uri 'none'", "form-action 'none'"])


def asset(*names: str) -> str:
    """The text of these files of the package, one after the other."""
    folder = files("archiver.report").joinpath("templates")
    return "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in names)


@cache
def environment() -> Environment:
    """Jinja for all pages of this room: everything is escaped, a misspelt name is an error."""
    made = Environment(
        loader=FunctionLoader(asset), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=visible
    )
    made.globals["cut_off"] = wording.CUT_OFF
    made.filters["size"] = wording.size
    made.filters["count"] = wording.count
    made.filters["day"] = wording.day
    made.filters["sentence"] = wording.sentence
    made.filters["href"] = href
    return made


def _digest(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _affordable(report: Report, thumbnails: Mapping[str, bytes], previews: Mapping[str, bytes]) -> dict[str, bytes]:
    """The picture for each payload: previews in the order of the post while they fit into the page, thumbnails after that."""
    chosen = dict(thumbnails)
    left = PICTURES_CHARS_MAX - sum(len(jpeg) for jpeg in thumbnails.values()) * 4 // 3
    for payload in dict.fromkeys(image.payload for image in report.images):
        preview = previews.get(payload)
        if preview is None:
            continue
        more = (len(preview) - len(thumbnails.get(payload, b""))) * 4 // 3
        if more <= left or payload not in thumbnails:
            chosen[payload] = preview
            left -= more
    return chosen


def _data_uri(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def _row(image: Image, gallery: view.Gallery, *, fetched: bool) -> Row:
    picture, well = image.picture, "Archived" if fetched else "Compared"
    return Row(
        place=gallery.place(image),
        shown=gallery.thumbnail(image),
        status=image.status,
        status_words=well if image.status == "ok" else wording.reason(image.status, fetched=fetched)[0],
        error=image.error,
        format=image.format,
        width=picture.width_px if picture else 0,
        height=picture.height_px if picture else 0,
        size=wording.size(image.size_bytes) if image.size_bytes else "",
        size_bytes=image.size_bytes,
        cluster=image.cluster,
        keeper=image.keeper,
        caption=caption((image,)),
        change=image.change,
    )


def _failures(report: Report, gallery: view.Gallery) -> list[dict[str, Any]]:
    """By reason, the most frequent first; within a reason in post order."""
    by_status: dict[str, list[Failure]] = {}
    for image in report.images:
        if image.status != "ok":
            failure = Failure(gallery.place(image), caption((image,)), image.error, view.hops(image))
            by_status.setdefault(image.status, []).append(failure)
    ordered = sorted(by_status.items(), key=lambda item: -len(item[1]))
    words = {s: wording.reason(s, fetched=report.post is not None) for s in by_status}
    return [{"status": s, "heading": words[s][0], "meaning": words[s][1], "entries": entries} for s, entries in ordered]


def _made_with(tool: Mapping[str, str]) -> list[str]:
    """`name version` of everything that made the report; the program itself, when it names itself, first."""
    rest = dict(tool)
    itself = f"{rest.pop('name')} {rest.pop('version')}" if {"name", "version"} <= rest.keys() else ""
    return [words for words in (itself, *(f"{name} {version}" for name, version in rest.items())) if words]


def _quoted(report: Report) -> list[tuple[int, str, list[tuple[int, str]]]]:
    """(line number, its text, (number, host) of the images it names) for every line of the post that holds a link.

    Empty without the post's text and for very long posts.
    """
    if report.post is None or not report.post.text:
        return []
    lines = report.post.text.split("\n")
    named: dict[int, dict[int, str]] = {}
    for number, image in enumerate(report.images, 1):
        for link in image.target.links:
            named.setdefault(link.line, {})[number] = host(link.url) or link.url
    wanted = [line for line in sorted(named) if 0 < line <= len(lines)]
    if len(wanted) > QUOTED_LINES_MAX:
        return []
    return [(line, lines[line - 1].strip()[:LINE_CHARS_MAX], list(named[line].items())[:NAMED_MAX]) for line in wanted]
