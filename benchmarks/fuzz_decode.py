"""Feeds damaged pictures to the decoder for a bounded time and keeps what crashes, hangs, floods memory or raises.

    python benchmarks/fuzz_decode.py --seconds 60 [--seed 1] [--keep tests/picture/damaged]

Every format that is decoded gives some well-made samples; each input is one of them with bytes changed, cut out, doubled or spliced
with another one, headers more often than the rest. Inputs run in batches in a worker process; a batch that is not survived is run
again one by one, and the input to blame is written to the folder given by --keep under its digest.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from archiver.model import Unreadable  # noqa: E402  (after the path it is found on)
from archiver.pipeline.workers import WorkerFailure, Workers  # noqa: E402  (after the path it is found on)

BATCH = 100
SLOW_S = 3.0
INTERESTING = (0, 1, 127, 128, 255)


def samples() -> list[bytes]:
    """One small picture for each format and notable mode."""
    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    rgb = Image.fromarray(noise).resize((120, 80))
    grey, palette, alpha, cmyk = rgb.convert("L"), rgb.convert("P"), rgb.convert("RGBA"), rgb.convert("CMYK")
    frames = [rgb.rotate(angle) for angle in (0, 90, 180)]
    exif = Image.Exif()
    exif[0x0112], exif[0x8298] = 6, "someone"
    kinds = [
        *((rgb, "JPEG", {"exif": exif}), (rgb, "JPEG", {"progressive": True}), (cmyk, "JPEG", {}), (grey, "JPEG", {"quality": 20})),
        *((rgb, "PNG", {"exif": exif}), (palette, "PNG", {"transparency": 3}), (alpha, "PNG", {}), (grey.convert("1"), "PNG", {})),
        *((palette, "GIF", {}), (rgb, "GIF", {"save_all": True, "append_images": frames}), (rgb, "BMP", {}), (palette, "BMP", {})),
        *((rgb, "WEBP", {}), (alpha, "WEBP", {"lossless": True}), (rgb, "WEBP", {"save_all": True, "append_images": frames})),
        *((rgb, "PNG", {"save_all": True, "append_images": frames}), (rgb, "AVIF", {}), (alpha, "ICO", {}), (rgb, "PPM", {})),
        *((rgb, "TIFF", {"compression": name}) for name in ("raw", "tiff_lzw", "jpeg", "packbits", "tiff_adobe_deflate")),
        *((cmyk, "TIFF", {}), (grey.convert("F"), "TIFF", {}), (rgb, "JPEG2000", {})),
    ]
    found = []
    for image, format, options in kinds:
        out = io.BytesIO()
        image.save(out, format, **options)
        found.append(out.getvalue())
    return found


def damage(content: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """One input made of a sample."""
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4, 8, 24))):
        end = len(data) if chance.random() < 0.5 else min(len(data), 200)
        at = chance.randrange(max(1, end))
        match chance.randrange(6):
            case 0 | 1:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case 2:
                data[at : at + 4] = bytes([chance.choice(INTERESTING)] * 4)
            case 3:
                del data[at : at + chance.randrange(1, 64)]
            case 4:
                data[at:at] = data[at : at + chance.randrange(1, 64)]
            case _:
                other = chance.choice(others)
                start = chance.randrange(len(other))
                data[at : at + 32] = other[start : start + chance.randrange(1, 64)]
    return bytes(data)


def inputs(seed: int) -> Iterator[bytes]:
    chance, found = random.Random(seed), samples()
    while True:
        yield damage(chance.choice(found), found, chance)


def run(batch: list[bytes]) -> list[tuple[str, float]]:
    """In a worker: what came of each input and how long it took."""
    from archiver.picture.decode import decode

    results = []
    for data in batch:
        began = time.process_time()
        found = decode(data)
        results.append((str(found.reason) if isinstance(found, Unreadable) else "decoded", time.process_time() - began))
    return results


def blame(workers: Workers, batch: list[bytes], keep: Path) -> Iterator[str]:
    """Run a batch that was not survived one by one."""
    from fuzz_decode import run as run_by_name

    for data in batch:
        try:
            found = workers.submit(run_by_name, [data]).result()
        except Exception as error:
            found = WorkerFailure("crash", f"{type(error).__name__}: {error}")
        if isinstance(found, WorkerFailure):
            keep.mkdir(parents=True, exist_ok=True)
            path = keep / f"{found.kind}-{hashlib.sha256(data).hexdigest()[:12]}"
            path.write_bytes(data)
            yield f"{path}: {found.detail}"


def main() -> int:
    from fuzz_decode import run as run_by_name

    parser = argparse.ArgumentParser(description="Feed damaged pictures to the decoder.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=ROOT / "tests/picture/damaged")
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    harm: list[str] = []
    source, ends = inputs(options.seed), time.monotonic() + options.seconds
    with Workers(1, task_timeout_s=20.0) as workers:
        while time.monotonic() < ends:
            batch = [next(source) for _ in range(BATCH)]
            try:
                results = workers.submit(run_by_name, batch).result()
            except Exception:
                results = WorkerFailure("crash", "an exception")
            if isinstance(results, WorkerFailure):
                harm += blame(workers, batch, options.keep)
                continue
            counts.update(word for word, _ in results)
            counts["slow"] += sum(seconds > SLOW_S for _, seconds in results)
    print(f"{sum(counts.values())} inputs: " + ", ".join(f"{count} {word}" for word, count in counts.most_common()))
    print("\n".join(harm) or "none did harm")
    return 1 if harm else 0


if __name__ == "__main__":
    sys.exit(main())
