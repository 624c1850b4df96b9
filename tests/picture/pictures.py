"""Pictures for the tests of this room, made on the spot: a scene with large and small structure in all three channels."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image


def scene(width_px: int = 300, height_px: int = 200, seed: int = 1) -> Image.Image:
    """Smooth coloured hills with a few hard-edged blocks; never the same for two seeds."""
    return Image.fromarray(_scene(width_px, height_px, seed))


@lru_cache(maxsize=64)
def _scene(width_px: int, height_px: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    down, across = np.mgrid[0:height_px, 0:width_px] / max(width_px, height_px)
    pixels = np.full((height_px, width_px, 3), 128.0)
    for _ in range(8):
        frequency, phase, angle = random.uniform(2, 18), random.uniform(0, 6.3), random.uniform(0, 6.3)
        wave = np.sin(frequency * (across * np.cos(angle) + down * np.sin(angle)) + phase)
        pixels += wave[..., None] * random.uniform(-30, 30, 3)
    for _ in range(6):
        left, top = random.integers(0, width_px), random.integers(0, height_px)
        pixels[top : top + height_px // 6 + 1, left : left + width_px // 7 + 1] = random.uniform(0, 255, 3)
    return np.clip(pixels, 0, 255).astype(np.uint8)


def encode(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def transparent(image: Image.Image) -> Image.Image:
    """The picture fading from nothing at the left to solid at the right."""
    alpha = np.tile(np.linspace(0, 255, image.width).astype(np.uint8), (image.height, 1))
    solid = image.convert("RGB")
    solid.putalpha(Image.fromarray(alpha))
    return solid
