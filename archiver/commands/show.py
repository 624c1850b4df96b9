"""Printing: progress and words to stderr, data to stdout."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from archiver.errors import OutputError
from archiver.model import Event

if TYPE_CHECKING:
    from archiver.pipeline.runs import Run


class Progress:
    """Shows events on stderr as they happen, and writes them to a log file of JSON lines when one is wanted.

    `kept`: what is kept when the run is interrupted, so that the same command takes it up, which is then said.
    """

    def __init__(self, *, quiet: bool = False, verbose: int = 0, log: Path | None = None, kept: str = "") -> None:
        self._kept = kept
        self._quiet, self._verbose, self._log_path = quiet, verbose, log
        self._stack = ExitStack()
        self._log: TextIO | None = None

    def __enter__(self) -> Progress:
        from archiver.pipeline import present

        if self._log_path is not None:
            try:
                self._log = self._stack.enter_context(self._log_path.open("a", encoding="utf-8"))
            except OSError as error:
                raise OutputError(f"cannot write the log {self._log_path}: {error.strerror or error}") from error
        self._json = present.json_text
        self._follower = self._stack.enter_context(present.progress(sys.stderr, quiet=self._quiet, verbosity=self._verbose))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, *_: Any) -> None:
        self._stack.close()
        if self._kept and isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt(f"{self._kept} is kept; the same command again goes on from there") from error

    def event(self, event: Event) -> None:
        self._follower.follow(event)
        if self._log is not None:
            row = {
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "event": event.name,
                "url": event.url,
                "detail": event.detail,
            }
            self._log.write(self._json({**row, **event.fields}, indent=None) + "\n")
            self._log.flush()


def finish(runs: Sequence[Run], *, as_json: bool, quiet: bool, fail_on_duplicates: bool = False) -> int:
    """Print what came of the runs; answers the exit code."""
    from archiver.pipeline import present
    from archiver.pipeline.runs import exit_code

    for run in runs:
        if run.error is not None:
            click.echo(f"archiver: {present.text(str(run.error))}", err=True)
        if run.report is None:
            continue
        if quiet and (wrong := present.failures(run)):
            click.echo("\n".join(wrong), err=True)
        if as_json:
            click.echo(present.as_json(run.report), nl=False)
        elif not quiet:
            click.echo("\n".join(present.summary(run, shutil.get_terminal_size().columns if sys.stdout.isatty() else 0)))
    return exit_code(runs, fail_on_duplicates=fail_on_duplicates)
