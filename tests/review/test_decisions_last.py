"""Decisions outrank the program and outlive it: new runs, other thresholds, renamed files, further copies."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from archiver.model import Decision
from archiver.pipeline import folder
from archiver.pipeline.archive import archive
from archiver.pipeline.dedup import dedup
from archiver.pipeline.means import Means
from archiver.pipeline.rejudge import report as judge_again
from archiver.pipeline.settings import Settings
from archiver.review import acts, asking, originals
from archiver.review.desk import Desk
from tests.report.samples import jpeg, scene
from tests.review.serving import served

CHAIR, LAMP = scene(1, (900, 600)), scene(77, (900, 600))
COPIES: dict[str, bytes] = {
    "a.jpg": jpeg(CHAIR, 92),
    "b.jpg": jpeg(CHAIR, 60),
    "c.jpg": jpeg(CHAIR, 85, 640),
    "d.jpg": jpeg(CHAIR, 75, 500),
    "other.jpg": jpeg(LAMP, 85),
}
SHA = {name: hashlib.sha256(data).hexdigest() for name, data in COPIES.items()}
SECONDS = count()


def now() -> datetime:
    return datetime(2026, 11, 22, 18, next(SECONDS) // 60 % 60, next(SECONDS) % 60, tzinfo=UTC)


MEANS = Means(lambda event: None)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Four copies of one picture and another one."""
    return laid(tmp_path / "pictures", ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "other.jpg"])


def laid(where: Path, names: Sequence[str]) -> Path:
    where.mkdir(parents=True, exist_ok=True)
    for name in names:
        (where / name).write_bytes(COPIES[name])
    return where


@pytest.fixture
def judged(pictures: Path, tmp_path: Path) -> Path:
    where = tmp_path / "judged"
    dedup([pictures], where, Settings(workers=1), MEANS)
    return where


def groups(where: Path) -> set[frozenset[str]]:
    """The clusters as report.json tells them, by file name."""
    names = {sha: name for name, sha in SHA.items()}
    return {frozenset(names[payload] for payload in cluster["payloads"]) for cluster in report(where)["clusters"]}


def report(where: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((where / folder.REPORT_JSON).read_text())
    return found


def decide(where: Path, act: str, names: str = "", key: str = "", **more: object) -> None:
    """As the page asks; `names` are the selected copies (of the first group unless `key` names an item)."""
    with Desk(where, now) as desk:
        agenda = desk.agenda()
        item = agenda.item(key) if key else next(item for item in agenda.items if item.kind == "group")
        assert item is not None
        body = {"act": act, "item": item.key, "members": [SHA[f"{name}.jpg"] for name in names.split()], **more}
        asked = asking.read(body, agenda)
        assert asked.act is not None
        pairs, wanted = list(agenda.known_pairs.values()), asked.act
        desk.change(lambda decisions: acts.change(wanted, pairs, decisions, asked.note, now()))


def open_pairs(where: Path) -> set[frozenset[str]]:
    names = {sha: name.removesuffix(".jpg") for name, sha in SHA.items()}
    with Desk(where) as desk:
        return {frozenset((names[p.a], names[p.b])) for status in desk.agenda().statuses.values() for p in status.open_pairs}


def test_the_copies_are_one_group_before_anyone_decides(judged: Path) -> None:
    assert groups(judged) == {frozenset({"a.jpg", "b.jpg", "c.jpg", "d.jpg"})}


def test_the_report_follows_a_split(judged: Path) -> None:
    decide(judged, "different", "c d", together=True)
    judge_again(judged, Settings(workers=1), MEANS)
    assert groups(judged) == {frozenset({"a.jpg", "b.jpg"}), frozenset({"c.jpg", "d.jpg"})}
    rows = {line.split(",")[4]: line.split(",")[1] for line in (judged / folder.CLUSTERS_CSV).read_text().splitlines()[1:]}
    assert rows["a.jpg"] == rows["b.jpg"] != rows["c.jpg"] == rows["d.jpg"]
    assert 'id="c2"' in (judged / folder.REPORT_HTML).read_text()


def test_the_report_follows_a_join_and_the_best_copy(judged: Path) -> None:
    decide(judged, "merge", to=SHA["other.jpg"])
    decide(judged, "best", "d")
    judge_again(judged, Settings(workers=1), MEANS)
    assert groups(judged) == {frozenset(COPIES)}
    assert report(judged)["clusters"][0]["keeper_sha256"] == SHA["d.jpg"]


@pytest.mark.parametrize("strictness", ["strict", "normal"])
def test_decisions_hold_at_other_thresholds(judged: Path, strictness: str) -> None:
    decide(judged, "different", "d")
    decide(judged, "merge", to=SHA["other.jpg"])
    judge_again(judged, Settings(strictness=strictness, workers=1), MEANS)
    assert groups(judged) == {frozenset({"a.jpg", "b.jpg", "c.jpg", "other.jpg"})}


def test_decisions_hold_for_renamed_files(judged: Path, pictures: Path) -> None:
    decide(judged, "different", "d")
    (pictures / "deep" / "down").mkdir(parents=True)
    for number, path in enumerate(sorted(pictures.glob("*.jpg"))):
        path.rename(pictures / "deep" / "down" / f"renamed {number}.jpeg")
    judge_again(judged, Settings(workers=1), MEANS)
    assert groups(judged) == {frozenset({"a.jpg", "b.jpg", "c.jpg"})}
    assert all(image["url"].startswith("deep/down/renamed") for image in report(judged)["images"])


def test_a_run_never_writes_the_decisions(judged: Path, pictures: Path) -> None:
    decide(judged, "different", "d", note="looked at it twice")
    before = (judged / folder.DECISIONS).read_bytes()
    dedup([pictures], judged, Settings(strictness="strict", workers=1), MEANS)
    judge_again(judged, Settings(workers=1), MEANS)
    assert (judged / folder.DECISIONS).read_bytes() == before


def test_a_new_copy_opens_only_its_own_pairs(tmp_path: Path) -> None:
    pictures, where = laid(tmp_path / "pictures", ["a.jpg", "b.jpg", "c.jpg"]), tmp_path / "judged"
    dedup([pictures], where, Settings(workers=1), MEANS)
    decide(where, "same")
    assert open_pairs(where) == set()
    laid(pictures, ["d.jpg"])
    judge_again(where, Settings(workers=1), MEANS)
    assert open_pairs(where)
    assert all("d" in pair for pair in open_pairs(where))


def test_not_the_same_stays_remembered_when_a_copy_of_both_arrives(tmp_path: Path) -> None:
    pictures, where = laid(tmp_path / "pictures", ["a.jpg", "b.jpg"]), tmp_path / "judged"
    dedup([pictures], where, Settings(workers=1), MEANS)
    decide(where, "different")
    judge_again(where, Settings(workers=1), MEANS)
    assert groups(where) == set()
    assert open_pairs(where) == set()
    laid(pictures, ["c.jpg"])
    judge_again(where, Settings(workers=1), MEANS)
    assert not any({"a.jpg", "b.jpg"} <= group for group in groups(where))
    assert open_pairs(where)
    assert all("c" in pair for pair in open_pairs(where))


def test_a_decision_can_be_found_again_when_the_program_no_longer_speaks_of_the_pair(judged: Path) -> None:
    decision = Decision(*sorted((SHA["a.jpg"], SHA["other.jpg"])), "different", "two rooms", now())  # type: ignore[arg-type]  # two names, sorted
    folder.write_decisions(judged, [decision])
    judge_again(judged, Settings(workers=1), MEANS)
    with Desk(judged) as desk:
        kinds = [item.kind for item in desk.agenda().items]
        assert kinds == ["group", "decided"]
        assert desk.agenda().statuses[desk.agenda().items[1].key].mine == (decision,)


def test_the_pictures_of_the_report_are_made_again_when_they_are_gone(judged: Path) -> None:
    (judged / folder.CACHE).unlink()
    with Desk(judged) as desk:
        assert not desk.complete()
        desk.renew(lambda event: None)
        assert desk.complete()


def test_what_a_report_was_made_from_may_move_with_it(judged: Path, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    moved = judged.rename(tmp_path / "elsewhere" / "judged")
    pictures.rename(tmp_path / "elsewhere" / "pictures")
    judge_again(moved, Settings(workers=1), MEANS)
    assert len(groups(moved)) == 1
    assert str(tmp_path) not in (moved / folder.REPORT_JSON).read_text()


def test_the_page_brings_the_report_up_to_date(judged: Path) -> None:
    with served(judged) as review:
        decide(judged, "different", "c d", together=True)
        assert review.post("report", {}).status == 200
        assert groups(judged) == {frozenset({"a.jpg", "b.jpg"}), frozenset({"c.jpg", "d.jpg"})}
        assert review.get("").body.decode().count('class="card group') == 2
        with folder.locked(judged):
            refused = review.post("report", {})
        assert refused.status == 500
        assert "another run is at work" in refused.json["error"]


# --- an archive -------------------------------------------------------------------------------------------------------


@pytest.fixture
def archived(pictures: Path, tmp_path: Path) -> Path:
    """A post with its pictures beside it, archived without network."""
    names = sorted(COPIES)
    (pictures / "post.md").write_text("# A chair\n\n" + "\n\n".join(f"![The chair, {name}]({name})" for name in names))
    where = tmp_path / "archived"
    archive(str(pictures / "post.md"), where, Settings(local_images=True, workers=1), MEANS)
    return where


def digests(where: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in where.glob("*.warc.gz")}


def test_the_wacz_follows_and_closed_warcs_never_change(archived: Path) -> None:
    before = digests(archived)
    decide(archived, "different", "c d", together=True)
    judge_again(archived, Settings(workers=1), MEANS)
    assert digests(archived) == before
    with zipfile.ZipFile(next(archived.glob("*.wacz"))) as wacz:
        inside = json.loads(wacz.read("report/report.json"))
        assert wacz.read("report/report.html").decode() == (archived / folder.REPORT_HTML).read_text()
    assert inside["clusters"] == report(archived)["clusters"]
    assert groups(archived) == {frozenset({"a.jpg", "b.jpg"}), frozenset({"c.jpg", "d.jpg"})}


def test_the_pictures_served_are_small_and_the_program_s_own(archived: Path) -> None:
    with Desk(archived) as desk:
        jpeg_bytes = desk.picture(SHA["a.jpg"], "preview")
        assert jpeg_bytes is not None
        (archived / "seen.jpg").write_bytes(jpeg_bytes)
        with Image.open(archived / "seen.jpg") as image:
            assert max(image.size) <= 480


def test_an_archived_picture_is_served_as_it_came_and_only_as_a_picture(archived: Path) -> None:
    with served(archived) as review:
        answer = review.get(f"original/{SHA['a.jpg']}")
        assert (answer.status, answer.body) == (200, COPIES["a.jpg"])
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        post = hashlib.sha256((archived.parent / "pictures" / "post.md").read_bytes()).hexdigest()
        for name in (post, "0" * 64, "report.json", "..%2freport.json"):
            assert review.get(f"original/{name}").status == 404


def test_what_no_longer_has_its_digest_is_not_served(archived: Path) -> None:
    path = archived / folder.REPORT_JSON
    told = json.loads(path.read_text())
    rows = {image["sha256"]: image for image in told["images"]}
    rows[SHA["a.jpg"]]["warc"] = rows[SHA["b.jpg"]]["warc"]
    path.write_text(json.dumps(told))
    with Desk(archived) as desk:
        assert desk.original(SHA["a.jpg"]) is None
        assert desk.original(SHA["b.jpg"]) == (COPIES["b.jpg"], "image/jpeg")


def test_files_outside_of_the_folder_are_not_served(judged: Path) -> None:
    with Desk(judged) as desk:
        assert all(desk.original(payload) is None for payload in SHA.values())


@pytest.mark.parametrize("change", [{"format": "svg"}, {"frames": 3}, {"file": "../other.warc.gz"}])
def test_only_still_pictures_of_its_own_warcs_go_to_the_browser(archived: Path, change: dict[str, Any]) -> None:
    with Desk(archived) as desk:
        found, picture = desk.report, desk.report.images[0].picture
        image = desk.report.images[0]
    assert picture is not None
    assert image.record is not None
    assert originals.find([image], found.warcs) is not None
    record = replace(image.record, **change) if "file" in change else image.record
    changed = replace(image, record=record, picture=picture if "file" in change else replace(picture, **change))
    assert originals.find([changed], found.warcs) is None
