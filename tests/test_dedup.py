"""`dedup` over folders as people have them: drawings, texts, damage, hidden files and earlier reports among the pictures."""

from __future__ import annotations

import csv
import os
import re
import signal
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests.test_cli import ROOT, archiver

DRAWING = b"<svg xmlns='http://www.w3.org/2000/svg' width='90' height='70'><circle cx='40' cy='40' r='20'/></svg>"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with one picture."""
    folder = tmp_path / "mine"
    folder.mkdir()
    Image.effect_noise((160, 120), 60).save(folder / "noise.png")
    return folder


def words(said: bytes) -> str:
    return said.decode()


def test_drawings_are_grouped_by_their_bytes_and_counted_as_such(pictures: Path) -> None:
    for name in ("a.svg", "b.svg"):
        (pictures / name).write_bytes(DRAWING)
    ended = archiver("dedup", "mine", cwd=pictures.parent)
    assert ended.returncode == 0, "nothing is wrong with them"
    assert "1 picture file compared" in words(ended.stdout)
    assert ", 2 more by their bytes alone" in words(ended.stdout)
    assert "Not compared by look (2)\n  Not decoded\n" in words(ended.stdout)
    page = (pictures.parent / "mine-duplicates" / "report.html").read_text()
    group = page[page.index('id="c1"') : page.index("</article>")]
    assert group.count("Not decoded, so not shown") == 1
    assert "<img" not in group
    assert "1 picture file was compared, and 2 more by their bytes alone." in " ".join(re.sub("<[^>]*>", "", page).split())
    with (pictures.parent / "mine-duplicates" / "clusters.csv").open(newline="") as file:
        assert {row["url"]: row["difference"] for row in csv.DictReader(file) if row["cluster"]} == {
            "a.svg": "",
            "b.svg": "the same file, byte for byte",
        }


def test_a_text_among_pictures_is_named_and_is_no_failure(pictures: Path) -> None:
    (pictures / "notes.txt").write_text("words")
    ended = archiver("dedup", "mine", cwd=pictures.parent)
    assert ended.returncode == 0
    assert "Not a picture\n    notes.txt  the content is text" in words(ended.stdout)


def test_a_damaged_picture_is_one(pictures: Path) -> None:
    whole = BytesIO()
    Image.effect_noise((160, 120), 60).save(whole, "JPEG")
    (pictures / "torn.jpg").write_bytes(whole.getvalue()[:90])
    ended = archiver("dedup", "mine", cwd=pictures.parent)
    assert ended.returncode == 8
    assert "Damaged\n    torn.jpg  " in words(ended.stdout)


@pytest.mark.parametrize("names", [[], ["notes.txt"]])
def test_a_folder_without_any_picture_ends_with_4(names: list[str], tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for name in names:
        (tmp_path / "mine" / name).write_text("words")
    assert archiver("dedup", "mine", cwd=tmp_path).returncode == 4


def test_hidden_files_and_earlier_reports_are_passed_over_by_name(pictures: Path) -> None:
    (pictures / ".thumb.png").write_bytes((pictures / "noise.png").read_bytes())
    (pictures / "further").mkdir()
    (pictures / "further" / ".hidden").mkdir()
    for _ in range(2):
        ended = archiver("dedup", ".", cwd=pictures)
        assert ended.returncode == 0
    said = words(ended.stdout)
    assert said.startswith("Pictures in mine\n1 picture file compared")
    assert "Passed over: 2\n" in said
    assert "  mine-duplicates: a folder of this program; to have it read, name it by itself\n" in said
    assert "  .thumb.png and 1 more: hidden, as a name that begins with a dot says" in said


def test_an_interrupted_run_ends_at_once_and_says_what_is_kept(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for number in range(150):
        Image.effect_noise((500, 400), 40 + number / 3).convert("RGB").save(tmp_path / "mine" / f"{number}.jpg")
    command = [sys.executable, "-m", "archiver", "dedup", "mine"]
    started = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert started.stderr is not None
    assert started.stderr.readline() == b"Reading\n"
    started.send_signal(signal.SIGINT)
    said = started.stderr.read().decode()
    assert started.wait() == 130
    assert "what was measured and compared is kept; the same command again goes on from there" in said
    assert "Traceback" not in said
    assert not (tmp_path / "mine-duplicates" / "report.json").exists()
