"""Which archived pictures the browser may have as they came, to be looked at closely. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from archiver.model import Image, RecordRef

TYPES = {"jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp", "avif": "image/avif"}
"""Format by content -> media type: what browsers decode and what can hold no script."""


@dataclass(frozen=True, slots=True)
class Original:
    """Where a payload stands in the folder's own archive, and the media type that its content was found to have."""

    record: RecordRef
    media_type: str


def find(images: Iterable[Image], warcs: Collection[str]) -> Original | None:
    """`images`: the places of one payload; `warcs`: the names of this folder's own WARC files.

    None for what the program did not decode itself, for animations (the previews show one frame), and for what does not stand in
    one of these files, as with `dedup`.
    """
    for image in images:
        if image.picture is None or image.picture.frames > 1 or image.revisit or image.record is None:
            continue
        media_type = TYPES.get(image.picture.format)
        if media_type and image.record.file in warcs:
            return Original(image.record, media_type)
    return None
