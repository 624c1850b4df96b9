"""Fetch again only what failed, into a further WARC of the same capture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from archiver.errors import InputError
from archiver.model import Reason
from archiver.pipeline import document, folder, reopening, surveying
from archiver.pipeline.archive import Work, alone, carry_out
from archiver.pipeline.means import Means
from archiver.pipeline.runs import Run
from archiver.pipeline.settings import Settings

HOPELESS = frozenset({"ok", Reason.UNSUPPORTED.value})
"""What another attempt would not change."""


def retry(where: Path, settings: Settings, means: Means) -> Run:
    """Fetch what report.json says is missing. Raises ArchiverError and KeyboardInterrupt."""
    if not folder.warcs(where):
        raise InputError(f"{where} holds no archive: no WARC, and no report.json of a finished run")
    with folder.locked(where):  # first: the report may only just be written
        report = folder.read_report(where)
        if report is None:
            raise InputError(f"{where} holds no report.json of a finished run; the same `archiver archive` again goes on with it")
        there = surveying.survey(where, "retry", means.now())
        found = surveying.again(there)
        if not found.before or found.current != there.current:
            raise InputError(f"the last capture in {where} was cut off; the same `archiver archive` again goes on with it")
        held = reopening.hold(found.files)
        read = reopening.reading(found.files)
        settings = replace(settings, originals=read.originals)
        local = None if document.is_url(read.source) else reopening.reread(read, held, settings)
        failed = frozenset(image["url"] for image in report["images"] if image["status"] not in HOPELESS)
        work = Work(read.source, where, settings, means, found, fetch_again=failed)
        return alone(carry_out(work, local), settings, means)
