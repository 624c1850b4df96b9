"""Folders to review: a report as a run leaves it, with its small pictures in the cache, made without running the detector."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from archiver.model import Cluster, Measured, Pair, Relation, Report, Verdict
from archiver.pipeline import folder
from archiver.pipeline.cache import Cache
from archiver.report import json as report_json
from tests.report.samples import EVIL, Builder, agency, assemble, cropped, pair, sample, scene


def lay_down(where: Path, report: Report, thumbnails: dict[str, bytes], previews: dict[str, bytes]) -> Path:
    """The folder as a finished run leaves it."""
    where.mkdir(parents=True, exist_ok=True)
    with Cache.open(where / folder.CACHE) as cache:
        for image in report.images:
            if image.picture is not None:
                cache.save(Measured(image.picture, b"", previews[image.payload], thumbnails[image.payload]))
    folder.write(where / folder.REPORT_JSON, report_json.render(report))
    return where


def sample_folder(where: Path) -> Path:
    """2 groups (five and two copies), 1 unsure pair, 1 pair held apart, pictures that stand alone."""
    report, thumbnails, previews = sample()
    return lay_down(where, replace(report, decisions=()), thumbnails, previews)


def many_folder(where: Path, groups: int = 40) -> Path:
    """Many pairs of identical pixels."""
    builder = Builder()
    clusters = []
    for n in range(groups):
        image = scene(200 + n % 5, (300, 200))
        a, b = builder.payload(image, 90 - n // 5), builder.payload(image, 60 - n // 5)
        builder.add(f"https://one{n % 3}.example/{n}.jpg", a, f"Chair {n}")
        builder.add(f"https://two.example/{n}.jpg", b, f"Chair {n}")
        relation = (Relation.IDENTICAL_PIXELS,) if n else (Relation.RE_ENCODED,)
        one = pair(a, b, Verdict.SAME, relation, 0.99, "The pixels are the same.")
        clusters.append(cluster_of(one))
    report = assemble(builder, tuple(clusters))
    return lay_down(where, replace(report, decisions=()), builder.thumbnails, builder.previews)


def hostile_folder(where: Path) -> Path:
    """Scripts in captions, alt texts, addresses and reasons."""
    builder = Builder()
    first = agency(builder)
    a, b = builder.payload(scene(5, (400, 300))), builder.payload(scene(6, (400, 300)))
    builder.add(f"https://evil.example/{EVIL}.jpg", a, EVIL, EVIL)
    builder.add('https://evil.example/"onmouseover="document.title=\'ran\'".jpg', b, f"</script>{EVIL}", "javascript:alert(1)")
    unsure = pair(a, b, Verdict.UNSURE, (Relation.UNSURE,), 0.5, EVIL, cropped((0, 0, 400, 300), (400, 300)))
    evil = replace(first, because=EVIL, keeper_because=EVIL)
    report = assemble(builder, (evil,), (unsure,))
    post = replace(report.post, title=f"</title>{EVIL}", author=EVIL) if report.post else None
    return lay_down(where, replace(report, post=post, decisions=()), builder.thumbnails, builder.previews)


def cluster_of(one: Pair) -> Cluster:
    return Cluster(one.a, (one.a, one.b), "Two copies.", (one,))
