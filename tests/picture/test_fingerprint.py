from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import imagehash
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from archiver.model import Fingerprint
from archiver.picture.decode import Decoded, decode
from archiver.picture.fingerprint import MIDDLE, PHASH_KIND, dhash, fingerprint, is_informative, phash

sys.path.append(str(Path(__file__).parent))
from pictures import encode, scene, transparent


def taken(data: bytes) -> Fingerprint:
    found = decode(data)
    assert isinstance(found, Decoded), found
    return fingerprint(found)


def distance(a: Fingerprint, b: Fingerprint) -> int:
    return a.hashes[0].distance_bits(b.hashes[0])


def test_the_hashes_are_those_of_imagehash() -> None:
    for seed in range(20):
        image = scene(seed=seed)
        view = np.asarray(image)
        assert dhash(view).value == int(str(imagehash.dhash(image)), 16)
        assert (phash(view).value ^ int(str(imagehash.phash(image)), 16)).bit_count() <= 3


def test_two_hashes_of_64_bits_that_cannot_be_mixed() -> None:
    first, second = taken(encode(scene())).hashes
    assert (first.length_bits, second.length_bits) == (64, 64)
    with pytest.raises(ValueError, match="compare"):
        first.distance_bits(second)


@pytest.mark.parametrize(
    ("format", "options"),
    [("JPEG", {"quality": 50}), ("WEBP", {"quality": 50}), ("AVIF", {"quality": 60}), ("PNG", {}), ("BMP", {}), ("JPEG2000", {})],
)
def test_an_encoded_copy_is_near(format: str, options: dict) -> None:
    for seed in range(3):
        image = scene(640, 480, seed)
        original = taken(encode(image, "BMP"))
        assert distance(original, taken(encode(image, format, **options))) <= 4
        assert distance(original, taken(encode(image.resize((320, 240)), format, **options))) <= 4


def test_other_pictures_are_far() -> None:
    prints = [taken(encode(scene(seed=seed))) for seed in range(12)]
    assert min(distance(a, b) for at, a in enumerate(prints) for b in prints[:at]) > 12


def test_a_near_flat_picture_keeps_its_bits_under_noise() -> None:
    down = np.linspace(100, 130, 200)[:, None]
    across = np.linspace(0, 20, 300)[None, :] ** 1.5
    noise = np.random.default_rng(3).normal(0, 1.0, (2, 200, 300))
    first, second = (np.repeat((down + across + grain)[..., None], 3, axis=2).astype(np.uint8) for grain in noise)
    assert phash(first).distance_bits(phash(second)) <= 4


def blank(kind: str) -> Image.Image:
    gradient = np.linspace(20, 220, 300)[None, :, None] * np.ones((200, 1, 3))
    grain = np.random.default_rng(5).normal(250, 2, (200, 300, 3)).clip(0, 255)
    return {
        "white": Image.new("RGB", (300, 200), (255, 255, 255)),
        "colour": Image.new("RGB", (300, 200), (200, 10, 90)),
        "gradient": Image.fromarray(gradient.astype(np.uint8)),
        "paper": Image.fromarray(grain.astype(np.uint8)),
        "spacer": Image.new("RGB", (1, 1)),
        "rule": scene(500, 4),
        "nothing": Image.new("RGBA", (64, 64), (255, 0, 0, 0)),
    }[kind]


@pytest.mark.parametrize("kind", ["white", "colour", "gradient", "paper", "spacer", "rule", "nothing"])
def test_blank_pictures_say_too_little(kind: str) -> None:
    image = blank(kind)
    assert not taken(encode(image)).informative
    if image.mode == "RGB":
        assert not taken(encode(image, "JPEG", quality=60)).informative


def test_pictures_with_something_in_them_say_enough() -> None:
    line = Image.new("RGB", (400, 400), (255, 255, 255))
    for at in range(40, 360):
        line.putpixel((at, at), (0, 0, 0))
        line.putpixel((at, at + 1), (0, 0, 0))
        line.putpixel((at, 400 - at), (0, 0, 0))
    isoluminant = np.zeros((100, 100, 3), np.uint8)
    isoluminant[:, :50], isoluminant[:, 50:] = (150, 0, 0), (0, 76, 0)
    checked = np.where(np.indices((64, 64)).sum(axis=0)[..., None] // 8 % 2, 255, 0).astype(np.uint8).repeat(3, axis=2)
    for view in (np.asarray(line), isoluminant, checked, np.asarray(scene(16, 16))):
        assert is_informative(view)


def test_ink_that_shows_on_one_ground_only_is_enough() -> None:
    for ink in ((255, 255, 255, 255), (0, 0, 0, 255)):
        image = Image.new("RGBA", (64, 64), (*ink[:3], 0))
        image.paste(ink, (10, 10, 40, 40))
        found = taken(encode(image))
        assert found.informative
        assert found.hashes[0].value not in {0, 2**64 - 1}


def test_white_icons_of_other_shape_do_not_meet() -> None:
    shapes = []
    for box in ((5, 5, 25, 60), (30, 5, 60, 30)):
        image = Image.new("RGBA", (64, 64), (255, 255, 255, 0))
        image.paste((255, 255, 255, 255), box)
        shapes.append(taken(encode(image)))
    assert distance(*shapes) > 12


def test_an_animation_has_hashes_of_its_middle() -> None:
    frames = [scene(seed=seed) for seed in range(4)]
    found = taken(encode(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True))
    still = taken(encode(frames[2]))
    assert len(found.hashes) == 4
    assert found.hashes[2].kind == PHASH_KIND + MIDDLE
    assert replace(found.hashes[2], kind=PHASH_KIND).distance_bits(still.hashes[0]) == 0


@settings(max_examples=50, deadline=None)
@given(width=st.integers(1, 60), height=st.integers(1, 60), data=st.binary(min_size=1, max_size=100))
def test_any_view_has_a_fingerprint_and_the_same_one_twice(width: int, height: int, data: bytes) -> None:
    needed = width * height * 3
    view = np.frombuffer((data * (needed // len(data) + 1))[:needed], np.uint8).reshape(height, width, 3)
    assert phash(view) == phash(view.copy())
    assert dhash(view) == dhash(view.copy())
    assert is_informative(view) == is_informative(view.copy())


def test_transparent_pictures_are_hashed_over_white() -> None:
    image = transparent(scene(seed=4))
    white = Image.new("RGB", image.size, (255, 255, 255))
    white.paste(image, (0, 0), image)
    assert distance(taken(encode(image)), taken(encode(white))) <= 2
