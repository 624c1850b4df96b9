"""What a person sees in the terminal: the summary at the end (stdout) and progress on the way (stderr).

The only door to rich, which is imported when it is needed and never for plain output.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Protocol, TextIO

from archiver.model import Event, Image, Report
from archiver.report import changes, wording
from archiver.report.places import Places, Totals, host, is_page, report_title, title, totals

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

CLUSTERS_MAX = 12
FAILURES_MAX = 24
STAGE_CHARS = 18
WIDE_CHARS = 110
"""The name of a stage is never cut; on narrower terminals than this the bar gives way to the counts, which go on below where they must."""


def plain(text: str) -> str:
    """Text of strangers made safe for a terminal: control characters, escape sequences and line ends become `?`, directions are dropped.

    >>> plain("a\\x1b[31mred")
    'a?[31mred'
    """
    kept = (c for c in text if c not in _DIRECTIONS)
    return "".join(c if c.isprintable() else " " if c in "\t\u00a0\u202f" else "?" for c in kept)


_DIRECTIONS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def summary(report: Report, *, folder: str = "", files: tuple[str, ...] = (), width: int = 0) -> list[str]:
    """The summary as plain lines: what was archived, which pictures are the same, what to look at, what is missing and why.

    `width` is that of the terminal, in characters; 0 for output that no one looks at as it is, where each entry stays one line.
    """
    numbers = totals(report)
    places = Places(report)
    lines = [*_head(report, numbers), *_clusters(report, places), *_doubts(report, places, width), *failures(report, width)]
    lines += [plain(line) for line in changes.lines(report)]
    lines += passed_over(report)
    if folder or files:
        lines += ["", f"Written to {plain(folder)}" if folder else "Written", *(f"  {plain(name)}" for name in files)]
    return lines


def _head(report: Report, numbers: Totals) -> list[str]:
    sizes = wording.size(numbers.size_bytes)
    saved = f", {wording.size(numbers.saved_bytes)} of it stored only once" if numbers.saved_bytes else ""
    if report.post:
        of, hosts = wording.count(numbers.targets, "picture"), wording.count(numbers.hosts, "host")
        done = f"{numbers.archived:,} of {of} archived from {hosts} ({sizes}{saved})"
    else:
        done = f"{wording.count(numbers.archived, 'picture file')} compared ({sizes})"
        done += f", {numbers.by_bytes:,} more by {'its' if numbers.by_bytes == 1 else 'their'} bytes alone" if numbers.by_bytes else ""
    lines = [plain(report_title(report)), done]
    if numbers.archived:
        again = f"; {numbers.duplicates:,} stand there again in another copy" if numbers.duplicates else "; none stands there twice"
        lines.append(f"{wording.count(numbers.pictures, 'different picture')}{again}")
    if report.unfinished:
        lines.append(wording.CUT_OFF)
    return lines


def _clusters(report: Report, places: Places) -> list[str]:
    if not report.clusters:
        return []
    lines = ["", f"The same picture ({len(report.clusters)})"]
    for n, cluster in enumerate(report.clusters[:CLUSTERS_MAX], 1):
        members = places.members(cluster)
        lines.append(f"  c{n}  {wording.count(len(members), 'copy', 'copies')}  {_short(title(members), 60)}".rstrip())
        lines += [f"      {'*' if image.keeper else ' '} {_one(image)}" for image in members]
    if len(report.clusters) > CLUSTERS_MAX:
        lines.append(f"  ... and {len(report.clusters) - CLUSTERS_MAX} more in the report")
    lines.append("  (* the best copy)")
    return lines


def _one(image: Image) -> str:
    look = f"{image.picture.width_px} × {image.picture.height_px}" if image.picture else ""
    where = ", ".join(f"line {link.line}" for link in image.target.links[:3] if link.line)
    name = host(image.target.url) or _short(image.target.url, 60)
    return "  ".join(part for part in (plain(name), look, image.format, where) if part)


def _doubts(report: Report, places: Places, width: int) -> list[str]:
    pages = [pair for pair in report.unsure if is_page(pair)]
    doubts = [pair for pair in report.unsure if not is_page(pair)]
    lines = []
    for heading, pairs in (("Look at these", doubts), ("One contains the other", pages)):
        lines += ["", f"{heading} ({len(pairs)})"] if pairs else []
        for pair in pairs[:CLUSTERS_MAX]:
            lines.append(f"  {_short(places.url(pair.a), 70)}")
            lines += _fitted("  ", _short(places.url(pair.b), 70), plain(pair.because), width)
        if len(pairs) > CLUSTERS_MAX:
            lines.append(f"  ... and {len(pairs) - CLUSTERS_MAX} more in the report")
    return lines


def failures(report: Report, width: int = 0) -> list[str]:
    """What was not archived as a picture, and why; empty when there is nothing such. `width` as in `summary`."""
    failed = [image for image in report.images if image.status != "ok"]
    if not failed:
        return []
    lines = ["", f"{'Not archived as pictures' if report.post else 'Not compared by look'} ({len(failed)})"]
    by_status: dict[str, list[Image]] = {}
    for image in failed[:FAILURES_MAX]:
        by_status.setdefault(image.status, []).append(image)
    for status, images in by_status.items():
        lines.append(f"  {wording.reason(status, fetched=report.post is not None)[0]}")
        for image in images:
            where = f"    {_where(image)}"
            most = min(90, max(30, width - len(where))) if width else 90
            lines += _fitted(where, _short(image.target.url, most), plain(image.error), width)
    if len(failed) > FAILURES_MAX:
        lines.append(f"  ... and {len(failed) - FAILURES_MAX} more in the report")
    return lines


def passed_over(report: Report) -> list[str]:
    """What could not be read; empty when all could."""
    if not report.skipped:
        return []
    more = len(report.skipped) - FAILURES_MAX
    told = [f"  {plain(entry)}" for entry in report.skipped[:FAILURES_MAX]]
    return ["", f"Passed over: {len(report.skipped)}", *told, *([f"  ... and {more} more in the report"] if more > 0 else [])]


def _fitted(start: str, what: str, why: str, width: int) -> list[str]:
    """One line where it fits, else the reason below, further in."""
    line = f"{start}{what}  {why}".rstrip()
    if not width or len(line) <= width:
        return [line]
    inner = " " * (len(start) - len(start.lstrip()) + 4)
    return [start + what, *wrap(why, max(30, width), initial_indent=inner, subsequent_indent=inner)]


def _where(image: Image) -> str:
    lines = [link.line for link in image.target.links if link.line]
    return f"line {lines[0]}: " if lines else ""


def _short(text: str, most: int) -> str:
    clean = plain(text)
    return clean if len(clean) <= most else f"{clean[: most // 2]}…{clean[-(most - most // 2 - 1) :]}"


# --- progress -------------------------------------------------------------------------------------------------------


class Follower(Protocol):
    """Something that shows events as they happen."""

    def follow(self, event: Event) -> None: ...


@dataclass(slots=True)
class Counts:
    """What has happened so far. `total` is how many pictures are to be fetched; it comes with the stage that fetches."""

    stage: str = ""
    total: int = 0
    captured: int = 0
    missed: int = 0
    retries: int = 0
    measured: int = 0
    compared: int = 0
    pairs: int = 0
    """How many are to be compared, as far as is known."""
    size_bytes: int = 0

    @property
    def done(self) -> int:
        return self.captured + self.missed

    def add(self, event: Event) -> None:
        """Take one event into account; names not known here change nothing."""
        match event.name:
            case "stage":
                self.stage = event.detail
                self.total = int(event.fields.get("total", self.total))
            case "captured":
                self.captured += 1
                self.size_bytes += int(event.fields.get("size_bytes", 0))
            case "missed":
                self.missed += 1
            case "retry":
                self.retries += 1
            case "measured":
                self.measured += 1
            case "compared":
                self.compared += int(event.fields.get("pairs", 1))
                self.pairs = int(event.fields.get("total", 0))

    def words(self) -> str:
        """`41 of 93 fetched, 3 missed, 2 tried again, 12 MB, 40 measured`: only what is not nothing.

        Fetched is what has an answer with content; whether that is a picture is seen when it is measured.
        """
        of = f" of {self.total:,}" if self.total else ""
        parts = [f"{self.captured:,}{of} fetched" if self.done else ""]
        parts += [f"{self.missed:,} missed" if self.missed else "", f"{self.retries:,} tried again" if self.retries else ""]
        parts += [wording.size(self.size_bytes) if self.size_bytes else "", f"{self.measured:,} measured" if self.measured else ""]
        of = f"{self.compared:,} of " if self.compared < self.pairs else ""
        parts.append(f"{of}{wording.count(max(self.compared, self.pairs), 'pair')} compared" if self.compared else "")
        return ", ".join(part for part in parts if part)


def line(event: Event, verbosity: int, width: int = 0) -> str:
    """The log line for an event, or empty when it is not worth one at this verbosity (0: stages and misses; 1: each outcome; 2: all).

    At verbosity 0 the address is shortened so that the line fits into `width` characters, if that is not 0.
    """
    level = {"stage": 0, "missed": 0, "warning": 0, "captured": 1, "retry": 1, "redirect": 2}.get(event.name, 2)
    if level > verbosity:
        return ""
    if event.name == "stage":
        return plain(event.detail)
    left = width - len(event.name) - len(event.detail) - 4
    url = _short(event.url, max(30, left)) if width and not verbosity else plain(event.url)
    return ": ".join(part for part in (plain(event.name), url, plain(event.detail)) if part)


@contextmanager
def progress(stream: TextIO, *, quiet: bool = False, verbosity: int = 0, terminal: bool | None = None) -> Iterator[Follower]:
    """A follower for the time of a run: nothing when quiet, a live line where `stream` is a terminal, plain lines elsewhere."""
    if quiet:
        yield Silent()
    elif stream.isatty() if terminal is None else terminal:
        with _live(stream, verbosity) as live:
            yield live
    else:
        yield PlainLines(stream, verbosity)


class Silent:
    """Shows nothing."""

    def follow(self, event: Event) -> None:
        """Shows nothing."""


class PlainLines:
    """One line per stage, per miss and per tenth of the way: for logs and pipes."""

    def __init__(self, stream: TextIO, verbosity: int) -> None:
        self._stream = stream
        self._verbosity = verbosity
        self._counts = Counts()
        self._tenths = 0

    def follow(self, event: Event) -> None:
        self._counts.add(event)
        if words := line(event, self._verbosity):
            self._say(words)
        if event.name in ("captured", "missed") and self._counts.total:
            tenths = self._counts.done * 10 // self._counts.total
            if tenths > self._tenths:
                self._tenths = tenths
                self._say(self._counts.words())

    def _say(self, words: str) -> None:
        self._stream.write(words + "\n")
        self._stream.flush()


class LiveLine:
    """A bar with live counts, log lines above it."""

    def __init__(self, bar: RichProgress, task: TaskID, verbosity: int) -> None:
        self._bar = bar
        self._task = task
        self._verbosity = verbosity
        self._counts = Counts()

    def follow(self, event: Event) -> None:
        self._counts.add(event)
        if event.name != "stage" and (words := line(event, self._verbosity, self._bar.console.width)):
            self._bar.console.print(
                words,
                style="yellow" if event.name == "missed" else "dim",
                markup=False,
                highlight=False,
                soft_wrap=bool(self._verbosity),  # a whole address stays one line, to be copied; a shortened one breaks at words
            )
        counts = self._counts
        self._bar.update(
            self._task, description=plain(counts.stage), total=counts.total or None, completed=counts.done, words=counts.words()
        )


@contextmanager
def _live(stream: TextIO, verbosity: int) -> Iterator[LiveLine]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TextColumn
    from rich.table import Column

    console = Console(file=stream, force_terminal=True)
    wide = console.width >= WIDE_CHARS
    stage = Column(no_wrap=True, min_width=STAGE_CHARS if wide else None)
    columns: list[ProgressColumn] = [SpinnerColumn(), TextColumn("{task.description}", markup=False, table_column=stage)]
    columns += [BarColumn(24)] if wide else []
    columns.append(TextColumn("{task.fields[words]}", markup=False, table_column=Column(overflow="fold")))
    with Progress(*columns, console=console, transient=True) as bar:
        yield LiveLine(bar, bar.add_task("", total=None, words=""), verbosity)
