"""Accuracy, labels and cost of the detector on a folder with truth, beside plain hashes.

    python benchmarks/detector.py FOLDER [--truth FILE] [--half 0|1] [--strictness NAME] [--peers]

FOLDER holds truth.json (name -> base, family, transform; `contains` for pages) and the pictures, beside it or in images/. Make one
with benchmarks/makeset.py. `--half` keeps every second family, to tune on one half and to check on the other. `--peers` adds pHash
and dHash (imagehash) at their usual thresholds, and PHash (imagededup) and PDQ (pdqhash) where they can be imported.
Prints a Markdown table for docs/detection.md.

False merges: pictures of different bases brought into one cluster, counted as bases beyond the first. Pairs of a page and of what it
contains count neither way. A copy is found when it is in one cluster with its original.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from archiver.cluster.candidates import candidates
from archiver.cluster.groups import group
from archiver.model import Measured, Pair, Picture, Verdict
from archiver.picture.compare import compare
from archiver.picture.features import Features
from archiver.picture.measure import measure
from archiver.picture.rules import STRICTNESS

LABELS = {
    "re-encoded": ("jpeg", "webp", "png", "blur", "sharpen", "exif_rot", "alpha"),
    "resized": ("resize",),
    "cropped": ("crop", "ar_", "smartcrop"),
    "bordered": ("border", "letterbox", "pillarbox"),
    "overlaid": ("text_banner", "caption", "logo", "watermark", "agency", "web_combo"),
    "recoloured": ("brightness", "contrast", "gamma", "saturation", "grayscale"),
    "mirrored": ("mirror",),
    "rotated": ("rotate",),
}
ALSO_RIGHT = {"agency_recrop": {"cropped"}, "web_combo": {"cropped"}, "alpha_black": {"recoloured"}}
"""Where two changes were made at once, either may come first."""

Truth = dict[str, dict[str, Any]]
Key = tuple[str, str]


@dataclass(frozen=True)
class Bench:
    truth: Truth
    names: list[str]
    pictures: list[Picture]
    features: list[Features]
    measure_s: float


def load(folder: Path, truth_file: Path, half: int | None) -> Bench:
    truth: Truth = json.loads(truth_file.read_text())
    if half is not None:
        truth = {name: row for name, row in truth.items() if hashlib.sha256(_family(row).encode()).digest()[0] % 2 == half}
    where = folder / "images" if (folder / "images").is_dir() else folder
    started, names, pictures, features = time.process_time(), [], [], []
    for name in sorted(truth):
        data = (where / name).read_bytes()
        found = measure(hashlib.sha256(data).hexdigest(), data)
        if isinstance(found, Measured):
            names.append(name)
            pictures.append(found.picture)
            features.append(Features.from_bytes(found.features))
    return Bench(truth, names, pictures, features, time.process_time() - started)


def _family(row: dict[str, Any]) -> str:
    return str(row.get("family") or row["base"])


def components(names: Iterable[str], links: Iterable[Key]) -> list[list[str]]:
    parent = {name: name for name in names}

    def find(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for a, b in links:
        parent[find(a)] = find(b)
    trees = defaultdict(list)
    for name in parent:
        trees[find(name)].append(name)
    return list(trees.values())


def score(truth: Truth, clusters: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Pairwise precision, recall and F1, false merges, and the copies found per transform."""
    contained = {row["base"]: set(row["contains"]) for row in truth.values() if row.get("contains")}
    sizes = Counter(row["base"] for row in truth.values())
    right = wrong = merges = 0
    where: dict[str, int] = {}
    for number, cluster in enumerate(clusters):
        where.update(dict.fromkeys(cluster, number))
        counts = Counter(truth[name]["base"] for name in cluster)
        right += sum(count * (count - 1) // 2 for count in counts.values())
        bases = sorted(counts)
        wrong += sum(
            counts[a] * counts[b]
            for i, a in enumerate(bases)
            for b in bases[:i]
            if b not in contained.get(a, ()) and a not in contained.get(b, ())
        )
        proper = [base for base in bases if base not in contained or not contained[base] & set(bases)]
        merges += max(0, len(proper) - 1)
    possible = sum(count * (count - 1) // 2 for count in sizes.values())
    precision, recall = right / max(1, right + wrong), right / max(1, possible)
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / max(1e-9, precision + recall),
        "false merges": merges,
        "per transform": _found(truth, where),
    }


def _found(truth: Truth, where: dict[str, int]) -> dict[str, tuple[int, int]]:
    originals = {row["base"]: name for name, row in truth.items() if row["transform"] == "original"}
    found: dict[str, list[bool]] = defaultdict(list)
    for name, row in truth.items():
        if row["transform"] != "original" and row["base"] in originals:
            found[row["transform"]].append(where.get(name, -1) == where.get(originals[row["base"]], -2))
    return {transform: (sum(hits), len(hits)) for transform, hits in sorted(found.items())}


def detect(bench: Bench, strictness: str) -> tuple[list[list[str]], list[Pair], dict[str, float]]:
    """Clusters of names, all pairs compared, and what each step took (CPU, milliseconds per picture)."""
    for features in bench.features:
        assert features.looks
    started = time.process_time()
    pairs = candidates(bench.pictures, [features.sketch for features in bench.features])
    listed = time.process_time()
    judged = [compare(bench.pictures[a], bench.features[a], bench.pictures[b], bench.features[b], strictness=strictness) for a, b in pairs]
    compared = time.process_time()
    groups = group(bench.pictures, judged, [])
    ended = time.process_time()
    names = defaultdict(list)
    for name, picture in zip(bench.names, bench.pictures, strict=True):
        names[picture.payload].append(name)
    joined = {member for cluster in groups.clusters for member in cluster.members}
    clusters = [[name for member in cluster.members for name in names[member]] for cluster in groups.clusters]
    clusters += [same for payload, same in names.items() if payload not in joined]
    took = {"measure": bench.measure_s, "candidates": listed - started, "compare": compared - listed, "group": ended - compared}
    return clusters, judged, {step: 1000 * seconds / len(bench.names) for step, seconds in took.items()}


def labels(bench: Bench, pairs: Sequence[Pair]) -> dict[str, tuple[int, int]]:
    """Per transform: pairs of an original and its copy whose main relation is right, of those joined."""
    rows = {picture.payload: bench.truth[name] for name, picture in zip(bench.names, bench.pictures, strict=True)}
    found: dict[str, list[bool]] = defaultdict(list)
    for pair in pairs:
        one, other = rows[pair.a], rows[pair.b]
        made = other if one["transform"] == "original" else one
        of_original = (
            one["base"] == other["base"] and "original" in (one["transform"], other["transform"]) and made["transform"] != "original"
        )
        if of_original and pair.verdict is Verdict.SAME and pair.relations[0].value != "identical-pixels":
            found[made["transform"]].append(pair.relations[0].value in _expected(made["transform"]))
    return {transform: (sum(hits), len(hits)) for transform, hits in sorted(found.items())}


def _expected(transform: str) -> set[str]:
    return {label for label, starts in LABELS.items() if transform.startswith(starts)} | ALSO_RIGHT.get(transform, set())


def peers(bench: Bench) -> list[tuple[str, dict[str, Any]]]:
    """Plain hashes at their usual thresholds, pairs by Hamming distance alone."""
    found = []
    for kind, limit in (("phash/view480", 10), ("dhash/view480", 10)):
        values = [next(bits.value for bits in picture.fingerprint.hashes if bits.kind == kind) for picture in bench.pictures]
        codes = np.array([list(value.to_bytes(8, "big")) for value in values], np.uint8)
        found.append((f"{kind.split('/')[0]} <= {limit}", _by_distance(bench, codes, limit)))
    looks = [np.ascontiguousarray(features.looks[0]) for features in bench.features]
    if (dedup := _imported("imagededup.methods")) is not None:
        hasher = dedup.PHash(verbose=False)
        codes = np.array([list(bytes.fromhex(hasher.encode_image(image_array=look))) for look in looks], np.uint8)
        found.append(("imagededup PHash <= 10", _by_distance(bench, codes, 10)))
    if (pdq := _imported("pdqhash")) is not None:
        codes = np.array([np.packbits(pdq.compute(look)[0]) for look in looks], np.uint8)
        found.append(("pdq <= 31", _by_distance(bench, codes, 31)))
    return found


def _imported(name: str) -> Any:
    """A package that is measured beside ours where somebody installed it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _by_distance(bench: Bench, codes: np.ndarray, limit: int) -> dict[str, Any]:
    links = []
    for number, code in enumerate(codes):
        near = np.flatnonzero(np.bitwise_count(codes[:number] ^ code).sum(axis=1) <= limit)
        links += [(bench.names[number], bench.names[int(other)]) for other in near]
    return score(bench.truth, components(bench.names, links))


def row(name: str, found: dict[str, Any], pictures: int) -> str:
    hits, copies = (sum(pair[side] for pair in found["per transform"].values()) for side in (0, 1))
    values = [found["f1"], found["precision"], found["recall"], hits / max(1, copies)]
    return f"| {name} | " + " | ".join(f"{value:.3f}" for value in values) + f" | {1000 * found['false merges'] / pictures:.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--truth", type=Path)
    parser.add_argument("--half", type=int, choices=(0, 1))
    parser.add_argument("--strictness", choices=sorted(STRICTNESS), default="normal")
    parser.add_argument("--peers", action="store_true")
    args = parser.parse_args()
    bench = load(args.folder, args.truth or args.folder / "truth.json", args.half)
    clusters, pairs, took = detect(bench, args.strictness)
    found, right = score(bench.truth, clusters), labels(bench, pairs)
    print(f"{len(bench.names)} pictures of {len({row['base'] for row in bench.truth.values()})} originals, {len(pairs)} pairs compared\n")
    print("| detector | F1 | precision | recall | copies found | false merges per 1,000 |\n|---|---|---|---|---|---|")
    print(row(f"archiver, {args.strictness}", found, len(bench.names)))
    for name, result in peers(bench) if args.peers else []:
        print(row(name, result, len(bench.names)))
    print("\n| transform | found | main label right |\n|---|---|---|")
    for transform, (hits, copies) in found["per transform"].items():
        named, joined = right.get(transform, (0, 0))
        print(f"| {transform} | {hits} of {copies} | {named} of {joined} |")
    named, joined = (sum(pair[side] for pair in right.values()) for side in (0, 1))
    print(f"\nMain label right: {100 * named / max(1, joined):.1f} of 100.")
    steps = ", ".join(f"{step} {milliseconds:.1f}" for step, milliseconds in took.items())
    print(f"CPU per picture: {sum(took.values()):.1f} ms ({steps}).")


if __name__ == "__main__":
    main()
