"""The folder under review: its report, its small pictures, its decisions. The only part of the room that touches the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from archiver.errors import InputError
from archiver.model import Decision, Event, Report
from archiver.pipeline import folder
from archiver.pipeline.cache import Cache
from archiver.pipeline.means import Means
from archiver.pipeline.rejudge import report as judge_again
from archiver.pipeline.settings import STRICTNESS_DEFAULT, Settings
from archiver.report import json as report_json
from archiver.review import acts, originals
from archiver.review.items import Agenda
from archiver.review.ledger import Change, Key, apply

ORIGINAL_MAX_BYTES = 32 * 2**20

Size = Literal["thumbnail", "preview"]


@dataclass(frozen=True, slots=True)
class Written:
    """What one change did to the words it touched."""

    before: dict[Key, Decision | None]
    after: dict[Key, Decision | None]


def _utc() -> datetime:
    return datetime.now(UTC)


@dataclass
class Desk:
    """One archive or `dedup` folder; a context manager. Raises InputError when the folder holds nothing to review."""

    where: Path
    now: Callable[[], datetime] = _utc
    _cache: Cache | None = None
    _read: tuple[tuple[int, int], Report] | None = None
    _agenda: tuple[object, Agenda] | None = field(default=None)

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *error: Any) -> None:
        self._let_go()

    def _let_go(self) -> None:
        if self._cache is not None:
            self._cache.close()
            self._cache = None

    # --- reading ---

    @property
    def report(self) -> Report:
        """The report as it stands on the disk; read again when a run has renewed it. Raises InputError."""
        path = self.where / folder.REPORT_JSON
        try:
            known = path.stat()
            stamp = (known.st_mtime_ns, known.st_size)
            if self._read is None or self._read[0] != stamp:
                self._read = (stamp, report_json.parse(path.read_text(encoding="utf-8")))
                self._let_go()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot read {path}: {error}") from error
        return self._read[1]

    def decisions(self) -> tuple[Decision, ...]:
        """Raises InputError when decisions.json cannot be understood."""
        return folder.read_decisions(self.where)

    def agenda(self) -> Agenda:
        report, decisions = self.report, self.decisions()
        if self._agenda is None or self._agenda[0] != (id(report), decisions):
            self._agenda = ((id(report), decisions), Agenda(report, decisions))
        return self._agenda[1]

    def picture(self, payload: str, size: Size) -> bytes | None:
        """A JPEG of ours, re-encoded when the picture was measured; None when there is none."""
        if self._cache is None:
            self._cache = Cache.open(self.where / folder.CACHE)
        try:
            return self._cache.load_preview(payload) if size == "preview" else self._cache.load_thumbnail(payload)
        except KeyError:
            return None

    def warcs(self) -> frozenset[str]:
        """The WARC files of the report that lie in the folder."""
        return frozenset(name for name in self.report.warcs if (self.where / name).is_file())

    def original(self, payload: str) -> tuple[bytes, str] | None:
        """(bytes, media type) of an archived picture as it came; None when there is none that a browser may have, and when the
        bytes in its record do not have this SHA-256 (any more)."""
        found = originals.find(self.agenda().places.images(payload), self.warcs())
        if found is None:
            return None
        try:
            data = folder.read_payload(self.where, found.record, ORIGINAL_MAX_BYTES)
        except (InputError, OSError):
            return None
        return (data, found.media_type) if hashlib.sha256(data).hexdigest() == payload else None

    # --- writing ---

    def change(self, decide: Callable[[Sequence[Decision]], Change]) -> Written:
        """Let `decide` look at the decisions as they are at this moment, and write what it says. Raises what `decide` raises."""
        written: list[Written] = []

        def step(before: tuple[Decision, ...]) -> tuple[Decision, ...]:
            change = decide(before)
            written.append(Written(*acts.touched(change, before)))
            return apply(before, change)

        folder.change_decisions(self.where, step)
        return written[0]

    # --- the report ---

    def complete(self) -> bool:
        """Whether the report can be read and all its pictures are at hand."""
        try:
            shown = {image.payload for image in self.report.images if image.picture is not None}
        except InputError:
            return False
        return all(self.picture(payload, "thumbnail") for payload in shown)

    def renew(self, on_event: Callable[[Event], None]) -> None:
        """Judge and render the folder again, as strictly as before, under the decisions as they stand. Raises ArchiverError."""
        settings = Settings(strictness=folder.strictness(self.where, STRICTNESS_DEFAULT))
        judge_again(self.where, settings, Means(on_event, now=self.now))
