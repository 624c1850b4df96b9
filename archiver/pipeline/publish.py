"""The end of a run: the judgement goes into the WARC, the WARC is closed, and everything derived from it is written.

The WARC holds the page, what is known of each picture and the report as it stood when the file was closed; the folder and the
WACZ hold the latest.
"""

from __future__ import annotations

import json
import platform
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from archiver.model import Captured, Decision, Image, Outcome, Post, Report
from archiver.pipeline import assemble, folder
from archiver.pipeline.judge import Judge
from archiver.pipeline.settings import Settings
from archiver.report import csv, html
from archiver.report import json as report_json
from archiver.version import __version__
from archiver.warc import records, wacz
from archiver.warc.writer import WarcWriter

HTML, JSON = "text/html; charset=utf-8", "application/json"
BESIDE_FROM = 600
"""Reports of more pictures than this keep them in files beside the page."""

_PACKAGES = ("aiohttp", "imagehash", "numpy", "opencv-python-headless", "pillow")


@dataclass(frozen=True, slots=True)
class Material:
    """What a run has gathered when the network is done."""

    where: Path
    post: Post | None
    outcomes: tuple[Outcome, ...]
    decisions: tuple[Decision, ...]
    started: datetime
    skipped: tuple[str, ...]
    previous: Mapping[str, Any] | None = None
    """report.json of the capture before."""
    completes_previous: bool = False
    """This is that capture again, with more fetched or judged anew: what had changed then still has."""
    undecided: frozenset[str] = frozenset()
    """Targets that only count when they turn out to be pictures."""


def judged(material: Material, judge: Judge, settings: Settings, now: datetime) -> Report:
    """Compare, group and put the report together; the names of the archive's files are added when they are known."""
    urls: dict[str, list[str]] = defaultdict(list)
    for outcome in material.outcomes:
        if isinstance(outcome, Captured):
            urls[outcome.payload_sha256].append(outcome.target.url)
    judgement = judge.finish(urls, material.decisions)
    rows = assemble.images(material.outcomes, judgement)
    rows = tuple(row for row in rows if row.status == "ok" or row.target.url not in material.undecided)
    rows = assemble.without_false_originals(rows, judgement.clusters)
    if material.previous is not None:
        rows = _with_changes(rows, material, judge)
    shown = {outcome.target.url for outcome in material.outcomes}
    images, clusters = assemble.in_post_order(rows, judgement.clusters)
    return Report(
        tool=tool(),
        post=material.post,
        settings=settings.shown(),
        started=material.started,
        finished=now,
        images=images,
        clusters=clusters,
        unsure=judgement.unsure,
        decisions=material.decisions,
        warcs=(),
        wacz="",
        skipped=material.skipped,
        held_apart=judgement.held_apart,
        removed=tuple(url for url in _held_before(material) if url not in shown),
    )


def _held_before(material: Material) -> tuple[str, ...]:
    """The pictures that the capture before this one had, as far as they could be missed now."""
    previous = material.previous or {}
    if material.completes_previous:
        return tuple(previous.get("removed", ()))
    return tuple(row["url"] for row in previous.get("images", ()) if row["status"] == "ok")


def _with_changes(rows: Sequence[Image], material: Material, judge: Judge) -> tuple[Image, ...]:
    """Mark what became of each URL since the capture before."""
    assert material.previous is not None
    told = material.previous.get("images", ())
    if material.completes_previous:
        known = {row["url"]: row.get("change") or "" for row in told}
        return tuple(replace(row, change=known.get(row.target.url, "")) for row in rows)
    before = {row["url"]: row["sha256"] for row in told if row["status"] == "ok"}
    return tuple(replace(row, change=assemble.change(before.get(row.target.url), row, judge.same)) for row in rows)


@lru_cache(maxsize=1)
def tool() -> Mapping[str, str]:
    """What made the report, with versions."""
    versions = {name: metadata.version(name) for name in _PACKAGES}
    return {"name": "archiver", "version": __version__, "python": platform.python_version(), **versions}


def into_warc(report: Report, page: str, judge: Judge, writer: WarcWriter, at: datetime) -> None:
    """Write the rendered page (empty: it is in the archive as it was fetched), what is known of each picture, and the report as it
    stands now, each as records of their own."""
    assert report.post is not None
    address = report.post.url
    if page:
        writer.write_resource(address, HTML, page.encode(), at=at)
    for image, row in zip(report.images, report_json.build(report)["images"], strict=True):
        uri = records.IMAGE_URN + records.target_uri(image.target.url)
        writer.write_metadata(uri, JSON, json.dumps(row, ensure_ascii=False).encode(), refers_to=image.record, at=at)
    writer.write_resource(folder.below(address, folder.REPORT_JSON), JSON, report_json.render(report).encode(), at=at)
    writer.write_resource(folder.below(address, folder.REPORT_HTML), HTML, in_one_file(report, judge).encode(), at=at)


def rendered(report: Report, judge: Judge) -> html.Beside:
    """report.html, with the files beside it where it is large."""
    shown = _shown(report)
    compared = {payload for cluster in report.clusters for payload in cluster.members}
    compared |= {payload for pair in (*report.unsure, *report.held_apart) for payload in (pair.a, pair.b)}
    thumbnails, previews = judge.thumbnails(shown), judge.previews(compared & shown)
    if len(shown) > BESIDE_FROM:
        return html.render_beside(report, thumbnails, previews)
    return html.Beside(html.render(report, thumbnails, previews), {})


def in_one_file(report: Report, judge: Judge) -> str:
    """report.html without files beside it: a large one shows thumbnails only."""
    page = rendered(report, judge)
    return html.render(report, judge.thumbnails(_shown(report)), {}) if page.files else page.html


def _shown(report: Report) -> set[str]:
    return {image.payload for image in report.images if image.picture is not None}


def into_folder(report: Report, judge: Judge, where: Path, wacz_pages: Sequence[wacz.Page] = ()) -> tuple[str, ...]:
    """Write what is derived: the WACZ, report.html, clusters.csv and, as the sign that all is complete, report.json.

    Answers the names of what was written.
    """
    page = rendered(report, judge)
    texts = {folder.REPORT_HTML: page.html, folder.REPORT_JSON: report_json.render(report), folder.CLUSTERS_CSV: csv.render(report)}
    if report.wacz:
        _into_wacz(report, {**texts, folder.REPORT_HTML: in_one_file(report, judge)}, where, wacz_pages)
    for name, data in page.files.items():
        (where / name).parent.mkdir(exist_ok=True)
        folder.write(where / name, data)
    for name in (folder.REPORT_HTML, folder.CLUSTERS_CSV, folder.REPORT_JSON):
        folder.write(where / name, texts[name])
    return (*((report.wacz,) if report.wacz else ()), *texts)


def pages(post: Post, at: datetime) -> tuple[wacz.Page, ...]:
    """What viewers list: the post and the report. `at` is late in the capture: viewers show of each address what was captured nearest
    to the page's time, and an attempt that failed came before the one that did not."""
    title = post.title or post.url
    report_url = folder.below(post.url, folder.REPORT_HTML)
    return (wacz.Page(post.url, title, at), wacz.Page(report_url, f"Which pictures are the same: {title}", at))


def _into_wacz(report: Report, texts: Mapping[str, str], where: Path, listed: Sequence[wacz.Page]) -> None:
    post = report.post
    wacz.write(
        where,
        report.wacz,
        [where / name for name in report.warcs],
        pages=listed,
        extra={f"report/{name}": text.encode() for name, text in texts.items()},
        info=wacz.WaczInfo(f"archiver {__version__}", post.title if post else "", f"The pictures of {post.title}" if post else ""),
        now=lambda: report.finished,
    )
