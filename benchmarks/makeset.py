"""Make a bench set: copies of pictures as the web makes them, beside look-alikes that are none, with their truth.

    python benchmarks/makeset.py OUT [FOLDER ...] [--originals N] [--seed N]

FOLDER: originals, searched for JPEG, PNG and WebP files; files of one folder count as one family. Scenes drawn here (figures in two
poses before one background, charts and text pages of one template) join them always, so that the set has look-alikes even without a
folder. Writes OUT/images/* and OUT/truth.json: file -> base, family, kind, source, transform (and contains, for collages).
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

Made = tuple[Image.Image, str, int]
"""Picture, format, quality."""

WORDS = ["morning", "chair", "stretch", "health", "spine", "gentle", "daily", "desk", "home", "report", "relief", "news", "back", "guide"]


def flat(image: Image.Image, colour: str = "white") -> Image.Image:
    if image.mode not in ("RGBA", "LA", "P"):
        return image.convert("RGB")
    image = image.convert("RGBA")
    ground = Image.new("RGBA", image.size, colour)
    ground.alpha_composite(image)
    return ground.convert("RGB")


def font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(max(8, size))


def words(rng: random.Random, count: int) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(count)).capitalize()


def crop(share: float) -> Callable[[Image.Image, random.Random], Image.Image]:
    def made(image: Image.Image, rng: random.Random) -> Image.Image:
        width, height = (round(side * share**0.5) for side in image.size)
        left, top = rng.randint(0, image.width - width), rng.randint(0, image.height - height)
        return image.crop((left, top, left + width, top + height))

    return made


def aspect(ratio: float) -> Callable[[Image.Image, random.Random], Image.Image]:
    def made(image: Image.Image, _: random.Random) -> Image.Image:
        width, height = min(image.width, round(image.height * ratio)), min(image.height, round(image.width / ratio))
        left, top = (image.width - width) // 2, (image.height - height) // 2
        return image.crop((left, top, left + width, top + height))

    return made


def scaled(share: float) -> Callable[[Image.Image, random.Random], Image.Image]:
    def made(image: Image.Image, _: random.Random) -> Image.Image:
        by = max(share, 40 / min(image.size))
        return image.resize((round(image.width * by), round(image.height * by)), Image.Resampling.LANCZOS)

    return made


def bordered(image: Image.Image, rng: random.Random) -> Image.Image:
    return ImageOps.expand(image, round(min(image.size) * rng.uniform(0.04, 0.12)), rng.choice(["white", "black", "#d8d8d8", "#203050"]))


def boxed(tall: bool) -> Callable[[Image.Image, random.Random], Image.Image]:
    def made(image: Image.Image, rng: random.Random) -> Image.Image:
        extra = round((image.height if tall else image.width) * rng.uniform(0.1, 0.2))
        size = (image.width, image.height + 2 * extra) if tall else (image.width + 2 * extra, image.height)
        ground = Image.new("RGB", size, rng.choice(["black", "white", "#eeeeee"]))
        ground.paste(image, (0, extra) if tall else (extra, 0))
        return ground

    return made


def caption(image: Image.Image, rng: random.Random) -> Image.Image:
    high = round(image.height * rng.uniform(0.09, 0.15))
    ground = Image.new("RGB", (image.width, image.height + high), rng.choice(["white", "black", "#f4f0e0"]))
    ground.paste(image, (0, 0))
    ink = "black" if sum(ground.getpixel((1, ground.height - 1))) > 380 else "white"  # type: ignore[arg-type]  # an RGB pixel is a tuple
    ImageDraw.Draw(ground).text((high * 0.4, image.height + high * 0.25), words(rng, 6), ink, font(high * 0.45))
    return ground


def banner(image: Image.Image, rng: random.Random) -> Image.Image:
    image = image.copy()
    high, top = round(image.height * 0.18), round(image.height * rng.choice([0.0, 0.6, 0.8]))
    draw = ImageDraw.Draw(image)
    if rng.random() < 0.75:
        draw.rectangle((0, top, image.width, top + high), rng.choice(["#c01818", "#103070", "#202020", "#f4c430"]))
    draw.text((image.width * 0.03, top + high * 0.2), words(rng, 5), rng.choice(["white", "#ffe080"]), font(high * 0.5))
    return image


def logo(image: Image.Image, rng: random.Random) -> Image.Image:
    image = image.copy()
    side = round(min(image.size) * rng.uniform(0.13, 0.2))
    gap = round(min(image.size) * 0.03)
    left, top = rng.choice([gap, image.width - side - gap]), rng.choice([gap, image.height - side - gap])
    draw = ImageDraw.Draw(image)
    shape = draw.ellipse if rng.random() < 0.6 else draw.rectangle
    shape((left, top, left + side, top + side), rng.choice(["#1060c0", "#e04020", "#ffffff", "#209050"]))
    draw.text((left + side * 0.3, top + side * 0.2), rng.choice("QTNRW"), "#f0c040", font(side * 0.5))
    return image


def watermark(image: Image.Image, rng: random.Random) -> Image.Image:
    layer = Image.new("RGBA", image.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    text, size = f"www.{rng.choice(WORDS)}.example", image.width / rng.uniform(11, 16)
    ink = (255, 255, 255, rng.randint(70, 130)) if rng.random() < 0.8 else (0, 0, 0, rng.randint(60, 110))
    for row in range(3):
        draw.text((image.width * (0.05 + 0.22 * row), image.height * (0.15 + 0.3 * row)), text, ink, font(size))
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


def strip(image: Image.Image, rng: random.Random) -> Image.Image:
    """Another crop of an agency's picture with its credit on a dark strip."""
    image = crop(rng.uniform(0.5, 0.85))(image, rng)
    high = max(14, round(image.height * 0.08))
    layer = Image.new("RGBA", image.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    draw.rectangle((0, image.height - high, image.width, image.height), (0, 0, 0, rng.choice([140, 200, 255])))
    draw.text((high * 0.5, image.height - high * 0.85), f"Photo: {words(rng, 2)} agency", "white", font(high * 0.6))
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


def smart(image: Image.Image, rng: random.Random) -> Image.Image:
    image = aspect(rng.choice([1.0, 1.5, 1.91]))(crop(rng.uniform(0.45, 0.8))(image, rng), rng)
    return image.resize((400, max(40, round(400 * image.height / image.width))), Image.Resampling.LANCZOS)


def combo(image: Image.Image, rng: random.Random) -> Image.Image:
    image = logo(crop(rng.uniform(0.8, 0.95))(image, rng), rng)
    return ImageEnhance.Brightness(scaled(rng.uniform(0.4, 0.9))(image, rng)).enhance(rng.uniform(0.9, 1.12))


def turned(image: Image.Image, rng: random.Random) -> Image.Image:
    return image.rotate(rng.choice([-1, 1]) * rng.uniform(2, 5), Image.Resampling.BICUBIC, fillcolor=(255, 255, 255))


def gamma(image: Image.Image, rng: random.Random) -> Image.Image:
    power = rng.choice([0.6, 0.75, 1.4, 1.7])
    return image.point([round(255 * (level / 255) ** power) for level in range(256)] * 3)


TRANSFORMS: dict[str, Callable[[Image.Image, random.Random], Image.Image]] = {
    "jpeg20": lambda image, _: image,
    "webp60": lambda image, _: image,
    "png": lambda image, _: image,
    "resize25": scaled(0.25),
    "resize50": scaled(0.5),
    "resize75": scaled(0.75),
    "crop90": crop(0.9),
    "crop80": crop(0.8),
    "crop70": crop(0.7),
    "crop60": crop(0.6),
    "crop50": crop(0.5),
    "ar_1x1": aspect(1.0),
    "ar_16x9": aspect(16 / 9),
    "ar_4x3": aspect(4 / 3),
    "border": bordered,
    "letterbox": boxed(True),
    "pillarbox": boxed(False),
    "caption_strip": caption,
    "text_banner": banner,
    "logo": logo,
    "watermark": watermark,
    "agency_recrop": strip,
    "smartcrop_cdn": smart,
    "web_combo": combo,
    "brightness": lambda image, rng: ImageEnhance.Brightness(image).enhance(rng.choice([0.6, 0.75, 1.25, 1.45])),
    "contrast": lambda image, rng: ImageEnhance.Contrast(image).enhance(rng.choice([0.6, 0.75, 1.3, 1.6])),
    "gamma": gamma,
    "saturation": lambda image, rng: ImageEnhance.Color(image).enhance(rng.choice([0.4, 1.7])),
    "grayscale": lambda image, _: image.convert("L").convert("RGB"),
    "blur": lambda image, _: image.filter(ImageFilter.GaussianBlur(1.5)),
    "sharpen": lambda image, _: image.filter(ImageFilter.UnsharpMask(2, 120)),
    "mirror": lambda image, _: ImageOps.mirror(image),
    "rotate2-5": turned,
}


# --- scenes that look alike and are not the same ------------------------------------------------------------------------


def figure(rng: random.Random, pose: int) -> Image.Image:
    """One person before one background; `pose` moves the limbs only."""
    image = Image.effect_noise((720, 480), 40).convert("RGB").filter(ImageFilter.GaussianBlur(1))
    image = ImageOps.colorize(image.convert("L"), rng.choice(["#302018", "#182838"]), rng.choice(["#d8c8b0", "#b0c8d8"]))
    draw = ImageDraw.Draw(image)
    for _ in range(14):
        x, y, size = rng.randint(0, 700), rng.randint(0, 460), rng.randint(20, 110)
        draw.rectangle((x, y, x + size, y + size * 2), f"hsl({rng.randint(0, 359)}, 40%, {rng.randint(20, 70)}%)")
    moves = random.Random(pose)
    shirt = f"hsl({rng.randint(0, 359)}, 60%, 45%)"
    x = rng.randint(250, 450)
    draw.ellipse((x - 28, 90, x + 28, 150), "#c89070")
    draw.rectangle((x - 38, 150, x + 38, 290), shirt)
    for shoulder in (x - 36, x + 36):
        hand = (shoulder + moves.randint(-110, 110), 165 + moves.randint(-110, 110))
        draw.line((shoulder, 165, *hand), "#c89070", 20)
    for hip in (x - 20, x + 20):
        draw.line((hip, 285, hip + moves.randint(-60, 60), 440), "#303848", 26)
    return image


def chart(rng: random.Random, number: int) -> Image.Image:
    image = Image.new("RGB", (640, 420), "white")
    draw = ImageDraw.Draw(image)
    draw.text((40, 20), words(rng, 3), "black", font(20))
    values = random.Random(number)
    draw.line((60, 60, 60, 370, 610, 370), "#404040", 2)
    for bar in range(10):
        draw.rectangle((75 + bar * 52, 370 - values.randint(30, 290), 110 + bar * 52, 370), "#2a8050")
    return image


def page(rng: random.Random, number: int) -> Image.Image:
    image = Image.new("RGB", (640, 480), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 640, 50), rng.choice(["#204080", "#804020"]))
    draw.text((20, 14), words(rng, 3), "white", font(20))
    text = random.Random(number)
    for row in range(14):
        draw.text((30, 70 + row * 27), words(text, 7), "#303030", font(17))
    return image


SCENES = {"figure": figure, "chart": chart, "page": page}


def scenes(seed: int, families: int) -> list[tuple[str, str, Image.Image]]:
    """(base, family, picture): for each kind some families of three that differ in what matters only."""
    return [
        (f"scene/{kind}{family}/{number}", f"{kind}{family}", draw(random.Random(f"{seed}{kind}{family}"), number + 100 * family))
        for kind, draw in SCENES.items()
        for family in range(families)
        for number in range(3)
    ]


def originals(folders: list[Path], count: int, rng: random.Random) -> list[tuple[str, str, Image.Image]]:
    """Up to `count` pictures, half of them in runs from one folder, where look-alikes are."""
    found = sorted(path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))
    chosen: set[Path] = set()
    while found and len(chosen) < min(count, len(found)):
        start = rng.randrange(len(found))
        chosen.update(found[start : start + rng.choice([1, 1, 4])])
    made = []
    for path in sorted(chosen):
        with Image.open(path) as image:
            if min(image.size) < 80:
                continue
            picture = image.convert("RGBA") if image.mode in ("RGBA", "LA", "P") else image.convert("RGB")
        picture.thumbnail((1000, 1000))
        made.append((str(path), path.parent.name, picture))
    return made


def collage(one: Image.Image, other: Image.Image) -> Image.Image:
    high = 400
    parts = [ImageOps.fit(flat(image), (500, high)) for image in (one, other)]
    ground = Image.new("RGB", (1010, high), "white")
    ground.paste(parts[0], (0, 0))
    ground.paste(parts[1], (510, 0))
    return ground


def encoding(transform: str, rng: random.Random) -> tuple[str, int]:
    return {"jpeg20": ("jpeg", 20), "webp60": ("webp", 60), "png": ("png", 0)}.get(transform, ("jpeg", rng.choice([70, 82, 90])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("folders", type=Path, nargs="*")
    parser.add_argument("--originals", type=int, default=150)
    parser.add_argument("--copies", type=int, default=3, help="copies of every second original")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    bases = originals(args.folders, args.originals, rng) + scenes(args.seed, 6)
    (args.out / "images").mkdir(parents=True, exist_ok=True)
    truth: dict[str, dict[str, object]] = {}

    def save(picture: Image.Image, base: str, family: str, transform: str, kind: tuple[str, int], **more: object) -> None:
        name = f"img_{len(truth):05d}.{'jpg' if kind[0] == 'jpeg' else kind[0]}"
        picture.save(args.out / "images" / name, kind[0], **({"quality": kind[1]} if kind[1] else {}))
        truth[name] = {"base": base, "family": family, "kind": "made", "source": family, "transform": transform, **more}

    for number, (base, family, picture) in enumerate(bases):
        alpha = picture.mode == "RGBA"
        save(picture, base, family, "original", ("png", 0) if alpha else ("jpeg", 92))
        if number % 2:
            continue
        for transform in rng.sample(sorted(TRANSFORMS), args.copies):
            save(TRANSFORMS[transform](flat(picture), rng), base, family, transform, encoding(transform, rng))
        if alpha and rng.random() < 0.3:
            colour = rng.choice(["white", "black"])
            save(flat(picture, colour), base, family, f"alpha_{colour}", ("jpeg", 88))
    for number in range(len(bases) // 25):
        one, other = rng.sample(bases, 2)
        save(collage(one[2], other[2]), f"collage/{number}", "container", "collage", ("jpeg", 85), contains=[one[0], other[0]])
    (args.out / "truth.json").write_text(json.dumps(truth, indent=1))
    print(f"{len(truth)} pictures of {len(bases)} originals in {args.out}")


if __name__ == "__main__":
    main()
