"""clusters.csv: a row for every image, and nothing a spreadsheet would run."""

from __future__ import annotations

import csv as stdlib_csv
from dataclasses import replace
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.model import Link, Role
from archiver.report import csv
from tests.report.samples import sample


def rows(text: str) -> list[dict[str, str]]:
    return list(stdlib_csv.DictReader(StringIO(text, newline="")))


def test_one_row_per_image_in_post_order() -> None:
    report = sample()[0]
    table = rows(csv.render(report))
    assert [row["url"] for row in table] == [image.target.url for image in report.images]
    assert [row["cluster"] for row in table if row["keeper"]] == ["c1", "c2", "c3"]
    first = table[0]
    assert (first["width_px"], first["height_px"], first["format"], first["host"]) == ("1200", "675", "jpeg", "images.indianexpress.com")
    assert first["last_modified"] == "Tue, 08 May 2018 09:00:00 GMT"
    assert table[-1]["status"] == "not_image"
    assert table[-1]["final_url"] == "https://moved.example/"


def test_each_further_copy_says_how_it_differs() -> None:
    """In the words of the page, for those who sort a spreadsheet and not pictures."""
    report = sample()[0]
    table = rows(csv.render(report))
    for row, image in zip(table, report.images, strict=True):
        assert bool(row["difference"]) == bool(image.cluster and not image.keeper)
    said = {row["difference"] for row in table}
    assert "the same file, byte for byte" in said
    assert any(words.startswith("the same picture, ") and "%" in words for words in said), said


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", "\n=", " =", "\uff1d", "|cmd"])
def test_a_formula_in_a_caption_stays_text(start: str) -> None:
    report = sample()[0]
    image = report.images[0]
    link = Link(image.target.url, Role.IMAGE, 1, f"{start}cmd|' /C calc'!A0", "")
    changed = replace(image, target=replace(image.target, links=(link,)))
    (row,) = rows(csv.render(replace(report, images=(changed,))))
    assert row["caption"].startswith("'")


@given(st.text())
def test_no_cell_starts_a_formula_or_breaks_its_row(text: str) -> None:
    cell = csv.safe(text)
    assert not cell.lstrip(" \u00a0").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert "\n" not in cell
    assert "\r" not in cell


def test_numbers_stay_numbers() -> None:
    assert csv.safe(-3) == "-3"
