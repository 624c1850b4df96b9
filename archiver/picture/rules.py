"""When two pictures are the same: each rule a function with its reason, each number in one table.

A rule grades the weakest of its conditions: 0.25 at the loose limit, 0.5 at the normal one, 0.75 at the strict one. The best rule's
grade is the score of the pair, and `strictness` says from which score on a pair is joined.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from archiver.picture.compare_frame import Frame
from archiver.picture.compare_look import Look, Region


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


STRICTNESS = {"lax": 0.35, "normal": 0.5, "strict": 0.7}
"""From which score on a pair is joined. Right among the pairs joined on 470 pictures (docs/detection.md): 749 of 752, 742 of 742 and
680 of 680; copies found: 98.9, 98.9 and 93.9 of 100."""

GOOD = Band(0.93, 0.96, 0.985)
BIG = Band(0.020, 0.010, 0.005)
COVER = Band(0.65, 0.75, 0.85)
DETAIL_PX = Band(150, 300, 600)
STRETCH = Band(1.15, 1.08, 1.03)
CORNERS = Band(7, 14, 40)
"""Matched corners that agree on the placement, for rules that overlook a region."""
FLAT_GROUND = 0.60
CORNERS_FLAT = Band(14, 30, 80)
"""The same for drawings that are mostly plain ground, little of which shows where they lie on each other."""

MIRRORED_GOOD = Band(0.95, 0.97, 0.99)
"""A mirrored sign is another sign; only near-perfect agreement tells a mirrored copy."""
REST = Band(0.94, 0.962, 0.985)
"""Agreement outside the overlooked region."""
STRAY = Band(0.014, 0.007, 0.003)
ONE_SIGN = Band(0.93, 0.96, 0.985)
STROKES, STROKES_BOTH = ((0.006, 26.0), (0.015, 20.0)), 0.15
STROKES_SHARPER, STROKES_TONE, STROKES_NOISE = 1.05, 1.0, 5.0
"""Of two frames that lie on each other with nothing else changed: how much may differ at half the size, and how strongly, before it is
other figures or letters; beyond these sharpness, tones and noise such differences come about otherwise. On six
sets 4 of 4,243 copies."""
COARSE = Band(0.980, 0.988, 0.996)
COARSE_BIG = Band(0.004, 0.002, 0.001)
SHARPER = Band(1.12, 1.25, 1.4)
COARSE_CORNERS = Band(30, 50, 100)
THROUGH = Band(0.60, 0.72, 0.90)
LETTERS = Band(2, 3, 6)
LETTERS_REST = Band(0.970, 0.985, 0.995)
LETTERS_SIGN = Band(0.88, 0.92, 0.98)
PLAIN = Band(0.36, 0.46, 0.60)
FRAMES = Band(0.93, 0.96, 0.99)
"""Share of both pictures that lies on the other when frame lies on frame."""
BANNER_LONG, BANNER_LINE = Band(0.72, 0.80, 0.95), Band(0.30, 0.24, 0.16)
"""Width and height of a line of letters without a ground of its own."""
BANNER_ACROSS, BANNER_SHORT = Band(0.86, 0.925, 0.97), Band(0.42, 0.34, 0.25)
"""The same for a strip that runs from side to side."""
BANNER_EDGES, BANNER_REST, BANNER_CORNERS = Band(0.93, 0.96, 0.985), Band(0.970, 0.985, 0.995), Band(5, 9, 25)
"""What lies from side to side is hardly a part of a drawing: few corners will do where all else agrees."""
BEYOND = Band(0.950, 0.968, 0.985)
"""Agreement above and below a strip."""
BANNER_FILL = Band(0.36, 0.45, 0.65)
COVERED_FILL, COVERED_REST, COVERED_CORNERS = Band(0.58, 0.70, 0.85), Band(0.985, 0.995, 0.999), Band(30, 60, 120)
"""No limb fills a strip from side to side: of whatever colours it is, something was laid over."""
BANNER_STEP = Band(0.30, 0.50, 0.80)
BANNER_PLAIN = Band(0.46, 0.56, 0.70)
BANNER_BOTH = Band(1.08, 1.14, 1.30)
"""Sum of plainness and one-sidedness: a half-transparent strip is something of either."""
BANNER_EITHER = Band(0.92, 0.98, 1.02)
"""How plain and how one-sided the strip is: two pictures in one frame, as in screenshots of an app, are neither."""
BANNER_TELLS = Band(0.70, 0.76, 0.81)
"""Share of the detail that agrees, and how plain the strip is: one of many colours that holds most of the detail is another picture."""
BANNER_SIGN = Band(0.84, 0.90, 0.97)
BANNER_LEVEL = Band(9.0, 7.0, 5.0)
"""Degrees to the nearest quarter turn: a strip runs along a side of the picture that bears it, and copies are straightened by a few."""
BADGE_SIDE = Band(0.42, 0.36, 0.25)
BADGE_FILL = Band(0.50, 0.58, 0.75)
BADGE_CORNER = Band(0.10, 0.065, 0.03)
PATCHED_COVER = Band(0.78, 0.86, 0.95)
"""Share of one of the two that lies on the other: of letters and signs that share a stroke each has something in a corner, and neither
lies on the other. No copy with a patch on seven sets has less than .92."""
PLATE_FILL = Band(0.38, 0.48, 0.70)
PLATE_CORNER = Band(0.11, 0.075, 0.03)
PLATE_DETAIL = Band(0.40, 0.55, 0.75)
PLATE_REST = Band(0.970, 0.983, 0.993)
PLATE_CORNERS = Band(30, 60, 120)
"""For patches that are not of one colour: a picture full of detail that agrees everywhere else, on many corners."""
BUTTON_CENTRE, BUTTON_SIDE, BUTTON_FILL = Band(0.040, 0.028, 0.012), Band(0.42, 0.36, 0.22), Band(0.44, 0.52, 0.70)
BUTTON_REST, BUTTON_CORNERS, BUTTON_GROUND = Band(0.980, 0.990, 0.997), Band(60, 110, 200), Band(0.62, 0.56, 0.40)
BUTTON_DETAIL, BUTTON_FRAMES = Band(0.35, 0.45, 0.70), Band(0.94, 0.96, 0.99)
"""Only on pictures full of detail: signs and cards bear their symbols in the middle."""
CAPTIONED_EDGES, CAPTIONED_WIDE, CAPTIONED_REST = Band(1.4, 1.8, 2.3), Band(0.50, 0.65, 0.90), Band(0.980, 0.990, 0.997)
CAPTIONED_CORNERS, CAPTIONED_DETAIL, CAPTIONED_GROUND = Band(40, 70, 120), Band(0.35, 0.50, 0.80), Band(0.60, 0.50, 0.20)
"""On photographs: letters on plain ground are the picture itself, as on cards and posters."""
VEIL_BIG = Band(0.16, 0.12, 0.06)
VEIL_REST = Band(0.88, 0.925, 0.97)
VEIL_GROUND = Band(0.72, 0.66, 0.50)
"""Signs on plain ground, as on playing cards, differ like marks do: the picture must have more than ground to show through."""
VEIL_SPREAD = Band(0.40, 0.50, 0.70)

INK_LEAST, INK_MOST = Band(0.010, 0.020, 0.035), Band(0.20, 0.17, 0.13)
"""Share of the picture that a mark's letters take; a drawing in other tones differs over more of it."""
INK_BIG, INK_SIGN, INK_THROUGH = Band(0.10, 0.08, 0.04), Band(0.985, 0.994, 0.999), Band(0.75, 0.83, 0.93)

WRITTEN_STROKES, WRITTEN_DENSE, WRITTEN_UNEQUAL = Band(3.5, 5.0, 9.0), Band(4.0, 5.2, 8.0), Band(1.12, 1.24, 1.50)
WRITTEN_HIGH, WRITTEN_WIDE, WRITTEN_TAKEN = Band(0.20, 0.17, 0.12), Band(0.4, 0.5, 0.7), Band(0.82, 0.74, 0.55)
WRITTEN_WITHIN, WRITTEN_STRENGTH = Band(0.90, 0.95, 0.99), Band(110, 95, 75)
WRITTEN_REST, WRITTEN_STRAY, WRITTEN_REST_PX = Band(0.970, 0.985, 0.995), Band(0.006, 0.003, 0.001), 150
"""Chosen on 226 pictures marked in white with a dark rim and 3,952 pairs of look-alikes: 171 and none are graded above normal."""

SMOOTH_DETAIL = Band(0.16, 0.10, 0.04)
SMOOTH_LEAST = Band(0.004, 0.012, 0.05)
SMOOTH_WHOLE = Band(0.94, 0.97, 0.99)
SMOOTH_BAD = Band(0.008, 0.004, 0.001)
SMOOTH_DIFFERENCE = Band(6.0, 4.0, 2.0)
SMOOTH_CHROMA = Band(0.90, 0.95, 0.98)


@dataclass(frozen=True)
class Evidence:
    """Everything a rule may look at."""

    look: Look
    frame: Frame
    inliers: int
    matches: int

    @property
    def cover(self) -> float:
        return max(self.frame.cover_a, self.frame.cover_b, self.frame.content_a, self.frame.content_b)


def untouched(seen: Evidence) -> float:
    """They agree wherever there is something to agree on, and no region stands apart."""
    agree = min(GOOD.grade(seen.look.good), BIG.grade(seen.look.big), _placed(seen))
    return min(agree, DOUBTED) if differs_in_strokes(seen) else agree


def differs_in_strokes(seen: Evidence) -> bool:
    """Two pictures of one template: all that is large agrees to the pixel, and small letters, figures or pieces are others."""
    look, frame = seen.look, seen.frame
    upright = abs(frame.angle_deg) < 0.3 and frame.stretch < 1.004 and min(frame.cover_a, frame.cover_b) > 0.97
    as_it_was = look.sharper < STROKES_SHARPER and look.tone < STROKES_TONE and look.noise < STROKES_NOISE
    others = any(look.strokes > share and look.strokes_most > levels for share, levels in STROKES)
    return upright and as_it_was and others and look.strokes_both > STROKES_BOTH


def softened(seen: Evidence) -> float:
    """One was blurred or sharpened: at half the size, without the finest detail, they agree wherever there is something to agree on."""
    alike = min(COARSE.grade(seen.look.coarse), COARSE_BIG.grade(seen.look.coarse_big), SHARPER.grade(seen.look.sharper))
    return min(alike, COARSE_CORNERS.grade(seen.inliers), _placed(seen))


def banner(seen: Evidence) -> float:
    """All that stands apart is one strip from left to right: flat, one-sided as lettering is and limbs are not, or filled as by no limb."""
    strip = seen.look.strip
    if strip is None:
        return 0.0
    sided, across = BANNER_SIGN.grade(strip.one_sign), BANNER_ACROSS.grade(strip.wide)
    line = min(BANNER_LONG.grade(strip.wide), BANNER_LINE.grade(strip.high), sided)
    both = BANNER_BOTH.grade(strip.plain + strip.one_sign)
    covered = min(
        BANNER_EDGES.grade(strip.wide), COVERED_FILL.grade(strip.fill), COVERED_REST.grade(strip.rest), COVERED_CORNERS.grade(seen.inliers)
    )
    flat = max(BANNER_PLAIN.grade(strip.plain), BANNER_STEP.grade(strip.step), both, sided, covered)
    laid_over = max(line, min(across, BANNER_SHORT.grade(strip.high), flat))
    laid_over = min(laid_over, BANNER_TELLS.grade(seen.look.good + strip.plain), BANNER_EITHER.grade(strip.plain + strip.one_sign))
    level = BANNER_LEVEL.grade(abs((seen.frame.angle_deg + 45.0) % 90.0 - 45.0))
    sure = min(BANNER_EDGES.grade(strip.wide), BANNER_REST.grade(strip.rest), BANNER_CORNERS.grade(seen.inliers), _placed(seen))
    alike = min(BANNER_FILL.grade(strip.fill), BEYOND.grade(strip.rest), STRAY.grade(strip.stray))
    return min(laid_over, level, alike, max(sure, _surely_placed(seen)))


def badge(seen: Evidence) -> float:
    """All that stands apart is compact, flat-coloured patches in corners, where logos are put."""
    look = seen.look
    sure = min(REST.grade(look.rest), STRAY.grade(look.scattered), PATCHED_COVER.grade(seen.cover), _surely_placed(seen))
    return min(_patches(look.regions, BADGE_FILL, BADGE_CORNER), PLAIN.grade(_plain(seen)), sure)


def plate(seen: Evidence) -> float:
    """All that stands apart is compact patches in corners, of any colours, on a picture full of detail that surely agrees elsewhere."""
    look = seen.look
    sure = min(PLATE_DETAIL.grade(look.detail), PLATE_REST.grade(look.rest), PLATE_CORNERS.grade(seen.inliers))
    apart = min(_patches(look.regions, PLATE_FILL, PLATE_CORNER), STRAY.grade(look.scattered))
    return min(apart, sure, PATCHED_COVER.grade(seen.cover), _placed(seen))


def _patches(regions: tuple[Region, ...], fill: Band, corner: Band) -> float:
    grades = (min(BADGE_SIDE.grade(max(each.wide, each.high)), fill.grade(each.fill), corner.grade(each.to_corner)) for each in regions)
    return min(grades, default=0.0)


def button(seen: Evidence) -> float:
    """All that stands apart is one compact patch in the very middle, where players draw their button, on a picture full of detail."""
    look, region = seen.look, seen.look.region
    if region is None or look.parts != 1:
        return 0.0
    off = max(abs(region.box[0] + region.box[2] - 1.0), abs(region.box[1] + region.box[3] - 1.0)) / 2.0
    patch = min(BUTTON_CENTRE.grade(off), BUTTON_SIDE.grade(max(region.wide, region.high)), BUTTON_FILL.grade(region.fill))
    rich = min(BUTTON_DETAIL.grade(look.detail), BUTTON_GROUND.grade(look.ground), BUTTON_CORNERS.grade(seen.inliers))
    frames = BUTTON_FRAMES.grade(min(seen.frame.content_a, seen.frame.content_b))
    return min(patch, rich, frames, BUTTON_REST.grade(look.rest), STRAY.grade(look.scattered), _placed(seen))


def captioned(seen: Evidence) -> float:
    """All that stands apart runs along the upper and the lower end, and the one picture has far stronger edges there: large letters."""
    look = seen.look
    if not look.edges:
        return 0.0
    wide = min(CAPTIONED_WIDE.grade(wide) for wide in look.ends if wide)
    rich = min(CAPTIONED_DETAIL.grade(look.detail), CAPTIONED_GROUND.grade(look.ground))
    sure = max(CAPTIONED_CORNERS.grade(seen.inliers), FRAMES.grade(min(seen.frame.content_a, seen.frame.content_b)))
    alike = min(CAPTIONED_REST.grade(look.rest), STRAY.grade(look.scattered))
    return min(CAPTIONED_EDGES.grade(look.edges), wide, rich, sure, alike, _placed(seen))


def watermark(seen: Evidence) -> float:
    """What stands apart is only ever brighter (or only darker), and the picture shows through it."""
    through = min(
        THROUGH.grade(seen.look.through),
        ONE_SIGN.grade(seen.look.one_sign),
        VEIL_BIG.grade(seen.look.big),
        VEIL_SPREAD.grade(seen.look.spread),
    )
    return min(through, VEIL_REST.grade(seen.look.rest), VEIL_GROUND.grade(seen.look.ground), _surely_placed(seen))


def inked(seen: Evidence) -> float:
    """Nothing is darker anywhere and little is brighter (or the other way about), and the picture shows through that."""
    look = seen.look
    ink = min(INK_LEAST.grade(look.marks), INK_MOST.grade(look.marks), INK_BIG.grade(look.big), INK_SIGN.grade(look.one_sign))
    return min(ink, INK_THROUGH.grade(look.through), VEIL_REST.grade(look.rest), _surely_placed(seen))


def written(seen: Evidence) -> float:
    """All that stands apart is fine and lies in a few low rows, where the one picture has more detail: letters, whatever their rims."""
    rows = seen.look.written
    if rows is None or rows.rest_px < WRITTEN_REST_PX:
        return 0.0
    fine = min(WRITTEN_STROKES.grade(rows.strokes), WRITTEN_DENSE.grade(rows.dense), WRITTEN_UNEQUAL.grade(rows.unequal))
    low = min(WRITTEN_HIGH.grade(rows.high), WRITTEN_WIDE.grade(rows.wide), WRITTEN_TAKEN.grade(rows.taken))
    laid_over = min(WRITTEN_WITHIN.grade(rows.within), WRITTEN_STRENGTH.grade(rows.strength))
    alike = min(WRITTEN_REST.grade(rows.rest), WRITTEN_STRAY.grade(rows.stray))
    frames = FRAMES.grade(min(seen.frame.content_a, seen.frame.content_b))
    return min(fine, low, laid_over, alike, max(CORNERS.grade(seen.inliers), frames), _placed(seen))


def lettering(seen: Evidence) -> float:
    """All that stands apart is one row of letters, brighter or darker than what they were written on."""
    text = min(LETTERS.grade(seen.look.letters), LETTERS_SIGN.grade(seen.look.one_sign))
    return min(text, LETTERS_REST.grade(seen.look.rest), _surely_placed(seen))


def smooth(seen: Evidence) -> float:
    """Hardly any detail to compare, but frame lies on frame and the two run alike in brightness and in colour."""
    plain = min(SMOOTH_DETAIL.grade(seen.look.detail), SMOOTH_BAD.grade(seen.look.bad), SMOOTH_DIFFERENCE.grade(seen.look.difference))
    something = max(SMOOTH_LEAST.grade(seen.look.detail), CORNERS.grade(seen.inliers))
    alike = min(SMOOTH_WHOLE.grade(seen.look.whole), SMOOTH_CHROMA.grade(seen.look.chroma))
    return min(plain, something, alike, STRETCH.grade(seen.frame.stretch), COVER.grade(seen.cover - 0.1))


def _plain(seen: Evidence) -> float:
    return max(seen.look.plain_a, seen.look.plain_b)


def _surely_placed(seen: Evidence) -> float:
    """Enough corners agree on the place, or frame lies on frame."""
    corners = CORNERS_FLAT if seen.look.ground > FLAT_GROUND else CORNERS
    frames = FRAMES.grade(min(seen.frame.content_a, seen.frame.content_b))
    return min(max(corners.grade(seen.inliers), frames), _placed(seen))


def _placed(seen: Evidence) -> float:
    return min(COVER.grade(seen.cover), DETAIL_PX.grade(seen.look.detail_px), STRETCH.grade(seen.frame.stretch))


RULES: dict[str, Callable[[Evidence], float]] = {
    "untouched": untouched,
    "softened": softened,
    "banner": banner,
    "badge": badge,
    "plate": plate,
    "captioned": captioned,
    "button": button,
    "watermark": watermark,
    "inked": inked,
    "written": written,
    "lettering": lettering,
    "smooth": smooth,
}


RIM_GOOD = 0.75


def agrees_but_for_its_rim(seen: Evidence) -> bool:
    """What was fitted to a page lost something at its sides: but for one region there the two agree perfectly."""
    return seen.look.good > RIM_GOOD and seen.look.rest > NEARLY_REST and _surely_placed(seen) >= 0.5


DOUBTED = 0.34
"""Below every strictness, and near enough to be shown."""
UNSURE_BELOW = 0.2
"""How far below the accepting score a pair is still shown to a person."""
NEARLY_GOOD, NEARLY_REST = 0.6, 0.985
STRETCHED_MOST = 1.6
SERIES_GOOD, SERIES_CORNERS = 0.6, 20
FLAT_DETAIL = 0.65
TURNED_DEG = 15.0
FADED, FADED_TONE = 0.2, 4.0
"""Colourfulness against the other, and mean change in grey levels."""
COLOURING_CHROMA, COLOURING_CHROMA_RICH, COLOURING_SHIFT = 0.85, 0.2, 12.0


def is_series(seen: Evidence) -> bool:
    """One place, another moment: the surroundings agree, and where they do not, one is as often brighter as darker."""
    look = seen.look
    laid = seen.inliers >= SERIES_CORNERS or min(seen.frame.content_a, seen.frame.content_b) > FRAMES.normal
    return laid and look.good > SERIES_GOOD and look.big > BIG.loose and look.one_sign < BANNER_SIGN.loose


def is_stretched(seen: Evidence) -> bool:
    """They agree as copies do, but one is squeezed in one direction by more than the web does to pictures."""
    agree = min(GOOD.grade(seen.look.good), BIG.grade(seen.look.big), COVER.grade(seen.cover), DETAIL_PX.grade(seen.look.detail_px))
    return agree >= 0.5 and STRETCH.normal < seen.frame.stretch < STRETCHED_MOST


def nearly(seen: Evidence) -> bool:
    """Outside one odd region the two agree perfectly, and the region is of no known kind."""
    look = seen.look
    return look.good > NEARLY_GOOD and look.rest > NEARLY_REST and look.one_sign > BANNER_SIGN.loose and _surely_placed(seen) >= 0.5


def is_other_colouring(seen: Evidence) -> bool:
    """Flat art whose shapes agree and whose colours are quite others; in pictures full of detail only where colours are reversed.

    Turned grey a drawing keeps its brightness: colourless and of other brightness it is the drawing in black and white.
    """
    look = seen.look
    flat = look.detail < FLAT_DETAIL
    faded = min(look.chroma_ratio, 1.0 / max(0.01, look.chroma_ratio)) < FADED
    if faded and flat and look.tone > FADED_TONE:
        return True
    return look.chroma < (COLOURING_CHROMA if flat else COLOURING_CHROMA_RICH) and look.colour_shift > COLOURING_SHIFT


def is_turned(seen: Evidence) -> bool:
    """A drawing on plain ground that was turned, as an arrow: another sign."""
    return abs(seen.frame.angle_deg) > TURNED_DEG and seen.look.ground > FLAT_GROUND


def judge(seen: Evidence) -> tuple[float, str]:
    """The best grade and the name of its rule; the first in RULES where several are equal."""
    best, name = 0.0, "none"
    limit = MIRRORED_GOOD.grade(seen.look.good) if seen.frame.mirrored else 1.0
    for each, rule in RULES.items():
        grade = min(limit, rule(seen))
        if grade > best:
            best, name = grade, each
    return best, name
