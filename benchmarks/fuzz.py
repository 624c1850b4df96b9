"""Fuzzes what strangers' bytes meet first, for a bounded time: post parser, WARC reader, HTTP framing, picture normalisation.

    python benchmarks/fuzz.py post|warc|wire|picture [--engine hypothesis|atheris] [--seconds 60] [--keep fixtures/finds]

hypothesis edits well-made samples and shrinks what breaks a promise; atheris (libFuzzer; `pip install archiver[fuzz]`) follows the
coverage of our own modules from the same samples and also sees crashes of native code, hangs over 25 s and more than 1 GB. The
promises of each target stand in its function below; whatever breaks one is kept as a file in KEEP/TARGET, and tests/test_finds.py
holds it against them from then on.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

SLOW_S = 10.0
"""No input of these sizes may take longer."""
BYTES_MAX = 64 * 1024
INSTRUMENTED = {
    "post": ["archiver.post.read", "archiver.post.page"],
    "warc": ["archiver.warc.reader", "archiver.warc.verify", "archiver.warc.tail"],
    "wire": ["archiver.capture.framing", "archiver.warc.scan"],
    "picture": ["archiver.picture.decode"],
}
"""Modules of each target; atheris must see them being imported."""


def post(data: bytes) -> None:
    """A document is read into links that can be written down, or refused in a sentence."""
    from archiver.errors import InputError
    from archiver.post.page import render
    from archiver.post.read import plan, read

    for source in ("post.md", "post.html"):
        try:
            found = read(data, source, page_url="http://post.example/a/", base_url="http://post.example/a/")
        except InputError:
            continue
        for link in found.links:
            assert link.line >= 0, "a line before the first"
            link.url.encode()
        plan(found.links)
        render(found.post, found.links, base=found.base).encode()


def warc(data: bytes) -> None:
    """Every archive is read to its end; what it gives can be read again, and whatever is wrong is told as a value."""
    from archiver.errors import InputError
    from archiver.model import Archived
    from archiver.warc import reader
    from archiver.warc.verify import verify

    suffix = ".warc.gz" if data.startswith(b"\x1f\x8b") else ".warc"
    with tempfile.TemporaryDirectory(dir=_memory_folder()) as folder:
        path = Path(folder, f"x{suffix}")
        path.write_bytes(data)
        try:
            rows = list(reader.responses([path]))
        except InputError:
            return
        list(reader.missed([path]))
        list(reader.known([path]))
        list(verify(path))
        with reader.PayloadReader() as payloads:
            for row in rows:
                if isinstance(row, Archived) and row.kind != "revisit" and row.payload_ref == row.ref:
                    found = payloads.read(path, row.ref)
                    digest = hashlib.sha256(found.data).hexdigest() if found.data else ""
                    assert digest == row.payload_sha256, "the payload is not what its identity says"


def wire(data: bytes) -> None:
    """The pieces in which a response comes do not matter, and what the framing calls whole is whole when it is read back."""
    import random

    from fuzz_wire import check

    from archiver.capture.framing import Body, Framer
    from archiver.warc.scan import scan_http

    check(data, random.Random(len(data)))
    framer = Framer()
    taken = framer.feed(data)
    if framer.complete and framer.head is not None and framer.kind in (Body.LENGTH, Body.CHUNKED):
        scan = scan_http([data[framer.preamble_bytes : taken]])
        assert scan.head is not None, "the archive cannot read a head that the downloader took"
        assert scan.head.status == framer.head.status, "another status in the archive"


def picture(data: bytes) -> None:
    """A picture is normalised to the sizes we ask for, twice to the same, or refused with a reason."""
    from archiver.model import Unreadable
    from archiver.picture.decode import VIEW_PX, decode

    found = decode(data)
    again = decode(data)
    if isinstance(found, Unreadable):
        assert found == again, "refused for another reason the second time"
        assert found.detail.isprintable(), "control characters in a reason"
        return
    assert not isinstance(again, Unreadable), "read only once"
    assert found.pixels_sha256 == again.pixels_sha256, "other pixels the second time"
    assert max(found.view.shape[:2]) <= VIEW_PX, "a view larger than asked for"
    assert found.thumbnail, "no thumbnail"
    assert found.preview, "no preview"


def _memory_folder() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


TARGETS: dict[str, Callable[[bytes], None]] = {"post": post, "warc": warc, "wire": wire, "picture": picture}


def timed(target: str, data: bytes) -> None:
    """Hold one input against the promises of its target; takes no longer than SLOW_S of CPU."""
    began = time.process_time()
    TARGETS[target](data)
    assert time.process_time() - began < SLOW_S, f"{time.process_time() - began:.1f} s of CPU for {len(data)} bytes"


@cache
def seeds(target: str) -> list[bytes]:
    """Well-made inputs."""
    if target == "wire":
        from fuzz_wire import SAMPLES

        return list(SAMPLES)
    if target == "picture":
        from fuzz_decode import samples

        return samples()
    folder = ROOT / "fixtures" / {"post": "posts", "warc": "warc"}[target]
    found = [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix not in (".wacz", ".json")]
    return [data for data in found if len(data) <= BYTES_MAX]


# --- engines ----------------------------------------------------------------------------------------------------------


def with_hypothesis(target: str, seconds: float, keep: Path) -> int:
    """Edits of the samples, in rounds, until the time is over."""
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st

    edits = st.lists(st.tuples(st.floats(0, 1), st.sampled_from(["put", "cut", "twice", "splice"]), st.binary(max_size=24)), max_size=8)
    tried, ends = [0], time.monotonic() + seconds
    last = [b""]

    @settings(max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, len(seeds(target)) - 1), st.integers(0, len(seeds(target)) - 1), edits)
    def one(number: int, other: int, changes: list[tuple[float, str, bytes]]) -> None:
        if time.monotonic() > ends + 30:
            return
        tried[0] += 1
        data = edited(seeds(target)[number], seeds(target)[other], changes)
        try:
            timed(target, data)
        except BaseException:
            last[0] = data
            raise

    while time.monotonic() < ends:
        try:
            one()
        except Exception as error:
            return found(target, last[0], keep, f"{type(error).__name__}: {error}")
    print(f"{target}: {tried[0]} inputs by hypothesis, no broken promise")
    return 0


def edited(seed: bytes, other: bytes, changes: list[tuple[float, str, bytes]]) -> bytes:
    data = bytearray(seed)
    for where, what, piece in changes:
        at = int(where * len(data))
        match what:
            case "put":
                data[at : at + len(piece)] = piece
            case "cut":
                del data[at : at + 1 + len(piece)]
            case "twice":
                data[at:at] = data[at : at + 8 * len(piece)]
            case _:
                start = int(where * len(other))
                data[at:at] = other[start : start + 16 * len(piece)] + piece
    return bytes(data)


def with_atheris(target: str, seconds: float, keep: Path) -> int:
    """libFuzzer, guided by the coverage of our modules. Ends the process."""
    import atheris

    with atheris.instrument_imports(include=["archiver"]):
        for name in INSTRUMENTED[target]:
            importlib.import_module(name)
    with tempfile.TemporaryDirectory() as corpus:
        for number, data in enumerate(seeds(target)):
            Path(corpus, f"seed-{number}").write_bytes(data)
        (keep / target).mkdir(parents=True, exist_ok=True)
        flags = [f"-max_total_time={int(seconds)}", f"-max_len={BYTES_MAX}", "-timeout=25", "-rss_limit_mb=1024"]
        atheris.Setup([sys.argv[0], *flags, f"-artifact_prefix={keep / target}/", corpus], lambda data: timed(target, data))
        atheris.Fuzz()
    return 0


def found(target: str, data: bytes, keep: Path, why: str) -> int:
    (keep / target).mkdir(parents=True, exist_ok=True)
    path = keep / target / f"crash-{hashlib.sha256(data).hexdigest()[:16]}"
    path.write_bytes(data)
    print(f"{target}: {path} breaks a promise: {why}")
    return 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--engine", choices=["hypothesis", "atheris"], default="hypothesis")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--keep", type=Path, default=ROOT / "fixtures" / "finds")
    options = parser.parse_args()
    return {"hypothesis": with_hypothesis, "atheris": with_atheris}[options.engine](options.target, options.seconds, options.keep)


if __name__ == "__main__":
    sys.exit(main())
