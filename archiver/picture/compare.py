"""Two pictures -> one Pair: are they the same picture, how did one become the other, how sure is that.

Order: equal pixels; too little to go by; then every way of laying one on the other is looked at until a rule is satisfied.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

import cv2

from archiver.model import Pair, Picture, Relation, Transform, Verdict
from archiver.picture.compare_frame import Frame, frame, transform
from archiver.picture.compare_look import Look, bearer, look
from archiver.picture.compare_motion import parted_by_motion
from archiver.picture.compare_place import Laid, Placement, drift_px, glance, is_worth_a_look, lay, placements, refine
from archiver.picture.features import Features
from archiver.picture.pages import is_part
from archiver.picture.relations import added_to, doubt_in_words, in_words, is_captioned, relations, series_in_words
from archiver.picture.rules import (
    SERIES_CORNERS,
    STRICTNESS,
    UNSURE_BELOW,
    Evidence,
    agrees_but_for_its_rim,
    is_other_colouring,
    is_series,
    is_stretched,
    is_turned,
    judge,
    nearly,
)

LOOK_AT_PX = 176
PLACEMENTS_MAX = 6
ENOUGH = 0.6
"""A score from which on no other placement is tried."""
UNTOUCHED_ENOUGH = 0.5
PART_FROM = 0.3
ALIKE_PX = 3.0
BEARS_FROM = 0.4
"""Doublings. Of 303 marked copies beside their originals, on four sets, 209 were told to be the marked one and 13 the clean one."""
GLANCE_BETTER = 0.02
"""So much more of the detail must agree at a glance for the refined placement to be taken unasked."""
DRIFT_PX = 0.6
"""Pixels of the look by which a refinement must move a corner to be doubted."""

cv2.setNumThreads(1)  # work spreads over processes


@dataclass(frozen=True)
class Finding:
    """One placement with all that was seen of it."""

    place: Placement
    laid: Laid
    look: Look
    frame: Frame
    score: float
    rule: str

    @property
    def evidence(self) -> Evidence:
        return Evidence(self.look, self.frame, self.place.inliers, self.place.matches)


def compare(a: Picture, fa: Features, b: Picture, fb: Features, *, strictness: str = "normal") -> Pair:
    """The verdict on two pictures; the same whichever comes first. Raises KeyError for a strictness not in STRICTNESS."""
    if a.payload > b.payload:
        a, fa, b, fb = b, fb, a, fa
    accept = STRICTNESS[strictness]
    if a.fingerprint.pixels_sha256 == b.fingerprint.pixels_sha256:
        frames = "" if fa.middle is None else " in the first and the middle frame"
        because = f"the same pixels{frames} in another file"
        return Pair(a.payload, b.payload, Verdict.SAME, (Relation.IDENTICAL_PIXELS,), 1.0, because)
    if not (a.fingerprint.informative and b.fingerprint.informative):
        return Pair(a.payload, b.payload, Verdict.DIFFERENT, (), 0.0, "one of them shows too little to be known by its look")
    found = find(a, fa, b, fb)
    if found is None:
        return Pair(a.payload, b.payload, Verdict.DIFFERENT, (), 0.0, "no way was found to lay one on the other")
    return _pair(a, fa, b, fb, found, accept)


def _pair(a: Picture, fa: Features, b: Picture, fb: Features, found: Finding, accept: float) -> Pair:
    seen = found.evidence
    laid = transform(a, fa, b, fb, found.place, found.frame, _marked(found), found.laid)
    full = (a.width_px, a.height_px) if laid.fuller == "a" else (b.width_px, b.height_px)
    verdict, names, because = _verdict(seen, found, accept, laid, full)
    if verdict is Verdict.SAME and (apart := parted_by_motion(fa, fb, found.place)):
        verdict, names, because = Verdict.UNSURE, (Relation.UNSURE,), apart
    score, marked = round(float(found.score), 4), _bearer(found) if Relation.OVERLAID in names else ""
    return Pair(a.payload, b.payload, verdict, names, score, because, laid, scores(seen), marked)


def _bearer(found: Finding) -> Literal["", "a", "b"]:
    if is_captioned(found.evidence):
        return added_to(found.evidence)
    doublings = bearer(found.laid)
    if abs(doublings) < BEARS_FROM:
        return ""
    return "b" if doublings > 0.0 else "a"


def _verdict(
    seen: Evidence, found: Finding, accept: float, laid: Transform, full: tuple[int, int]
) -> tuple[Verdict, tuple[Relation, ...], str]:
    joined = found.score >= accept
    if is_part(seen) and (found.score >= PART_FROM or agrees_but_for_its_rim(seen)):
        page = "the first" if laid.fuller == "a" else "the second"
        share = 100 * min(seen.frame.content_a, seen.frame.content_b)
        return Verdict.UNSURE, (Relation.CONTAINS,), f"{page} is a page that contains the other as {share:.0f} % of its area"
    if joined and is_other_colouring(seen):
        return Verdict.UNSURE, (Relation.UNSURE, Relation.RECOLOURED), "the same picture in other colours"
    if joined and is_turned(seen):
        return Verdict.UNSURE, (Relation.UNSURE, Relation.ROTATED), "the same drawing, turned"
    if joined:
        names = relations(seen, found.rule)
        return Verdict.SAME, names, in_words(names, seen, laid, full)
    if is_series(seen):
        verdict = Verdict.UNSURE if found.score >= accept - UNSURE_BELOW else Verdict.DIFFERENT
        return verdict, (Relation.SAME_SERIES,), series_in_words(seen)
    if found.score >= accept - UNSURE_BELOW or nearly(seen) or is_stretched(seen):
        return Verdict.UNSURE, (Relation.UNSURE,), doubt_in_words(seen)
    return Verdict.DIFFERENT, (), "they do not agree where they lie on each other"


def scores(seen: Evidence) -> dict[str, float]:
    """What was measured, for people and for the grouping: `shown` is the share of the fuller picture that the other one shows."""
    values = {
        "agreement": seen.look.good,
        "correlation": seen.look.whole,
        "detail": seen.look.detail,
        "largest_difference": seen.look.big,
        "one_sidedness": seen.look.one_sign,
        "shown": min(seen.frame.content_a, seen.frame.content_b),
        "covered": max(seen.frame.content_a, seen.frame.content_b),
        "matched_corners": float(seen.inliers),
        "seams": float(seen.frame.seams),
        "tone_change_levels": seen.look.tone,
        "stretch": seen.frame.stretch,
    }
    return {name: round(float(value), 4) for name, value in values.items()}


def find(a: Picture, fa: Features, b: Picture, fb: Features) -> Finding | None:
    """The best placement of b on a; None when there is none."""
    tried: list[tuple[Placement, Finding | None]] = []
    for place in islice(placements(fa, fb), PLACEMENTS_MAX):
        if not place.mirrored and any(seen is not None and _is_another_moment(seen) for _, seen in tried):
            continue
        known = next((number for number, (other, _) in enumerate(tried) if _alike(place, other, fb)), None)
        if known is not None:
            tried[known] = place, _borne_out(tried[known][1], place)
        elif is_worth_a_look(share := glance(fa, fb, place), place):
            tried.append((place, examine(a, fa, b, fb, place, share)))
        if any(seen is not None and seen.score >= ENOUGH for _, seen in tried):
            break
    return max((seen for _, seen in tried if seen is not None), key=_rank, default=None)


def _marked(found: Finding) -> tuple[float, float, float, float] | None:
    """The box, as shares of the overlap's frame, of what lies on one of the two."""
    if found.rule == "banner" and found.look.strip is not None:
        return found.look.strip.box
    return found.look.region.box if found.look.region is not None else None


def _is_another_moment(found: Finding) -> bool:
    """Do corners lead to another moment of one place? Then only the mirrored frame may still say otherwise."""
    return found.place.inliers >= SERIES_CORNERS and is_series(found.evidence)


def _is_untouched(found: Finding) -> bool:
    return found.score >= UNTOUCHED_ENOUGH and found.rule == "untouched"


def _borne_out(found: Finding | None, place: Placement) -> Finding | None:
    """The same finding, once matched corners lead to its place too."""
    if found is None or found.place.inliers >= place.inliers:
        return found
    found = replace(found, place=replace(found.place, inliers=place.inliers, matches=place.matches))
    score, rule = judge(found.evidence)
    return replace(found, score=score, rule=rule)


def _alike(one: Placement, other: Placement, fb: Features) -> bool:
    """Would refining lead both to one place?"""
    views = one.view_a == other.view_a and one.view_b == other.view_b
    return views and drift_px(one.matrix, other.matrix, fb.looks[one.view_b]) < ALIKE_PX


def _rank(found: Finding) -> tuple[float, float]:
    return round(found.score, 6), _agreement(found)


def _agreement(found: Finding) -> float:
    return found.look.good * max(0.0, found.look.median)


def examine(a: Picture, fa: Features, b: Picture, fb: Features, place: Placement, share: float) -> Finding | None:
    """Refine one placement and look at it; None when the two hardly overlap there. `share`: what agreed there at a glance.

    A banner can lead the refinement astray: where no rule is satisfied and the placement as it came agreed no less at a glance, it is
    looked at too, and of the two the one is taken in which more agrees, not the one that a rule likes better.
    """
    better = refine(fa, fb, place)
    refined = _look_at(a, fa, b, fb, better)
    if refined is not None and (_is_untouched(refined) or is_series(refined.evidence)):
        return refined
    if drift_px(better.matrix, place.matrix, fb.looks[place.view_b]) < DRIFT_PX or glance(fa, fb, better) > share + GLANCE_BETTER:
        return refined
    rough = _look_at(a, fa, b, fb, place)
    found = [each for each in (refined, rough) if each is not None]
    return max(found, key=_agreement, default=None)


def _look_at(a: Picture, fa: Features, b: Picture, fb: Features, place: Placement) -> Finding | None:
    laid = lay(fa.looks[place.view_a], fb.looks[place.view_b], place.matrix, LOOK_AT_PX)
    seen = look(laid) if laid is not None else None
    if laid is None or seen is None:
        return None
    where = frame(a, fa, b, fb, place, laid)
    score, rule = judge(Evidence(seen, where, place.inliers, place.matches))
    return Finding(place, laid, seen, where, score, rule)
