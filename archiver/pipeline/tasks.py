"""What runs in worker processes: strangers' bytes are decoded here and nowhere else, and pictures are compared here.

Each task takes and gives plain values, so that it can cross a pipe. Features stay in the cache file of the archive folder; a
worker keeps the ones it used last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from archiver.model import Measured, Pair, Picture, RecordRef, Unreadable
from archiver.picture.compare import compare
from archiver.picture.features import Features
from archiver.picture.measure import measure
from archiver.pipeline.cache import Cache
from archiver.warc.reader import PayloadReader

FEATURES_KEPT = 400
"""Features a worker keeps at hand, so that memory per worker stays bounded."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the bytes of a payload stand."""

    payload: str
    path: str
    """A folder of WARCs, a WARC, a WACZ; or the picture file itself."""
    ref: RecordRef | None
    """The record; None when the file is the payload."""


def measure_source(source: Source) -> Measured | Unreadable:
    """Read one payload from where it stands and measure it. Raises InputError when the record cannot be read."""
    if source.ref is None:
        return measure(source.payload, Path(source.path).read_bytes())
    return measure(source.payload, _reader().payload(Path(source.path), source.ref))


def compare_pairs(cache: str, pairs: Sequence[tuple[Picture, Picture]], strictness: str) -> list[Pair]:
    """The verdicts on some pairs, features read from the cache file."""
    return [compare(a, _features(cache, a.payload), b, _features(cache, b.payload), strictness=strictness) for a, b in pairs]


@lru_cache(maxsize=1)
def _reader() -> PayloadReader:
    return PayloadReader()


@lru_cache(maxsize=FEATURES_KEPT)
def _features(cache: str, payload: str) -> Features:
    return Features.from_bytes(Cache.open_for_reading(Path(cache)).load_features(payload))
