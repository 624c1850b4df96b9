"""Two judgements of the same pictures side by side: which pairs the second one joins, parts, or is no longer sure of."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from archiver.model import Pair, Report, Verdict
from archiver.report import html, view
from archiver.report.places import Places, report_title
from archiver.report.terminal import plain

STYLES = ("report.css", "compare.css")
SCRIPTS = ("compare.js", "differences.js")


@dataclass(frozen=True, slots=True)
class Differences:
    """Pairs whose standing differs, each as the judgement that joins it or asks about it describes it."""

    before: str
    after: str
    """The two strictnesses."""
    joined: tuple[Pair, ...]
    """Apart before, one picture after; only pairs that were compared themselves."""
    parted: tuple[Pair, ...]
    """One picture before, apart after."""
    asked: tuple[Pair, ...]
    """For a person to look at after, and not before."""

    @property
    def none(self) -> bool:
        return not (self.joined or self.parted or self.asked)


def between(first: Report, second: Report, before: str, after: str) -> Differences:
    """What `second` changes against `first`."""
    old, new = _groups(first), _groups(second)
    joined = tuple(pair for pair in _pairs(second) if not _together(pair, old))
    parted = tuple(pair for pair in _pairs(first) if not _together(pair, new))
    known = {(pair.a, pair.b) for pair in (*first.unsure, *parted)}
    asked = tuple(pair for pair in second.unsure if (pair.a, pair.b) not in known and not _together(pair, old))
    return Differences(before, after, _surest_first(joined), _surest_first(parted), _surest_first(asked))


def _groups(report: Report) -> dict[str, int]:
    return {payload: number for number, cluster in enumerate(report.clusters) for payload in cluster.members}


def _pairs(report: Report) -> Iterable[Pair]:
    return (pair for cluster in report.clusters for pair in cluster.pairs if pair.verdict is Verdict.SAME)


def _together(pair: Pair, groups: Mapping[str, int]) -> bool:
    return pair.a in groups and groups[pair.a] == groups.get(pair.b)


def _surest_first(pairs: Iterable[Pair]) -> tuple[Pair, ...]:
    return tuple(sorted(pairs, key=lambda pair: (-pair.score, pair.a, pair.b)))


def lines(changes: Differences, report: Report) -> list[str]:
    """For the terminal: one line for each pair, `+` joined, `-` parted, `?` to be asked; safe to print."""
    places = Places(report)
    marked = [("+", changes.joined), ("-", changes.parted), ("?", changes.asked)]
    found = [
        f"{mark} {pair.score:.2f}  {plain(places.url(pair.a))}  {plain(places.url(pair.b))}  ({plain(pair.because)})"
        for mark, pairs in marked
        for pair in pairs
    ]
    words = f"{len(changes.joined)} joined (+), {len(changes.parted)} parted (-), {len(changes.asked)} to be asked (?)"
    return [*found, f"From {changes.before} to {changes.after}: {words}"]


def page(changes: Differences, report: Report, previews: Mapping[str, bytes]) -> str:
    """The same with pictures: one file that opens offline. `previews`: payload -> JPEG."""
    sources = {payload: "data:image/jpeg;base64," + base64.b64encode(jpeg).decode() for payload, jpeg in previews.items()}
    gallery = view.Gallery(report, view.Album(sources, everywhere=False))
    sections = [
        ("joined", "Would become one picture", [gallery.pair(f"j{n}", pair) for n, pair in enumerate(changes.joined, 1)]),
        ("parted", "Would come apart", [_parted(gallery, n, pair) for n, pair in enumerate(changes.parted, 1)]),
        ("asked", "Would be laid before you", [gallery.pair(f"a{n}", pair) for n, pair in enumerate(changes.asked, 1)]),
    ]
    style, script = html.asset(*STYLES), html.asset(*SCRIPTS)
    template = html.environment().get_template("differences.html")
    text = template.render(
        changes=changes,
        title=report_title(report),
        sections=[(name, heading, groups) for name, heading, groups in sections if groups],
        frames=[group.frame for _, _, groups in sections for group in groups],
        quoted=(),
        lazy=False,
        style=style,
        script=script,
        policy=html.policy(style, script),
    )
    return text.encode("utf-8", "replace").decode()


def _parted(gallery: view.Gallery, number: int, pair: Pair) -> view.Group:
    return replace(gallery.pair(f"p{number}", pair), title="No longer held to be the same")
