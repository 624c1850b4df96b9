"""One look at a payload: everything the rest of the program will ever ask of its pixels."""

from __future__ import annotations

from contextlib import nullcontext

from archiver.model import Measured, Picture, Unreadable
from archiver.picture.decode import DECODE_VERSION, Alone, decode
from archiver.picture.features import FEATURES_VERSION, extract
from archiver.picture.fingerprint import FINGERPRINT_VERSION, fingerprint

MEASURE_VERSION = f"decode {DECODE_VERSION}, fingerprint {FINGERPRINT_VERSION}, features {FEATURES_VERSION}"
"""What a stored measurement was made with; another version is another measurement."""


def measure(payload_sha256: str, data: bytes, alone: Alone = nullcontext) -> Measured | Unreadable:
    """Decode `data` once and take its fingerprint, features and small pictures.

    `payload_sha256` is the identity under which the result is filed; the bytes are not hashed again. Large pictures are decoded
    within `alone()`.
    """
    decoded = decode(data, alone)
    if isinstance(decoded, Unreadable):
        return Unreadable(payload_sha256, decoded.reason, decoded.detail, decoded.format)
    picture = Picture(
        payload=payload_sha256,
        format=decoded.format,
        width_px=decoded.width_px,
        height_px=decoded.height_px,
        frames=decoded.frames,
        fingerprint=fingerprint(decoded),
        evidence=decoded.evidence,
    )
    features = extract(decoded.view, decoded.view_black, decoded.middle).to_bytes()
    return Measured(picture, features, decoded.preview, decoded.thumbnail)
