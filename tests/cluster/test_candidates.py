from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archiver.cluster.corners as corners
from archiver.cluster.candidates import candidates
from archiver.cluster.frames import NEAREST_MAX
from archiver.model import Fingerprint, Picture, PictureEvidence


@dataclass(frozen=True)
class Points:
    points: np.ndarray
    descriptors: np.ndarray
    hashes: np.ndarray
    windows: np.ndarray = field(default_factory=lambda: np.zeros((1, 7), np.uint64))
    cut_to: np.ndarray = field(default_factory=lambda: np.array([-1]))


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


def test_pictures_that_show_too_little_are_a_pair_when_their_pixels_are_equal() -> None:
    plain = [replace(picture(n), fingerprint=Fingerprint("red", (), False)) for n in range(2)]
    assert candidates(plain, [sketch(1, 7), sketch(2, 7)]) == [(0, 1)]


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
    monkeypatch.setattr(corners, "CHUNK_PAIRS", 7)
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


def flipped(descriptors: np.ndarray, bits: int, rng: np.random.Generator) -> np.ndarray:
    """Each descriptor with so many of its bits the other way."""
    planes = np.unpackbits(descriptors, axis=1)
    for row in planes:
        row[rng.choice(256, bits, replace=False)] ^= 1
    return np.packbits(planes, axis=1)


def test_more_is_done_to_find_copies_of_pictures_with_few_corners(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight corners each, whose descriptors a rough copy changed by 40 of 256 bits: further tables bring together what the first miss."""
    rng = np.random.default_rng(11)
    bare = [replace(one, points=one.points[:8], descriptors=one.descriptors[:8]) for one in map(sketch, range(100))]
    copies = [replace(moved(one, 0.0, 0.5), descriptors=flipped(one.descriptors, 40, rng)) for one in bare]
    pictures = [picture(number) for number in range(200)]
    found = candidates(pictures, [*bare, *copies])
    assert all(other == one + 100 for one, other in found)
    monkeypatch.setattr(corners, "SPARSE_TABLES", 0)
    assert len(candidates(pictures, [*bare, *copies])) + 10 < len(found)
    assert len(found) > 80


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=30))
def test_pairs_of_one_key_are_those_of_the_sparse(rows: list[tuple[int, bool]]) -> None:
    keys, sparse = np.array([key for key, _ in rows], np.uint32), np.array([few for _, few in rows], bool)
    pairs = [(int(a), int(b)) for one, other in corners._pairs(keys, sparse) for a, b in zip(one, other, strict=True)]
    wanted = {(a, b) for a in range(len(rows)) for b in range(a + 1, len(rows)) if keys[a] == keys[b] and (sparse[a] or sparse[b])}
    assert len(pairs) == len(wanted)
    assert {(min(pair), max(pair)) for pair in pairs} == wanted


def moved(one: Points, angle_deg: float, scale: float, seed: int | None = None) -> Points:
    """The same descriptors, turned and scaled together; with a seed each at a place of its own."""
    points = one.points.copy()
    turn = np.radians(angle_deg)
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    points[:, :2] = points[:, :2] @ matrix.T + 30.0 if seed is None else np.random.default_rng(seed).uniform(0, 2000, (len(points), 2))
    points[:, 2] *= scale
    points[:, 3] = (points[:, 3] + angle_deg) % 360.0
    return replace(one, points=points)


@pytest.mark.parametrize(("angle_deg", "scale"), [(0.0, 1.0), (17.0, 0.6), (-50.0, 1.9), (180.0, 0.3)])
def test_matches_that_agree_on_scale_and_angle_must_agree_on_the_place_too(angle_deg: float, scale: float) -> None:
    pictures = [picture(0), picture(1)]
    one = sketch(7)
    few = replace(one, points=one.points[:12], descriptors=one.descriptors[:12])
    assert candidates(pictures, [few, moved(few, angle_deg, scale)]) == [(0, 1)]
    assert candidates(pictures, [few, moved(few, angle_deg, scale, seed=3)]) == []


def with_windows(seed: int, frame: int, cut_to: int = -1, **windows: int) -> Points:
    numbers = {"square": 0, "wide": 3, "upper": 5, "lower": 6}
    values = np.zeros((1, 7), np.uint64)
    for name, value in windows.items():
        values[0, numbers[name]] = value
    return replace(sketch(seed, frame), windows=values, cut_to=np.array([cut_to]))


def test_a_frame_like_the_middle_of_another_cut_to_its_ratio_makes_a_pair() -> None:
    whole = with_windows(1, 0xFFFF_0000_0000_FFFF, square=0x1234_5678_9ABC_DEF0)
    square, wide = (with_windows(seed, 0x1234_5678_9ABC_DEF1, cut_to) for seed, cut_to in ((2, 0), (3, 3)))
    pictures = [picture(0), picture(1)]
    assert candidates(pictures, [whole, square]) == [(0, 1)]
    assert candidates(pictures, [whole, wide]) == []


def test_frames_alike_above_or_below_a_banner_make_a_pair() -> None:
    plain = with_windows(1, 0xFFFF_0000_0000_FFFF, upper=0xAAAA_AAAA_0F0F_0F0F, lower=0x3333_CCCC_3333_CCCC)
    above, below, neither = (
        with_windows(2, 0x00FF_00FF_00FF_00FF, upper=0xAAAA_AAAA_0F0F_0F0D),
        with_windows(3, 0xF00F_F00F_0FF0_0FF0, lower=0x3333_CCCC_3333_CCCC),
        with_windows(4, 0x5555_5555_5555_5555, upper=0x3333_CCCC_3333_CCCC),
    )
    assert candidates([picture(i) for i in range(4)], [plain, above, below, neither]) == [(0, 1), (0, 2)]
