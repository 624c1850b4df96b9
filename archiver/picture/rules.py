"""When two pictures are the same: each rule a function with its reason, each number in one table.

A rule grades the weakest of its conditions: 0.25 at the loose limit, 0.5 at the normal one, 0.75 at the strict one. The best rule's
grade is the score of the pair, and `strictness` says from which score on a pair is joined.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from archiver.picture.compare_frame import Frame
from archiver.picture.compare_look import Look


@dataclass(frozen=True)
class Band:
    """The limits of one measurement; falling ones (a maximum) have loose > strict."""

    loose: float
    normal: float
    strict: float

    def grade(self, value: float) -> float:
        """0..1; the three limits map to .25, .5 and .75, straight lines between and beyond.

        >>> Band(0.9, 0.95, 0.97).grade(0.95)
        0.5
        """
        sign = 1.0 if self.strict > self.loose else -1.0
        value, loose, normal, strict = (sign * each for each in (value, self.loose, self.normal, self.strict))
        reach = normal - loose if value <= normal else strict - normal
        return min(1.0, max(0.0, 0.5 + 0.25 * (value - normal) / reach))


STRICTNESS = {"loose": 0.35, "normal": 0.5, "strict": 0.7}
"""From which score on a pair is joined."""

GOOD = Band(0.93, 0.96, 0.985)
BIG = Band(0.020, 0.010, 0.005)
COVER = Band(0.65, 0.75, 0.85)
DETAIL_PX = Band(150, 300, 600)
STRETCH = Band(1.15, 1.08, 1.03)


@dataclass(frozen=True)
class Evidence:
    """Everything a rule may look at."""

    look: Look
    frame: Frame
    inliers: int
    matches: int
    text_like: bool = False

    @property
    def cover(self) -> float:
        return max(self.frame.cover_a, self.frame.cover_b, self.frame.content_a, self.frame.content_b)


def untouched(seen: Evidence) -> float:
    """They agree wherever there is something to agree on, and no region stands apart."""
    return min(GOOD.grade(seen.look.good), BIG.grade(seen.look.big), _placed(seen))


def _placed(seen: Evidence) -> float:
    return min(COVER.grade(seen.cover), DETAIL_PX.grade(seen.look.detail_px), STRETCH.grade(seen.frame.stretch))


RULES: dict[str, Callable[[Evidence], float]] = {"untouched": untouched}


def judge(seen: Evidence) -> tuple[float, str]:
    """The best grade and the name of its rule."""
    return max((rule(seen), name) for name, rule in RULES.items())
