from __future__ import annotations

import io
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, TiffImagePlugin

from archiver.model import Unreadable
from archiver.picture.decode import DRAFT_MIN_PX, THUMBNAIL_PX, VIEW_PX, Decoded, decode
from archiver.picture.sniff import sniff

sys.path.append(str(Path(__file__).parent))
from pictures import encode, scene, transparent


def seen(data: bytes) -> Decoded:
    found = decode(data)
    assert isinstance(found, Decoded), found
    return found


def apart(a: np.ndarray, b: np.ndarray) -> float:
    """Mean difference in levels."""
    assert a.shape == b.shape
    return float(np.abs(a.astype(float) - b.astype(float)).mean())


REFERENCE = scene()
VIEW = np.asarray(REFERENCE)

FORMATS = [
    ("JPEG", {"quality": 95, "subsampling": 0}, "jpeg", 2.0),
    ("JPEG", {"quality": 95, "progressive": True}, "jpeg", 3.0),
    ("PNG", {}, "png", 0.0),
    ("WEBP", {"lossless": True}, "webp", 0.0),
    ("WEBP", {"quality": 95}, "webp", 4.0),
    ("AVIF", {"quality": 95, "subsampling": "4:4:4"}, "avif", 3.0),
    ("GIF", {}, "gif", 12.0),
    ("BMP", {}, "bmp", 0.0),
    ("TIFF", {}, "tiff", 0.0),
    ("TIFF", {"compression": "tiff_lzw"}, "tiff", 0.0),
    ("JPEG2000", {}, "jpeg2000", 0.0),
    ("PPM", {}, "pnm", 0.0),
    ("ICO", {"sizes": [(256, 171)]}, "ico", None),
]


@pytest.mark.parametrize(("format", "options", "kind", "most"), FORMATS)
def test_every_admitted_format_gives_the_same_view(format: str, options: dict, kind: str, most: float | None) -> None:
    found = seen(encode(REFERENCE, format, **options))
    assert found.format == kind
    assert found.frames == 1
    assert found.view.dtype == np.uint8
    if most is not None:
        assert (found.width_px, found.height_px) == (300, 200)
        assert apart(found.view, VIEW) <= most


def test_lossless_formats_and_modes_have_the_same_pixels() -> None:
    grey, palette = REFERENCE.convert("L"), REFERENCE.convert("P")
    opaque = REFERENCE.convert("RGBA")
    for group in (
        [encode(REFERENCE), encode(REFERENCE, "BMP"), encode(REFERENCE, "WEBP", lossless=True), encode(opaque), encode(REFERENCE, "TIFF")],
        [encode(grey), encode(grey.convert("RGB")), encode(grey.convert("LA")), encode(grey, "PPM")],
        [encode(palette), encode(palette.convert("RGB")), encode(palette, "GIF")],
    ):
        assert len({seen(data).pixels_sha256 for data in group}) == 1


def test_other_pixels_or_another_size_have_another_digest() -> None:
    changed = REFERENCE.copy()
    changed.putpixel((299, 199), (1, 2, 3))
    found = {seen(encode(image)).pixels_sha256 for image in (REFERENCE, changed, REFERENCE.crop((0, 0, 299, 200)))}
    flat = {seen(encode(Image.new("RGB", size))).pixels_sha256 for size in ((10, 20), (20, 10))}
    assert len(found) == 3
    assert len(flat) == 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = REFERENCE.transpose(turns[orientation]) if orientation in turns else REFERENCE
    for format, options in (("JPEG", {"quality": 95, "subsampling": 0}), ("PNG", {}), ("WEBP", {"lossless": True})):
        found = seen(encode(stored, format, exif=exif, **options))
        assert (found.width_px, found.height_px) == (300, 200)
        assert apart(found.view, VIEW) < 2.0
        assert found.evidence.has_exif


def test_an_orientation_in_xmp_alone_is_not_obeyed() -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    found = seen(encode(REFERENCE, "JPEG", quality=95, xmp=xmp))
    assert (found.width_px, found.height_px) == (300, 200)


def test_a_turned_tiff_is_turned_once() -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[0x0112] = 6
    found = seen(encode(REFERENCE.transpose(Image.Transpose.ROTATE_90), "TIFF", tiffinfo=tags))
    assert (found.width_px, found.height_px) == (300, 200)
    assert apart(found.view, VIEW) == 0.0


def test_transparency_lies_over_white_and_over_black() -> None:
    image = transparent(REFERENCE)
    found = seen(encode(image))
    for view, ground in ((found.view, (255, 255, 255)), (found.view_black, (0, 0, 0))):
        expected = Image.new("RGB", image.size, ground)
        expected.paste(image, (0, 0), image)
        assert view is not None
        assert apart(view, np.asarray(expected)) < 1.5


def test_what_hides_under_full_transparency_is_not_seen() -> None:
    hidden, other = REFERENCE.copy(), scene(seed=9)
    nothing = Image.new("L", REFERENCE.size, 0)
    hidden.putalpha(nothing)
    other.putalpha(nothing)
    first, second = seen(encode(hidden)), seen(encode(other))
    assert first.view.min() == 255
    assert first.view_black is not None
    assert first.view_black.max() == 0
    assert first.pixels_sha256 == second.pixels_sha256


def test_white_ink_on_transparency_is_no_white_page() -> None:
    ink = Image.new("RGBA", (64, 64), (255, 255, 255, 0))
    ink.paste((255, 255, 255, 255), (10, 10, 40, 40))
    page = Image.new("RGB", (64, 64), (255, 255, 255))
    assert seen(encode(ink)).pixels_sha256 != seen(encode(page)).pixels_sha256


def test_a_transparent_palette_colour_shows_the_ground() -> None:
    palette = REFERENCE.convert("P")
    index = palette.getpixel((0, 0))
    found = seen(encode(palette, transparency=index))
    assert found.view_black is not None
    assert found.view[0, 0].tolist() == [255, 255, 255]
    assert found.view_black[0, 0].tolist() == [0, 0, 0]
    assert seen(encode(palette, "GIF", transparency=index)).view_black is not None


def test_sixteen_bit_grey_is_scaled_by_257() -> None:
    grey = np.asarray(REFERENCE.convert("L"))
    short, wide = Image.fromarray(grey.astype(np.uint16) * 257), Image.fromarray(grey.astype(np.int32) * 257)
    for data in (encode(short), encode(short, "TIFF"), encode(short, "PPM"), encode(wide, "TIFF")):
        assert apart(seen(data).view[..., 0], grey) == 0.0


def test_float_pictures_run_from_zero_to_one_or_to_255() -> None:
    grey = np.asarray(REFERENCE.convert("L")).astype(np.float32)
    for values in (grey, grey / 255.0):
        assert apart(seen(encode(Image.fromarray(values), "TIFF")).view[..., 0], grey) < 1.0


def test_cmyk_without_and_with_the_sign_of_adobe() -> None:
    cmyk = REFERENCE.convert("CMYK")
    for format in ("JPEG", "TIFF"):
        assert apart(seen(encode(cmyk, format)).view, np.asarray(cmyk.convert("RGB"))) < 4.0


def swapped_profile() -> bytes:
    """sRGB with its red and blue primaries exchanged: a picture shown without it looks plainly wrong."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack_from(">I", profile, 128)[0]
    entries = {bytes(profile[at : at + 4]): at for at in range(132, 132 + 12 * count, 12)}
    red, blue = entries[b"rXYZ"] + 4, entries[b"bXYZ"] + 4
    profile[red : red + 8], profile[blue : blue + 8] = profile[blue : blue + 8], profile[red : red + 8]
    return bytes(profile).replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))


def test_an_icc_profile_is_applied_and_belongs_to_the_pixels() -> None:
    plain, tagged = seen(encode(REFERENCE)), seen(encode(REFERENCE, icc_profile=swapped_profile()))
    assert tagged.evidence.has_icc
    assert tagged.pixels_sha256 != plain.pixels_sha256
    assert apart(tagged.view, VIEW[..., ::-1]) < apart(tagged.view, VIEW) / 4


def test_a_profile_that_is_srgb_or_nonsense_changes_nothing() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (srgb, b"nonsense" * 40, b"x"):
        found = seen(encode(REFERENCE, icc_profile=profile))
        assert apart(found.view, VIEW) == 0.0


def test_a_large_jpeg_is_drafted_and_a_large_png_reduced() -> None:
    large = scene(960, 480).resize((4 * DRAFT_MIN_PX, 2 * DRAFT_MIN_PX))
    small = np.asarray(large.resize((VIEW_PX, VIEW_PX // 2), Image.Resampling.BOX))
    for data in (encode(large, "JPEG", quality=95), encode(large, compress_level=1)):
        found = seen(data)
        assert (found.width_px, found.height_px) == (4 * DRAFT_MIN_PX, 2 * DRAFT_MIN_PX)
        assert found.view.shape == (VIEW_PX // 2, VIEW_PX, 3)
        assert apart(found.view, small) < 4.0


def test_strips_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    large = transparent(scene(1000, 700))
    whole = seen(encode(large))
    monkeypatch.setattr("archiver.picture.decode._STRIP_PX", 10_000)
    strips = seen(encode(large))
    assert strips.pixels_sha256 == whole.pixels_sha256
    assert apart(strips.view, whole.view) == 0.0


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (2, 3), (20_000, 30), (VIEW_PX + 1, 7)])
def test_odd_sizes_keep_their_shape(size: tuple[int, int]) -> None:
    for format in ("PNG", "JPEG"):
        found = seen(encode(Image.new("RGB", size, (10, 200, 30)), format))
        assert (found.width_px, found.height_px) == size
        assert max(found.view.shape[:2]) <= VIEW_PX
        assert min(found.view.shape[:2]) >= 1


def test_preview_and_thumbnail_are_small_jpegs_of_the_view() -> None:
    found = seen(encode(scene(1200, 900)))
    for data, longest in ((found.preview, VIEW_PX), (found.thumbnail, THUMBNAIL_PX)):
        with Image.open(io.BytesIO(data)) as image:
            assert image.format == "JPEG"
            assert max(image.size) == longest


FRAMES = [scene(seed=seed) for seed in range(5)]


@pytest.mark.parametrize(
    ("format", "options"), [("GIF", {}), ("PNG", {}), ("WEBP", {"lossless": True}), ("AVIF", {"quality": 95, "subsampling": "4:4:4"})]
)
def test_an_animation_has_its_frames_and_its_middle(format: str, options: dict) -> None:
    found = seen(encode(FRAMES[0], format, save_all=True, append_images=FRAMES[1:], duration=100, **options))
    assert found.frames == 5
    assert found.middle is not None
    assert apart(found.view, np.asarray(FRAMES[0])) < 12.0
    assert apart(found.middle, np.asarray(FRAMES[2])) < 12.0


def test_animations_that_begin_alike_are_not_the_same_pixels() -> None:
    def animation(images: list[Image.Image]) -> bytes:
        return encode(images[0], "WEBP", save_all=True, append_images=images[1:], lossless=True)

    still = encode(FRAMES[0], "WEBP", lossless=True)
    kinds = [still, animation(FRAMES), animation([FRAMES[0], *FRAMES[2:]]), animation([FRAMES[0], *reversed(FRAMES)])]
    assert len({seen(data).pixels_sha256 for data in kinds}) == 4


def test_a_far_middle_is_replaced_by_an_earlier_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archiver.picture.decode.ANIMATION_MAX_PX", 300 * 200)
    found = seen(encode(FRAMES[0], "WEBP", save_all=True, append_images=FRAMES[1:], lossless=True))
    assert found.middle is not None
    assert apart(found.middle, np.asarray(FRAMES[1])) == 0.0


def test_pages_of_a_tiff_are_counted_and_are_no_animation() -> None:
    found = seen(encode(FRAMES[0], "TIFF", save_all=True, append_images=FRAMES[1:]))
    assert found.frames == 5
    assert found.middle is None


def test_evidence_is_read() -> None:
    exif = Image.Exif()
    exif[0x8298], exif[0x010F], exif[0x0110] = "© A. Photographer", "Maker", "Model 1"
    exif.get_ifd(0x8769)[0x9003] = "2014:03:02 11:22:33"
    found = seen(encode(REFERENCE, "JPEG", quality=83, exif=exif)).evidence
    assert found.jpeg_quality == 83
    assert found.exif_taken == "2014-03-02T11:22:33"
    assert "Photographer" in found.copyright
    assert found.camera == "Maker Model 1"
    assert not found.lossless
    assert seen(encode(REFERENCE)).evidence.lossless
    assert not seen(encode(REFERENCE, "TIFF")).evidence.has_exif
    assert seen(encode(REFERENCE, "WEBP", lossless=True)).evidence.lossless
    assert seen(encode(transparent(REFERENCE), "WEBP", lossless=True)).evidence.lossless
    assert not seen(encode(transparent(REFERENCE), "WEBP", quality=80)).evidence.lossless
    profile = bytes(200_000)
    assert seen(encode(REFERENCE, "WEBP", lossless=True, icc_profile=profile)).evidence.lossless
    animation = {"save_all": True, "append_images": [scene(seed=3)]}
    assert seen(encode(REFERENCE, "WEBP", lossless=True, **animation)).evidence.lossless
    assert not seen(encode(REFERENCE, "WEBP", quality=80, **animation)).evidence.lossless


def test_damaged_exif_costs_the_exif_only() -> None:
    for exif in (b"Exif\0\0MM\0*\xff\xff\xff\xff", b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(range(256)), b"Exif\0\0", b"rubbish"):
        assert apart(seen(encode(REFERENCE, "JPEG", quality=95, exif=exif)).view, VIEW) < 4.0


def test_decoding_twice_gives_the_same() -> None:
    data = encode(transparent(REFERENCE))
    first, second = seen(data), seen(data)
    assert first.pixels_sha256 == second.pixels_sha256
    assert first.preview == second.preview
    assert first.evidence == second.evidence


@settings(max_examples=40, deadline=None)
@given(
    width=st.integers(1, 40),
    height=st.integers(1, 40),
    mode=st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA"]),
    data=st.binary(min_size=1, max_size=64),
)
def test_pixels_do_not_depend_on_how_a_png_is_packed(width: int, height: int, mode: str, data: bytes) -> None:
    needed = width * height * 4
    image = Image.frombytes("RGBA", (width, height), (data * (needed // len(data) + 1))[:needed]).convert("RGB").convert(mode)
    found = {seen(encode(image, compress_level=level)).pixels_sha256 for level in (0, 9)}
    assert len(found) == 1


def test_a_png_with_a_flood_of_text_is_refused_not_swallowed() -> None:
    png = encode(REFERENCE)
    body = b"zTXt" + b"key\0\0" + zlib.compress(bytes(80_000_000))
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    assert isinstance(decode(png[:33] + chunk + png[33:]), Unreadable)


def test_a_tga_is_no_cursor() -> None:
    """Its type, two, stands where a cursor's does; a cursor holds at least one picture."""
    tga = io.BytesIO()
    Image.new("RGB", (9, 7), "red").save(tga, "TGA")
    assert tga.getvalue().startswith(b"\0\0\x02\0")
    assert sniff(tga.getvalue()) == ""
    assert sniff(b"\0\0\x02\0\x01\0" + bytes(16)) == "cur"
