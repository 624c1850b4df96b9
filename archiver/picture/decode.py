"""Bytes of strangers -> one normalised view of a picture. The only module that knows Pillow.

Rules:
1. The format is told from the content; only the decoders named in `DECODERS` (admit.py) are ever entered, one per payload.
2. Cost is decided from the header: what would need too much memory or time is refused before a pixel is decoded.
3. Pixels are worked on in horizontal strips, so that beside the decoder's own buffers only small pictures exist.
4. All views come by one path (JPEG scaled in the DCT to a longest side >= DRAFT_MIN_PX, area-reduced, then VIEW_PX), so that
   fingerprints and features of any two pictures can be compared.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from archiver.model import PictureEvidence, Reason, Unreadable
from archiver.picture import evidence, frames
from archiver.picture.admit import (
    DECODERS,
    LARGE_BYTES,
    Refusal,
    cost_bytes,
    progressive_bytes,
    refuse_bytes,
    refuse_kind,
    refuse_size,
    size_before_opening,
)
from archiver.picture.colour import Profile, read_profile, to_eight_bits, working_mode
from archiver.picture.sniff import sniff

__all__ = ["DECODE_VERSION", "Decoded", "as_image", "decode", "sniff"]

DECODE_VERSION = "2"
"""Changes whenever a view, a hash of pixels or a piece of evidence can come out differently."""

VIEW_PX = 480
THUMBNAIL_PX = 200
DRAFT_MIN_PX = 960

ANIMATION_MAX_PX = 16_000_000
"""Frames before the middle one must be decoded to reach it; past so many pixels an earlier frame stands for the middle."""
_STRIP_PX = 1_200_000

_ANIMATED = {"gif", "png", "webp", "avif"}


@dataclass(frozen=True)
class Decoded:
    """One look at a picture, normalised: sRGB, upright, opaque."""

    view: np.ndarray = field(repr=False)
    """(H, W, 3) uint8 RGB, longest side at most VIEW_PX, never enlarged; transparency over white."""
    view_black: np.ndarray | None = field(repr=False)
    """The same over black; None for opaque pictures."""
    middle: np.ndarray | None = field(repr=False)
    """The middle frame of an animation as `view`; None for stills."""
    width_px: int
    height_px: int
    frames: int
    format: str
    pixels_sha256: str
    """Over the pixels as decoded, with size, orientation and colour profile. Of a JPEG decoded at less than full size these are fewer
    than the file has; of an animation they are those of its first and its middle frame."""
    evidence: PictureEvidence
    preview: bytes = field(repr=False)
    """JPEG of `view`."""
    thumbnail: bytes = field(repr=False)
    """JPEG, longest side at most THUMBNAIL_PX."""


class _Refused(Exception):
    """Ends one decode with the reason; never leaves this module."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


Alone = Callable[[], AbstractContextManager[Any]]
"""Gives the time in which no other process decodes a large picture."""


def decode(data: bytes, alone: Alone = contextlib.nullcontext) -> Decoded | Unreadable:
    """Decode and normalise one payload; an `Unreadable` (with `payload` the SHA-256 of `data`) says why it cannot be done.

    Pictures that need more than LARGE_BYTES are decoded within `alone()`, so that several workers together stay small.

    Raises MemoryError alone: the process that runs it has a limit, and its owner reports that.
    """
    kind = sniff(data)
    try:
        _refuse(refuse_kind(data, kind, kind == "heic" and _heif_installed()))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _decode(data, kind, alone)
    except _Refused as refused:
        reason, detail = refused.reason, refused.detail
    except UnidentifiedImageError:  # its own words name an object in memory
        reason, detail = Reason.CORRUPT, f"damaged {kind}: its head cannot be read"
    except Image.DecompressionBombError:
        reason, detail = Reason.UNSUPPORTED, "too many pixels to decode"
    except MemoryError:
        raise
    except Exception as error:  # decoders of hostile bytes raise whatever their parser trips over
        reason, detail = Reason.CORRUPT, f"damaged {kind}: {evidence.exif_text(str(error) or type(error).__name__, 160)}"
    return Unreadable(hashlib.sha256(data).hexdigest(), reason, detail, kind)


def _refuse(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise _Refused(*refusal)


def _heif_installed() -> bool:
    try:
        importlib.import_module("pillow_heif").register_heif_opener()
    except ImportError:
        return False
    return True


def _decode(data: bytes, kind: str, alone: Alone) -> Decoded:
    name, plugin, _ = DECODERS[kind]
    if plugin:
        importlib.import_module(f"PIL.{plugin}")
    _refuse(refuse_size(kind, *size_before_opening(data, kind)))
    with Image.open(io.BytesIO(data), formats=(name,)) as image, _company(_cost(image, kind), alone):
        return _look(image, data, kind)


def _company(cost: int, alone: Alone) -> AbstractContextManager[Any]:
    return alone() if cost > LARGE_BYTES else contextlib.nullcontext()


def _cost(image: Image.Image, kind: str) -> int:
    """Bytes that decoding will hold, by the header alone; refuses what would need too much memory or time."""
    _refuse(refuse_size(kind, *image.size))
    if kind != "jpeg":
        return cost_bytes(kind, *image.size)
    if not image.info.get("progressive"):
        return 0  # drafted, row by row
    cost = progressive_bytes(*image.size, [(h, v) for _, h, v, _ in getattr(image, "layer", ())])
    _refuse(refuse_bytes(cost, *image.size))
    return cost


def _look(image: Image.Image, data: bytes, kind: str) -> Decoded:
    width, height = image.size
    if kind == "jpeg":
        _draft(image)
    orientation, facts = _read_exif(image, kind)
    digest = hashlib.sha256(f"{width}x{height}@{orientation}".encode())
    canvas = _reduce(image, digest)
    facts["jpeg_quality"] = evidence.quality_from_tables(getattr(image, "quantization", {})) if kind == "jpeg" else None
    facts |= _detail(canvas, width if orientation < 5 else height, max(width, height))
    profile = read_profile(image.info.get("icc_profile"))
    total = frames.count(data, kind)
    over_white, over_black = _views(canvas, profile, orientation)
    middle = None
    if total > 1:
        middle = _middle(image, total, digest) if kind in _ANIMATED else None
        digest.update(f"{total} frames".encode() if middle else data)
    if profile is not None:
        digest.update(profile.sha256)
    view = np.asarray(over_white)
    if orientation >= 5:
        width, height = height, width
    return Decoded(
        view=view,
        view_black=None if over_black is None else np.asarray(over_black),
        middle=None if middle is None else np.asarray(_views(middle, profile, orientation)[0]),
        width_px=width,
        height_px=height,
        frames=total,
        format=kind,
        pixels_sha256=digest.hexdigest(),
        evidence=PictureEvidence(
            lossless=evidence.is_lossless(data, kind),
            has_icc="icc_profile" in image.info,
            border_box=evidence.border_box(view),
            grey=evidence.is_grey(view),
            **facts,
        ),
        preview=_jpeg(over_white, 80),
        thumbnail=_jpeg(_fit(over_white, THUMBNAIL_PX), 78),
    )


def _draft(image: Image.Image) -> None:
    longest = max(image.size)
    if longest >= 2 * DRAFT_MIN_PX:
        scale = longest // DRAFT_MIN_PX
        image.draft(None, (max(1, image.width // scale), max(1, image.height // scale)))


def _read_exif(image: Image.Image, kind: str) -> tuple[int, dict[str, Any]]:
    """EXIF orientation (1-8) and the facts worth keeping; damaged EXIF is no reason to lose a picture.

    The EXIF block alone is read: Pillow would also take an orientation from XMP, which no browser obeys.
    """
    try:
        exif = image.getexif() if kind == "tiff" else Image.Exif()
        if kind != "tiff":
            exif.load(image.info.get("exif") or b"")
        details = exif.get_ifd(0x8769)
        facts: dict[str, Any] = {
            "has_exif": bool(details if kind == "tiff" else exif),  # the tags of a TIFF are those of its pixels, too
            "exif_taken": evidence.taken_at(details.get(0x9003) or details.get(0x9004)),
            "copyright": evidence.exif_text(exif.get(0x8298)),
            "camera": evidence.exif_text(f"{exif.get(0x010F) or ''} {exif.get(0x0110) or ''}"),
        }
        orientation = exif.get(0x0112)
    except MemoryError:
        raise
    except Exception:  # a maze of offsets written by strangers
        return 1, {"has_exif": bool(image.info.get("exif"))}
    if kind != "tiff" and isinstance(orientation, int) and 1 <= orientation <= 8:  # Pillow turns TIFFs itself
        return orientation, facts
    return 1, facts


def _reduce(image: Image.Image, digest: Any) -> Image.Image:
    """The picture area-reduced to a longest side of DRAFT_MIN_PX to twice that; every pixel of it goes into `digest`.

    The result is RGB, premultiplied RGBa where something shows through, or CMYK.
    """
    image.load()
    mode = working_mode(image.mode, transparency="transparency" in image.info)
    if mode == "RGBa" and not _shows_through(image):
        mode = "RGB"
    width, height = image.size
    digest.update(f"{width}x{height}{mode}".encode())
    factor = max(1, max(width, height) // DRAFT_MIN_PX)
    canvas = Image.new(mode, (-(-width // factor), -(-height // factor)))
    for top, strip in _strips(image, factor):
        part = _to_mode(strip, mode, image)
        digest.update(part.tobytes())
        canvas.paste(part.reduce(factor) if factor > 1 else part, (0, top // factor))
    return canvas


def _detail(canvas: Image.Image, width_px: int, longest_px: int) -> dict[str, Any]:
    """The spectrum of the detail, and the width that the detail fills of a picture `width_px` wide when upright: None when that is all of
    it, or cannot be told."""
    lines, taken = evidence.DETAIL_LINES, max(canvas.size) / longest_px
    rows = _grey(canvas.resize((canvas.width, lines), Image.Resampling.NEAREST))
    columns = _grey(canvas.resize((lines, canvas.height), Image.Resampling.NEAREST)).T
    share = evidence.detail_share(rows, columns) if canvas.mode == "RGB" else 1.0
    return {
        "effective_width_px": round(width_px * share * taken) if share < 1.0 else None,
        "spectrum_db": evidence.spectrum_db(rows, columns, taken),
    }


def _grey(lines: Image.Image) -> np.ndarray:
    if lines.mode in ("RGBA", "RGBa"):
        over = lines.convert("RGBA")
        lines = Image.alpha_composite(Image.new("RGBA", over.size, "white"), over)
    return np.asarray(lines.convert("L"))


def _strips(image: Image.Image, factor: int = 1) -> Iterator[tuple[int, Image.Image]]:
    """Bands of about _STRIP_PX pixels, their height a multiple of `factor`, each with its top."""
    rows = max(1, _STRIP_PX // (image.width * factor)) * factor
    if rows >= image.height:
        yield 0, image
        return
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(image.height, top + rows)))


def _shows_through(image: Image.Image) -> bool:
    for _, strip in _strips(image):
        lowest, _highest = _to_mode(strip, "RGBA", image).getchannel("A").getextrema()
        if int(lowest) < 255:  # type: ignore[arg-type]  # Pillow types extrema for all modes at once
            return True
    return False


def _views(canvas: Image.Image, profile: Profile | None, orientation: int) -> tuple[Image.Image, Image.Image | None]:
    """The upright sRGB view over white, and over black when something shows through."""
    small = _turn(_fit(canvas, VIEW_PX), orientation)
    if small.mode != "RGBa":
        return _to_srgb(small, profile), None
    straight = small.convert("RGBA")
    alpha = straight.getchannel("A")
    ink = _to_srgb(straight.convert("RGB"), profile)
    white, black = (Image.composite(ink, Image.new("RGB", ink.size, ground), alpha) for ground in ((255, 255, 255), (0, 0, 0)))
    return white, black


def _middle(image: Image.Image, total: int, digest: Any) -> Image.Image | None:
    """The middle frame, or an earlier one when reaching it would cost too much; None when it is damaged (the first one was not)."""
    affordable = max(1, ANIMATION_MAX_PX // (image.width * image.height))
    try:
        image.seek(min(total // 2, affordable))
        return _reduce(image, digest)
    except (EOFError, OSError, SyntaxError, ValueError):
        return None


def _fit(image: Image.Image, longest_px: int) -> Image.Image:
    longest = max(image.size)
    if longest <= longest_px:
        return image
    size = (max(1, round(image.width * longest_px / longest)), max(1, round(image.height * longest_px / longest)))
    return image.resize(size, Image.Resampling.HAMMING, reducing_gap=1.25)


def as_image(view: np.ndarray) -> Image.Image:
    """A Pillow picture of an (H, W, 3) uint8 RGB array, for packages that want one."""
    return Image.fromarray(view)


def _jpeg(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


# --- modes and colour -----------------------------------------------------------------------------------------------


def _to_mode(strip: Image.Image, mode: str, whole: Image.Image) -> Image.Image:
    """One strip in `mode`; `whole` is asked for what a strip alone cannot tell (the depth of its numbers)."""
    if strip.mode == mode:
        return strip
    if strip.mode.startswith(("I", "F")):
        highest = 65535.0 if whole.mode.startswith("I;16") else float(np.max(whole.getextrema()))
        strip = Image.fromarray(to_eight_bits(np.asarray(strip), whole.mode, highest))
    elif strip.mode == "LAB":
        strip = _transform(strip, None, "LAB")
    elif strip.mode in {"P", "PA", "LA", "La", "1"} and mode in {"RGBa", "RGBA"}:
        strip = strip.convert("RGBA")
    if mode == "RGBa" and strip.mode != "RGBA":
        strip = strip.convert("RGBA")
    return strip if strip.mode == mode else strip.convert(mode)


def _to_srgb(image: Image.Image, profile: Profile | None) -> Image.Image:
    """RGB in sRGB. A profile that does not fit the picture or that lcms cannot read is passed over, as browsers do."""
    wanted = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}.get(profile.space if profile else "")
    if profile is None or wanted is None or (wanted == "CMYK") != (image.mode == "CMYK"):
        return image.convert("RGB")
    source = image if wanted != "L" else image.convert("L")
    try:
        return _transform(source, profile.data, wanted)
    except (OSError, ValueError, TypeError):
        return image.convert("RGB")


def _transform(image: Image.Image, profile: bytes | None, mode: str) -> Image.Image:
    from PIL import ImageCms  # needed by few pictures, and it loads lcms

    source = ImageCms.ImageCmsProfile(io.BytesIO(profile)) if profile else ImageCms.createProfile("LAB")
    try:
        change = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
        changed = ImageCms.applyTransform(image, change)
    except ImageCms.PyCMSError as error:
        raise ValueError(str(error)) from error
    return changed if changed is not None else image


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _turn(image: Image.Image, orientation: int) -> Image.Image:
    """Upright, by EXIF orientation (EXIF 2.32 section 4.6.4 A)."""
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image
