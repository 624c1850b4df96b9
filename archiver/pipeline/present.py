"""How a run is shown in the terminal: the report room's renderers, handed to the commands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from archiver.model import Event, Report
from archiver.pipeline import discretion
from archiver.pipeline.runs import Run
from archiver.report import harmless, terminal
from archiver.report import json as report_json
from archiver.report.terminal import Follower


def text(value: str) -> str:
    """Strangers' text made safe for a terminal."""
    return terminal.plain(value)


def summary(run: Run, width: int = 0) -> list[str]:
    """Plain lines; `width` of the terminal in characters, 0 when it goes elsewhere."""
    return terminal.summary(run.report, folder=str(run.folder), files=run.files, width=width) if run.report else []


def failures(run: Run) -> list[str]:
    """Only what went wrong with single pictures and what could not be read, as plain lines under the name of the post."""
    lines = [*terminal.failures(run.report)[1:], *terminal.passed_over(run.report)[1:]] if run.report else []
    return [f"{text(discretion.bare(run.source))}: {lines[0]}", *lines[1:]] if lines else []


def json_text(value: object, *, indent: int | None = 1) -> str:
    """JSON that may go to a terminal."""
    return harmless.json_text(value, indent)


def as_json(report: Report) -> str:
    return report_json.render(report)


@contextmanager
def progress(stream: TextIO, *, quiet: bool, verbosity: int) -> Iterator[Follower]:
    with terminal.progress(stream, quiet=quiet, verbosity=verbosity) as follower:
        yield follower


__all__ = ["Event", "as_json", "failures", "json_text", "progress", "summary", "text"]
