"""Folders of pictures and other programs' archives -> a report. No network, and nothing in them is changed.

Apart from `rejudge`, which reads archives with their post: what only looks at files loads no client and no reader of posts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from archiver.errors import InputError, UsageError
from archiver.model import Event, Outcome, Report
from archiver.pipeline import folder, inputs, publish
from archiver.pipeline.judge import Judge
from archiver.pipeline.means import Means
from archiver.pipeline.publish import Material
from archiver.pipeline.runs import Run
from archiver.pipeline.settings import Settings
from archiver.warc import wacz

INPUTS = "inputs"
"""Under this name report.json's settings keep what a `dedup` report was made from, relative to its folder."""
INPUT_NAMES = "input_names"
"""What they are called in the title."""
SHOWN = 3
"""So many reasons are named when nothing at all could be read."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A report that is not written yet, and what it takes to write it."""

    source: str
    report: Report
    judge: Judge
    pages: tuple[wacz.Page, ...]


def dedup(paths: Sequence[Path], where: Path, settings: Settings, means: Means) -> Run:
    """Find the same pictures in WARCs, WACZs and folders of pictures. Raises ArchiverError."""
    _present(paths)
    folder.prepare(where)
    if folder.warcs(where):
        raise UsageError(f"{where} holds an archive, whose report must stay; name another folder with -o, or see `archiver report`")
    with folder.locked(where), judged_inputs(paths, where, settings, means) as found:
        means.on_event(Event("stage", detail="Writing the report"))
        names = publish.into_folder(found.report, found.judge, where)
        return Run(found.source, where, found.report, names)


@contextmanager
def judged_inputs(paths: Sequence[Path], where: Path, settings: Settings, means: Means) -> Iterator[Judged]:
    """The report of these inputs as the settings and the decisions in `where` make it; nothing but the cache is written there."""
    _present(paths)
    started = means.now()
    decisions = folder.read_decisions(where)
    with Judge(where / folder.CACHE, settings, means.on_event, expected=inputs.expected(paths), check=means.stop.check) as judge:
        means.on_event(Event("stage", detail="Reading"))
        outcomes: dict[str, Outcome] = {}
        told = inputs.Told()
        for path in paths:
            for outcome, source in inputs.read(path, len(paths) > 1, told):
                means.stop.check()
                outcomes[outcome.target.url] = outcome
                if source is not None:
                    judge.submit(source)
        if told.skipped and not told.sound:
            raise InputError(f"nothing could be read: {_first(told.skipped)}")
        material = Material(where, None, tuple(outcomes.values()), decisions, started, tuple(told.skipped))
        made = publish.judged(material, judge, settings, means.now())
        remembered = [os.path.relpath(path.resolve(), where.resolve()) for path in paths]
        named = [path.resolve().name for path in paths]
        made = replace(made, settings={**made.settings, INPUTS: remembered, INPUT_NAMES: named})
        yield Judged(", ".join(str(path) for path in paths), made, judge, ())


def _first(reasons: Sequence[str]) -> str:
    more = f" (and {len(reasons) - SHOWN} more)" if len(reasons) > SHOWN else ""
    return "; ".join(reasons[:SHOWN]) + more


def _present(paths: Sequence[Path]) -> None:
    for path in paths:
        if not path.exists():
            raise InputError(f"cannot read {path}: no such file or folder")


def inputs_of(where: Path) -> tuple[Path, ...]:
    """What the `dedup` report in this folder was made from; empty for an archive folder."""
    settings = (folder.read_report(where) or {}).get("settings")
    names = settings.get(INPUTS) if isinstance(settings, dict) else None
    return tuple(Path(os.path.normpath(where / str(name))) for name in names) if isinstance(names, list) else ()
