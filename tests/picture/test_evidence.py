from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from archiver.picture.decode import Decoded, decode
from archiver.picture.evidence import border_box, exif_text, quality_from_tables, taken_at

sys.path.append(str(Path(__file__).parent))
from pictures import encode, scene


@pytest.mark.parametrize("quality", [1, 10, 30, 50, 51, 75, 83, 90, 95, 100])
def test_the_quality_libjpeg_was_asked_for_is_found(quality: int) -> None:
    found = decode(encode(scene(64, 64), "JPEG", quality=quality))
    assert isinstance(found, Decoded)
    assert found.evidence.jpeg_quality is not None
    assert abs(found.evidence.jpeg_quality - quality) <= 1


def test_no_tables_no_quality() -> None:
    assert quality_from_tables({}) is None


def framed(left: int, top: int, right: int, bottom: int, colour: tuple[int, int, int] = (250, 250, 250)) -> np.ndarray:
    inner = scene(400, 300)
    outer = Image.new("RGB", (400 + left + right, 300 + top + bottom), colour)
    outer.paste(inner, (left, top))
    return np.asarray(outer)


@pytest.mark.parametrize("sides", [(20, 20, 20, 20), (0, 40, 0, 40), (60, 0, 60, 0), (0, 0, 0, 80)])
@pytest.mark.parametrize("colour", [(250, 250, 250), (0, 0, 0), (200, 30, 90)])
def test_a_uniform_border_is_measured(sides: tuple[int, int, int, int], colour: tuple[int, int, int]) -> None:
    view = framed(*sides, colour)
    height, width = view.shape[:2]
    expected = (sides[0] / width, sides[1] / height, 1 - sides[2] / width, 1 - sides[3] / height)
    found = border_box(view)
    assert found is not None
    assert found == pytest.approx(expected, abs=0.012)


def test_a_border_survives_compression() -> None:
    data = encode(Image.fromarray(framed(30, 30, 30, 30)), "JPEG", quality=60)
    found = decode(data)
    assert isinstance(found, Decoded)
    assert found.evidence.border_box == pytest.approx((30 / 460, 30 / 360, 430 / 460, 330 / 360), abs=17 / 360)  # a block of ringing


def test_what_is_no_border() -> None:
    assert border_box(np.asarray(scene())) is None
    assert border_box(np.full((100, 100, 3), 7, np.uint8)) is None
    assert border_box(framed(0, 0, 0, 2)) is None
    assert border_box(np.zeros((5, 200, 3), np.uint8)) is None
    mostly = np.full((300, 300, 3), 255, np.uint8)
    mostly[140:160, 140:160] = 0
    assert border_box(mostly) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2014:03:02 11:22:33", "2014-03-02T11:22:33"),
        (b"2014:03:02 11:22:33\0", "2014-03-02T11:22:33"),
        ("2014-03-02T11:22:33", "2014-03-02T11:22:33"),
        ("0000:00:00 00:00:00", ""),
        ("    :  :     :  :  ", ""),
        ("2014:13:02 11:22:33", ""),
        (None, ""),
        (20140302, ""),
    ],
)
def test_exif_dates(value: object, expected: str) -> None:
    assert taken_at(value) == expected


def test_exif_text_is_one_printable_line() -> None:
    assert exif_text("a\r\n\x1b[31mb\0  c") == "a [31mb c"
    assert exif_text(b"\xff\xfeabc").endswith("abc")
    assert len(exif_text("x" * 10_000)) == 200
    assert exif_text(3) == ""
