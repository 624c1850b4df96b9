"""The report over several posts: what became of each, and which pictures stand in more than one of them.

The posts keep their own reports; this one leads to them. Pictures of two posts are the same when the posts share a
payload, directly or through the clusters of either, unless the caller brings clusters judged over all posts together.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from archiver.model import Cluster, Image, Report
from archiver.report import wording
from archiver.report.harmless import json_text
from archiver.report.html import asset, environment, policy
from archiver.report.links import href
from archiver.report.places import Totals, caption, host, totals
from archiver.report.view import COPY_BOX, Shown, fit

SCHEMA_VERSION = 1
PICTURES_CHARS_MAX = 6_000_000
"""How much of the page the pictures may fill (base64); groups beyond it are listed without."""
BECAUSE = "The posts hold the same file, or copies that their reports hold to be one picture."


@dataclass(frozen=True, slots=True)
class Entry:
    """One post of the run."""

    folder: str
    """The folder of its archive, relative to the overview."""
    source: str
    report: Report | None
    error: str = ""
    """Why there is no report."""


@dataclass(frozen=True, slots=True)
class Found:
    """One image of a group, with the post it stands in."""

    entry: Entry
    image: Image


def across(entries: Sequence[Entry]) -> tuple[Cluster, ...]:
    """Groups of payloads that stand in two posts or more, in the order in which the posts first show them."""
    root: dict[str, str] = {}

    def find(payload: str) -> str:
        root.setdefault(payload, payload)
        while root[payload] != payload:
            root[payload] = root[root[payload]]
            payload = root[payload]
        return payload

    keepers: dict[str, int] = {}
    for report in (entry.report for entry in entries if entry.report):
        for cluster in report.clusters:
            keepers.setdefault(cluster.keeper, len(keepers))
            for member in cluster.members:
                root[find(member)] = find(cluster.keeper)
    members: dict[str, dict[str, set[str]]] = {}
    for found in _everything(entries):
        members.setdefault(find(found.image.payload), {}).setdefault(found.image.payload, set()).add(found.entry.folder)
    shared = [group for group in members.values() if len(set[str]().union(*group.values())) > 1]
    best = (sorted(group, key=lambda payload: keepers.get(payload, len(keepers))) for group in shared)
    return tuple(Cluster(payloads[0], tuple(payloads), BECAUSE, ()) for payloads in best)


def build(entries: Sequence[Entry], clusters: Sequence[Cluster] | None = None) -> dict[str, Any]:
    """overview.json as plain values."""
    groups = _groups(entries, across(entries) if clusters is None else clusters)
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "overview",
        "posts": [_post(entry) for entry in entries],
        "clusters": [_group(f"x{n}", cluster, found) for n, (cluster, found) in enumerate(groups, 1)],
        "summary": _sums(entries, groups),
    }


def render_json(entries: Sequence[Entry], clusters: Sequence[Cluster] | None = None) -> str:
    """The text of overview.json."""
    return json_text(build(entries, clusters)) + "\n"


def render(entries: Sequence[Entry], thumbnails: Mapping[str, bytes], clusters: Sequence[Cluster] | None = None) -> str:
    """overview.html: one file without scripts. `thumbnails` maps payload -> JPEG; each group shows its best copy."""
    groups = _groups(entries, across(entries) if clusters is None else clusters)
    left = PICTURES_CHARS_MAX
    views = []
    for n, (cluster, found) in enumerate(groups, 1):
        shown = _shown(cluster, found, thumbnails, left)
        left -= len(shown.src) if shown else 0
        views.append(_view(f"x{n}", cluster, found, shown))
    style = asset("report.css")
    rows = [_row(entry) for entry in entries]
    template = environment().get_template("overview.html")
    sums = _sums(entries, groups)
    text = template.render(style=style, policy=policy(style, ""), rows=rows, groups=views, sums=sums, lazy=False, quoted=[])
    return text.encode("utf-8", "replace").decode()


def _everything(entries: Sequence[Entry]) -> list[Found]:
    return [Found(entry, image) for entry in entries if entry.report for image in entry.report.images if image.payload and image.picture]


def _groups(entries: Sequence[Entry], clusters: Sequence[Cluster]) -> list[tuple[Cluster, tuple[Found, ...]]]:
    """Each cluster with its images in all posts, the keeper's first; only those that stand in two posts or more."""
    by_payload: dict[str, list[Found]] = {}
    for found in _everything(entries):
        by_payload.setdefault(found.image.payload, []).append(found)
    listed = [(cluster, tuple(found for payload in cluster.members for found in by_payload.get(payload, []))) for cluster in clusters]
    return [(cluster, found) for cluster, found in listed if len({one.entry.folder for one in found}) > 1]


def _sums(entries: Sequence[Entry], groups: Sequence[tuple[Cluster, tuple[Found, ...]]]) -> dict[str, int]:
    each = [totals(entry.report) for entry in entries if entry.report]
    return {
        "posts": len(entries),
        "failed_posts": sum(1 for entry in entries if entry.report is None),
        "targets": sum(one.targets for one in each),
        "archived": sum(one.archived for one in each),
        "failed": sum(one.failed for one in each),
        "size_bytes": sum(one.size_bytes for one in each),
        "across_posts": len(groups),
    }


def _post(entry: Entry) -> dict[str, Any]:
    post = entry.report.post if entry.report else None
    sums = totals(entry.report) if entry.report else None
    return {
        "folder": entry.folder,
        "source": entry.source,
        "title": post.title if post else "",
        "url": post.url if post else "",
        "error": entry.error or None,
        "summary": _counts(sums) if sums else None,
    }


def _counts(sums: Totals) -> dict[str, int]:
    names = ("targets", "archived", "failed", "pictures", "duplicates", "unsure", "size_bytes")
    return {name: getattr(sums, name) for name in names}


def _group(group_id: str, cluster: Cluster, found: Sequence[Found]) -> dict[str, Any]:
    members = [
        {"post": one.entry.folder, "url": one.image.target.url, "sha256": one.image.payload, "line": _line(one.image)} for one in found
    ]
    best = next((one for one in found if one.image.payload == cluster.keeper), found[0])
    return {"id": group_id, "representative": best.image.target.url, "because": cluster.because, "members": members}


def _line(image: Image) -> int:
    return next((link.line for link in image.target.links if link.line), 0)


def _shown(cluster: Cluster, found: Sequence[Found], thumbnails: Mapping[str, bytes], left: int) -> Shown | None:
    payload = next((p for p in (cluster.keeper, *cluster.members) if p in thumbnails), "")
    picture = next((one.image.picture for one in found if one.image.payload == payload), None)
    if picture is None:
        return None
    source = "data:image/jpeg;base64," + base64.b64encode(thumbnails[payload]).decode()
    if len(source) > left:
        return None
    alt = caption([one.image for one in found]) or "No caption"
    return Shown(payload[:12], source, picture.width_px, picture.height_px, *fit(picture, COPY_BOX), alt)


def _view(group_id: str, cluster: Cluster, found: Sequence[Found], shown: Shown | None) -> dict[str, Any]:
    posts = {one.entry.folder for one in found}
    return {
        "id": group_id,
        "title": caption([one.image for one in found]) or "Without caption",
        "subtitle": f"{wording.count(len(found), 'place')} in {wording.count(len(posts), 'post')}",
        "because": cluster.because,
        "shown": shown,
        "places": [
            {
                "title": _title(one.entry),
                "report": _to_report(one.entry) + (f"#{one.image.cluster}" if one.image.cluster else ""),
                "line": _line(one.image),
                "url": one.image.target.url,
                "href": href(one.image.target.url),
                "host": host(one.image.target.url),
            }
            for one in found
        ],
    }


def _row(entry: Entry) -> dict[str, Any]:
    sums = _counts(totals(entry.report)) if entry.report else None
    return {
        "title": _title(entry),
        "report": _to_report(entry) if entry.report else "",
        "source": entry.source,
        "error": entry.error,
        "sums": sums,
    }


def _title(entry: Entry) -> str:
    return (entry.report.post.title if entry.report and entry.report.post else "") or entry.source


def _to_report(entry: Entry) -> str:
    """Relative address of a post's own report: `./` keeps a folder called `javascript:x` a folder."""
    return f"./{quote(entry.folder)}/report.html"
