"""report.json: everything a report says, for programs. Described by `schema/report-1.schema.json`.

Renderers read the same `Report`; `parse` is the inverse of `render` for all that is written, so that a report can be
opened again without the archive it was made from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from importlib.resources import files
from math import isfinite
from typing import Any

from archiver.model import Cluster, Decision, Hop, Image, Link, Pair, PictureEvidence, Post, RecordRef, Relation, Report, Transform, Verdict
from archiver.report import reopen
from archiver.report.harmless import json_text
from archiver.report.places import Places, totals

SCHEMA_VERSION = 1
LINE_CHARS_MAX = 400
"""How much of a post's line is quoted in a report."""
SAME_FILE = "The two addresses served the same file, byte for byte."


def render(report: Report) -> str:
    """The text of report.json, ending in a newline."""
    return json_text(build(report)) + "\n"


def parse(text: str) -> Report:
    """The report whose text this is: `build(parse(render(report))) == build(report)`.

    Of the post only the lines that hold links come back. Raises InputError when the text is no report of this version.
    """
    return reopen.report(text, SCHEMA_VERSION)


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of report.json."""
    text = files("archiver.report").joinpath("schema/report-1.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def build(report: Report) -> dict[str, Any]:
    """report.json as plain values."""
    places = Places(report)
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": dict(report.tool),
        "post": _post(report.post, report.images) if report.post else None,
        "settings": _plain(report.settings),
        "started": _time(report.started),
        "finished": _time(report.finished),
        "warcs": list(report.warcs),
        "wacz": report.wacz or None,
        "images": [_image(image) for image in report.images],
        "clusters": [_cluster(f"c{n}", cluster, places) for n, cluster in enumerate(report.clusters, 1)],
        "unsure": [_pair(pair, places) for pair in report.unsure],
        "held_apart": [_pair(pair, places) for pair in report.held_apart],
        "decisions": [_decision(decision) for decision in report.decisions],
        "skipped": list(report.skipped),
        "removed": list(report.removed),
        "unfinished": list(report.unfinished),
        "summary": _plain(asdict(totals(report))),
    }


def _post(post: Post, images: tuple[Image, ...]) -> dict[str, Any]:
    lines = post.text.split("\n")
    wanted = sorted({link.line for image in images for link in image.target.links})
    quoted = {str(n): lines[n - 1].rstrip("\r")[:LINE_CHARS_MAX] for n in wanted if 0 < n <= len(lines)}
    return {
        "source": post.source,
        "kind": post.kind,
        "url": post.url,
        "title": post.title,
        "author": post.author,
        "published": post.published,
        "lines": quoted,
    }


def _image(image: Image) -> dict[str, Any]:
    return _outcome(image) | _look(image) | _standing(image)


def _outcome(image: Image) -> dict[str, Any]:
    last = image.hops[-1] if image.hops else None
    return {
        "url": image.target.url,
        "status": image.status,
        "error": image.error or None,
        "final_url": last.url if last else image.target.url,
        "hops": [_hop(hop) for hop in image.hops],
        "http_status": (last.status or None) if last else None,
        "at": _time(image.at),
    }


def _look(image: Image) -> dict[str, Any]:
    picture = image.picture
    mark = picture.fingerprint if picture else None
    return {
        "sha256": image.payload or None,
        "bytes": image.size_bytes if image.payload or image.size_bytes else None,
        "format": image.format or None,
        "width": picture.width_px if picture else None,
        "height": picture.height_px if picture else None,
        "frames": picture.frames if picture else None,
        "fingerprints": {bits.kind: bits.hex for bits in mark.hashes} if mark else {},
        "fingerprint_bits": {bits.kind: bits.length_bits for bits in mark.hashes} if mark else {},
        "pixels_sha256": mark.pixels_sha256 if mark else None,
        "informative": mark.informative if mark else None,
        "evidence": _evidence(picture.evidence) if picture else None,
    }


def _standing(image: Image) -> dict[str, Any]:
    return {
        "links": [_link(link) for link in image.target.links],
        "warc": _ref(image.record),
        "revisit": image.revisit,
        "cluster": image.cluster or None,
        "keeper": image.keeper,
        "change": image.change or None,
    }


def _link(link: Link) -> dict[str, Any]:
    return {"line": link.line, "caption": link.caption, "alt": link.alt, "role": link.role.value, "url": link.url}


def _hop(hop: Hop) -> dict[str, Any]:
    return {
        "url": hop.url,
        "status": hop.status,
        "at": _time(hop.at),
        "ip": hop.ip,
        "content_type": hop.content_type,
        "last_modified": hop.last_modified,
        "truncated": hop.truncated,
    }


def _ref(ref: RecordRef | None) -> dict[str, Any] | None:
    return {"file": ref.file, "offset": ref.offset, "length": ref.length, "record_id": ref.record_id} if ref else None


def _evidence(evidence: PictureEvidence) -> dict[str, Any]:
    told = {**asdict(evidence), "border_box": list(evidence.border_box) if evidence.border_box else None}
    del told["spectrum_db"]  # for the choice of the best copy only, whose scores stand in the cluster
    return told


def _cluster(cluster_id: str, cluster: Cluster, places: Places) -> dict[str, Any]:
    copies = [_same_file(images[0], other) for payload in cluster.members for images in [places.images(payload)] for other in images[1:]]
    return {
        "id": cluster_id,
        "representative": places.url(cluster.keeper),
        "members": [image.target.url for image in places.members(cluster)],
        "payloads": list(cluster.members),
        "keeper_sha256": cluster.keeper,
        "because": cluster.because,
        "keeper_because": cluster.keeper_because,
        "keeper_scores": {payload: _finite(scores) for payload, scores in cluster.keeper_scores.items()},
        "pairs": [*copies, *(_pair(pair, places) for pair in cluster.pairs)],
    }


def _same_file(a: Image, b: Image) -> dict[str, Any]:
    pair = Pair(a.payload, b.payload, Verdict.SAME, (Relation.IDENTICAL_BYTES,), 1.0, SAME_FILE)
    return _pair_between(a.target.url, b.target.url, pair)


def _pair(pair: Pair, places: Places) -> dict[str, Any]:
    return _pair_between(places.url(pair.a), places.url(pair.b), pair)


def _pair_between(a_url: str, b_url: str, pair: Pair) -> dict[str, Any]:
    return {
        "a": a_url,
        "b": b_url,
        "verdict": pair.verdict.value,
        "relations": [relation.value for relation in pair.relations],
        "score": pair.score,
        "scores": _finite(pair.scores),
        "transform": _transform(pair.transform),
        "because": pair.because,
        "a_sha256": pair.a,
        "b_sha256": pair.b,
    }


def _finite(scores: Mapping[str, float]) -> dict[str, float]:
    """JSON knows no NaN and no infinity (RFC 8259 section 6): what could not be measured is left out."""
    return {name: value for name, value in scores.items() if isfinite(value)}


def _transform(transform: Transform | None) -> dict[str, Any] | None:
    if transform is None:
        return None
    return {
        "fuller": transform.fuller,
        "crop": list(transform.crop),
        "scale": transform.scale,
        "angle_deg": transform.angle_deg,
        "mirrored": transform.mirrored,
        "matrix": list(transform.matrix),
        "region": list(transform.region) if transform.region else None,
    }


def _decision(decision: Decision) -> dict[str, Any]:
    return {"a": decision.a, "b": decision.b, "verdict": decision.verdict, "note": decision.note, "at": _time(decision.at)}


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same values as they come back from JSON text: tuples as lists, keys as strings, the rest as words."""
    loaded: dict[str, Any] = json.loads(json.dumps(dict(values), default=str))
    return loaded


def _time(at: datetime | None) -> str | None:
    """RFC 3339, `Z` for UTC."""
    return at.isoformat().replace("+00:00", "Z") if at else None
