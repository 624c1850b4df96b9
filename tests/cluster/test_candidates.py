from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archiver.cluster.candidates as module
from archiver.cluster.candidates import NEAREST_MAX, candidates
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


def test_chunks_of_matches_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(4)
    sketches = [sketch(rng.randint(1, 9)) for _ in range(40)]
    pictures = [picture(number) for number in range(40)]
    at_once = candidates(pictures, sketches)
    monkeypatch.setattr(module, "CHUNK_PAIRS", 7)
    assert candidates(pictures, sketches) == at_once
    assert len(at_once) > 40


def test_in_a_crowd_of_one_frame_each_meets_its_nearest() -> None:
    """A thousand drawings of one series are no million pairs, and a copy of one of them is still met."""
    rng = np.random.default_rng(2)
    crowd = [
        Points(np.zeros((0, 4), np.float32), np.zeros((0, 32), np.uint8), hashes(int(rng.integers(0, 2**6)) << 40 | 0xFF))
        for _ in range(300)
    ]
    crowd += [Points(crowd[0].points, crowd[0].descriptors, hashes(0xF0F0_0000_0000_0001)) for _ in range(2)]
    found = candidates([picture(number) for number in range(len(crowd))], crowd)
    assert (300, 301) in found
    assert len(found) <= 300 * NEAREST_MAX + 1
    assert all(any(number in pair for pair in found) for number in range(300))


def hashes(value: int) -> np.ndarray:
    return np.array([[value, value, 0, 0]], np.uint64)


def test_a_picture_with_few_corners_needs_fewer_votes() -> None:
    whole = sketch(5)
    part = Points(whole.points[:4], whole.descriptors[:4], whole.hashes)
    assert candidates([picture(0), picture(1)], [whole, part]) == [(0, 1)]
