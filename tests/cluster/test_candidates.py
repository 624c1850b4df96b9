from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.cluster.candidates import candidates
from archiver.model import Fingerprint, Picture, PictureEvidence


@dataclass(frozen=True)
class Points:
    points: np.ndarray
    descriptors: np.ndarray
    hashes: np.ndarray


def picture(number: int, informative: bool = True) -> Picture:
    return Picture(f"{number:064x}", "png", 100, 100, 1, Fingerprint(f"pixels{number}", (), informative), PictureEvidence())


def sketch(seed: int, hashed: int = 0) -> Points:
    rng = np.random.default_rng(seed)
    points = np.column_stack([rng.uniform(0, 400, (40, 2)), np.full(40, 31.0), rng.uniform(0, 360, 40)]).astype(np.float32)
    return Points(points, rng.integers(0, 255, (40, 32), dtype=np.uint8), np.array([[hashed, hashed, 0, 0]], np.uint64))


def test_pictures_that_share_local_features_are_candidates() -> None:
    one, other = sketch(1), sketch(2)
    half = Points(
        np.concatenate([one.points[:20], other.points[20:]]), np.concatenate([one.descriptors[:20], other.descriptors[20:]]), other.hashes
    )
    assert candidates([picture(i) for i in range(3)], [one, half, sketch(3)]) == [(0, 1)]


def test_pictures_with_near_hashes_are_candidates() -> None:
    sketches = [sketch(1, 0xFFFF), sketch(2, 0xFFFE), sketch(3, 0xFFFF_FFFF_0000_0000)]
    assert candidates([picture(i) for i in range(3)], sketches) == [(0, 1)]


def test_pictures_that_show_too_little_are_left_out() -> None:
    assert candidates([picture(0), picture(1, informative=False)], [sketch(1, 7), sketch(1, 7)]) == []


def test_nothing_and_one_have_no_pairs() -> None:
    assert candidates([], []) == []
    assert candidates([picture(0)], [sketch(1)]) == []


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=9), st.randoms(use_true_random=False))
def test_the_order_of_pictures_says_nothing(seeds: list[int], shuffle: random.Random) -> None:
    rows = [(picture(number), sketch(seed, seed * 0x1234567)) for number, seed in enumerate(seeds)]
    mixed = list(rows)
    shuffle.shuffle(mixed)
    found = [
        {frozenset((given_rows[a][0].payload, given_rows[b][0].payload)) for a, b in candidates(*zip(*given_rows, strict=True))}
        for given_rows in (rows, mixed)
    ]
    assert found[0] == found[1]
