"""What runs in worker processes: strangers' bytes are decoded here and nowhere else, and pictures are compared here.

Each task takes and gives plain values, so that it can cross a pipe. Features stay in the cache file of the archive folder; a
worker keeps the ones it used last. The picture room is imported inside the tasks: the main process names them without loading
numpy, OpenCV or Pillow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.model import Cluster, Measured, Pair, Picture, RecordRef, Unreadable
from archiver.pipeline.cache import Cache
from archiver.warc.reader import PayloadReader

if TYPE_CHECKING:
    from archiver.picture.features import Features

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


@dataclass(frozen=True, slots=True)
class Grouped:
    """Clusters with their keeper, and the pairs that are shown without being joined."""

    clusters: tuple[Cluster, ...]
    unsure: tuple[Pair, ...]
    held_apart: tuple[Pair, ...]


def measure_source(source: Source) -> Measured | Unreadable:
    """Read one payload from where it stands and measure it. Raises InputError when the record cannot be read."""
    from archiver.picture.measure import measure

    if source.ref is None:
        return measure(source.payload, Path(source.path).read_bytes())
    return measure(source.payload, _reader().payload(Path(source.path), source.ref))


def compare_pairs(cache: str, pairs: Sequence[tuple[Picture, Picture]], strictness: str) -> list[Pair]:
    """The verdicts on some pairs, features read from the cache file."""
    from archiver.picture.compare import compare

    return [compare(a, _features(cache, a.payload), b, _features(cache, b.payload), strictness=strictness) for a, b in pairs]


@lru_cache(maxsize=1)
def _reader() -> PayloadReader:
    return PayloadReader()


@lru_cache(maxsize=FEATURES_KEPT)
def _features(cache: str, payload: str) -> Features:
    from archiver.picture.features import Features

    return Features.from_bytes(Cache.open_for_reading(Path(cache)).load_features(payload))
