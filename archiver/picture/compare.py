"""Two pictures -> one Pair: are they the same picture, how did one become the other, how sure is that.

Order: equal pixels; too little to go by; then every way of laying one on the other is looked at until a rule is satisfied.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import cv2

from archiver.model import Pair, Picture, Relation, Verdict
from archiver.picture.compare_frame import Frame, frame, transform
from archiver.picture.compare_look import Look, look
from archiver.picture.compare_place import Laid, Placement, glance, lay, placements, refine
from archiver.picture.features import Features
from archiver.picture.relations import in_words, relations
from archiver.picture.rules import STRICTNESS, Evidence, judge

LOOK_AT_PX = 192
PLACEMENTS_MAX = 6
ENOUGH = 0.6
"""A score from which on no other placement is tried."""

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
        return Pair(a.payload, b.payload, Verdict.SAME, (Relation.IDENTICAL_PIXELS,), 1.0, "the same pixels in another file")
    if not (a.fingerprint.informative and b.fingerprint.informative):
        return Pair(a.payload, b.payload, Verdict.DIFFERENT, (), 0.0, "one of them shows too little to be known by its look")
    found = find(a, fa, b, fb)
    if found is None:
        return Pair(a.payload, b.payload, Verdict.DIFFERENT, (), 0.0, "no way was found to lay one on the other")
    return _pair(a, fa, b, fb, found, accept)


def _pair(a: Picture, fa: Features, b: Picture, fb: Features, found: Finding, accept: float) -> Pair:
    seen = found.evidence
    laid = transform(a, fa, b, fb, found.place, found.frame, found.look.region, found.laid)
    full = (a.width_px, a.height_px) if laid.fuller == "a" else (b.width_px, b.height_px)
    if found.score >= accept:
        verdict, names = Verdict.SAME, relations(seen, found.rule)
        because = in_words(names, seen, laid, full)
    else:
        verdict, names, because = Verdict.DIFFERENT, (), "they do not agree where they lie on each other"
    return Pair(a.payload, b.payload, verdict, names, round(found.score, 4), because, laid, scores(seen))


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
    return {name: round(value, 4) for name, value in values.items()}


def find(a: Picture, fa: Features, b: Picture, fb: Features) -> Finding | None:
    """The best placement of b on a; None when there is none."""
    best: Finding | None = None
    for place in islice(placements(fa, fb), PLACEMENTS_MAX):
        if not glance(fa, fb, place):
            continue
        for again in (True, False) if place.inliers == 0 else (True,):
            seen = examine(a, fa, b, fb, place, again)
            if seen is not None and (best is None or _rank(seen) > _rank(best)):
                best = seen
            if best is not None and best.score >= ENOUGH:
                return best
    return best


def _rank(found: Finding) -> tuple[float, float]:
    return round(found.score, 6), found.look.good * max(0.0, found.look.median)


def examine(a: Picture, fa: Features, b: Picture, fb: Features, place: Placement, again: bool) -> Finding | None:
    """Refine one placement (if `again`) and look at it; None when the two hardly overlap there."""
    place = refine(fa, fb, place) if again else place
    laid = lay(fa.looks[place.view_a], fb.looks[place.view_b], place.matrix, LOOK_AT_PX)
    seen = look(laid) if laid is not None else None
    if laid is None or seen is None:
        return None
    where = frame(a, fa, b, fb, place, laid)
    score, rule = judge(Evidence(seen, where, place.inliers, place.matches))
    return Finding(place, laid, seen, where, score, rule)
