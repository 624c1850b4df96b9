"""Animations: two are the same when they begin alike and are alike half way; a still is never the same as what moves.

A still of the first frame and the animation are two pictures to whoever keeps them; people may say otherwise.
"""

from __future__ import annotations

from archiver.picture.compare_look import look
from archiver.picture.compare_place import Placement, lay
from archiver.picture.features import Features

LATER_GOOD = 0.9
"""Share of the detail of the middle frames that must agree where the first ones lie on each other."""
LATER_DIFFERENCE = 8.0
"""Mean grey levels by which middle frames without detail may differ."""
LATER_PX = 128


def parted_by_motion(fa: Features, fb: Features, place: Placement) -> str:
    """Why two pictures that lie on each other by `place` are not the same, in words; empty when none of them moves or both move alike."""
    if fa.middle is None and fb.middle is None:
        return ""
    if fa.middle is None or fb.middle is None:
        moving = (fa, place.view_a) if fb.middle is None else (fb, place.view_b)
        frame = "a later frame" if moving[1] == moving[0].middle else "the first frame"
        return f"one is a still that shows {frame} of the other, which is animated"
    if (place.view_a == fa.middle) != (place.view_b == fb.middle):
        return "two animations that share a frame, one its first and one a later one"
    return "" if _alike_later(fa, fb, place) else "two animations that begin alike and go on differently"


def _alike_later(fa: Features, fb: Features, place: Placement) -> bool:
    """Do the middle frames agree where the first ones do?"""
    if fa.middle is None or fb.middle is None:
        return False
    laid = lay(fa.looks[fa.middle], fb.looks[fb.middle], place.matrix, LATER_PX)
    seen = look(laid) if laid is not None else None
    if seen is None:
        return False
    return seen.good >= LATER_GOOD if seen.detail_px else seen.difference <= LATER_DIFFERENCE
