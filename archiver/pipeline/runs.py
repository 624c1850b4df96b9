"""What came of one run, and which exit code it deserves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from archiver.errors import EXIT_DUPLICATES, EXIT_OK, EXIT_SOME_FAILED, ArchiverError, NoPictures, NothingFetched
from archiver.model import Reason, Report


@dataclass(frozen=True, slots=True)
class Run:
    """One post or one set of archives, archived and judged; `error` when it ended early, and then perhaps without a report."""

    source: str
    folder: Path
    report: Report | None = None
    files: tuple[str, ...] = ()
    error: ArchiverError | None = None


_WELL_OF_FILES = {"ok", Reason.UNSUPPORTED, Reason.NOT_IMAGE}
"""Status of files with which nothing is wrong: SVG is compared by its bytes, and a text between pictures is no broken picture."""


def exit_code(runs: Sequence[Run], *, fail_on_duplicates: bool = False) -> int:
    """The most telling code of all runs: an error that ended one, duplicates where they are not wanted, links that failed.

    Nothing could be fetched only when that holds for every run. Of several posts those without pictures count for nothing, unless none
    has any.
    """
    telling = [run for run in runs if not isinstance(run.error, NoPictures)] or runs
    codes = [_exit_code(run, fail_on_duplicates) for run in telling]
    if any(code != NothingFetched.exit_code for code in codes):
        codes = [EXIT_SOME_FAILED if code == NothingFetched.exit_code else code for code in codes]
    for code in (1, 3, 2, 4, EXIT_DUPLICATES, EXIT_SOME_FAILED):
        if code in codes:
            return code
    return EXIT_OK


def _exit_code(run: Run, fail_on_duplicates: bool) -> int:
    if run.error is not None:
        return run.error.exit_code
    if run.report is None:
        return EXIT_OK
    images = run.report.images
    well = {"ok"} if run.report.post else _WELL_OF_FILES
    nothing = not any(image.status in well - {Reason.NOT_IMAGE} for image in images)
    if nothing and (images or run.report.post is None):
        return NothingFetched.exit_code
    if fail_on_duplicates and run.report.clusters:
        return EXIT_DUPLICATES
    return EXIT_OK if all(image.status in well for image in images) else EXIT_SOME_FAILED
