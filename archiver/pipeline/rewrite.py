"""A post with links to local copies of its pictures: of several copies of one picture, all links go to the best one.

Opt-in, and beside everything else: the post's own file is never touched, and nothing that is there is overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from archiver.errors import InputError, OutputError
from archiver.model import Archived, Report
from archiver.pipeline import folder, reopening, surveying
from archiver.pipeline.means import Means
from archiver.pipeline.settings import Settings
from archiver.post import urls
from archiver.post.relink import relink
from archiver.warc.reader import PayloadReader

PICTURES = "images"
ENDINGS = {"jpeg": "jpg", "tiff": "tif", "svg": "svg"}
"""Format by content -> file name ending, where the two differ."""
DIGEST_CHARS = 12
SLUG_CHARS = 48


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What was written."""

    path: Path
    pictures: int
    links: int
    """Links that now go to a local copy."""
    left: tuple[str, ...]
    """Links that stay as they are: not archived as pictures, or not found as a whole in the text."""


def rewrite(where: Path, report: Report, out: Path, means: Means) -> Rewritten:
    """Write the post of the archive folder `where` to `out`, the pictures beside it. Raises InputError and OutputError."""
    if out.exists():
        raise OutputError(f"{out} is there already; it is not overwritten")
    found = surveying.again(surveying.survey(where, "report", means.now()))
    held = reopening.hold(found.files)
    read = reopening.reading(found.files)
    post = reopening.reread(read, held, Settings())
    names = _names(report)
    text, done = relink(
        post.post.text,
        [link.url for link in post.links],
        {url: f"{PICTURES}/{name}" for url, (_, name) in names.items()},
        base=post.base,
        is_html=post.post.kind == "html",
    )
    wanted = dict(names[url] for url in sorted(done))
    folder.prepare(out.parent)
    _copy(wanted, {row.payload_sha256: row for row in held.responses.values()}, out.parent / PICTURES)
    folder.write(out, text)
    left = tuple(dict.fromkeys(link.url for link in post.links if link.url not in done))
    return Rewritten(out, len(wanted), len(done), left)


def _names(report: Report) -> dict[str, tuple[str, str]]:
    """URL -> (payload of the best copy, its file name), for every archived picture."""
    by_payload = {image.payload: image for image in reversed(report.images) if image.status == "ok" and image.payload}
    best = {payload: cluster.keeper for cluster in report.clusters for payload in cluster.members if cluster.keeper in by_payload}
    found = {}
    for image in report.images:
        if image.status == "ok" and image.payload:
            keeper = by_payload[best.get(image.payload, image.payload)]
            words = next((link.caption or link.alt for link in keeper.target.links if link.caption or link.alt), "")
            ending = ENDINGS.get(keeper.format, keeper.format) or "bin"
            name = (_slug(words) or _slug(urls.slug(keeper.target.url)) or "picture")[:SLUG_CHARS].strip("-")
            found[image.target.url] = (keeper.payload, f"{keeper.payload[:DIGEST_CHARS]}-{name}.{ending}")
    return found


def _slug(words: str) -> str:
    kept = "".join(c if c.isascii() and c.isalnum() else "-" for c in words.lower())
    return "-".join(part for part in kept.split("-") if part)[:SLUG_CHARS].strip("-")


def _copy(wanted: Mapping[str, str], rows: Mapping[str, Archived], where: Path) -> None:
    folder.prepare(where)
    with PayloadReader() as reader:
        for payload, name in wanted.items():
            if payload not in rows:
                raise InputError(f"the picture {payload} is not in the archive")
            if not (where / name).exists():
                row = rows[payload]
                folder.write(where / name, reader.payload(Path(row.payload_source), row.payload_ref))
