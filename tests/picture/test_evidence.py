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


def test_grey_is_told_from_the_pixels_not_from_the_format() -> None:
    image = scene()
    for grey in (image.convert("L"), image.convert("L").convert("RGB")):
        for format in ("JPEG", "PNG", "WEBP", "GIF"):
            found = decode(encode(grey, format))
            assert isinstance(found, Decoded)
            assert found.evidence.grey
    found = decode(encode(image, "JPEG", quality=40))
    assert isinstance(found, Decoded)
    assert not found.evidence.grey


def test_exif_text_is_one_printable_line() -> None:
    assert exif_text("a\r\n\x1b[31mb\0  c") == "a [31mb c"
    assert exif_text(b"\xff\xfeabc").endswith("abc")
    assert len(exif_text("x" * 10_000)) == 200
    assert exif_text(3) == ""


def grain(width_px: int, height_px: int) -> Image.Image:
    """A scene whose spectrum falls like that of a photograph, up to the last pixel."""
    chance = np.random.default_rng(11)
    down, across = np.fft.fftfreq(height_px)[:, None], np.fft.rfftfreq(width_px)[None, :]
    amplitude = 1.0 / np.maximum(np.hypot(down, across), 1.0 / width_px) ** 1.1
    pixels = np.fft.irfft2(amplitude * np.exp(2j * np.pi * chance.random(amplitude.shape)), s=(height_px, width_px))
    pixels = 128 + 48 * pixels / pixels.std()
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).convert("RGB")


def effective(image: Image.Image, **options: int) -> int | None:
    found = decode(encode(image, "JPEG", **options))
    assert isinstance(found, Decoded)
    return found.evidence.effective_width_px


@pytest.mark.parametrize("quality", [70, 85, 95])
def test_a_picture_as_it_was_taken_fills_its_size(quality: int) -> None:
    for image in (grain(800, 600), scene(800, 600), grain(2400, 1600), grain(1600, 1200).resize((800, 600))):
        assert effective(image, quality=quality) is None


@pytest.mark.parametrize("kernel", [Image.Resampling.BICUBIC, Image.Resampling.LANCZOS])
@pytest.mark.parametrize("times", [3, 4])
def test_an_enlarged_picture_is_told_from_its_detail(kernel: Image.Resampling, times: int) -> None:
    small = grain(1200 // times, 900 // times)
    found = effective(small.resize((1200, 900), kernel), quality=90)
    assert found is not None
    assert small.width * 0.8 <= found <= small.width * 2


def test_the_effective_width_is_that_of_the_upright_picture() -> None:
    enlarged = grain(300, 400).resize((900, 1200), Image.Resampling.LANCZOS)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = decode(encode(enlarged.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=92, exif=exif))
    assert isinstance(turned, Decoded)
    assert (turned.width_px, turned.height_px) == (900, 1200)
    assert turned.evidence.effective_width_px is not None
    assert 240 <= turned.evidence.effective_width_px <= 500


def test_small_pictures_are_not_judged() -> None:
    assert effective(grain(60, 60).resize((200, 200), Image.Resampling.LANCZOS)) is None
