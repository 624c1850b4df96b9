"""Several posts in one run: each into a folder of its own, and one report over all of them.

The failure of one post never stops the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from archiver.model import Cluster, Event, Measured, Picture, Report
from archiver.pipeline import archive as single
from archiver.pipeline import document, feeds, folder, together
from archiver.pipeline.cache import Cache
from archiver.pipeline.judge import Judge
from archiver.pipeline.means import Means, OnEvent
from archiver.pipeline.runs import Run
from archiver.pipeline.settings import Settings
from archiver.pipeline.tasks import Source
from archiver.report import overview

LIMIT = 20
"""Posts taken from one feed or sitemap unless the user says otherwise."""
OVERVIEW_HTML, OVERVIEW_JSON = "overview.html", "overview.json"


def archive(
    sources: Sequence[str], output: Path | None, settings: Settings, on_event: OnEvent, *, limit: int = LIMIT, jobs: int = 1
) -> list[Run]:
    """Archive posts; a feed or sitemap stands for the first `limit` posts it lists.

    One post fills `output` itself (else a folder named after it), and what ends it is raised. Several get a folder each below
    `output`, with an overview over all, and what ends one of them stands in its Run; `jobs` of them are worked on at a time, as one
    visitor to every host.
    """
    means = Means(on_event)
    named = list(dict.fromkeys(post for source in sources for post in posts_of(source, limit, settings, means)))
    if len(named) == 1 and named == list(sources):
        return [single.archive(named[0], output or Path(document.slug_of(named[0])), settings, means)]
    below = output or Path()
    folder.prepare(below)
    taken: dict[str, str] = {}
    posts = [(source, below / _name(source, taken)) for source in named]
    runs = together.archive(posts, jobs, settings, Means(_counted(on_event), means.now, means.new_id))
    _oversee(runs, below, settings, means)
    return runs


def posts_of(source: str, limit: int, settings: Settings, means: Means) -> list[str]:
    """The posts that a source stands for. A sitemap index is followed until there are enough."""
    if not feeds.looks_like_feed(source):
        return [source]
    means.on_event(Event("stage", detail=f"Reading {source}"))
    listed = feeds.posts_of(source, settings, means)
    if listed is None:
        return [source]
    posts: list[str] = []
    for post in listed:
        if len(posts) >= limit:
            break
        posts += posts_of(post, limit - len(posts), settings, means) if "sitemap" in post and post != source else [post]
    return posts[:limit]


def _name(source: str, taken: dict[str, str]) -> str:
    """The folder of one post; a name that another post already has gets a number."""
    slug = document.slug_of(source)
    name, number = slug, 2
    while taken.setdefault(name, source) != source:
        name, number = f"{slug}-{number}", number + 1
    return name


def _counted(on_event: OnEvent) -> OnEvent:
    """Events of several posts as those of one run: what is to be fetched adds up."""
    total = 0

    def tell(event: Event) -> None:
        nonlocal total
        if event.name == "stage":
            total += int(event.fields.get("total", 0)) if event.detail == single.FETCHING else 0
            event = replace(event, fields={**event.fields, "total": total})
        on_event(event)

    return tell


def _oversee(runs: Sequence[Run], below: Path, settings: Settings, means: Means) -> None:
    """Judge the pictures of all posts together and write the overview."""
    reports = [run.report for run in runs if run.report is not None]
    if not reports:
        return
    means.on_event(Event("stage", detail="Comparing the posts with each other"))
    entries = [_entry(run, below) for run in runs]
    with Judge(below / folder.CACHE, settings, means.on_event, expected=sum(len(report.images) for report in reports)) as judge:
        for run in runs:
            _hand_over(run, judge)
        judgement = judge.finish(_addresses(reports), [decision for report in reports for decision in report.decisions])
        clusters = _across(judgement.clusters, reports)
        thumbnails = judge.thumbnails(payload for cluster in clusters for payload in cluster.members)
    folder.write(below / OVERVIEW_HTML, overview.render(entries, thumbnails, clusters))
    folder.write(below / OVERVIEW_JSON, overview.render_json(entries, clusters))


def _entry(run: Run, below: Path) -> overview.Entry:
    return overview.Entry(run.folder.relative_to(below).as_posix(), run.source, run.report, str(run.error or ""))


def _hand_over(run: Run, judge: Judge) -> None:
    """Give the judge of all what the judge of one post has measured already."""
    if run.report is None:
        return
    with Cache.open(run.folder / folder.CACHE) as cache:
        for image in run.report.images:
            stored = image.hops[-1].stored if image.hops else None
            if image.picture is not None and stored is not None:
                judge.adopt(_measured(cache, image.picture), Source(image.payload, str(run.folder), stored.payload_ref, image.size_bytes))


def _measured(cache: Cache, picture: Picture) -> Measured | None:
    payload = picture.payload
    try:
        return Measured(picture, cache.load_features(payload), cache.load_preview(payload), cache.load_thumbnail(payload))
    except KeyError:
        return None


def _addresses(reports: Sequence[Report]) -> dict[str, list[str]]:
    urls: dict[str, list[str]] = {}
    for report in reports:
        for image in report.images:
            if image.payload:
                urls.setdefault(image.payload, []).append(image.target.url)
    return urls


def _across(clusters: Sequence[Cluster], reports: Sequence[Report]) -> tuple[Cluster, ...]:
    """What stands in two posts or more: clusters, and single payloads that two posts share."""
    posts: dict[str, set[int]] = {}
    for number, report in enumerate(reports):
        for image in report.images:
            if image.picture is not None:
                posts.setdefault(image.payload, set()).add(number)
    joined = {payload for cluster in clusters for payload in cluster.members}
    alone = [Cluster(payload, (payload,), overview.BECAUSE, ()) for payload in posts if payload not in joined]
    return tuple(
        cluster for cluster in (*clusters, *alone) if len(set[int]().union(*(posts.get(payload, set()) for payload in cluster.members))) > 1
    )
