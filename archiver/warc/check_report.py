"""report.json against the records: what it says of each picture must be what stands in the archive."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from archiver.warc.check_links import Ledger
from archiver.warc.findings import Facts, Finding
from archiver.warc.records import IMAGE_URN, target_uri

REPORT = "report.json"


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
        yield Finding("error", "report", report.name, None, "", "the report cannot be read")
        return
    warcs = frozenset(told.get("warcs", ()))
    for image in told["images"]:
        where = image.get("warc")
        record_id = str(where.get("record_id", "")) if isinstance(where, dict) else ""
        detail = _image_error(image, where, ledger) if isinstance(where, dict) else _unheld_error(image, warcs)
        if detail:
            yield Finding("error", "report", report.name, None, record_id, f"{image.get('url')}: {detail}")
    yield from _left_out(told, warcs, report.name, ledger)


def _read(report: Path) -> dict[str, Any] | None:
    """None when it is no report."""
    try:
        told = json.loads(report.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    shaped = isinstance(told, dict) and isinstance(told.get("images"), list) and all(isinstance(image, dict) for image in told["images"])
    warcs = told.get("warcs", []) if shaped else None
    return told if isinstance(warcs, list) and all(isinstance(name, str) for name in warcs) else None


def _unheld_error(image: dict[str, Any], warcs: frozenset[str]) -> str:
    """A report of folders of pictures names no archive: its pictures are files of their own."""
    return "the report calls it ok and names no record" if image.get("status") == "ok" and warcs else ""


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
    if facts.status and image.get("status") == "ok" and not 200 <= facts.status < 300:
        return f"the report calls it ok, the server answered {facts.status}"
    return ""


def _payload_error(image: dict[str, Any], facts: Facts, ledger: Ledger) -> str:
    original = ledger.get(facts.refers_to) if facts.type == "revisit" else facts
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
