"""What happened between two pictures that are one, as names and in words."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

from archiver.model import Relation, Transform
from archiver.picture.rules import Evidence, differs_in_strokes

CROPPED_BELOW = 0.965
"""Share of the fuller picture's content; what is lost by rounding and by a one-pixel frame is not a crop."""
BORDER_BELOW = 0.97
PLAIN_FROM, FRAMED_PLAIN, FRAMED_DETAIL = 0.9, 0.86, 23.0
TURN_COSTS = 0.6
"""Share of the area, by the tangent of the angle, that the corners take of a picture turned within its frame."""
CAPTION_SEAM, CAPTION_PLAIN = 0.65, 0.82
"""Share of the whole above a caption: where an edge shows its strip, and where the strip has the colour of the ground."""
ROTATED_FROM_DEG = 0.8
RESIZED_FROM = 0.03
TONE_FROM, TONE_MOST_FROM = 5.0, 12.0
COLOUR_FROM = 5.0
CHROMA_RATIO_FROM = 1.22
CHROMA_BELOW = 0.85
MARKED_FROM = 0.0025
"""Share of the overlap; encoders leave no marks that are all brighter."""
MARKED_TONE = 1.5
MARKED_EVEN, UNSHARPENED = 0.3, 1.025
"""How much of a mark lies on even ground, and the ratio of fine detail up to which marks along the edges are no sharpening: on six
sets, 72 of 74 watermarks lie like one and 12 of 39 copies that bear none."""
SHARPER_FROM, SOFTENED_FROM = 1.16, 1.08
"""Ratios of fine detail: beyond the first, sharpening alone moves tones; up to the second, encoders do."""
OVERLAY_FROM = 0.004
"""Share of the overlap in one disagreeing region that is more than what encoders leave."""
STRETCHED = 1.08
LETTERED_FROM = 1.4
"""Doublings by which large letters have stronger edges than what they are written over."""

OVERLAYS = ("banner", "badge", "plate", "captioned", "button", "watermark", "inked", "written", "lettering")
"""The rules that hold only where something lies on one of the two."""

_CORNERS = {(0, 0): "at the upper left", (2, 0): "at the upper right", (0, 2): "at the lower left", (2, 2): "at the lower right"}
_EDGES = {(1, 0): "at the top", (1, 2): "at the bottom", (0, 1): "at the left", (2, 1): "at the right", (1, 1): "in the middle"}


def relations(seen: Evidence, rule: str) -> tuple[Relation, ...]:
    """Every relation of a pair held to be the same, the main one first."""
    found = []
    if seen.frame.mirrored:
        found.append(Relation.MIRRORED)
    if abs(seen.frame.angle_deg) >= ROTATED_FROM_DEG:
        found.append(Relation.ROTATED)
    if is_captioned(seen) or is_overlaid(seen, rule):
        found.append(Relation.OVERLAID)
    turned = Relation.ROTATED in found
    if is_cropped_beside_its_turn(seen) if turned else is_cropped(seen) and not is_captioned(seen):
        found.append(Relation.CROPPED)
    if is_bordered(seen) and (seen.frame.seams >= 2 or not turned):
        found.append(Relation.BORDERED)
    if is_recoloured(seen):
        found.append(Relation.RECOLOURED)
    if abs(seen.frame.scale - 1.0) > RESIZED_FROM or seen.frame.stretch > 1.0 + RESIZED_FROM:
        found.append(Relation.RESIZED)
    return tuple(found) or (Relation.RE_ENCODED,)


def is_overlaid(seen: Evidence, rule: str) -> bool:
    """Something lies on one of the two: a rule for overlays joined them, or one compact region stands apart."""
    if rule in OVERLAYS:
        return True
    if is_marked(seen):
        return True
    region = seen.look.region
    return region is not None and seen.look.big >= OVERLAY_FROM and seen.look.one_sign >= 0.85 and region.fill >= 0.5


def is_marked(seen: Evidence) -> bool:
    """A faint mark, all of it brighter or all darker than the picture, whose tones are otherwise left as they were.

    What lies along the edges only is what sharpening and other tones leave there, unless the edges themselves are as they were.
    """
    look = seen.look
    faint = look.marks >= MARKED_FROM and look.tone < MARKED_TONE and look.sharper < SHARPER_FROM
    return faint and (look.marks_even >= MARKED_EVEN or look.sharper < UNSHARPENED)


def is_captioned(seen: Evidence) -> bool:
    """One goes on beyond an edge of the other with a plain strip that has something written on it."""
    shown = min(seen.frame.cover_a, seen.frame.cover_b)
    strip = seen.frame.open_sides == 1 and 0.55 <= seen.frame.outside_plain < 0.985 and seen.frame.outside > 4.0
    least = CAPTION_SEAM if seen.frame.seams else CAPTION_PLAIN
    return strip and least <= shown < CROPPED_BELOW and seen.frame.seams + seen.frame.gutters == 1


def is_cropped(seen: Evidence) -> bool:
    """Content is missing in one, or plain ground that was no frame around it."""
    content = min(seen.frame.content_a, seen.frame.content_b)
    lost = content < CROPPED_BELOW and not is_framed(seen)
    return lost or (min(seen.frame.cover_a, seen.frame.cover_b) < CROPPED_BELOW and not is_bordered(seen))


def is_cropped_beside_its_turn(seen: Evidence) -> bool:
    """More is missing than the corners that a turn within one frame costs."""
    return min(seen.frame.content_a, seen.frame.content_b) < CROPPED_BELOW - TURN_COSTS * math.tan(math.radians(abs(seen.frame.angle_deg)))


def is_framed(seen: Evidence) -> bool:
    """All four sides are bounded, and what lies beyond is plain but for a line or some words, which the ground of a drawing has not."""
    frame = seen.frame
    bounded = frame.open_sides == frame.seams + frame.gutters == 4 and (frame.centred or frame.seams >= 3 or frame.outside > FRAMED_DETAIL)
    return bounded and (frame.border_a or frame.border_b) and frame.outside_plain > FRAMED_PLAIN


def is_bordered(seen: Evidence) -> bool:
    """One has a uniform frame, on all sides or on two, that the other has not."""
    around = min(seen.frame.cover_a, seen.frame.cover_b)
    trimmed = seen.frame.border_a or seen.frame.border_b or seen.frame.seams >= 2 or seen.frame.gutters == 4
    plain = trimmed and seen.frame.outside_plain > PLAIN_FROM and seen.frame.centred
    return around < BORDER_BELOW and (plain or is_framed(seen))


def is_recoloured(seen: Evidence) -> bool:
    """Tones or colours were changed by more than an encoder does."""
    look = seen.look
    ratio = max(look.chroma_ratio, 1.0 / max(0.01, look.chroma_ratio))
    colours = look.colour_difference > COLOUR_FROM or ratio > CHROMA_RATIO_FROM or look.chroma < CHROMA_BELOW
    strongly = look.tone_most > TONE_MOST_FROM and look.sharper < SHARPER_FROM  # sharpening moves the strongest tones as well
    return look.tone > TONE_FROM or strongly or (colours and look.colour_difference > 0.6)


def in_words(names: tuple[Relation, ...], seen: Evidence, laid: Transform, size: tuple[int, int]) -> str:
    """One sentence; `size`: width and height of the fuller picture in pixels."""
    laid = _told_of_what_was_added_to(names, seen, laid)
    parts = [words for name in names if (words := _part(name, seen, laid, size))]
    return "the same picture, " + ", ".join(parts)


def added_to(seen: Evidence) -> Literal["a", "b"]:
    """The larger frame of two, to which a border or a caption was added."""
    return "a" if seen.frame.cover_a < seen.frame.cover_b else "b"


def _told_of_what_was_added_to(names: tuple[Relation, ...], seen: Evidence, laid: Transform) -> Transform:
    """Scale and angle as of the copy with the caption or border, which is the larger frame; else of the one that shows less."""
    added = (Relation.BORDERED in names or is_captioned(seen)) and Relation.CROPPED not in names
    if not added or laid.fuller != added_to(seen) or laid.scale <= 0.0:
        return laid
    return replace(laid, scale=1.0 / laid.scale, angle_deg=laid.angle_deg if laid.mirrored else -laid.angle_deg)


def series_in_words(seen: Evidence) -> str:
    """Why two pictures of one series are not the same."""
    return f"the same surroundings, but {100 * seen.look.bad:.0f} % of what they share shows something else"


def doubt_in_words(seen: Evidence) -> str:
    """Why a pair is left to a person."""
    look = seen.look
    if differs_in_strokes(seen):
        return "all that is large in them agrees, but small letters, figures or pieces differ, as on two sheets of one kind"
    if look.big >= OVERLAY_FROM:
        return (
            f"they agree but for {100 * look.bad:.0f} % of what they share, and what differs there is not clearly a caption, logo or mark"
        )
    if seen.frame.stretch > STRETCHED:
        return f"one of them is stretched by {100 * (seen.frame.stretch - 1):.0f} % in one direction, as few copies are"
    return f"{100 * look.good:.0f} % of the detail they share agrees, which is not enough to be sure"


def _part(name: Relation, seen: Evidence, laid: Transform, size: tuple[int, int]) -> str:
    match name:
        case Relation.MIRRORED:
            return "mirrored left to right"
        case Relation.ROTATED:
            return f"turned by {abs(laid.angle_deg):.1f} degrees {'clockwise' if laid.angle_deg > 0 else 'counter-clockwise'}"
        case Relation.OVERLAID:
            return _overlay(seen, laid, size)
        case Relation.CROPPED:
            return f"cropped to {100 * min(seen.frame.cover_a, seen.frame.cover_b):.0f} % of the area"
        case Relation.BORDERED:
            return "with a border around it"
        case Relation.RECOLOURED:
            grey = min(seen.look.chroma_ratio, 1 / max(0.01, seen.look.chroma_ratio)) < 0.2
            return "turned grey" if grey else "with changed tones or colours"
        case Relation.RESIZED:
            stretched = ", its proportions changed" if seen.frame.stretch > 1.0 + RESIZED_FROM else ""
            return f"rescaled to {laid.scale:.2f}{stretched}" if abs(laid.scale - 1) > RESIZED_FROM else "its proportions changed"
        case Relation.RE_ENCODED:
            return "softened or sharpened" if seen.look.sharper > SOFTENED_FROM else "saved again"
        case _:
            return ""


def _overlay(seen: Evidence, laid: Transform, size: tuple[int, int]) -> str:
    if laid.region is None or seen.look.big < OVERLAY_FROM:
        return "a caption added at its edge" if is_captioned(seen) else "a faint mark laid over it"
    left, top, right, bottom = laid.region
    wide, high = (right - left) / size[0], (bottom - top) / size[1]
    across, down = _third((left + right) / 2 / size[0]), _third((top + bottom) / 2 / size[1])
    if seen.look.edges > LETTERED_FROM and all(seen.look.ends):
        return "large lettering laid over it"
    if seen.look.letters:
        return f"lettering laid over it {_EDGES.get((1, down), 'in the middle')}"
    if wide > 0.7 or high > 0.7:
        return f"a banner laid over it {_EDGES.get((1, down), 'in the middle')}" if wide >= high else "a strip laid over its side"
    if seen.look.parts > 2 and seen.look.spread > 0.6:
        return "a watermark laid over it"
    return f"a logo or caption added {_CORNERS.get((across, down)) or _EDGES[across, down]}"


def _third(share: float) -> int:
    return min(2, max(0, int(share * 3)))
