"""What the page shows, as values the templates can print without thinking: words, numbers, links, and which picture stands where.

Every picture's bytes are in the page once, where it is first shown; later places name it and the script copies the address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from archiver.model import Cluster, Hop, Image, Pair, Picture, Report
from archiver.report import wording
from archiver.report.drawing import Canvas, canvas
from archiver.report.firstseen import sightings
from archiver.report.links import href
from archiver.report.places import Places, caption, host, site
from archiver.report.places import title as named
from archiver.report.registration import Frame, Placed, frame

Box = tuple[int, int]
"""Width and height in CSS pixels."""

MEMBERS_MAX = 48
PAIRS_MAX = 60
"""How much of a very large group is shown; the table and report.json have all of it."""

KEEPER_BOX: Box = (460, 340)
COPY_BOX: Box = (280, 180)
ROW_BOX: Box = (88, 66)


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture at one place of the page."""

    key: str
    """Short name of the payload within the page."""
    src: str
    """Address of its bytes; empty where they stand elsewhere in the page."""
    width: int
    height: int
    """Of the picture itself, in its own pixels."""
    show_width: int
    show_height: int
    """As large as it is shown, whole, in CSS pixels."""
    alt: str
    blank: bool = False
    """Nothing can be shown: the payload was not decoded."""


@dataclass(frozen=True, slots=True)
class Place:
    """One URL under which a payload stands, and its lines in the post."""

    number: int
    url: str
    href: str
    host: str
    name: str
    lines: tuple[int, ...]
    warc: str
    revisit: bool


@dataclass(frozen=True, slots=True)
class When:
    """One dated hint in a time line."""

    date: str
    letters: str
    says: str


@dataclass(frozen=True, slots=True)
class Member:
    """One payload of a cluster or pair: the picture and its label."""

    letter: str
    shown: Shown
    facts: str
    places: tuple[Place, ...]
    caption: str
    keeper: bool
    verdict: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """One pair, in the list of evidence."""

    a: str
    b: str
    how: str
    """What became of the second, seen from the first."""
    score: float
    scores: tuple[tuple[str, str], ...]
    because: str


@dataclass(frozen=True, slots=True)
class Group:
    """A cluster, or a pair to look at: what the page shows of pictures that belong together."""

    id: str
    title: str
    subtitle: str
    because: str
    keeper_because: str
    members: tuple[Member, ...]
    canvas: Canvas | None
    criteria: tuple[str, ...]
    score_rows: tuple[tuple[str, tuple[str, ...]], ...]
    comparisons: tuple[Comparison, ...]
    further_members: int
    further_pairs: int
    """What a very large group has beyond what is shown."""
    times: tuple[When, ...]
    frame: Mapping[str, Any]
    """For the compare tools: the pictures and how they lie on each other."""


@dataclass
class Album:
    """The pictures of a page. `sources` maps payload -> address; the first to show a payload gets it, or all do when they are files."""

    sources: Mapping[str, str]
    everywhere: bool
    keys: dict[str, str] = field(default_factory=dict)
    placed: set[str] = field(default_factory=set)

    def key(self, payload: str) -> str:
        return self.keys.setdefault(payload, f"p{len(self.keys) + 1}")

    def show(self, payload: str, picture: Picture, alt: str, box: Box) -> Shown:
        source = self.sources.get(payload, "")
        if payload in self.placed and not self.everywhere:
            source = ""
        self.placed.add(payload)
        return Shown(self.key(payload), source, picture.width_px, picture.height_px, *fit(picture, box), alt)


def fit(picture: Picture, box: Box) -> Box:
    """The size at which the whole picture fills the box in one direction and is never enlarged beyond it."""
    scale = min(box[0] / max(1, picture.width_px), box[1] / max(1, picture.height_px))
    return max(1, round(picture.width_px * scale)), max(1, round(picture.height_px * scale))


def letter(n: int) -> str:
    """
    >>> letter(0), letter(25), letter(26)
    ('A', 'Z', 'AA')
    """
    return (letter(n // 26 - 1) if n >= 26 else "") + chr(ord("A") + n % 26)


class Gallery:
    """Makes the groups of one report."""

    def __init__(self, report: Report, album: Album) -> None:
        self._report = report
        self._album = album
        self._places = Places(report)
        self._numbers = {id(image): number for number, image in enumerate(report.images, 1)}
        self._pictures = {image.payload: image.picture for image in report.images if image.picture and image.payload}

    def cluster(self, n: int, cluster: Cluster) -> Group:
        """The n-th cluster (from 1)."""
        members = [payload for payload in cluster.members if self._places.images(payload)]
        images = self._places.members(cluster)
        sites = len({host(image.target.url) for image in images} - {""})
        counts = [wording.count(len(images), "copy", "copies"), wording.count(len(members), "file")]
        counts += [wording.count(sites, "site")] if sites > 1 else []
        title = caption(images) or f"{named(images)} and {wording.count(len(images) - 1, 'more copy', 'more copies')}"
        because = cluster.because if len(members) > 1 or cluster.because else "Several addresses served the same file, byte for byte."
        group = self._group(f"c{n}", title, " · ".join(counts), wording.sentence(because), members, cluster.pairs, cluster)
        said = any(member.verdict == group.because for member in group.members)
        return replace(group, because="") if said else group

    def pair(self, group_id: str, pair: Pair) -> Group:
        """A pair of its own, which is in no cluster together."""
        members = [payload for payload in (pair.a, pair.b) if self._places.images(payload)]
        return self._group(
            group_id, wording.verdict(pair), f"score {pair.score:.2f}", wording.sentence(pair.because), members, (pair,), None
        )

    def _group(
        self, group_id: str, title: str, subtitle: str, because: str, members: Sequence[str], pairs: Sequence[Pair], cluster: Cluster | None
    ) -> Group:
        further, members = len(members[MEMBERS_MAX:]), members[:MEMBERS_MAX]
        letters = {payload: letter(n) for n, payload in enumerate(members)}
        laid = frame(members, pairs, self._pictures)
        known = [pair for pair in pairs if pair.a in letters and pair.b in letters]
        views = tuple(self._member(payload, letters, laid, cluster) for payload in members)
        scores = cluster.keeper_scores if cluster else {}
        criteria = tuple(dict.fromkeys(name for payload in members for name in scores.get(payload, {})))
        rows = tuple((letters[p], tuple(_number(scores[p].get(name)) for name in criteria)) for p in members if p in scores)
        return Group(
            id=group_id,
            title=title,
            subtitle=subtitle,
            because=because,
            keeper_because=wording.sentence(cluster.keeper_because) if cluster and len(members) > 1 else "",
            members=views,
            canvas=canvas(laid, letters) if laid else None,
            criteria=tuple(name.replace("_", " ") for name in criteria),
            score_rows=rows,
            comparisons=tuple(self._comparison(pair, letters) for pair in known[:PAIRS_MAX]),
            further_members=further,
            further_pairs=len(known[PAIRS_MAX:]),
            times=self._times(letters),
            frame=self._frame(group_id, title, views, laid, members),
        )

    def _member(self, payload: str, letters: Mapping[str, str], laid: Frame | None, cluster: Cluster | None) -> Member:
        images = self._places.images(payload)
        words = caption(images)
        keeper = cluster is not None and payload == cluster.keeper
        tie = laid.placed.get(payload) if laid else None
        alt = f"Copy {letters[payload]}: {words}" if words else f"Copy {letters[payload]}"
        shown = self._show(payload, alt, KEEPER_BOX if keeper or cluster is None else COPY_BOX)
        return Member(
            letter=letters[payload],
            shown=shown,
            facts=facts(images[0]),
            places=tuple(self.place(image) for image in images),
            caption=words,
            keeper=keeper,
            verdict=self._verdict(payload, letters, tie, cluster),
        )

    def _show(self, payload: str, alt: str, box: Box) -> Shown:
        picture = self._pictures.get(payload)
        if picture is None:
            return Shown(self._album.key(payload), "", 4, 3, *COPY_BOX, alt, blank=True)
        return self._album.show(payload, picture, alt, box)

    def thumbnail(self, image: Image) -> Shown | None:
        """The small picture of a row of the table; None where there is none."""
        if image.picture is None or image.payload not in self._album.sources:
            return None
        words = caption((image,))
        return self._album.show(image.payload, image.picture, words or "No caption", ROW_BOX)

    def _verdict(self, payload: str, letters: Mapping[str, str], tie: Placed | None, cluster: Cluster | None) -> str:
        if cluster is None or tie is None or not tie.towards:
            return ""
        words = wording.of_copy(tie.pair, payload, self._pictures.get(tie.towards), self._pictures.get(payload))
        chain = "" if tie.towards == cluster.keeper else f" (seen against {letters[tie.towards]})"
        return wording.sentence(words.rstrip(".") + chain)

    def place(self, image: Image) -> Place:
        """Where one image stands: on the web, in the post, in the archive."""
        where, name = site(image.target.url)
        return Place(
            number=self._numbers[id(image)],
            url=image.target.url,
            href=href(image.target.url),
            host=where,
            name=name,
            lines=tuple(dict.fromkeys(link.line for link in image.target.links if link.line)),
            warc=f"{image.record.file} at {image.record.offset}" if image.record else "",
            revisit=image.revisit,
        )

    def _comparison(self, pair: Pair, letters: Mapping[str, str]) -> Comparison:
        rank = list(letters)
        first, second = sorted((pair.a, pair.b), key=rank.index)
        return Comparison(
            a=letters[first],
            b=letters[second],
            how=wording.became(pair, second, self._pictures.get(first), self._pictures.get(second)),
            score=pair.score,
            scores=tuple((name.replace("_", " "), _number(value)) for name, value in pair.scores.items()),
            because=pair.because,
        )

    def _times(self, letters: Mapping[str, str]) -> tuple[When, ...]:
        found: dict[tuple[str, str, str], list[str]] = {}
        for payload, name in letters.items():
            for hint in sightings(self._places.images(payload), self._report.finished):
                found.setdefault((hint.on.isoformat(), hint.shown, hint.says), []).append(name)
        only = len(letters) == 1
        return tuple(When(shown, "" if only else ", ".join(names), says) for (_, shown, says), names in sorted(found.items()))

    def _frame(self, group_id: str, title: str, views: Sequence[Member], laid: Frame | None, members: Sequence[str]) -> dict[str, object]:
        entries = []
        for payload, view in zip(members, views, strict=True):
            tie = laid.placed.get(payload) if laid else None
            if tie is None:
                continue
            name = f"{view.letter} · {view.places[0].host or view.places[0].name}" if view.places else view.letter
            size = {"width": view.shown.width, "height": view.shown.height}
            words = "The best copy" if view.keeper else view.verdict
            entries.append({"letter": view.letter, "key": view.shown.key, "name": name, "words": words, "facts": view.facts, **size})
            entries[-1]["matrix"] = [round(value, 6) for value in tie.matrix]
        return {"id": group_id, "title": title, "members": entries}


def facts(image: Image) -> str:
    """`1200 × 675 · JPEG · 85 kB`, as far as known."""
    look = f"{image.picture.width_px} × {image.picture.height_px}" if image.picture else ""
    frames = f"{image.picture.frames} frames" if image.picture and image.picture.frames > 1 else ""
    weight = wording.size(image.size_bytes) if image.size_bytes else ""
    return " · ".join(part for part in (look, image.format.upper(), frames, weight) if part)


def hops(image: Image) -> tuple[tuple[str, str, str], ...]:
    """(what happened, url, href) for every step on the way."""
    return tuple((_hop(hop), hop.url, href(hop.url)) for hop in image.hops)


def _hop(hop: Hop) -> str:
    answer = str(hop.status) if hop.status else "no answer"
    return f"{answer}, cut short" if hop.truncated else answer


def _number(value: float | None) -> str:
    if value is None:
        return ""
    value += 0.0  # no minus before nothing
    return f"{value:,.0f}" if abs(value) >= 100 or float(value).is_integer() else f"{value:.3g}"
