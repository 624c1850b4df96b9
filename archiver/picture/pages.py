"""Is the smaller of two pictures a part of a page, as of a collage, a sheet of drawings or a screenshot?

A page contains its parts and is none of them: such a pair joins nothing, whatever the rules say of how well the two agree.
"""

from __future__ import annotations

from archiver.picture.rules import FLAT_GROUND, Evidence

PART_BELOW = 0.62
"""Share of the larger picture below which the smaller one may be a part of its page."""
PICTURE_BELOW, PICTURE_DETAIL, PICTURE_PLAIN = 0.85, 20.0, 0.55
"""The same where what is beside it is no strip of one colour but has the detail of another picture."""
HALF_BELOW = 0.55
"""The same where only gutters tell: half a page of two parts, with some slack."""
DRAWING_BELOW = 0.80
"""The same for drawings on plain ground that go on at one side only: what stands there, as dots above a letter, makes another of it."""
SHEET_BELOW = 0.3
"""Share of a sheet below which one of its four and more drawings lies."""
PAGE_DETAIL = 4.0


def is_part(seen: Evidence) -> bool:
    """The smaller stands on the larger as on a page: edges or gutters run along its sides, and beyond them is more than a plain border.

    A crop of a drawing or of a page of text is bounded by plain ground too, ground that goes on: where it has several open sides, half of
    them must be bounded by more than that, unless it is as small as one of many drawings on a sheet.
    """
    frame = seen.frame
    bounded = frame.seams + frame.gutters
    share = min(frame.cover_a, frame.cover_b)
    if frame.open_sides > 1 and 2 * (bounded - frame.grounds) < frame.open_sides and share >= SHEET_BELOW:
        return False
    another = frame.outside > PICTURE_DETAIL and frame.outside_plain < PICTURE_PLAIN and bounded == frame.open_sides
    below = PICTURE_BELOW if another else PART_BELOW
    pasted = min(frame.content_a, frame.content_b) < below and frame.seams > 0 and bounded >= max(1, frame.open_sides - 1)
    half = DRAWING_BELOW if frame.open_sides == 1 and seen.look.ground > FLAT_GROUND else HALF_BELOW
    apart = share < half and 0 < frame.open_sides <= bounded
    return frame.outside > PAGE_DETAIL and (pasted or apart)
