"""The second half alone: an archive folder, or what a `dedup` report was made from -> a report. No network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from archiver.model import Captured, Event, Missed, Outcome, Reason, Target
from archiver.pipeline import assemble, embedded, folder, publish, reopening, surveying
from archiver.pipeline.archive import undecided, wanted
from archiver.pipeline.dedup import Judged, inputs_of, judged_inputs
from archiver.pipeline.judge import Judge
from archiver.pipeline.means import Means
from archiver.pipeline.publish import Material
from archiver.pipeline.runs import Run
from archiver.pipeline.settings import Settings
from archiver.pipeline.tasks import Source


def report(where: Path, settings: Settings, means: Means) -> Run:
    """Judge and render a folder again, under its decisions: an archive from its WARC files, a `dedup` report from what it was made
    from. Raises ArchiverError."""
    with folder.locked(where), judged_again(where, settings, means) as found:
        means.on_event(Event("stage", detail="Writing the report"))
        names = publish.into_folder(found.report, found.judge, where, found.pages)
        return Run(found.source, where, found.report, names)


@contextmanager
def judged_again(where: Path, settings: Settings, means: Means) -> Iterator[Judged]:
    """The report of a folder as these settings and its decisions make it; nothing but the cache is written. Raises ArchiverError."""
    paths = inputs_of(where)
    if paths:
        with judged_inputs(paths, where, settings, means) as found:
            yield found
    else:
        with _judged_archive(where, settings, means) as found:
            yield found


@contextmanager
def _judged_archive(where: Path, settings: Settings, means: Means) -> Iterator[Judged]:
    found = surveying.again(surveying.survey(where, "report", means.now()))
    files = found.files
    held = reopening.hold(files)
    read = reopening.reading(files)
    settings = replace(settings, originals=read.originals)
    post = reopening.reread(read, held, settings)
    targets = wanted(post, settings)
    found_again: list[Outcome] = [*embedded.outcomes(post, held, means.now(), None)]
    found_again += [reopening.outcome(target, held) or _never(target, means.now()) for target in targets]
    outcomes = assemble.in_order({outcome.target.url: outcome for outcome in found_again}, targets)
    with Judge(where / folder.CACHE, settings, means.on_event, expected=len(outcomes)) as judge:
        for outcome in outcomes:
            if isinstance(outcome, Captured):
                judge.submit(Source(outcome.payload_sha256, str(where), outcome.payload_ref, outcome.size_bytes))
        material = Material(
            where,
            post.post,
            outcomes,
            folder.read_decisions(where),
            means.now(),
            held.broken,
            found.report,
            completes_previous=True,
            undecided=undecided(post),
        )
        made = publish.judged(material, judge, settings, means.now())
        name = str((found.report or {}).get("wacz") or "")
        warcs = tuple(path.name for path in files if not path.name.endswith(".open"))
        made = replace(made, warcs=warcs, wacz=name, unfinished=tuple(path.name for path in found.current))
        yield Judged(
            read.source,
            made,
            judge,
            publish.pages(post.post, max((row.at for row in held.responses.values() if row.at), default=means.now())),
        )


def _never(target: Target, at: datetime) -> Missed:
    return Missed(target, (), at, Reason.NETWORK_ERROR, "the run ended before it was fetched", 0)
