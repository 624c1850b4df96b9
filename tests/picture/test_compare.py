"""Each transform and each look-alike once, with the reason; and the laws of comparing."""

from __future__ import annotations

import hashlib
import io
import itertools
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

from archiver.cluster.groups import group
from archiver.model import Measured, Pair, Relation, Verdict
from archiver.picture import rules
from archiver.picture.compare import compare, find
from archiver.picture.compare_look import look
from archiver.picture.compare_place import Placement, glance, lay, refine
from archiver.picture.features import Features, extract
from archiver.picture.measure import measure
from archiver.picture.rules import STRICTNESS, Band, Evidence
from archiver.pipeline import answers
from benchmarks.makeset import TRANSFORMS, chart, collage, encoding, figure, font, page

SCENE = figure(random.Random("scene"), 1)


def textured(image: Image.Image, seed: int = 6) -> Image.Image:
    """Without plain ground, as photographs are."""
    noise = np.random.default_rng(seed).normal(128, 90, (60, 90)).clip(0, 255).astype(np.uint8)
    grain = Image.fromarray(noise).resize(image.size, Image.Resampling.BICUBIC).convert("RGB")
    return Image.blend(image, grain, 0.4)


def measured(image: Image.Image, kind: tuple[str, int] = ("jpeg", 90)) -> Measured:
    out = io.BytesIO()
    image.save(out, kind[0], **({"quality": kind[1]} if kind[1] else {}))
    found = measure(hashlib.sha256(out.getvalue()).hexdigest(), out.getvalue())
    assert isinstance(found, Measured), found
    return found


def judged(one: Measured, other: Measured, strictness: str = "normal") -> Pair:
    features = Features.from_bytes(one.features), Features.from_bytes(other.features)
    return compare(one.picture, features[0], other.picture, features[1], strictness=strictness)


def of_copy(transform: str) -> Pair:
    rng = random.Random(transform)
    return judged(measured(SCENE), measured(TRANSFORMS[transform](SCENE, rng), encoding(transform, rng)))


@pytest.mark.parametrize(
    ("transform", "main", "words"),
    [
        ("jpeg20", Relation.RE_ENCODED, "saved again"),
        ("webp60", Relation.RE_ENCODED, "saved again"),
        ("resize25", Relation.RESIZED, "rescaled to 0.25"),
        ("resize50", Relation.RESIZED, "rescaled to 0.50"),
        ("crop90", Relation.CROPPED, "cropped to 90 % of the area"),
        ("crop50", Relation.CROPPED, "cropped to 50 % of the area"),
        ("ar_1x1", Relation.CROPPED, "cropped to 66 % of the area"),
        ("border", Relation.BORDERED, "border around it"),
        ("letterbox", Relation.BORDERED, "border around it"),
        ("pillarbox", Relation.BORDERED, "border around it"),
        ("caption_strip", Relation.OVERLAID, "caption"),
        ("text_banner", Relation.OVERLAID, "banner"),
        ("logo", Relation.OVERLAID, "logo"),
        ("brightness", Relation.RECOLOURED, "changed tones"),
        ("gamma", Relation.RECOLOURED, "changed tones"),
        ("grayscale", Relation.RECOLOURED, "turned grey"),
        ("mirror", Relation.MIRRORED, "mirrored"),
        ("rotate2-5", Relation.ROTATED, "turned by"),
    ],
)
def test_a_copy_is_the_same_picture_and_says_how_it_came_about(transform: str, main: Relation, words: str) -> None:
    pair = of_copy(transform)
    assert pair.verdict is Verdict.SAME, pair
    assert pair.relations[0] is main, pair
    assert words in pair.because


def test_a_watermark_over_a_photograph_is_an_overlay() -> None:
    photograph = textured(SCENE)
    pair = judged(measured(photograph), measured(TRANSFORMS["watermark"](photograph, random.Random("mark"))))
    assert (pair.verdict, pair.relations[0]) == (Verdict.SAME, Relation.OVERLAID), pair


@pytest.mark.parametrize("transform", ["logo", "text_banner", "watermark"])
def test_it_is_said_which_of_the_two_bears_the_mark(transform: str) -> None:
    """Whatever the order of their payloads; where it is not clear nothing is said."""
    right = 0
    for seed in range(6):
        rng, scene = random.Random(f"{transform} {seed}"), figure(random.Random(f"borne {seed}"), 1)
        clean, marked = measured(scene), measured(TRANSFORMS[transform](scene, rng), encoding(transform, rng))
        told = judged(clean, marked).marked
        bearer = "a" if marked.picture.payload < clean.picture.payload else "b"
        assert told in ("", bearer)
        right += told == bearer
    assert right >= 2


def test_another_sign_on_plain_ground_is_no_watermark() -> None:
    def card(suit: str) -> Measured:
        image = Image.new("RGB", (300, 420), "white")
        draw = ImageDraw.Draw(image)
        for x, y in itertools.product((40, 200), (40, 170, 300)):
            draw.ellipse((x, y, x + 60, y + 60), "#d04038" if suit == "red" else "#181818")
            draw.polygon((x + 30, y + 40, x + 10, y + 78, x + 50, y + 78), "#d04038" if suit == "red" else "#181818")
        return measured(image)

    assert judged(card("red"), card("black")).verdict is not Verdict.SAME


@pytest.mark.parametrize("transform", ["agency_recrop", "smartcrop_cdn", "web_combo"])
def test_several_changes_at_once_are_all_named(transform: str) -> None:
    pair = of_copy(transform)
    assert pair.verdict is Verdict.SAME, pair
    assert {Relation.CROPPED} <= set(pair.relations), pair


def test_a_crop_is_found_where_it_was_cut() -> None:
    cut = (100, 60, 520, 400)
    pair = judged(measured(SCENE), measured(SCENE.crop(cut).resize((210, 170), Image.Resampling.LANCZOS)))
    assert pair.transform is not None
    assert pair.transform.crop == pytest.approx(cut, abs=3.0)
    assert pair.transform.scale == pytest.approx(0.5, abs=0.01)
    assert pair.transform.angle_deg == pytest.approx(0.0, abs=0.5)


@pytest.mark.parametrize(("clockwise_deg", "words"), [(4.0, "4.0 degrees clockwise"), (-4.0, "4.0 degrees counter-clockwise")])
def test_a_copy_was_turned_the_way_that_is_said(clockwise_deg: float, words: str) -> None:
    turned = SCENE.rotate(-clockwise_deg, Image.Resampling.BICUBIC)  # Pillow counts the other way about
    cut = turned.crop((60, 60, turned.width - 60, turned.height - 60))
    for whole, part in itertools.permutations((measured(SCENE), measured(cut))):
        pair = judged(whole, part)
        assert pair.transform is not None
        assert pair.transform.angle_deg == pytest.approx(clockwise_deg, abs=0.3)
        assert f"turned by {words}" in pair.because


def test_the_logo_is_found_where_it_was_put() -> None:
    logo = SCENE.copy()
    logo.paste("#1060c0", (600, 380, 700, 460))
    pair = judged(measured(SCENE), measured(logo))
    assert pair.verdict is Verdict.SAME
    assert "at the lower right" in pair.because
    assert pair.transform is not None
    assert pair.transform.region == pytest.approx((600, 380, 700, 460), abs=20.0)


def badged(image: Image.Image, text: str, colour: str, right: bool, top: bool) -> Image.Image:
    """With words on a small plate in a corner, as newspapers put them."""
    made = image.copy()
    draw = ImageDraw.Draw(made)
    left, upper = (image.width - 190 if right else 12), (12 if top else image.height - 52)
    draw.rectangle((left, upper, left + 178, upper + 40), colour)
    draw.text((left + 10, upper + 8), text, "white", ImageFont.load_default(22))
    return made


def test_plates_with_words_in_two_corners_are_overlays() -> None:
    one = badged(SCENE, "public releases", "#204060", right=True, top=True)
    other = badged(SCENE, "Daily Express", "#b02030", right=False, top=False)
    pair = judged(measured(one), measured(other))
    assert (pair.verdict, pair.relations[0]) == (Verdict.SAME, Relation.OVERLAID), pair


def test_a_drawing_in_other_colours_is_left_to_a_person() -> None:
    def drawn(colour: str) -> Measured:
        image = Image.new("RGB", (600, 400), "#f0f0f0")
        draw = ImageDraw.Draw(image)
        rng = random.Random(7)
        for _ in range(16):
            x, y, size = rng.randint(20, 520), rng.randint(20, 320), rng.randint(14, 50)
            draw.ellipse((x, y, x + size, y + size), colour)
            draw.line((x, y + size, x + 60, y + size + 20), "#202428", 8)
        return measured(image)

    pair = judged(drawn("#d84038"), drawn("#3078d8"))
    assert (pair.verdict, pair.relations) == (Verdict.UNSURE, (Relation.UNSURE, Relation.RECOLOURED)), pair


def test_another_pose_before_the_same_wall_is_not_the_same_picture() -> None:
    pair = judged(measured(SCENE), measured(figure(random.Random("scene"), 2)))
    assert pair.verdict is not Verdict.SAME, pair
    assert pair.relations == (Relation.SAME_SERIES,), pair
    assert "the same surroundings" in pair.because


@pytest.mark.parametrize("draw", [chart, page])
def test_another_text_on_the_same_template_is_not_the_same_picture(draw: object) -> None:
    assert callable(draw)
    one, other = (measured(draw(random.Random("template"), number)) for number in (1, 2))
    assert judged(one, other).verdict is not Verdict.SAME


def table(seed: str) -> Image.Image:
    """Six columns of six numbers each, under equal headings."""
    rng, sheet = random.Random(seed), Image.new("RGB", (700, 420), "white")
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((0, 0, 700, 60), "#305080")
    for row in range(7):
        draw.line((0, 60 * row, 700, 60 * row), "#808080", 2)
        for column in range(6):
            draw.line((116 * column, 0, 116 * column, 420), "#808080", 2)
            text = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat")[column] if row == 0 else str(rng.randint(100, 999))
            draw.text((116 * column + 30, 60 * row + 14), text, "white" if row == 0 else "black", font=font(30))
    return sheet


@pytest.mark.parametrize("strictness", ["lax", "normal"])
def test_a_table_of_other_numbers_is_left_to_a_person(strictness: str) -> None:
    pair = judged(measured(table("one"), ("png", 0)), measured(table("other"), ("png", 0)), strictness)
    assert pair.verdict is Verdict.UNSURE, pair
    assert "small letters, figures or pieces differ" in pair.because
    assert judged(measured(table("one"), ("png", 0)), measured(table("one"), ("jpeg", 60))).verdict is Verdict.SAME


def screen(shown: Image.Image) -> Image.Image:
    """A screenshot of an app that shows a picture."""
    screenshot = Image.new("RGB", (360, 640), "white")
    draw = ImageDraw.Draw(screenshot)
    draw.rectangle((0, 0, 360, 60), "#203040")
    draw.text((14, 16), "Pictures near you", "white", font=font(24))
    screenshot.paste(ImageOps.fit(shown, (340, 170)), (10, 70))
    for row in range(9):
        draw.text((14, 260 + 40 * row), f"{row + 1}. What others say of it", "#303030", font=font(20))
    return screenshot


@pytest.mark.parametrize("number", range(4))
def test_a_screenshot_with_another_picture_in_it_is_another_picture(number: int) -> None:
    one, other = (textured(light_scene(f"screen {number} {which}"), which) for which in (1, 2))
    pair = judged(measured(screen(one)), measured(screen(other)))
    assert pair.verdict is not Verdict.SAME, pair


def test_another_picture_is_another_picture() -> None:
    pair = judged(measured(SCENE), measured(figure(random.Random("elsewhere"), 1)))
    assert (pair.verdict, pair.relations) == (Verdict.DIFFERENT, ())


def test_a_collage_contains_its_parts_and_is_not_one_of_them() -> None:
    whole = measured(collage(SCENE, figure(random.Random("beside"), 3)))
    pair = judged(measured(SCENE), whole)
    assert pair.verdict is not Verdict.SAME, pair


def test_a_sheet_of_drawings_on_white_contains_each_of_them() -> None:
    def drawn(seed: str) -> Image.Image:
        image = Image.new("RGB", (300, 300), "white")
        draw, rng = ImageDraw.Draw(image), random.Random(seed)
        for _ in range(25):
            x, y = rng.randint(30, 200), rng.randint(30, 200)
            draw.rectangle((x, y, x + rng.randint(10, 60), y + rng.randint(10, 60)), f"hsl({rng.randint(0, 359)}, 60%, 50%)")
        return image

    sheet = Image.new("RGB", (600, 300), "white")
    for number, seed in enumerate(("one", "other")):
        sheet.paste(drawn(seed), (300 * number, 0))
    pair = judged(measured(drawn("one")), measured(sheet))
    assert (pair.verdict, pair.relations) == (Verdict.UNSURE, (Relation.CONTAINS,)), pair


@pytest.mark.parametrize("transform", ["jpeg20", "crop70", "text_banner", "watermark", "brightness", "mirror", "rotate2-5"])
def test_what_is_measured_are_plain_numbers_that_may_leave_a_worker(transform: str) -> None:
    pair = of_copy(transform)
    assert {type(value) for value in (pair.score, *pair.scores.values())} == {float}
    assert answers.unpack(answers.pack(("ok", [pair]))) == ("ok", [pair])


def light_scene(seed: str) -> Image.Image:
    """A figure on a pale ground with a floor, so that nothing but thin plain lines parts it from a page."""
    image, rng = Image.new("RGB", (728, 546), "#e8f2df"), random.Random(seed)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 440, 728, 546), "#c4cfb8")
    for _ in range(9):
        x, y = rng.randint(200, 480), rng.randint(60, 420)
        draw.line((x, y, x + rng.randint(-120, 120), y + rng.randint(-120, 120)), rng.choice(["#3858a0", "#404058", "#e0a880"]), 22)
    draw.rectangle((600, 500, 690, 524), "white", "grey")
    return image


@pytest.mark.parametrize("number", range(3, 6))
def test_a_collage_contains_what_lost_its_sides_in_being_fitted_to_it(number: int) -> None:
    part = light_scene(f"part {number}")
    pair = judged(measured(part), measured(collage(part, chart(random.Random(f"beside {number}"), number))))
    assert (pair.verdict, pair.relations) == (Verdict.UNSURE, (Relation.CONTAINS,)), pair


@pytest.mark.parametrize("number", range(1, 5))
def test_a_collage_contains_what_goes_on_well_beyond_its_place_and_the_crops_of_it(number: int) -> None:
    part = light_scene(f"wide {number}").resize((820, 546))
    whole, page = measured(part), measured(collage(chart(random.Random(f"beside {number}"), number), part))
    crop = measured(part.crop((150, 20, 700, 500)))
    pair = judged(whole, page)
    assert (pair.verdict, pair.relations) == (Verdict.UNSURE, (Relation.CONTAINS,)), pair
    pairs = [pair, judged(whole, crop), judged(crop, page)]
    (cluster,) = group([each.picture for each in (whole, crop, page)], pairs, []).clusters
    assert set(cluster.members) == {whole.picture.payload, crop.picture.payload}


@pytest.mark.parametrize("share", [0.64, 0.78])
@pytest.mark.parametrize("gap", [0, 10])
def test_the_larger_of_two_pictures_side_by_side_is_a_part_too(share: float, gap: int) -> None:
    wide, beside = SCENE.resize((round(900 * share), 400)), figure(random.Random("beside"), 3).resize((round(900 * (1 - share)), 400))
    page = Image.new("RGB", (wide.width + gap + beside.width, 400), "white")
    page.paste(wide, (0, 0))
    page.paste(beside, (wide.width + gap, 0))
    pair = judged(measured(wide), measured(page))
    assert (pair.verdict, pair.relations) == (Verdict.UNSURE, (Relation.CONTAINS,)), pair


@pytest.mark.parametrize("top", [32, 38])
def test_a_crop_around_a_figure_on_plain_ground_is_no_part_of_a_page(top: int) -> None:
    image, rng = Image.new("RGB", (640, 480), "#e8f2df"), random.Random(top)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 430, 640, 480), "#c4cfb8")
    draw.rectangle((520, 440, 600, 465), "white", "grey")
    for _ in range(9):
        x, y = rng.randint(230, 400), rng.randint(100, 320)
        end = x + rng.randint(-90, 90), y + rng.randint(-70, 70)
        draw.line((x, y, *end), rng.choice(["#3858a0", "#404058", "#e0a880"]), 18)
    pair = judged(measured(image), measured(image.crop((120, top, 530, top + 370))))
    assert (pair.verdict, pair.relations[0]) == (Verdict.SAME, Relation.CROPPED), pair


@pytest.mark.parametrize("number", range(3))
def test_a_drawing_brightened_until_its_ground_is_white_is_the_same_picture(number: int) -> None:
    drawing = light_scene(f"bright {number}")
    pair = judged(measured(drawing), measured(ImageEnhance.Brightness(drawing).enhance(1.45)))
    assert pair.verdict is Verdict.SAME, pair


def crest(seed: int) -> Image.Image:
    """Alike left and right, but for what stands in the middle."""
    rng, half = random.Random(seed), Image.new("RGB", (150, 300), "white")
    draw = ImageDraw.Draw(half)
    for _ in range(14):
        x, y = rng.randint(0, 110), rng.randint(10, 260)
        draw.rectangle((x, y, x + rng.randint(8, 35), y + rng.randint(8, 35)), rng.choice(["#203080", "#a02020", "#208040"]))
    image = Image.new("RGB", (300, 300), "white")
    image.paste(half, (0, 0))
    image.paste(ImageOps.mirror(half), (150, 0))
    ImageDraw.Draw(image).polygon([(100, 100), (200, 150), (110, 220)], "#e0a020")
    return image


@pytest.mark.parametrize("seed", range(3))
def test_a_mirrored_copy_of_what_is_nearly_symmetric_is_no_other_moment(seed: int) -> None:
    pair = judged(measured(crest(seed)), measured(ImageOps.mirror(crest(seed))))
    assert (pair.verdict, pair.relations) == (Verdict.SAME, (Relation.MIRRORED,)), pair


def test_the_same_pixels_in_another_file() -> None:
    pair = judged(measured(SCENE, ("png", 0)), measured(SCENE, ("bmp", 0)))
    assert (pair.verdict, pair.relations, pair.score) == (Verdict.SAME, (Relation.IDENTICAL_PIXELS,), 1.0)


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (20_000, 40)])
def test_strange_sizes_are_compared_without_harm(size: tuple[int, int]) -> None:
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8))
    assert judged(measured(noise, ("png", 0)), measured(SCENE)).verdict is Verdict.DIFFERENT


def test_blank_pictures_are_never_the_same_by_their_look() -> None:
    pair = judged(measured(Image.new("RGB", (300, 200), "#ffffff")), measured(Image.new("RGB", (301, 200), "#fefefe")))
    assert pair.verdict is Verdict.DIFFERENT
    assert "too little" in pair.because


def test_two_noises_are_different() -> None:
    one, other = (Image.fromarray(np.random.default_rng(seed).integers(0, 255, (200, 300, 3), dtype=np.uint8)) for seed in (1, 2))
    assert judged(measured(one), measured(other)).verdict is Verdict.DIFFERENT


@pytest.mark.parametrize("transform", ["crop60", "logo", "mirror", "border"])
def test_comparing_is_symmetric_and_repeats_itself(transform: str) -> None:
    rng = random.Random(transform)
    one, other = measured(SCENE), measured(TRANSFORMS[transform](SCENE, rng))
    assert judged(one, other) == judged(other, one) == judged(one, other)


def test_strictness_only_ever_takes_pairs_away() -> None:
    order = sorted(STRICTNESS, key=lambda name: STRICTNESS[name])
    for transform in ("jpeg20", "logo", "watermark", "text_banner", "crop50"):
        rng = random.Random(transform)
        one, other = measured(SCENE), measured(TRANSFORMS[transform](SCENE, rng))
        joined = [judged(one, other, strictness).verdict is Verdict.SAME for strictness in order]
        assert joined == sorted(joined, reverse=True)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_features_survive_storage(width: int, height: int, seed: int) -> None:
    view = np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)
    features = extract(view, view[::-1].copy() if seed % 2 else None)
    assert Features.from_bytes(features.to_bytes()).to_bytes() == features.to_bytes()


def test_what_is_no_features_is_refused() -> None:
    with pytest.raises(ValueError, match="not the features"):
        Features.from_bytes(b"something else")


@given(st.floats(-2, 2), st.floats(-2, 2))
def test_a_grade_never_falls_as_the_measurement_improves(one: float, other: float) -> None:
    rising, falling = Band(0.9, 0.95, 0.99), Band(0.02, 0.01, 0.005)
    low, high = sorted((one, other))
    assert rising.grade(low) <= rising.grade(high)
    assert falling.grade(low) >= falling.grade(high)


def drawing(*marks: tuple[float, ...], size: tuple[int, int] = (420, 320)) -> Image.Image:
    """A house with a tree on white, and further ellipses of (left, top, right, bottom)."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((80, 140, 250, 290), "#c08040", "black", 4)
    draw.polygon((65, 140, 165, 50, 265, 140), "#a03030", "black")
    draw.rectangle((140, 210, 190, 290), "#503010", "black", 3)
    for x in (100, 205):
        draw.rectangle((x, 160, x + 28, 190), "#80b0e0", "black", 3)
    draw.rectangle((320, 200, 345, 290), "#704020", "black", 3)
    draw.ellipse((285, 90, 380, 210), "#308030", "black", 3)
    for mark in marks:
        draw.ellipse(mark, "black")
    return image


def test_a_drawing_brightened_until_it_clips_is_the_same_picture() -> None:
    pear = drawing()
    bright = pear.point([min(255, round(level * 1.45)) for level in range(256)] * 3)
    pair = judged(measured(pear), measured(bright))
    assert (pair.verdict, pair.relations[0]) == (Verdict.SAME, Relation.RECOLOURED), pair


@pytest.mark.parametrize("number", [0, 1, 5, 6, 7])
def test_a_sharpened_chart_bears_no_mark(number: int) -> None:
    """Sharpening leaves lighter rims along all edges; a mark lies where it was laid."""
    bars = chart(random.Random(f"c{number}"), 1)
    pair = judged(measured(bars), measured(bars.filter(ImageFilter.UnsharpMask(2, 150, 2))))
    assert (pair.verdict, pair.relations) == (Verdict.SAME, (Relation.RE_ENCODED,)), pair
    assert pair.because == "the same picture, softened or sharpened"


def test_a_white_border_around_a_drawing_on_white_is_one() -> None:
    pair = judged(measured(drawing()), measured(ImageOps.expand(drawing(), 28, "white")))
    assert (pair.verdict, pair.relations) == (Verdict.SAME, (Relation.BORDERED,)), pair


def test_a_frame_with_words_below_is_a_border_and_no_crop() -> None:
    whole = figure(random.Random("instant"), 1)
    framed = ImageOps.expand(whole, (30, 30, 30, 110), "#f4f2ea")
    ImageDraw.Draw(framed).text((60, framed.height - 80), "By the sea, 1987", "#303030", font=font(36))
    pair = judged(measured(whole), measured(framed.resize((framed.width // 2, framed.height // 2))))
    assert (pair.verdict, pair.relations) == (Verdict.SAME, (Relation.BORDERED, Relation.RESIZED)), pair
    assert pair.because == "the same picture, with a border around it, rescaled to 0.50", "of the copy that has the border"


@pytest.mark.parametrize("smaller", [False, True])
def test_the_scale_is_that_of_the_copy_with_the_caption(smaller: bool) -> None:
    whole = figure(random.Random("captioned"), 1)
    captioned = ImageOps.expand(whole, (0, 0, 0, 70), "white")
    ImageDraw.Draw(captioned).text((20, captioned.height - 60), "A figure before a wall, and what it does", "black", font=font(30))
    one, other = (
        (whole, captioned.resize((captioned.width // 2, captioned.height // 2)))
        if smaller
        else (whole.resize((whole.width // 2, whole.height // 2)), captioned)
    )
    pair = judged(measured(one), measured(other))
    scale = 0.5 if smaller else 2.0
    assert pair.because == f"the same picture, a caption added at its edge, rescaled to {scale:.2f}"
    assert pair.marked == ("a" if pair.b == measured(one).picture.payload else "b")


def test_a_copy_that_was_turned_and_cropped_says_both() -> None:
    whole = figure(random.Random("turned"), 1)
    left, top = whole.width // 8, whole.height // 8
    turned = whole.rotate(5, Image.Resampling.BICUBIC).crop((left, top, whole.width - left, whole.height - top))
    pair = judged(measured(whole), measured(turned))
    assert (pair.verdict, pair.relations) == (Verdict.SAME, (Relation.ROTATED, Relation.CROPPED)), pair


def test_a_picture_squeezed_by_a_quarter_is_left_to_a_person() -> None:
    pair = judged(measured(SCENE), measured(SCENE.resize((SCENE.width * 3 // 4, SCENE.height))))
    assert pair.verdict is Verdict.UNSURE, pair
    assert pair.because == "one of them is stretched by 33 % in one direction, as few copies are"


def landscape(seed: int) -> Image.Image:
    """Detail of all sizes, the finest the faintest, as in photographs."""
    rng, size = np.random.default_rng(seed), (720, 480)
    layers = ((6, 9, 0.5), (24, 36, 0.3), (90, 135, 0.2))
    noises = ((Image.fromarray(rng.uniform(0, 255, (high, wide, 3)).astype(np.uint8)), share) for high, wide, share in layers)
    blended = sum(np.asarray(noise.resize(size, Image.Resampling.BICUBIC), np.float32) * share for noise, share in noises)
    return Image.fromarray(np.clip(blended, 0, 255).astype(np.uint8))


def meme(image: Image.Image, above: str, below: str) -> Image.Image:
    """Large white letters with a black rim along both ends."""
    image = image.copy()
    draw, large = ImageDraw.Draw(image), font(image.height / 5.6)
    for words, at, anchor in ((above, 0.02, "ma"), (below, 0.98, "md")):
        draw.text((image.width / 2, image.height * at), words, "white", large, anchor, stroke_width=6, stroke_fill="black")
    return image


@pytest.mark.parametrize("seed", range(3))
def test_large_words_along_both_ends_of_a_photograph_are_an_overlay(seed: int) -> None:
    photograph = landscape(seed)
    pair = judged(measured(photograph), measured(meme(photograph, "ONE DOES NOT", "SIT ON CHAIRS")))
    assert (pair.verdict, pair.relations) == (Verdict.SAME, (Relation.OVERLAID,)), pair
    assert pair.because == "the same picture, large lettering laid over it"


@pytest.mark.parametrize("seed", range(3))
def test_a_photograph_with_other_large_words_is_not_joined(seed: int) -> None:
    one, other = (meme(landscape(seed), *words) for words in (("ONE DOES NOT", "SIT ON CHAIRS"), ("NOT SURE IF", "ONLY MONDAY")))
    assert judged(measured(one), measured(other)).verdict is not Verdict.SAME


def with_button(image: Image.Image, across: float) -> Image.Image:
    """A dark disc with a white triangle."""
    image, (wide, high) = image.copy(), image.size
    x, y, radius = wide * across, high / 2, min(wide, high) / 8
    draw = ImageDraw.Draw(image)
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), "#202020")
    draw.polygon([(x - radius / 3, y - radius / 2), (x - radius / 3, y + radius / 2), (x + radius / 2, y)], "white")
    return image


def test_a_button_in_the_very_middle_of_a_photograph_is_an_overlay() -> None:
    photograph = landscape(7)
    pair = judged(measured(photograph), measured(with_button(photograph, 0.5)))
    assert (pair.verdict, pair.relations) == (Verdict.SAME, (Relation.OVERLAID,)), pair
    assert pair.because == "the same picture, a logo or caption added in the middle"


def test_a_patch_anywhere_else_is_another_moment() -> None:
    photograph = landscape(7)
    assert judged(measured(photograph), measured(with_button(photograph, 0.42))).relations == (Relation.SAME_SERIES,)


def icon(seed: int) -> Image.Image:
    """A small drawing on white."""
    rng, image = random.Random(seed), Image.new("RGB", (480, 440), "white")
    draw = ImageDraw.Draw(image)
    for _ in range(9):
        x, y, wide, high = rng.randint(40, 360), rng.randint(40, 320), rng.randint(30, 140), rng.randint(30, 120)
        colour = tuple(rng.randint(20, 230) for _ in range(3))
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape((x, y, min(470, x + wide), min(430, y + high)), fill=colour, outline="black", width=4)
    return image.resize((120, 110), Image.Resampling.LANCZOS)


@pytest.mark.parametrize("seed", [3, 5, 8, 9])
def test_a_part_of_an_icon_that_was_enlarged_is_cropped(seed: int) -> None:
    """What a descriptor sees of an icon is half the icon, unless corners are looked for in an enlarged one."""
    small = icon(seed)
    part = small.crop((20, 14, 110, 96)).resize((400, 364), Image.Resampling.LANCZOS)
    pair = judged(measured(small, ("png", 0)), measured(part))
    assert (pair.verdict, pair.relations[0]) == (Verdict.SAME, Relation.CROPPED), pair
    assert "cropped to 56 % of the area" in pair.because


def evidence_of(transform: str) -> Evidence:
    rng = random.Random(transform)
    one, other = measured(SCENE), measured(TRANSFORMS[transform](SCENE, rng), encoding(transform, rng))
    found = find(one.picture, Features.from_bytes(one.features), other.picture, Features.from_bytes(other.features))
    assert found is not None
    return found.evidence


@pytest.mark.parametrize(("angle_deg", "is_one"), [(0.0, True), (-4.8, True), (94.0, True), (10.4, False), (-80.0, False)])
def test_a_banner_lies_level_in_the_picture_that_bears_it(angle_deg: float, is_one: bool) -> None:
    seen = evidence_of("text_banner")
    assert (rules.banner(replace(seen, frame=replace(seen.frame, angle_deg=angle_deg))) >= STRICTNESS["normal"]) is is_one


@pytest.mark.parametrize(("share", "is_one"), [(1.0, True), (0.92, True), (0.76, False)])
def test_a_logo_lies_on_a_picture_of_which_the_other_shows_nearly_all(share: float, is_one: bool) -> None:
    """Of letters that share a stroke each has something in a corner, and a good part of either is not on the other."""
    seen = evidence_of("logo")
    frame = replace(seen.frame, cover_a=share, cover_b=share, content_a=share, content_b=share)
    assert (max(rules.badge(replace(seen, frame=frame)), rules.plate(replace(seen, frame=frame))) >= STRICTNESS["normal"]) is is_one


def test_a_line_of_letters_without_a_box_is_laid_over_a_drawing() -> None:
    lettered = drawing()
    ImageDraw.Draw(lettered).text((12, 8), "Gentle chair stretches", "#202020", ImageFont.load_default(25))
    pair = judged(measured(drawing()), measured(lettered))
    assert (pair.verdict, pair.relations[0]) == (Verdict.SAME, Relation.OVERLAID), pair
    assert "lettering laid over it at the top" in pair.because


def test_two_lines_of_other_letters_are_not_one_picture() -> None:
    def lettered(words: str) -> Measured:
        image = drawing()
        ImageDraw.Draw(image).text((12, 5), words, "#202020", ImageFont.load_default(34))
        return measured(image)

    assert judged(lettered("Gentle chair stretches"), lettered("Monday: legs and hips")).verdict is not Verdict.SAME


def test_a_dot_more_is_another_drawing() -> None:
    """As an umlaut is another letter: what stands beside a drawing on plain ground is no crop of it."""
    dotted = Image.new("RGB", (420, 410), "white")
    dotted.paste(drawing(), (0, 90))
    ImageDraw.Draw(dotted).ellipse((140, 15, 190, 65), "black")
    pair = judged(measured(drawing()), measured(dotted))
    assert (pair.verdict, pair.relations) == (Verdict.UNSURE, (Relation.CONTAINS,)), pair


def test_a_caption_on_white_below_a_drawing_on_white_is_no_crop() -> None:
    captioned = Image.new("RGB", (420, 362), "white")
    captioned.paste(drawing(), (0, 0))
    ImageDraw.Draw(captioned).text((20, 330), "A house with a tree, by nobody", "black", ImageFont.load_default(20))
    pair = judged(measured(drawing()), measured(captioned))
    assert (pair.verdict, pair.relations[0]) == (Verdict.SAME, Relation.OVERLAID), pair
    assert "caption" in pair.because


def test_a_drawing_turned_on_its_side_is_shown_and_not_joined() -> None:
    pair = judged(measured(drawing()), measured(drawing().transpose(Image.Transpose.ROTATE_90)))
    assert (pair.verdict, pair.relations) == (Verdict.UNSURE, (Relation.UNSURE, Relation.ROTATED)), pair


def test_a_strong_blur_leaves_the_picture_the_same() -> None:
    sharp = Image.new("RGB", (300, 220), "#c0c0c0")
    draw, rng = ImageDraw.Draw(sharp), random.Random(2)
    for _ in range(240):
        x, y, size = rng.randint(0, 290), rng.randint(0, 210), rng.choice([2, 3, 3, 4, 18])
        draw.rectangle((x, y, x + size, y + size), f"hsl({rng.randint(0, 359)}, 50%, {rng.randint(15, 85)}%)")
    pair = judged(measured(sharp), measured(sharp.filter(ImageFilter.GaussianBlur(2.5))))
    assert pair.verdict is Verdict.SAME, pair
    assert pair.because.endswith("softened or sharpened"), pair


def test_a_faint_mark_on_a_drawing_of_wide_plain_areas_is_a_watermark() -> None:
    flat = textured(drawing(), 3).quantize(12, dither=Image.Dither.NONE).convert("RGB")
    layer = Image.new("RGBA", flat.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    for row in range(3):
        draw.text((20 + 70 * row, 40 + 95 * row), "www.stretch.example", (0, 0, 0, 90), ImageFont.load_default(30))
    marked = Image.alpha_composite(flat.convert("RGBA"), layer).convert("RGB")
    pair = judged(measured(flat), measured(marked))
    assert (pair.verdict, pair.relations[0]) == (Verdict.SAME, Relation.OVERLAID), pair


def sign(name: str = "") -> Image.Image:
    """A bare sign with hardly any corners."""
    image = Image.new("RGB", (480, 360), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((150, 60, 330, 240), "#b8d8e8" if name else "#d8c8a8", "#506070", 6)
    draw.arc((190, 110, 290, 200), 20, 160 if not name else 120, "#506070", 8)
    return image


def test_a_banner_over_a_bare_drawing_is_found_by_what_it_leaves() -> None:
    banner = sign()
    draw = ImageDraw.Draw(banner)
    draw.rectangle((0, 225, 480, 300), "#c01818")
    draw.text((16, 236), "Morning chair stretch", "#ffe080", ImageFont.load_default(36))
    pair = judged(measured(sign()), measured(banner))
    assert (pair.verdict, pair.relations[0]) == (Verdict.SAME, Relation.OVERLAID), pair
    assert "banner" in pair.because


def test_a_strip_that_looks_like_what_it_covers_in_places_is_one_strip() -> None:
    """A dark credit over dark shoes falls into pieces; all of them lie in one run of rows from side to side."""
    one = SCENE.copy()
    ImageDraw.Draw(one).rectangle((250, 400, 420, 480), "#101010")
    other = one.copy()
    layer = Image.new("RGBA", other.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    draw.rectangle((0, 430, 720, 480), (0, 0, 0, 200))
    draw.text((20, 436), "Photo: home relief agency", "white", ImageFont.load_default(28))
    other = Image.alpha_composite(other.convert("RGBA"), layer).convert("RGB")
    pair = judged(measured(one), measured(other))
    assert (pair.verdict, pair.relations[0]) == (Verdict.SAME, Relation.OVERLAID), pair
    assert "banner" in pair.because


def test_another_part_across_a_drawing_is_no_banner() -> None:
    """Towers of blocks that differ in one block: it is as wide as the tower, not laid from side to side, and has other colours twice."""

    def tower(*colours: str) -> Image.Image:
        image = Image.new("RGB", (360, 420), "white")
        draw = ImageDraw.Draw(image)
        for row, colour in enumerate(colours):
            draw.rounded_rectangle((60 + 6 * row, 20 + 95 * row, 300 - 6 * row, 110 + 95 * row), 20, colour, "black", 5)
            draw.line((90, 60 + 95 * row, 270, 40 + 95 * row), "white", 4)
        return image

    pair = judged(measured(tower("#c04030", "#e0b040", "#308050", "#4060a0")), measured(tower("#c04030", "#e0b040", "#f0f0f0", "#4060a0")))
    assert pair.verdict is not Verdict.SAME, pair


def test_faint_letters_over_a_line_drawing_are_an_overlay() -> None:
    lines = drawing()
    layer = Image.new("RGBA", lines.size, (0, 0, 0, 0))
    for row in range(3):
        ImageDraw.Draw(layer).text((20 + 70 * row, 60 + 80 * row), "www.guide.example", (0, 0, 0, 90), ImageFont.load_default(26))
    marked = Image.alpha_composite(lines.convert("RGBA"), layer).convert("RGB")
    pair = judged(measured(lines), measured(marked))
    assert (pair.verdict, pair.relations[0]) == (Verdict.SAME, Relation.OVERLAID), pair


@pytest.mark.parametrize("ratio", [1.0, 4 / 3, 16 / 9])
def test_a_smooth_picture_cut_to_a_usual_ratio_is_found_without_corners(ratio: float) -> None:
    rng = np.random.default_rng(8)
    coarse = Image.fromarray(rng.integers(40, 220, (5, 7, 3), dtype=np.uint8).astype(np.uint8))
    sky = coarse.resize((900, 450), Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(12))
    width = round(450 * ratio)
    cut = sky.crop(((900 - width) // 2, 0, (900 - width) // 2 + width, 450))
    pair = judged(measured(sky), measured(cut))
    assert (pair.verdict, pair.relations[0]) == (Verdict.SAME, Relation.CROPPED), pair


def test_a_black_border_does_not_shine_into_a_drawing_on_white() -> None:
    lines = drawing()
    framed = Image.new("RGB", (lines.width + 44, lines.height + 44), "black")
    framed.paste(lines, (22, 22))
    pair = judged(measured(lines), measured(framed))
    assert (pair.verdict, pair.relations[0]) == (Verdict.SAME, Relation.BORDERED), pair


def animated(*frames: Image.Image, size: tuple[int, int] = (360, 240)) -> Measured:
    out = io.BytesIO()
    small = [frame.resize(size) for frame in frames]
    small[0].save(out, "gif", save_all=True, append_images=small[1:], duration=100)
    found = measure(hashlib.sha256(out.getvalue()).hexdigest(), out.getvalue())
    assert isinstance(found, Measured), found
    assert found.picture.frames == len(frames)
    return found


OTHER, THIRD = figure(random.Random("other"), 1), figure(random.Random("third"), 1)


def test_an_animation_made_smaller_is_the_same_picture() -> None:
    pair = judged(animated(SCENE, OTHER, THIRD), animated(SCENE, OTHER, THIRD, size=(240, 160)))
    assert (pair.verdict, pair.relations[0]) == (Verdict.SAME, Relation.RESIZED), pair


def test_animations_that_begin_alike_and_go_on_differently_are_left_to_a_person() -> None:
    pair = judged(animated(SCENE, OTHER, THIRD), animated(SCENE, THIRD, OTHER))
    assert (pair.verdict, pair.relations) == (Verdict.UNSURE, (Relation.UNSURE,)), pair
    assert "begin alike" in pair.because


@pytest.mark.parametrize(("still", "words"), [(SCENE, "the first frame"), (OTHER, "a later frame")])
def test_a_still_of_an_animation_is_shown_and_not_joined(still: Image.Image, words: str) -> None:
    pair = judged(animated(SCENE, OTHER, THIRD), measured(still))
    assert (pair.verdict, pair.relations) == (Verdict.UNSURE, (Relation.UNSURE,)), pair
    assert words in pair.because


def signed(image: Image.Image, words: str) -> Image.Image:
    """An address three times over it, half transparent: white letters with a dark rim."""
    layer = Image.new("RGBA", image.size, (0, 0, 0, 0))
    for row in range(3):
        place = (image.width * (0.06 + 0.2 * row), image.height * (0.16 + 0.27 * row))
        font = ImageFont.load_default(image.width / 13)
        ImageDraw.Draw(layer).text(place, words, (255, 255, 255, 115), font, stroke_width=2, stroke_fill=(0, 0, 0, 100))
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


@pytest.mark.parametrize("ground", [drawing(), SCENE], ids=["drawing", "photograph"])
def test_letters_with_a_rim_are_an_overlay(ground: Image.Image) -> None:
    pair = judged(measured(ground), measured(signed(ground, "www.stretch.example")))
    assert (pair.verdict, pair.relations[0]) == (Verdict.SAME, Relation.OVERLAID), pair


def test_rows_of_other_letters_on_one_ground_are_two_pictures() -> None:
    one, other = (measured(signed(drawing(), words)) for words in ("www.stretch.example", "mondays: legs, hips"))
    assert judged(one, other).verdict is not Verdict.SAME


def test_a_strip_of_many_colours_from_side_to_side_is_an_overlay() -> None:
    """Half transparent over a busy picture it is neither plain nor one-sided; but no limb fills it."""
    photograph = textured(SCENE)
    layer = Image.new("RGBA", photograph.size, (0, 0, 0, 0))
    ImageDraw.Draw(layer).rectangle((0, 390, 720, 440), (140, 120, 110, 205))
    ImageDraw.Draw(layer).text((20, 396), "Home relief times guide", (255, 225, 70, 255), ImageFont.load_default(30))
    struck = Image.alpha_composite(photograph.convert("RGBA"), layer).convert("RGB")
    pair = judged(measured(photograph), measured(struck))
    assert (pair.verdict, pair.relations[0]) == (Verdict.SAME, Relation.OVERLAID), pair


def test_animations_of_equal_frames_are_not_said_to_be_equal_in_all_of_them() -> None:
    def saved(disposal: int) -> Measured:
        out = io.BytesIO()
        small = [frame.resize((120, 80)) for frame in (SCENE, OTHER, THIRD)]
        small[0].save(out, "gif", save_all=True, append_images=small[1:], duration=100, disposal=disposal, comment=b"%d" % disposal)
        found = measure(hashlib.sha256(out.getvalue()).hexdigest(), out.getvalue())
        assert isinstance(found, Measured), found
        return found

    pair = judged(saved(0), saved(2))
    assert pair.relations == (Relation.IDENTICAL_PIXELS,), pair
    assert pair.because == "the same pixels in the first and the middle frame in another file"


def test_other_tones_of_a_small_drawing_on_white_are_named() -> None:
    """Most of it is white and stays so; the mean change says nothing."""
    wide = Image.new("RGB", (900, 700), "white")
    wide.paste(drawing(), (240, 190))
    darker = wide.point([round(255 * (level / 255) ** 1.4) for level in range(256)] * 3)
    pair = judged(measured(wide), measured(darker))
    assert (pair.verdict, pair.relations[0]) == (Verdict.SAME, Relation.RECOLOURED), pair


@settings(max_examples=60, deadline=None)
@given(st.integers(8, 90), st.integers(8, 90), st.floats(0.05, 4.0), st.floats(-3.0, 3.0), st.floats(-80, 80), st.floats(-80, 80))
def test_a_sliver_of_an_overlap_does_no_harm(width: int, height: int, scale: float, turn: float, left: float, top: float) -> None:
    one, other = (Features.from_bytes(measured(SCENE.resize(size)).features) for size in ((width, height), (120, 80)))
    across, down = scale * np.cos(turn), scale * np.sin(turn)
    place = Placement(0, 0, False, np.array([[across, -down, left], [down, across, top]]), 0, 0)
    assert 0.0 <= glance(one, other, place) <= 1.0
    refined = refine(one, other, place)
    laid = lay(one.looks[0], other.looks[0], refined.matrix, 176)
    seen = look(laid) if laid is not None else None
    assert seen is None or 0.0 <= seen.good <= 1.0


@pytest.mark.parametrize("height", [14, 18, 20, 22, 26])
def test_ribbons_are_laid_on_each_other(height: int) -> None:
    """Where they are compared they are a few pixels high, and what samples them by every third row finds none."""
    ribbon = SCENE.resize((512, 384)).crop((0, 150, 512, 150 + height))
    one, other = (Features.from_bytes(measured(each).features) for each in (ribbon, ribbon.point(lambda level: level * 0.8)))
    place = Placement(0, 0, False, np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), 0, 0)
    assert np.isfinite(refine(one, other, place).matrix).all()
