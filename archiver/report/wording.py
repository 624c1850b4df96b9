"""The report's words: counts, sizes, reasons, and how one picture became the other."""

from __future__ import annotations

from datetime import datetime

from archiver.model import Pair, Picture, Reason, Relation, Transform, Verdict

REASONS: dict[Reason, tuple[str, str]] = {
    Reason.HTTP_ERROR: ("The server said no", "It answered with an error status."),
    Reason.NOT_IMAGE: ("Not a picture", "The answer is a page or another kind of file, as parked and redirected addresses give."),
    Reason.CORRUPT: ("Damaged", "The bytes are archived, but no decoder makes a picture of them."),
    Reason.UNSUPPORTED: ("Not supported", "Archived as it came; pictures of this kind are compared by their bytes alone."),
    Reason.EMPTY: ("Empty answer", "The server answered without content."),
    Reason.TRUNCATED: ("Cut short", "The connection ended before the whole file had come; the part that came is archived."),
    Reason.TOO_LARGE: ("Too large", "Larger than the limit set for this run."),
    Reason.BLOCKED: ("Not allowed", "Refused before anything was sent: a private address, a scheme or a rule."),
    Reason.REDIRECT_ERROR: ("Redirects that lead nowhere", "Too many, in a circle, or to an address that cannot be fetched."),
    Reason.DNS_ERROR: ("Host not found", "The name of the host no longer resolves."),
    Reason.TLS_ERROR: ("No secure connection", "The certificate is expired, wrong or not trusted."),
    Reason.TIMEOUT: ("Too slow", "No answer, or not all of it, in time."),
    Reason.NETWORK_ERROR: ("No connection", "The connection was refused or broke."),
}
"""Reason -> its heading and what it means."""

OF_FILES: dict[Reason, tuple[str, str]] = {
    Reason.NOT_IMAGE: ("Not a picture", "Text, a page or another kind of file."),
    Reason.CORRUPT: ("Damaged", "No decoder makes a picture of it; compared by its bytes alone."),
    Reason.UNSUPPORTED: ("Not decoded", "Pictures of this kind are compared by their bytes alone."),
    Reason.EMPTY: ("Empty", "There is nothing in it."),
    Reason.TRUNCATED: ("Cut short", "Only a part of it is there."),
}
"""The same of files and of archives that were there before: nobody asked a server for them."""

CUT_OFF = "The capture was cut off: this is what there is of it. The same `archiver archive` again goes on with it."
SAME_FILE = "the same file, byte for byte"


def reason(status: str, *, fetched: bool = True) -> tuple[str, str]:
    """The heading for a status word and what it means; the word itself and nothing when it is of a later version.

    `fetched`: the pictures of a post were; those that `dedup` looks at lay there already.

    >>> reason("unsupported")[0], reason("unsupported", fetched=False)[0], reason("a later word")
    ('Not supported', 'Not decoded', ('a later word', ''))
    """
    if status not in set(Reason):
        return status, ""
    known = Reason(status)
    return REASONS[known] if fetched else OF_FILES.get(known, REASONS[known])


def count(n: int, one: str, many: str = "") -> str:
    """
    >>> count(1, "copy", "copies"), count(1200, "picture")
    ('1 copy', '1,200 pictures')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def size(n_bytes: int) -> str:
    """
    >>> size(999), size(1536), size(2_500_000)
    ('999 B', '1.5 kB', '2.5 MB')
    """
    if n_bytes < 1000:
        return f"{n_bytes} B"
    value = float(n_bytes)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.5:
            return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"
    return f"{value / 1000:.1f} TB"


def sentence(words: str) -> str:
    """
    >>> sentence("the same picture, turned grey"), sentence("Why?"), sentence("")
    ('The same picture, turned grey.', 'Why?', '')
    """
    words = words.strip()
    return words and words[0].upper() + words[1:] + ("" if words[-1] in ".!?…" else ".")


def day(moment: str) -> str:
    """The day of an ISO 8601 moment; other words as they are.

    >>> day("2020-11-09T06:12:49.198602"), day("last spring")
    ('2020-11-09', 'last spring')
    """
    try:
        return datetime.fromisoformat(moment).date().isoformat()
    except ValueError:
        return moment


def verdict(pair: Pair) -> str:
    """The heading of one pair."""
    if pair.verdict is Verdict.SAME:
        return "The same picture"
    if pair.relations[:1] == (Relation.CONTAINS,):
        return "One contains the other"
    if pair.verdict is Verdict.UNSURE:
        return "Perhaps the same picture"
    if Relation.SAME_SERIES in pair.relations:
        return "One series, different pictures"
    return "Different pictures"


def became(pair: Pair, member: str, other: Picture | None, this: Picture | None) -> str:
    """How `member` (a payload of the pair, decoded as `this`) differs from its partner: `cropped to 62 % of the area, scaled to 0.4`."""
    said = [_relation(relation, pair, member == pair.a, other, this) for relation in pair.relations]
    return ", ".join(dict.fromkeys(words for words in said if words)) or "the same picture"


def of_copy(pair: Pair | None, member: str, other: Picture | None, this: Picture | None) -> str:
    """What is to be said of a copy beside its partner in the pair; without a pair, a person said so."""
    if pair is None:
        return "held to be the same picture"
    fuller = pair.transform and (pair.a if pair.transform.fuller == "a" else pair.b)
    added_to_other = Relation.BORDERED in pair.relations or (pair.marked and pair.marked != ("a" if member == pair.a else "b"))
    if fuller and fuller != member and pair.because and not added_to_other:
        return pair.because  # said of the copy that shows less, which is this one
    how = became(pair, member, other, this)
    return "the same picture" + ("" if how == "the same picture" else f", {how}")


def _relation(relation: Relation, pair: Pair, member_is_a: bool, other: Picture | None, this: Picture | None) -> str:
    transform = pair.transform
    fuller = transform is not None and (transform.fuller == "a") == member_is_a
    match relation:
        case Relation.CROPPED | Relation.CONTAINS:
            return _crop(relation, transform, fuller, this if fuller else other)
        case Relation.RESIZED:
            return _scale(transform, fuller, other, this)
        case Relation.ROTATED:
            return _angle(transform, fuller)
        case Relation.OVERLAID:
            without = "without " if pair.marked and (pair.marked == "a") != member_is_a else ""
            return f"{without}a logo or words {where(transform, this if fuller else other)}".rstrip()
        case Relation.BORDERED:
            return "with a border" if this is not None and this.evidence.border_box else "without the border"
        case _:
            return _PLAIN[relation]


_PLAIN = {
    Relation.IDENTICAL_BYTES: SAME_FILE,
    Relation.IDENTICAL_PIXELS: "the same pixels in another file",
    Relation.RE_ENCODED: "compressed again",
    Relation.RECOLOURED: "in other colours",
    Relation.MIRRORED: "mirrored",
    Relation.UNSURE: "perhaps the same",
    Relation.SAME_SERIES: "of the same series",
}


def _crop(relation: Relation, transform: Transform | None, fuller: bool, whole: Picture | None) -> str:
    if transform is None or whole is None:
        return "cropped" if relation is Relation.CROPPED else "one contains the other"
    left, top, right, bottom = transform.crop
    share = abs((right - left) * (bottom - top)) / max(1, whole.width_px * whole.height_px)
    percent = f"{min(1.0, share):.0%}".replace("%", "\u202f%")
    if relation is Relation.CONTAINS:
        return f"contains it as {percent} of its area" if fuller else f"fills {percent} of the area of the larger one"
    return f"shows more: the other one is {percent} of it" if fuller else f"cropped to {percent} of the area"


def _scale(transform: Transform | None, fuller: bool, other: Picture | None, this: Picture | None) -> str:
    scale = 0.0
    if transform is not None and transform.scale > 0:
        scale = 1 / transform.scale if fuller else transform.scale
    elif other is not None and this is not None:
        scale = this.width_px / max(1, other.width_px)
    words = f"scaled to {scale:.2g}" if scale else "scaled"
    return "" if words == "scaled to 1" else words


def _angle(transform: Transform | None, fuller: bool) -> str:
    if transform is None:
        return "rotated"
    angle = -transform.angle_deg if fuller else transform.angle_deg
    angle = (angle + 180) % 360 - 180
    return f"rotated by {abs(angle):.0f}° {'clockwise' if angle >= 0 else 'anticlockwise'}"


def where(transform: Transform | None, whole: Picture | None) -> str:
    """The place of the differing region on the fuller picture in words, such as `at the lower right`; empty when unknown."""
    if transform is None or transform.region is None or whole is None:
        return ""
    left, top, right, bottom = transform.region
    width, height = max(1, whole.width_px), max(1, whole.height_px)
    if (right - left) * (bottom - top) > 0.6 * width * height:
        return "over most of it"
    across = _third((left + right) / 2 / width, "left", "right")
    down = _third((top + bottom) / 2 / height, "upper" if across else "top", "lower" if across else "bottom")
    if not across and not down:
        return "in the middle"
    return f"at the {' '.join(word for word in (down, across) if word)}"


def _third(fraction: float, low: str, high: str) -> str:
    if fraction < 1 / 3:
        return low
    return high if fraction > 2 / 3 else ""
