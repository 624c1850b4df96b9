"""How copies lie on each other, whatever the order and direction of the pairs."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.model import Fingerprint, Pair, Picture, PictureEvidence, Relation, Transform, Verdict
from archiver.report.drawing import canvas
from archiver.report.registration import Affine, compose, frame, inverse

SAME = Verdict.SAME


def picture(payload: str, width: int, height: int) -> Picture:
    return Picture(payload, "jpeg", width, height, 1, Fingerprint("", (), True), PictureEvidence())


def crop(a: str, b: str, fuller: str, matrix: Affine, score: float = 0.9) -> Pair:
    transform = Transform("a" if fuller == a else "b", (0, 0, 1, 1), 1.0, 0.0, False, matrix)
    return Pair(a, b, SAME, (Relation.CROPPED,), score, "", transform)


WHOLE, HALF, CORNER = picture("a", 1000, 500), picture("b", 400, 400), picture("c", 100, 100)
PICTURES = {"a": WHOLE, "b": HALF, "c": CORNER}
PAIRS = (
    crop("a", "b", "a", (1.0, 0, 200, 0, 1.0, 50)),  # b shows 200..600, 50..450 of a
    crop("b", "c", "b", (2.0, 0, 100, 0, 2.0, 100)),  # c shows 100..300, 100..300 of b
)


@pytest.mark.parametrize("members", list(permutations("abc")))
def test_copies_never_compared_directly_find_their_place_through_others(members: tuple[str, ...]) -> None:
    laid = frame(members, PAIRS, PICTURES)
    assert laid
    assert laid.reference == "a", "the one that shows most, whoever is the keeper"
    assert laid.placed["b"].corners[0] == pytest.approx((200, 50))
    assert laid.placed["c"].corners[0] == pytest.approx((300, 150))
    assert laid.placed["c"].corners[2] == pytest.approx((500, 350))


def test_pairs_in_the_other_direction_give_the_same_places() -> None:
    turned = (crop("b", "a", "a", (1.0, 0, 200, 0, 1.0, 50)), PAIRS[1])
    first, second = frame("cab", PAIRS, PICTURES), frame("cab", turned, PICTURES)
    assert first
    assert second
    assert {p: placed.matrix for p, placed in first.placed.items()} == {p: placed.matrix for p, placed in second.placed.items()}


def test_without_transform_or_pair_the_whole_lies_on_the_whole() -> None:
    small = picture("s", 250, 125)
    laid = frame(("a", "s"), (), {"a": WHOLE, "s": small})
    assert laid
    assert laid.placed["s"].corners == ((0, 0), (1000, 0), (1000, 500), (0, 500))
    assert canvas(laid, {"a": "A", "s": "B"}) is None, "nothing to draw"


def test_a_degenerate_matrix_and_an_unreadable_member_break_nothing() -> None:
    laid = frame(("a", "b", "gone"), (crop("a", "b", "a", (0, 0, 0, 0, 0, 0)),), PICTURES)
    assert laid
    assert set(laid.placed) == {"a", "b"}
    assert frame(("gone",), (), {}) is None


def test_outlines_stay_near_the_picture() -> None:
    far = (crop("a", "b", "a", (1.0, 0, 200, 0, 1.0, 50)), crop("a", "c", "a", (3.0, 0, 900, 0, 3.0, 400)))
    laid = frame("abc", far, PICTURES)
    assert laid
    drawn = canvas(laid, {"a": "A", "b": "B", "c": "C"})
    assert drawn
    numbers = [float(number) for outline in drawn.outlines for point in outline.points.split() for number in point.split(",")]
    assert max(numbers) <= 1060


whole = st.floats(-50, 50)


@given(st.tuples(whole, whole, whole, whole, whole, whole).filter(lambda m: abs(m[0] * m[4] - m[1] * m[3]) > 0.01))
def test_there_and_back_is_where_one_was(matrix: Affine) -> None:
    back = inverse(matrix)
    assert back
    assert compose(back, matrix) == pytest.approx((1, 0, 0, 0, 1, 0), abs=1e-5)
