from __future__ import annotations

import hashlib
import importlib
import random
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from archiver.errors import ArchiverError
from archiver.model import Picture, Relation, Verdict
from archiver.pipeline import judge as judging
from archiver.pipeline import tasks
from archiver.pipeline.judge import Judge
from archiver.pipeline.settings import Settings
from archiver.pipeline.tasks import Source
from benchmarks.makeset import figure

sys.path.append(str(Path(__file__).parent))  # workers import tasks by name and are given our path
hostile = importlib.import_module("hostile_tasks")

SIZES = ((720, 480), (600, 400), (480, 320))


@pytest.fixture
def copies(tmp_path: Path) -> list[Source]:
    """One scene in three sizes."""
    scene, found = figure(random.Random("judge"), 1), []
    for size in SIZES:
        path = tmp_path / f"{size[0]}.png"
        scene.resize(size).save(path)
        data = path.read_bytes()
        found.append(Source(hashlib.sha256(data).hexdigest(), str(path), None, len(data)))
    return found


def judged(at: Path, sources: list[Source]):
    with Judge(at / "cache.sqlite", Settings(workers=1), lambda _: None) as judge:
        for source in sources:
            judge.submit(source)
        return judge.finish({source.payload: [source.path] for source in sources}, ())


def test_three_sizes_of_one_scene_are_one_cluster(copies: list[Source], tmp_path: Path) -> None:
    (cluster,) = judged(tmp_path, copies).clusters
    assert set(cluster.members) == {source.payload for source in copies}


def test_a_pair_on_which_the_process_dies_costs_its_own_verdict_only(
    copies: list[Source], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = copies[0].payload
    monkeypatch.setattr(judging, "tasks", SimpleNamespace(**{**vars(tasks), "compare_pairs": partial(hostile.compare_until, odd)}))
    found = judged(tmp_path, copies)
    (cluster,) = found.clusters
    assert set(cluster.members) == {source.payload for source in copies[1:]}
    (asked,) = found.unsure  # of its two pairs with the copies of one picture
    assert odd in (asked.a, asked.b)
    assert "could not be compared (crash, " in asked.because


def test_where_no_pair_can_be_compared_the_run_ends(copies: list[Source], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "FAILURES_MAX", 2)
    monkeypatch.setattr(judging, "tasks", SimpleNamespace(**{**vars(tasks), "compare_pairs": hostile.compare_none}))
    with pytest.raises(ArchiverError, match=r"comparing pictures failed: they could not be compared \(crash, "):
        judged(tmp_path, copies)


def test_a_pair_on_which_comparing_fails_is_left_to_a_person(copies: list[Source], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("a median of nothing")

    shelf = tmp_path / "cache.sqlite"
    with Judge(shelf, Settings(workers=1), lambda _: None) as judge:
        for source in copies:
            judge.submit(source)
        first, second = sorted(judge.measured([source.payload for source in copies[:2]], ["a", "b"]), key=lambda each: each.payload)
        assert isinstance(first, Picture)
        known = judge._shelf
        monkeypatch.setattr("archiver.picture.compare.compare", broken)
        (pair,) = tasks.compare_pairs(known, [(first, second)], "normal")
    assert (pair.a, pair.b) == (first.payload, second.payload)
    assert (pair.verdict, pair.relations) == (Verdict.UNSURE, (Relation.UNSURE,))
    assert pair.because == "they could not be compared (ValueError: a median of nothing)"
