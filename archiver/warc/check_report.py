"""report.json against the records: what it says of each picture must be what stands in the archive."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Set
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from archiver.warc.check_links import Ledger
from archiver.warc.findings import Facts, Finding
from archiver.warc.records import IMAGE_URN, target_uri
from archiver.warc.sources import OPEN_SUFFIX, ZIP_FAULTS

REPORT = "report.json"
COPIED = (REPORT, "clusters.csv")
"""What the WACZ holds as it lies beside it; a page with many pictures is made into one file for it."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
FAILED = "http_error"


def missing_files(report: Path, beside: set[str]) -> Iterator[Finding]:
    """What a report says to be there and is not."""
    told = _read(report) if report.exists() else {}
    names = (*told.get("warcs", ()), told.get("wacz")) if told else ()  # `check_report` says when it cannot be read
    for name in names:
        if isinstance(name, str) and name and name not in beside:
            yield Finding("error", "missing", report.name, None, "", f"the report names {name}, which is not here")


def check_report(report: Path, ledger: Ledger) -> Iterator[Finding]:
    """Every image of the report must be the one that stands where the report says, and none may be left out."""
    told = _read(report)
    if told is None:
        if not _anothers(report):
            yield Finding("error", "report", report.name, None, "", "the report cannot be read")
        return
    warcs = frozenset(told.get("warcs", ()))
    answers = {(facts.url, facts.status) for facts in ledger.records if facts.http}
    named: set[str] = set()
    for image in told["images"]:
        where, url = image.get("warc"), str(image.get("url"))
        record_id = str(where.get("record_id", "")) if isinstance(where, dict) else ""
        detail = _image_error(image, where, ledger) if isinstance(where, dict) else _unheld_error(image, warcs)
        detail = detail or _unlisted_error(told, where) or _hops_error(image, answers) or ("it stands there twice" if url in named else "")
        named.add(url)
        if detail:
            yield Finding("error", "report", report.name, None, record_id, f"{url}: {detail}")
    for url in sorted(_grouped(told) - named):
        yield Finding("error", "report", report.name, None, "", f"{url}: it stands in a group of copies and is none of the pictures")
    yield from _left_out(told, warcs, report.name, ledger)


def check_copy(report: Path, wacz: Path, label: str) -> Iterator[Finding]:
    """The WACZ of an archive holds its latest report, byte for byte; where they tell of different files, it is that of another day."""
    told = _read(report)
    if told is None or told.get("wacz") != wacz.name:
        return
    try:
        with zipfile.ZipFile(wacz) as package:
            names = {name: package.read(name) for name in (f"report/{name}" for name in COPIED) if name in package.namelist()}
    except ZIP_FAULTS:
        return  # others tell of that
    other = _parsed(names.get(f"report/{REPORT}", b""))
    same_files = other is not None and other.get("warcs") == told.get("warcs")
    for name, copy in names.items():
        beside = report.with_name(PurePosixPath(name).name)
        if beside.is_file() and beside.read_bytes() != copy:
            severity: Literal["error", "warning"] = "error" if same_files else "warning"
            yield Finding(severity, "behind", f"{label}/{name}", None, "", "it is not the one that lies beside the WACZ")


def _read(report: Path) -> dict[str, Any] | None:
    """None when it is no report."""
    try:
        return _parsed(report.read_bytes())
    except OSError:
        return None


def _anothers(report: Path) -> bool:
    """Other programs call files report.json, too."""
    try:
        told = json.loads(report.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(told, dict) and bool(told) and not told.keys() & {"schema_version", "images", "warcs"}


def _parsed(raw: bytes) -> dict[str, Any] | None:
    try:
        told = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    shaped = isinstance(told, dict) and isinstance(told.get("images"), list) and all(isinstance(image, dict) for image in told["images"])
    warcs = told.get("warcs", []) if shaped else None
    return told if isinstance(warcs, list) and all(isinstance(name, str) for name in warcs) else None


def _unheld_error(image: dict[str, Any], warcs: frozenset[str]) -> str:
    """A report of folders of pictures names no archive: its pictures are files of their own."""
    return "the report calls it ok and names no record" if image.get("status") == "ok" and warcs else ""


def _unlisted_error(told: dict[str, Any], where: object) -> str:
    """The files that a report names are all that it was made from; one of `dedup` names what it was given instead."""
    settings, unfinished = told.get("settings"), told.get("unfinished")
    if not isinstance(where, dict) or (isinstance(settings, dict) and settings.get("inputs")):
        return ""
    files = {
        str(name).removesuffix(OPEN_SUFFIX) for name in (*told.get("warcs", ()), *(unfinished if isinstance(unfinished, list) else ()))
    }
    return "" if str(where.get("file")) in files else "its record stands in a file that the report does not name"


def _hops_error(image: dict[str, Any], answers: Set[tuple[str, int]]) -> str:
    """Each redirect on the way is an answer in the archive."""
    hops = image.get("hops")
    for hop in hops if isinstance(hops, list) else ():
        url, status = (hop.get("url"), hop.get("status")) if isinstance(hop, dict) else (None, None)
        if isinstance(status, int) and status in REDIRECTS and (target_uri(str(url)), status) not in answers:
            return f"no record tells that {url} answered {status}"
    return ""


def _grouped(told: dict[str, Any]) -> set[str]:
    clusters = told.get("clusters")
    groups = [cluster.get("members") for cluster in clusters if isinstance(cluster, dict)] if isinstance(clusters, list) else []
    return {str(url) for members in groups if isinstance(members, list) for url in members}


def _image_error(image: dict[str, Any], where: dict[str, Any], ledger: Ledger) -> str:
    facts = ledger.get(str(where.get("record_id", "")))
    if facts is None:
        return "its record is not in the archive"
    if (facts.warc, facts.offset, facts.length) != (where.get("file"), where.get("offset"), where.get("length")):
        return f"its record stands in {facts.warc} at {facts.offset}, not where the report says"
    if facts.url and image.get("final_url") and facts.url != image["final_url"]:
        return f"its record is of {facts.url}, not of the address the report gives"
    return _answer_error(image, facts) or _payload_error(image, facts, ledger)


def _answer_error(image: dict[str, Any], facts: Facts) -> str:
    told = image.get("http_status", facts.status)
    if facts.status and told != facts.status:
        return f"the server answered {facts.status}, the report says {told}"
    fine = 200 <= facts.status < 300
    if facts.status and image.get("status") == "ok" and not fine:
        return f"the report calls it ok, the server answered {facts.status}"
    return f"the report calls it an error of the server's, which answered {facts.status}" if fine and image.get("status") == FAILED else ""


def _payload_error(image: dict[str, Any], facts: Facts, ledger: Ledger) -> str:
    original = ledger.get(facts.refers_to) if facts.type == "revisit" else facts
    if image.get("status") == "ok" and not (image.get("sha256") and image.get("bytes")):
        return "the report calls it ok and tells neither its hash nor its size"
    if original is None:
        return ""  # a revisit by date and URL only; where its original is missing, the links say so
    if image.get("sha256") and original.payload_sha256 != image["sha256"]:
        return "the payload in the archive is not the one in the report"
    if image.get("bytes", original.size_bytes) not in (None, original.size_bytes):
        return f"the payload has {original.size_bytes} bytes, the report says {image['bytes']}"
    return ""


def _left_out(told: dict[str, Any], warcs: frozenset[str], name: str, ledger: Ledger) -> Iterator[Finding]:
    """Every capture writes what is known of each picture beside it, all with one date: the last ones are those of this report.

    What was tried as the original of a picture may come and go with the strictness of the judgement.
    """
    noted = [facts for facts in ledger.records if facts.type == "metadata" and facts.url.startswith(IMAGE_URN) and facts.warc in warcs]
    last = max((facts.date for facts in noted), default="")
    named = {IMAGE_URN + target_uri(str(image.get("url"))) for image in told["images"]}
    settings = told.get("settings")
    if isinstance(settings, dict) and settings.get("originals"):
        return
    for facts in noted:
        if facts.date == last and facts.url not in named:
            yield Finding(
                "error", "report", name, None, facts.id, f"{facts.url.removeprefix(IMAGE_URN)}: in the archive and not in the report"
            )
