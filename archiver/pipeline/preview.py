"""What another strictness would change: the pairs it would join, part, or lay before a person. The report itself stays as it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from archiver.model import Event, Report
from archiver.pipeline import folder
from archiver.pipeline.judge import Judge
from archiver.pipeline.means import Means
from archiver.pipeline.rejudge import judged_again
from archiver.pipeline.settings import STRICTNESS_DEFAULT, Settings
from archiver.report import differences
from archiver.report.differences import Differences

PREVIEW_HTML = "preview.html"


def preview(where: Path, settings: Settings, means: Means) -> tuple[list[str], Path]:
    """Judge the folder twice under its decisions, as strictly as its report was made and as strictly as `settings` say, and show in
    preview.html beside the report what differs. Answers it
    in lines for the terminal, and where the page is. Raises ArchiverError."""
    now = folder.strictness(where, STRICTNESS_DEFAULT)
    with folder.locked(where):
        with judged_again(where, replace(settings, strictness=now), means) as found:
            before: Report = found.report
        with judged_again(where, settings, means) as found:
            changes = differences.between(before, found.report, now, settings.strictness)
            told = differences.lines(changes, found.report)
            means.on_event(Event("stage", detail="Writing the preview"))
            folder.write(where / PREVIEW_HTML, _page(changes, found.report, found.judge))
    return told, where / PREVIEW_HTML


def _page(changes: Differences, report: Report, judge: Judge) -> str:
    payloads = {payload for pair in (*changes.joined, *changes.parted, *changes.asked) for payload in (pair.a, pair.b)}
    return differences.page(changes, report, judge.previews(payloads))
