"""What the numbers of a file mean as colours, as far as it can be told without touching a pixel, and how many of them there are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

_SRGB_SIGNS = (b"sRGB", "sRGB".encode("utf-16-be"), b"c2ci")
"""Descriptions of the usual sRGB profiles; the last one is Facebook's tiny one."""


@dataclass(frozen=True)
class Profile:
    """An embedded ICC profile that is not simply sRGB."""

    data: bytes
    space: str
    """`RGB`, `GRAY`, `CMYK`, ... (ICC.1:2022 section 7.2.6)."""
    sha256: bytes


def read_profile(data: bytes | None) -> Profile | None:
    """The profile worth applying, or None: without one, with one too short to be one, and for sRGB itself."""
    if not data or len(data) < 128 or any(sign in data for sign in _SRGB_SIGNS):
        return None
    return Profile(data, data[16:20].decode("latin-1").strip(), hashlib.sha256(data).digest())


def working_mode(mode: str, *, transparency: bool) -> str:
    """What pictures of a Pillow mode are reduced in: CMYK as it is (its profile needs all four inks), premultiplied RGBa where
    something may show through, else RGB."""
    if mode == "CMYK":
        return "CMYK"
    return "RGBa" if transparency or mode in {"RGBA", "RGBa", "LA", "La", "PA"} else "RGB"


def to_eight_bits(values: np.ndarray, mode: str, highest: float) -> np.ndarray:
    """Grey of more than 8 bits as uint8; `highest` is the largest value of the whole picture.

    16 bits by 257 (65535 -> 255), floats (mode F) from 0..1 or 0..255, wider integers from their own largest value.
    """
    if mode == "F":
        full_scale = 1.0 if highest <= 1.0 else 255.0
    elif mode.startswith("I;16"):
        full_scale = 65535.0
    else:
        full_scale = 255.0 if highest <= 255 else max(highest, 65535.0)
    scaled: np.ndarray = np.nan_to_num(values.astype(np.float32)) * (255.0 / full_scale)
    return np.clip(scaled + 0.5, 0, 255).astype(np.uint8, copy=False)
