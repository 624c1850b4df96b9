"""The verdict on two pictures with all its evidence: the way to understand the detector."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from archiver.errors import InputError
from archiver.model import Captured, Link, Pair, Picture, RecordRef, Relation, Role, Target, Verdict
from archiver.pipeline import document, publish
from archiver.pipeline.feeds import fetch
from archiver.pipeline.judge import Judge
from archiver.pipeline.means import Means
from archiver.pipeline.publish import Material
from archiver.pipeline.settings import Settings
from archiver.pipeline.tasks import Source


@dataclass(frozen=True, slots=True)
class Compared:
    """Two pictures and what holds between them; `pair.a` is the picture named first."""

    names: tuple[str, str]
    pictures: tuple[Picture, ...]
    """None where the two are one file that was not decoded, as SVG."""
    pair: Pair
    html: str
    """The pair drawn: one file, opens offline."""


def compare(names: tuple[str, str], settings: Settings, means: Means) -> Compared:
    """Compare two files or http(s) URLs. Raises InputError when one is no picture, NothingFetched when one cannot be fetched."""
    with tempfile.TemporaryDirectory(prefix="archiver-compare-") as at:
        folder = Path(at)
        files = [_bring(name, folder / str(number), settings, means) for number, name in enumerate(names)]
        payloads = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
        with Judge(folder / "cache.sqlite", settings, means.on_event, expected=1) as judge:
            for path, payload in zip(files, payloads, strict=True):
                judge.submit(Source(payload, str(path), None, path.stat().st_size))
            pictures = () if payloads[0] == payloads[1] and judge.by_bytes(payloads[0]) else judge.measured(payloads, names)
            pair = as_named(judge.verdict(*payloads), payloads[0]) if payloads[0] != payloads[1] else _identical(payloads[0])
            sizes = [path.stat().st_size for path in files]
            drawn = _drawn(names, list(zip(payloads, sizes, strict=True)), pair, judge, settings, means)
    return Compared(names, pictures, pair, drawn)


def as_named(pair: Pair, first: str) -> Pair:
    """The same pair, told with the payload `first` as the first of the two."""
    if pair.a == first:
        return pair
    fuller: dict[str, Literal["a", "b"]] = {"a": "b", "b": "a"}
    laid = replace(pair.transform, fuller=fuller[pair.transform.fuller]) if pair.transform is not None else None
    words = {"the first is": "the second is", "the second is": "the first is"}
    because = next((other + pair.because.removeprefix(one) for one, other in words.items() if pair.because.startswith(one)), pair.because)
    marked: Literal["", "a", "b"] = fuller[pair.marked] if pair.marked else ""
    return replace(pair, a=pair.b, b=pair.a, transform=laid, because=because, marked=marked)


def _identical(payload: str) -> Pair:
    return Pair(payload, payload, Verdict.SAME, (Relation.IDENTICAL_BYTES,), 1.0, "the two files are the same, byte for byte")


def _bring(name: str, path: Path, settings: Settings, means: Means) -> Path:
    if not document.is_url(name):
        if not Path(name).is_file():
            raise InputError(f"cannot read {name}: {'it is a folder' if Path(name).is_dir() else 'no such file'}")
        return Path(name)
    path.write_bytes(fetch(name, settings, means).raw)
    return path


def _drawn(names: Sequence[str], payloads: Sequence[tuple[str, int]], pair: Pair, judge: Judge, settings: Settings, means: Means) -> str:
    """A report of just these two, which draws them side by side whatever holds between them."""
    now, nowhere = means.now(), RecordRef("", 0, 0, "")
    outcomes = []
    for number, (name, (payload, size)) in enumerate(zip(names, payloads, strict=True)):
        shown = name if name != names[0] or not number else f"{name} (again)"
        outcomes.append(Captured(Target(shown, (Link(shown, Role.IMAGE, 0, "", ""),)), (), now, payload, size, nowhere, nowhere))
    report = publish.judged(Material(Path(), None, tuple(outcomes), (), now, ()), judge, settings, now)
    if not (report.clusters or report.unsure or report.held_apart):
        report = replace(report, unsure=(pair,))
    return publish.rendered(report, judge).html
