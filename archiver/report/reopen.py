"""report.json -> Report: the reading half of `json.py`, strict about what it needs and silent about what it does not know."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from archiver.errors import InputError
from archiver.model import (
    Bits,
    Cluster,
    Decision,
    Fingerprint,
    Hop,
    Image,
    Link,
    Pair,
    Picture,
    PictureEvidence,
    Post,
    RecordRef,
    Relation,
    Report,
    Role,
    Target,
    Transform,
    Verdict,
)


def report(text: str, schema_version: int) -> Report:
    """Raises InputError when the text is no JSON, no report, or of another version."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"the report is not JSON: {error}") from error
    if not isinstance(data, dict) or data.get("schema_version") != schema_version:
        found = data.get("schema_version") if isinstance(data, dict) else None
        raise InputError(f"not a report of schema version {schema_version} (found: {found!r})")
    try:
        return _report(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"the report cannot be read: {type(error).__name__}: {error}") from error


def _report(data: dict[str, Any]) -> Report:
    return Report(
        tool=dict(data["tool"]),
        post=_post(data["post"]) if data["post"] else None,
        settings=dict(data["settings"]),
        started=_time(data["started"]),
        finished=_time(data["finished"]),
        images=tuple(_image(item) for item in data["images"]),
        clusters=tuple(_cluster(item) for item in data["clusters"]),
        unsure=tuple(_pair(item) for item in data["unsure"]),
        decisions=tuple(_decision(item) for item in data["decisions"]),
        warcs=tuple(data["warcs"]),
        wacz=data["wacz"] or "",
        skipped=tuple(data["skipped"]),
        held_apart=tuple(_pair(item) for item in data["held_apart"]),
        removed=tuple(data.get("removed", ())),  # reports of earlier versions do not have these two
        unfinished=tuple(data.get("unfinished", ())),
    )


def _post(item: dict[str, Any]) -> Post:
    quoted = {int(n): line for n, line in item["lines"].items()}
    text = "\n".join(quoted.get(n, "") for n in range(1, max(quoted, default=0) + 1))
    return Post(item["source"], item["kind"], item["url"], item["title"], item["author"], item["published"], text)


def _image(item: dict[str, Any]) -> Image:
    links = tuple(Link(link["url"], Role(link["role"]), link["line"], link["caption"], link["alt"]) for link in item["links"])
    warc = item["warc"]
    return Image(
        target=Target(item["url"], links),
        status=item["status"],
        error=item["error"] or "",
        hops=tuple(_hop(hop) for hop in item["hops"]),
        at=_time(item["at"]) if item["at"] else None,
        payload=item["sha256"] or "",
        size_bytes=item["bytes"] or 0,
        picture=_picture(item),
        format=item["format"] or "",
        record=RecordRef(warc["file"], warc["offset"], warc["length"], warc["record_id"]) if warc else None,
        revisit=item["revisit"],
        cluster=item["cluster"] or "",
        keeper=item["keeper"],
        change=item["change"] or "",
    )


def _picture(item: dict[str, Any]) -> Picture | None:
    if item["width"] is None:
        return None
    lengths = item["fingerprint_bits"]
    hashes = tuple(Bits(kind, int(value, 16), lengths[kind]) for kind, value in item["fingerprints"].items())
    evidence = dict(item["evidence"])
    box = evidence.get("border_box")
    evidence["border_box"] = tuple(box) if box else None
    known = {name: evidence[name] for name in PictureEvidence.__dataclass_fields__ if name in evidence}
    return Picture(
        payload=item["sha256"],
        format=item["format"] or "",
        width_px=item["width"],
        height_px=item["height"],
        frames=item["frames"],
        fingerprint=Fingerprint(item["pixels_sha256"], hashes, item["informative"]),
        evidence=PictureEvidence(**known),
    )


def _hop(item: dict[str, Any]) -> Hop:
    at = _time(item["at"])
    return Hop(item["url"], item["status"], at, item["ip"], item["content_type"], item["last_modified"], item["truncated"])


def _cluster(item: dict[str, Any]) -> Cluster:
    return Cluster(
        keeper=item["keeper_sha256"],
        members=tuple(item["payloads"]),
        because=item["because"],
        pairs=tuple(_pair(pair) for pair in item["pairs"] if pair["a_sha256"] != pair["b_sha256"]),
        keeper_scores={payload: dict(scores) for payload, scores in item["keeper_scores"].items()},
        keeper_because=item["keeper_because"],
    )


def _pair(item: dict[str, Any]) -> Pair:
    return Pair(
        a=item["a_sha256"],
        b=item["b_sha256"],
        verdict=Verdict(item["verdict"]),
        relations=tuple(Relation(word) for word in item["relations"]),
        score=item["score"],
        because=item["because"],
        transform=_transform(item["transform"]),
        scores=dict(item["scores"]),
    )


def _transform(item: dict[str, Any] | None) -> Transform | None:
    if item is None:
        return None
    return Transform(
        fuller=item["fuller"],
        crop=_four(item["crop"]),
        scale=item["scale"],
        angle_deg=item["angle_deg"],
        mirrored=item["mirrored"],
        matrix=_six(item["matrix"]),
        region=_four(item["region"]) if item["region"] else None,
    )


def _four(values: list[float]) -> tuple[float, float, float, float]:
    left, top, right, bottom = values
    return left, top, right, bottom


def _six(values: list[float]) -> tuple[float, float, float, float, float, float]:
    a, b, c, d, e, f = values
    return a, b, c, d, e, f


def _decision(item: dict[str, Any]) -> Decision:
    return Decision(item["a"], item["b"], item["verdict"], item["note"], _time(item["at"]))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
