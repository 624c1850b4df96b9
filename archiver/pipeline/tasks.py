"""What runs in worker processes: strangers' bytes are decoded here and nowhere else, and pictures are compared here.

Each task takes and gives plain values, so that it can cross a pipe. Features stay in the cache file of the archive folder; a
worker keeps the ones it used last. The rooms are imported inside the tasks: the main process names them without loading numpy, OpenCV
or Pillow, and a worker loads what its tasks need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.model import Cluster, Decision, Measured, Pair, Picture, RecordRef, Relation, Unreadable, Verdict
from archiver.pipeline.cache import Cache
from archiver.pipeline.gate import alone

if TYPE_CHECKING:
    from archiver.picture.features import Features
    from archiver.warc.reader import PayloadReader

FEATURES_KEPT = 150
"""Features a worker keeps at hand, about 250 kB each once looked at, so that memory per worker stays bounded."""
LARGE_BYTES = 8 * 2**20
"""Payloads from here on are read and decoded by one worker at a time."""

NOT_COMPARED = "they could not be compared"

DECODED_BYTES_MAX = 64 * 2**20
"""A body whose compression swells further was not counted at that size when it was archived: it is a bomb."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the bytes of a payload stand."""

    payload: str
    path: str
    """A folder of WARCs, a WARC, a WACZ; or the picture file itself."""
    ref: RecordRef | None
    """The record; None when the file is the payload."""
    size_bytes: int
    """Length of the payload."""


@dataclass(frozen=True, slots=True)
class Grouped:
    """Clusters with their keeper, and the pairs that are shown without being joined."""

    clusters: tuple[Cluster, ...]
    unsure: tuple[Pair, ...]
    held_apart: tuple[Pair, ...]


Shelf = tuple[str, str]
"""Path of the cache file, and the version under which the main process files there."""


def measure_source(source: Source) -> Measured | Unreadable:
    """Read one payload from where it stands and measure it. Raises InputError when the record cannot be read."""
    from archiver.picture.measure import measure

    path, limit_bytes = Path(source.path), max(source.size_bytes, DECODED_BYTES_MAX)
    with alone() if source.size_bytes > LARGE_BYTES else nullcontext():
        if source.ref is None:
            return measure(source.payload, path.read_bytes(), alone)
        held = _reader().read(path, source.ref, limit_bytes=limit_bytes)
        found = measure(source.payload, held.data, alone)
        if isinstance(found, Unreadable) and held.undecoded:
            return replace(found, reason=held.reason, detail=held.undecoded)
        return found


def compare_pairs(shelf: Shelf, pairs: Sequence[tuple[Picture, Picture]], strictness: str) -> list[Pair]:
    """The verdicts on some pairs, features read from the cache file."""
    return [_compared(a, _features(shelf, a.payload), b, _features(shelf, b.payload), strictness) for a, b in pairs]


def _compared(a: Picture, of_a: Features, b: Picture, of_b: Features, strictness: str) -> Pair:
    from archiver.picture.compare import compare

    try:
        return compare(a, of_a, b, of_b, strictness=strictness)
    except MemoryError:
        raise
    except Exception as error:  # pictures that nobody thought of cost one verdict, not that of a collection
        return not_compared(a, b, f"{type(error).__name__}: {error}")


def not_compared(a: Picture, b: Picture, detail: str) -> Pair:
    """What holds between two pictures on which comparing failed: a person may say."""
    first, second = sorted((a.payload, b.payload))
    return Pair(first, second, Verdict.UNSURE, (Relation.UNSURE,), 0.0, f"{NOT_COMPARED} ({detail})")


def find_candidates(shelf: Shelf, pictures: Sequence[Picture]) -> list[tuple[int, int]]:
    """Which pictures are worth comparing, as indices (i < j)."""
    from archiver.cluster.candidates import candidates
    from archiver.picture.features import Features

    known = _open(shelf)
    return candidates(pictures, [Features.from_bytes(known.load_features(picture.payload)).sketch for picture in pictures])


def group_pairs(
    pictures: Sequence[Picture], pairs: Sequence[Pair], decisions: Sequence[Decision], urls: Mapping[str, Sequence[str]]
) -> Grouped:
    """Join what is the same and choose the best copy of each cluster. `urls`: under which addresses each payload stands."""
    from archiver.cluster.groups import Group, group
    from archiver.cluster.keeper import rank

    by_payload = {picture.payload: picture for picture in pictures}

    def cluster(found: Group) -> Cluster:
        best = rank([by_payload[payload] for payload in found.members], found.pairs, urls, decisions)
        return Cluster(best.order[0], best.order, found.because, found.pairs, best.scores, best.because)

    groups = group(pictures, pairs, decisions)
    return Grouped(tuple(cluster(found) for found in groups.clusters), groups.unsure, groups.held_apart)


@lru_cache(maxsize=1)
def _reader() -> PayloadReader:
    from archiver.warc.reader import PayloadReader

    return PayloadReader()


@lru_cache(maxsize=FEATURES_KEPT)
def _features(shelf: Shelf, payload: str) -> Features:
    from archiver.picture.features import Features

    return Features.from_bytes(_open(shelf).load_features(payload))


def _open(shelf: Shelf) -> Cache:
    path, version = shelf
    return Cache.open_for_reading(Path(path), version)
