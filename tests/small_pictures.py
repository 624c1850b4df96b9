"""Pictures with enough in them to be told apart, drawn from a seed."""

from __future__ import annotations

import random

from PIL import Image, ImageDraw, ImageFilter


def scene(seed: int, width: int = 480, height: int = 360) -> Image.Image:
    """A picture full of edges and colours, the same for the same seed."""
    chance = random.Random(seed)
    image = Image.new("RGB", (width, height), tuple(chance.randrange(60, 200) for _ in range(3)))
    draw = ImageDraw.Draw(image)
    for _ in range(90):
        left, top = chance.randrange(-40, width), chance.randrange(-40, height)
        right, bottom = left + chance.randrange(10, width // 3), top + chance.randrange(10, height // 3)
        colour = tuple(chance.randrange(256) for _ in range(3))
        (draw.ellipse if chance.random() < 0.5 else draw.rectangle)((left, top, right, bottom), fill=colour)
    return image.filter(ImageFilter.GaussianBlur(0.8))
