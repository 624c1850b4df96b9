"""What a run tells on its way, as the terminal counts it."""

from __future__ import annotations

from pathlib import Path

from archiver.model import Event
from archiver.pipeline.dedup import dedup
from archiver.pipeline.means import Means
from archiver.pipeline.settings import Settings
from archiver.report.terminal import Counts
from tests.report.samples import jpeg, scene


def test_judging_does_not_change_how_many_were_to_be_fetched(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    for name, quality in (("a.jpg", 90), ("b.jpg", 60), ("c.jpg", 40)):
        (tmp_path / "pictures" / name).write_bytes(jpeg(scene(1, (600, 400)), quality))
    events = [Event("stage", detail="Fetching", fields={"total": 5}), *(Event("captured"),) * 5]
    dedup([tmp_path / "pictures"], tmp_path / "out", Settings(workers=1), Means(events.append))
    counts = Counts()
    for event in events:
        counts.add(event)
    assert counts.words() == "5 of 5 fetched, 3 measured, 3 pairs compared"
