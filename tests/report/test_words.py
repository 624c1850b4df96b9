"""The report's words: how one picture became the other, when it was there, and which addresses may be followed."""

from __future__ import annotations

import doctest
import importlib
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.model import Fingerprint, Hop, Image, Pair, Picture, PictureEvidence, Reason, Relation, Target, Transform, Verdict
from archiver.report import places, wording
from archiver.report.firstseen import sightings
from archiver.report.links import href
from archiver.report.places import file_name

BIG = Picture("a", "jpeg", 1000, 500, 1, Fingerprint("", (), True), PictureEvidence())
SMALL = Picture("b", "jpeg", 250, 250, 1, Fingerprint("", (), True), PictureEvidence(border_box=(0.1, 0.1, 0.9, 0.9)))
CROP = Transform("a", (250.0, 0.0, 750.0, 500.0), 0.5, 90.0, False, (2.0, 0, 250, 0, 2.0, 0), (650.0, 400.0, 750.0, 480.0))


@pytest.mark.parametrize(
    ("relation", "as_crop", "as_whole"),
    [
        (Relation.CROPPED, "cropped to 50 % of the area", "shows more: the other one is 50 % of it"),
        (Relation.CONTAINS, "fills 50 % of the area of the larger one", "contains it as 50 % of its area"),
        (Relation.RESIZED, "scaled to 0.5", "scaled to 2"),
        (Relation.ROTATED, "rotated by 90° clockwise", "rotated by 90° anticlockwise"),
        (Relation.OVERLAID, "a logo or words at the lower right", "a logo or words at the lower right"),
        (Relation.BORDERED, "with a border", "without the border"),
        (Relation.MIRRORED, "mirrored", "mirrored"),
        (Relation.RE_ENCODED, "compressed again", "compressed again"),
        (Relation.IDENTICAL_BYTES, "the same file, byte for byte", "the same file, byte for byte"),
    ],
)
def test_each_side_is_told_how_it_differs(relation: Relation, as_crop: str, as_whole: str) -> None:
    pair = Pair("a", "b", Verdict.SAME, (relation,), 0.9, "", CROP)
    assert wording.became(pair, "b", BIG, SMALL).replace("\u202f", " ") == as_crop
    assert wording.became(pair, "a", SMALL, BIG).replace("\u202f", " ") == as_whole


def test_there_are_words_for_every_relation_and_reason() -> None:
    for relation in Relation:
        for transform in (None, CROP):
            assert wording.became(Pair("a", "b", Verdict.SAME, (relation,), 0.9, "", transform), "b", BIG, SMALL)
            assert wording.became(Pair("a", "b", Verdict.SAME, (relation,), 0.9, "", transform), "b", None, None)
    for fetched in (True, False):
        assert all(wording.reason(status, fetched=fetched)[0] != status and wording.reason(status, fetched=fetched)[1] for status in Reason)
    assert wording.reason("a later word") == ("a later word", "")


@pytest.mark.parametrize(
    ("region", "words"),
    [
        ((0, 0, 100, 100), "at the upper left"),
        ((450, 0, 550, 60), "at the top"),
        ((900, 200, 1000, 300), "at the right"),
        ((450, 200, 550, 300), "in the middle"),
        ((0, 0, 1000, 500), "over most of it"),
    ],
)
def test_where_they_differ(region: tuple[float, float, float, float], words: str) -> None:
    assert wording.where(replace(CROP, region=region), BIG) == words


NOW = datetime(2026, 11, 22, tzinfo=UTC)


def image(url: str, last_modified: str = "", taken: str = "") -> Image:
    picture = replace(BIG, evidence=PictureEvidence(exif_taken=taken))
    hop = Hop(url, 200, NOW, last_modified=last_modified)
    return Image(Target(url, ()), "ok", "", (hop,), NOW, "a", 1, picture, "jpeg", None, False, "", False)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.example/wp-content/uploads/2014/05/x.jpg", "2014-05"),
        ("https://a.example/2014/05/31/x.jpg", "2014-05-31"),
        ("https://a.example/IMG_20140531_x.jpg", "2014-05-31"),
        ("https://a.example/photo-2014-05-31.jpg", "2014-05-31"),
        ("https://a.example/1200x675/x.jpg", None),
        ("https://a.example/76855142.cms", None),
        ("https://a.example/2014/13/x.jpg", None),
        ("https://a.example/20140231.jpg", None),
        ("https://a.example/2031/01/x.jpg", None),
        ("https://a.example/x.jpg?t=2014-05-31", None),
        ("http://[broken/2014/05/", None),
    ],
)
def test_dates_in_addresses(url: str, shown: str | None) -> None:
    assert [hint.shown for hint in sightings([image(url)], NOW)] == ([shown] if shown else [])


def test_hints_come_in_order_and_only_once() -> None:
    one = image("https://a.example/2014/05/x.jpg", "Tue, 08 May 2018 09:00:00 GMT", "2011-02-03T04:05:06")
    hints = sightings([one, one], NOW)
    assert [hint.on for hint in hints] == [date(2011, 2, 3), date(2014, 5, 1), date(2018, 5, 8)]


@pytest.mark.parametrize("stamp", ["", "yesterday", "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT", "Xxx, 99 Foo 0000"])
def test_clocks_that_were_never_set_say_nothing(stamp: str) -> None:
    assert sightings([image("https://a.example/x.jpg", stamp)], NOW) == ()


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:x",
        " https://a.example",
        "https://a.example/\nx",
        "data:text/html,x",
        "file:///etc/passwd",
        "//a",
        "",
    ],
)
def test_only_web_addresses_become_links(url: str) -> None:
    assert href(url) == ""


@given(st.text())
def test_strangers_addresses_break_nothing(url: str) -> None:
    assert href(url) in ("", url)
    assert isinstance(places.host(url), str)
    assert file_name(f"https://a.example/{url}")


@pytest.mark.parametrize("module", sorted(path.stem for path in Path(wording.__file__).parent.glob("*.py") if path.stem != "__init__"))
def test_examples_in_docstrings_are_true(module: str) -> None:
    result = doctest.testmod(importlib.import_module(f"archiver.report.{module}"))
    assert result.failed == 0
