from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.cluster.keeper import Ranking, rank
from archiver.cluster.proxies import is_resized
from archiver.model import Decision, Fingerprint, Pair, Picture, PictureEvidence, Relation, Transform, Verdict

NOW = datetime(2026, 1, 1, tzinfo=UTC)
JPEG_90 = PictureEvidence(jpeg_quality=90)


def picture(payload: str, width_px: int = 600, height_px: int = 400, format: str = "jpeg", evidence: PictureEvidence = JPEG_90) -> Picture:
    return Picture(payload, format, width_px, height_px, 1, Fingerprint(payload, (), True), evidence)


def pair(a: Picture, b: Picture, crop: tuple[float, float, float, float] | None = None, *relations: Relation, score: float = 0.9) -> Pair:
    """b lies on `crop` of a, in pixels of a; on all of it when None."""
    left, top, right, bottom = crop or (0.0, 0.0, float(a.width_px), float(a.height_px))
    across, down = (right - left) / b.width_px, (bottom - top) / b.height_px
    matrix = (across, 0.0, left, 0.0, down, top)
    fuller = "a" if a.payload < b.payload else "b"
    transform = Transform(fuller, (left, top, right, bottom), 1.0 / across, 0.0, False, matrix)
    first, second = sorted((a.payload, b.payload))
    return Pair(first, second, Verdict.SAME, relations or (Relation.RESIZED,), score, "", transform)


def better(a: str, b: str, day: int = 0) -> Decision:
    return Decision(a, b, "better", "", NOW + timedelta(days=day))


def test_the_larger_file_of_the_same_frame_is_kept() -> None:
    small, large = picture("a", 300, 200), picture("b", 1200, 800)
    found = rank([small, large], [pair(large, small)], {})
    assert found.order == ("b", "a")
    assert found.scores["a"]["resolution"] == pytest.approx(-2.0)
    assert found.scores["a"]["extent"] == pytest.approx(0.0)
    assert "more source pixels" in found.because


def test_an_upscaled_file_does_not_gain_by_its_size() -> None:
    blown_up = picture("a", 1200, 800, evidence=PictureEvidence(jpeg_quality=80, effective_width_px=300))
    real = picture("b", 600, 400)
    assert rank([blown_up, real], [pair(blown_up, real)], {}).order == ("b", "a")


def test_the_whole_picture_is_kept_before_a_crop_of_the_same_grain() -> None:
    whole, crop = picture("a", 1000, 1000), picture("b", 600, 600)
    found = rank([crop, whole], [pair(whole, crop, (100.0, 100.0, 700.0, 700.0))], {})
    assert found.order == ("a", "b")
    assert found.scores["b"]["shown_share"] == pytest.approx(0.36)
    assert found.scores["b"]["resolution"] == pytest.approx(0.0)
    assert "shows more of the picture" in found.because


def test_extent_is_followed_through_copies_that_were_never_compared() -> None:
    whole, middle, small = picture("a", 1000, 1000), picture("b", 500, 1000), picture("c", 250, 250)
    pairs = [pair(whole, middle, (0.0, 0.0, 500.0, 1000.0)), pair(middle, small, (0.0, 0.0, 500.0, 500.0))]
    found = rank([small, middle, whole], pairs, {})
    assert found.scores["c"]["shown_share"] == pytest.approx(0.25)
    assert found.scores["c"]["resolution"] == pytest.approx(-1.0)


def test_the_less_compressed_copy_is_kept() -> None:
    low, high = picture("a", evidence=PictureEvidence(jpeg_quality=40)), picture("b", evidence=PictureEvidence(jpeg_quality=92))
    found = rank([low, high], [pair(low, high)], {})
    assert found.order == ("b", "a")
    assert "less compressed" in found.because
    assert found.scores["a"]["jpeg_quality"] == 40.0


def test_a_lossless_copy_is_kept_before_a_lossy_one_and_a_gif_last() -> None:
    png = picture("c", format="png", evidence=PictureEvidence(lossless=True))
    gif = picture("b", format="gif", evidence=PictureEvidence(lossless=True))
    jpeg = picture("a")
    assert rank([gif, jpeg, png], [pair(png, jpeg), pair(jpeg, gif)], {}).order == ("c", "a", "b")


def test_of_three_copies_the_one_with_a_logo_is_not_kept() -> None:
    plain, other, logo = picture("c"), picture("b", 560, 373), picture("a", 620, 413)
    pairs = [pair(logo, plain, None, Relation.OVERLAID), pair(logo, other, None, Relation.OVERLAID), pair(plain, other)]
    found = rank([plain, other, logo], pairs, {})
    assert found.order[-1] == "a"
    assert found.scores["a"]["overlay"] == pytest.approx(-1.0)


def test_the_original_is_not_charged_for_the_altered_copy_that_only_it_matches() -> None:
    original, blurred, bright = picture("c"), picture("a", 580, 387), picture("b", 560, 373)
    found = rank([original, blurred, bright], [pair(original, blurred), pair(original, bright, None, Relation.RECOLOURED)], {})
    assert found.order == ("c", "a", "b")
    assert found.scores["c"]["overlay"] == found.scores["a"]["overlay"] == 0.0


@pytest.mark.parametrize("marked", ["a", "b"])
def test_of_two_copies_the_one_that_was_seen_to_bear_the_mark_is_not_kept(marked: Literal["a", "b"]) -> None:
    one, other = picture("a", 600 + 20 * (marked == "a")), picture("b", 600 + 20 * (marked == "b"))
    seen = replace(pair(one, other, None, Relation.OVERLAID), marked=marked)
    found = rank([one, other], [seen], {})
    assert found.order[-1] == marked
    assert found.scores[marked]["overlay"] == pytest.approx(-1.0)


def test_of_three_copies_the_one_that_is_turned_is_not_kept() -> None:
    upright, other, turned = picture("c"), picture("b", 560, 373), picture("a", 620, 413)
    pairs = [pair(turned, upright, None, Relation.ROTATED), pair(turned, other, None, Relation.ROTATED), pair(upright, other)]
    assert rank([upright, other, turned], pairs, {}).order[-1] == "a"


def test_of_two_copies_the_one_with_a_caption_strip_is_not_kept() -> None:
    plain, captioned = picture("b", 600, 400), picture("a", 600, 460)
    found = rank([plain, captioned], [pair(captioned, plain, (0.0, 0.0, 600.0, 400.0), Relation.OVERLAID)], {})
    assert found.order == ("b", "a")
    assert found.scores["b"]["extent"] == 0.0
    assert found.scores["a"]["overlay"] == pytest.approx(-1.0)


def test_of_two_copies_the_one_with_a_patterned_frame_is_not_kept() -> None:
    plain, framed = picture("b", 600, 400), picture("a", 700, 500)
    found = rank([plain, framed], [pair(framed, plain, (50.0, 50.0, 650.0, 450.0), Relation.BORDERED)], {})
    assert found.order == ("b", "a")
    assert found.scores["a"]["border"] == pytest.approx(-0.3)


def test_a_crop_with_a_logo_shows_less_all_the_same() -> None:
    whole, crop = picture("a", 1000, 1000), picture("b", 600, 600)
    found = rank([whole, crop], [pair(whole, crop, (0.0, 0.0, 600.0, 600.0), Relation.OVERLAID, Relation.CROPPED)], {})
    assert found.scores["b"]["shown_share"] == pytest.approx(0.36)


def test_a_copy_in_colour_is_kept_before_a_larger_grey_one() -> None:
    grey = picture("a", 900, 600, evidence=PictureEvidence(jpeg_quality=90, grey=True))
    colour = picture("b")
    found = rank([grey, colour], [pair(grey, colour, None, Relation.RECOLOURED)], {})
    assert found.order == ("b", "a")
    assert "has colour" in found.because
    both = rank([grey, picture("c", 300, 200, evidence=PictureEvidence(jpeg_quality=90, grey=True))], [], {})
    assert both.scores["a"]["colour"] == 0.0


def test_a_border_counts_against_a_copy_and_its_area_does_not_count_for_it() -> None:
    framed = picture("a", 720, 480, evidence=PictureEvidence(jpeg_quality=90, border_box=(1 / 12, 1 / 12, 11 / 12, 11 / 12)))
    plain = picture("b", 600, 400)
    found = rank([framed, plain], [pair(framed, plain, (60.0, 40.0, 660.0, 440.0), Relation.BORDERED)], {})
    assert found.order == ("b", "a")
    assert found.scores["a"]["source_pixels"] == pytest.approx(240_000)
    assert found.scores["a"]["shown_share"] == pytest.approx(1.0)


def test_plain_ground_is_no_border_where_no_copy_is_without_it() -> None:
    """A mark on the ground of a drawing ends what looks like its border, and shows no more of the drawing."""
    ground = PictureEvidence(jpeg_quality=90, border_box=(0.2, 0.2, 0.8, 0.8))
    clean, marked = picture("b", evidence=ground), picture("a")
    found = rank([clean, marked], [pair(clean, marked, None, Relation.OVERLAID)], {})
    assert found.scores["b"]["shown_share"] == found.scores["a"]["shown_share"] == 1.0
    assert found.scores["b"]["border"] == 0.0


def noise_spectrum(bands: int = 32) -> tuple[int, ...]:
    """As of nature: 25 dB less for each decade of frequency."""
    return tuple(round(60 - 25 * math.log10(band + 0.5)) for band in range(bands))


@pytest.mark.parametrize("scale", [1.25, 1.6, 2.5, 4.0])
def test_a_copy_that_holds_no_more_than_a_smaller_one_has_no_more_source_pixels(scale: float) -> None:
    natural = noise_spectrum()
    stretched = tuple(natural[min(31, int(band * scale))] - (12 if band * scale > 32 else 0) for band in range(32))
    small = picture("b", 600, 400, "png", PictureEvidence(lossless=True, spectrum_db=natural))
    for spectrum, best in ((stretched, "b"), (natural, "a")):
        blown_up = PictureEvidence(jpeg_quality=92, spectrum_db=spectrum)
        large = picture("a", round(600 * scale), round(400 * scale), evidence=blown_up)
        found = rank([small, large], [pair(large, small)], {})
        assert found.order[0] == best or (scale == 1.25 and best == "a"), "at 92, a quarter more is worth little"
        assert (found.scores["a"]["source_pixels"] < 1.1 * 240_000) == (best == "b")


def test_metadata_and_a_direct_host_decide_between_equals() -> None:
    bare, told = picture("a"), picture("b", evidence=PictureEvidence(jpeg_quality=90, has_exif=True, exif_taken="2014-01-01T00:00:00"))
    assert rank([bare, told], [pair(bare, told)], {}).order == ("b", "a")
    twins = [picture("a"), picture("b")]
    hosts = {"a": ["https://i0.wp.com/x.org/a.jpg?w=600"], "b": ["https://x.org/a.jpg", "https://i0.wp.com/x.org/a.jpg?w=600"]}
    found = rank(twins, [pair(*twins)], hosts)
    assert found.order == ("b", "a")
    assert "resizing proxy" in found.because


def test_a_person_outranks_the_evidence() -> None:
    copies = [picture("a", 1200, 800), picture("b"), picture("c", 300, 200)]
    pairs = [pair(copies[0], copies[1]), pair(copies[1], copies[2])]
    found = rank(copies, pairs, {}, [better("c", "a")])
    assert found.order == ("b", "c", "a")
    found = rank(copies, pairs, {}, [better("c", "a"), better("c", "b")])
    assert found.order == ("c", "a", "b")
    assert "chosen by a person" in found.because


def test_the_last_word_counts_and_a_circle_is_opened_by_the_evidence() -> None:
    copies = [picture("a", 1200, 800), picture("b"), picture("c", 300, 200)]
    assert rank(copies, [], {}, [better("a", "b", 2), better("b", "a", 1)]).order[0] == "a"
    circle = [better("a", "b"), better("b", "c"), better("c", "a")]
    assert set(rank(copies, [], {}, circle).order) == {"a", "b", "c"}
    same = Decision("c", "a", "same", "", NOW)
    assert rank(copies, [], {}, [same]).order == rank(copies, [], {}, []).order


def test_one_copy_and_none() -> None:
    assert rank([picture("a")], [], {}).because == "the only copy, 600 × 400 pixels"
    with pytest.raises(ValueError, match="members"):
        rank([], [], {})


def test_equal_copies_are_ordered_and_the_words_say_so() -> None:
    found = rank([picture("b"), picture("a")], [], {})
    assert found.order == ("a", "b")
    assert "as good" in found.because


def test_a_broken_transform_is_passed_over() -> None:
    a, b = picture("a"), picture("b", 300, 200)
    flat = Transform("a", (0.0, 0.0, 0.0, 0.0), 0.0, 0.0, False, (0.0, 0.0, 0.0, 0.0, 0.0, 0.0))
    found = rank([a, b], [Pair("a", "b", Verdict.SAME, (Relation.RESIZED,), 0.9, "", flat)], {})
    assert found.order == ("a", "b")


sizes = st.tuples(st.integers(1, 4000), st.integers(1, 4000))


@given(
    found=st.lists(sizes, min_size=1, max_size=7),
    links=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.floats(0.1, 1.0)), max_size=9),
    seed=st.integers(0, 999),
)
def test_the_order_is_total_and_does_not_depend_on_the_order_of_the_arguments(
    found: list[tuple[int, int]], links: list[tuple[int, int, float]], seed: int
) -> None:
    copies = [picture(f"p{number}", *size) for number, size in enumerate(found)]
    pairs = [pair(copies[a], copies[b], score=score) for a, b, score in links if a != b and max(a, b) < len(copies)]

    def once(shuffle: random.Random) -> Ranking:
        mixed, mixed_pairs = copies.copy(), pairs.copy()
        shuffle.shuffle(mixed)
        shuffle.shuffle(mixed_pairs)
        return rank(mixed, mixed_pairs, {})

    first, second = once(random.Random(seed)), once(random.Random(seed + 1))
    assert first == second
    assert sorted(first.order) == sorted(copy.payload for copy in copies)
    totals = [first.scores[payload]["total"] for payload in first.order]
    assert all(better >= worse - 1e-5 for better, worse in pairwise(totals))


@pytest.mark.parametrize(
    "url",
    [
        "https://i0.wp.com/site.org/a.jpg",
        "https://site.org/a.jpg?w=300",
        "https://site.org/a.jpg?resize=300%2C200",
        "https://res.cloudinary.com/demo/image/upload/c_fill,w_300/a.jpg",
        "https://i.pinimg.com/originals/aa/bb.jpg",
        "https://i.ytimg.com/vi/abc/hqdefault.jpg",
        "https://site.org/wp-content/uploads/2014/02/chair-300x200.jpg",
        "https://upload.wikimedia.org/wikipedia/commons/thumb/a/ab/X.jpg/120px-X.jpg",
        "https://site.org/cdn-cgi/image/width=80/a.jpg",
        "https://site.org/_next/image?url=%2Fa.jpg&w=640&q=75",
        "https://1.bp.blogspot.com/-x/s320/a.jpg",
        "https://lh3.googleusercontent.com/abc=w600-h400",
        "https://m.media-amazon.com/images/I/71._SX300_.jpg",
        "https://static.wixstatic.com/media/a.jpg/v1/fill/w_300,h_200,al_c/a.jpg",
        "https://miro.medium.com/v2/resize:fit:1400/a.jpg",
        "https://cdn.shopify.com/s/files/1/a_300x300.jpg",
    ],
)
def test_addresses_of_scaled_copies_are_known(url: str) -> None:
    assert is_resized(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://site.org/a.jpg",
        "https://site.org/wp-content/uploads/2014/02/chair.jpg?ver=3",
        "https://site.org/with/s/a.jpg?key=value",
        "https://site.org/a.jpg?w=full",
        "https://upload.wikimedia.org/wikipedia/commons/a/ab/X.jpg",
        "http://[broken",
        "",
    ],
)
def test_addresses_of_files_themselves_are_not_suspected(url: str) -> None:
    assert not is_resized(url)
