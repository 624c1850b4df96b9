"""The main job: a post becomes a WARC, a WACZ and a report of its duplicates.

Order of a run: read the post; survey the folder (fresh, cut off, or finished); fetch what is missing while worker processes measure
what has arrived; judge; write the report into the WARC; close it; write what is derived from it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from archiver.errors import NoPictures, NothingFetched
from archiver.model import Captured, Event, Link, Missed, Outcome, Post, Role, Target
from archiver.pipeline import assemble, capturing, discretion, document, embedded, folder, publish, reopening, surveying, telling
from archiver.pipeline.judge import Judge
from archiver.pipeline.means import Means
from archiver.pipeline.publish import Material
from archiver.pipeline.runs import Run
from archiver.pipeline.settings import Settings
from archiver.pipeline.surveying import Survey
from archiver.pipeline.tasks import Source
from archiver.post.originals import originals
from archiver.post.page import render as render_page
from archiver.post.read import Document, plan
from archiver.warc import reader
from archiver.warc.writer import WarcWriter

FETCHING = "Fetching"
"""The stage whose `total` is the number of pictures of a post."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the network half hands over."""

    post: Post
    outcomes: tuple[Outcome, ...]
    page: str
    """The rendered page; empty when the archive holds it as it was fetched."""
    undecided: frozenset[str]
    """Targets of links around pictures whose address did not tell whether they are pictures; left out when they are not."""


Steps = Generator[capturing.Job[Fetched], Fetched, Run]
"""A post under way. It holds its folder's lock, its WARC and its worker processes; throwing an exception into it lets go of them."""


def archive(source: str, where: Path, settings: Settings, means: Means) -> Run:
    """Archive one post into the folder `where`; goes on where a run was cut off. Raises ArchiverError and KeyboardInterrupt.

    The WARC is complete and readable however this ends.
    """
    return alone(steps(source, where, settings, means), settings, means)


def alone(post: Steps, settings: Settings, means: Means) -> Run:
    """Take the steps of one post with a client of its own."""
    fetching = next(post)
    return finish(post, lambda: capturing.alone(fetching, settings.fetch, means))


def finish(post: Steps, fetched: Callable[[], Fetched]) -> Run:
    """Go on with a post: `fetched` waits for its fetching, and raises what ended it."""
    try:
        captured = fetched()
    except BaseException as error:
        post.throw(error)
        raise
    try:
        post.send(captured)
    except StopIteration as done:
        run: Run = done.value
        return run
    raise AssertionError("a post fetches once")


def steps(source: str, where: Path, settings: Settings, means: Means) -> Steps:
    """One post, in two halves: it hands out its fetching for somebody to do it, and goes on with what was fetched."""
    local = None if document.is_url(source) else document.parse(document.load(source), source, settings)
    if local is not None and not _shows_pictures(local):
        raise NoPictures(f"{source} links no pictures, so there is nothing to archive")
    folder.prepare(where)
    with folder.locked(where):
        slug = document.slug_of(source)
        survey = surveying.survey(where, slug, means.now())
        surveying.refuse_other_post(survey, where, slug)
        return (yield from carry_out(Work(source, where, settings, means, survey), local))


def _shows_pictures(found: Document) -> bool:
    return bool(found.links or found.undecided or found.data_images or found.local_images or found.unsupported)


PICTURES_OF_A_PAGE = 100
"""As many a page on the web is expected to show before it has been read."""


@dataclass(frozen=True, slots=True)
class Work:
    """One run on one folder."""

    source: str
    where: Path
    settings: Settings
    means: Means
    survey: Survey
    fetch_again: frozenset[str] = frozenset()
    """Targets that are fetched whatever the archive held of them before."""


def carry_out(work: Work, local: Document | None) -> Steps:
    """Capture, judge, publish; whatever happens, the WARC is closed."""
    decisions = folder.read_decisions(work.where)
    started = work.means.now()
    writer = surveying.open_writer(work.survey, work.where, work.source, work.settings, work.means)
    try:
        memory = _remember(work)
        expected = len(local.links) if local else PICTURES_OF_A_PAGE
        means = work.means
        with Judge(
            work.where / folder.CACHE, work.settings, means.on_event, expected=expected, check=means.stop.check, workers=means.workers
        ) as judge:
            robots = partial(memory.robots, where=work.where, now=started)
            captured = yield lambda client: _capture(
                work, capturing.Capture(client, writer, memory.begun, robots), writer, memory, judge, local
            )
            material = Material(
                work.where,
                captured.post,
                captured.outcomes,
                decisions,
                started,
                memory.held.broken,
                previous=work.survey.report,
                completes_previous=work.survey.adds,
                undecided=captured.undecided,
            )
            return _publish(work, captured, material, judge, writer)
    finally:
        writer.close()


def _remember(work: Work) -> reopening.Memory:
    found = work.survey
    since = reopening.hold(found.current, found.before) if work.fetch_again and found.current else None
    held = reopening.hold(found.files) if found.adds else reopening.hold(found.current, found.before)
    return reopening.Memory(held, work.fetch_again, since)


def _noted(work: Work) -> bool:
    """Whether the archive tells already how the post was read."""
    return reopening.noted(work.survey.files) is not None


def _publish(work: Work, captured: Fetched, material: Material, judge: Judge, writer: WarcWriter) -> Run:
    at = work.means.now()
    report = publish.judged(material, judge, work.settings, at)
    for event in telling.results(report.images, material.outcomes):
        work.means.on_event(event)
    report = replace(report, wacz=f"{document.slug_of(work.source)}.wacz" if work.settings.wacz else "")
    work.means.on_event(Event("stage", detail="Writing the report"))
    names = sorted({folder.final_name(path) for path in folder.warcs(work.where)})
    publish.into_warc(replace(report, warcs=tuple(names)), captured.page, judge, writer, at)
    writer.close()
    report = replace(report, warcs=tuple(folder.final_name(path) for path in folder.warcs(work.where)))
    listed = publish.pages(captured.post, at)
    files = publish.into_folder(report, judge, work.where, listed)
    return Run(discretion.bare(work.source), work.where, report, (*report.warcs, *files))


async def _capture(
    work: Work, capture: capturing.Capture, writer: WarcWriter, memory: reopening.Memory, judge: Judge, local: Document | None
) -> Fetched:
    """Fetch what the archive does not hold yet; every picture goes to the judge as soon as its record stands."""
    settings, event = work.settings, work.means.on_event
    if local is None:
        found = await _fetch_post(work, capture, writer, memory)
    else:
        found = local
        surveying.write_source(writer, memory.held, _noted(work), discretion.post(found.post), settings)
    outcomes, done = _collector(work, judge)
    for outcome in embedded.outcomes(found, memory.held, work.means.now(), writer.write_resource):
        done(outcome)
    targets = wanted(found, settings)
    capture.named(targets)
    event(Event("stage", detail=FETCHING, fields={"total": len(targets)}))
    for target in targets:
        if (known := memory.outcome(target)) is not None:
            done(known)
    await capture.all([target for target in targets if discretion.bare(target.url) not in outcomes], done)
    post = discretion.post(replace(found.post, source=surveying.shown_source(found.post.source)))
    links = [replace(link, url=discretion.bare(link.url)) for link in found.links]
    page = "" if local is None else render_page(post, links, base=found.base)
    return Fetched(post, assemble.in_order(outcomes, [discretion.target(target) for target in targets]), page, undecided(found))


def wanted(found: Document, settings: Settings) -> tuple[Target, ...]:
    """What is fetched: pictures, what links around pictures lead to when its address does not tell what it is, and, when that is
    asked for, the likely originals of resized pictures."""
    links = assemble.by_line(found.links, found.undecided)
    if settings.originals:
        links = [more for link in links for more in (link, *_originals(link))]
    return plan(links)


def _originals(link: Link) -> Iterator[Link]:
    return (replace(link, url=url, role=Role.ORIGINAL) for url in originals(link.url))


def undecided(found: Document) -> frozenset[str]:
    """Those of the targets that only count when they turn out to be pictures."""
    return frozenset(link.url for link in found.undecided) - {link.url for link in found.links}


def _collector(work: Work, judge: Judge) -> tuple[dict[str, Outcome], Callable[[Outcome], None]]:
    """Where outcomes gather, and what takes them: told to the user, and pictures handed to the judge."""
    outcomes: dict[str, Outcome] = {}

    def done(outcome: Outcome) -> None:
        outcome = discretion.outcome(outcome)
        outcomes[outcome.target.url] = outcome
        work.means.on_event(telling.outcome(outcome))
        if isinstance(outcome, Captured):
            judge.submit(Source(outcome.payload_sha256, str(work.where), outcome.payload_ref, outcome.size_bytes))

    return outcomes, done


async def _fetch_post(work: Work, capture: capturing.Capture, writer: WarcWriter, memory: reopening.Memory) -> Document:
    outcome = memory.outcome(Target(work.source, ()))
    fresh = not isinstance(outcome, Captured)
    if fresh:
        work.means.on_event(Event("stage", detail=f"Fetching {discretion.bare(work.source)}"))
        outcome = await capture.page(work.source)
    if not isinstance(outcome, Captured):
        assert isinstance(outcome, Missed)
        raise NothingFetched(f"{discretion.bare(work.source)} could not be fetched: {outcome.detail}")
    last = outcome.hops[-1]
    raw = reader.payload(work.where, outcome.payload_ref)
    found = document.parse(raw, work.source, work.settings, url=last.url, content_type=last.content_type)
    if fresh or not _noted(work):
        surveying.note_reading(writer, found.post, last.url, work.settings, outcome.record)
    if not _shows_pictures(found):
        raise NoPictures(f"{discretion.bare(work.source)} links no pictures, so there is nothing more to archive")
    return found
