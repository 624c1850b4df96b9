from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

from PIL import Image

from archiver.model import Measured, Reason, Unreadable
from archiver.picture.features import Features
from archiver.picture.measure import MEASURE_VERSION, measure

sys.path.append(str(Path(__file__).parent))
from pictures import encode, scene, transparent

ROOT = Path(__file__).resolve().parents[2]


def test_one_look_yields_all_that_is_ever_asked() -> None:
    found = measure("a" * 64, encode(scene(600, 400), "JPEG", quality=80))
    assert isinstance(found, Measured)
    assert found.picture.payload == "a" * 64
    assert (found.picture.format, found.picture.width_px, found.picture.height_px, found.picture.frames) == ("jpeg", 600, 400, 1)
    assert found.picture.fingerprint.informative
    assert found.picture.evidence.jpeg_quality == 80
    assert Features.from_bytes(found.features).to_bytes() == found.features
    for data, longest in ((found.preview, 480), (found.thumbnail, 200)):
        with Image.open(io.BytesIO(data)) as image:
            assert max(image.size) == longest


def test_the_same_bytes_give_the_same_measurement() -> None:
    data = encode(transparent(scene(600, 400)))
    assert measure("a", data) == measure("a", data)


def test_what_cannot_be_read_is_filed_under_the_payload_it_was_asked_for() -> None:
    assert measure("a" * 64, b"") == Unreadable("a" * 64, Reason.EMPTY, "no bytes", "")


def test_pictures_of_every_size_can_be_measured() -> None:
    for size in ((1, 1), (1, 5000), (3, 2), (20_000, 20), (8, 8)):
        found = measure("a", encode(Image.new("RGB", size, (1, 200, 3))))
        assert isinstance(found, Measured)
        assert not found.picture.fingerprint.informative


def test_the_version_names_all_that_took_part() -> None:
    for part in ("decode", "fingerprint", "features"):
        assert part in MEASURE_VERSION


def test_measuring_loads_no_heavy_package_it_does_not_need() -> None:
    code = (
        "import sys; from archiver.picture.measure import measure; measure('a', sys.stdin.buffer.read())\n"
        "print(*[name for name in ('scipy', 'pywt', 'aiohttp', 'jinja2', 'PIL.ImageCms', 'tkinter') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, input=encode(scene(), "JPEG"), check=True, capture_output=True)
    assert done.stdout.decode().split() == []
