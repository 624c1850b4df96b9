"""Checking archives: the WARC room's verifier, handed to the commands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from archiver.warc import verify as verifier
from archiver.warc.findings import Finding


def verify(path: Path, *, second_reader: bool = False) -> Iterator[Finding]:
    """All findings; with `second_reader` also where warcio sees other records or digests. Raises InputError."""
    yield from verifier.verify(path)
    if second_reader:
        from archiver.warc.second_reader import disagreements

        yield from disagreements(path)


def as_row(finding: Finding) -> dict[str, Any]:
    return asdict(finding)


def is_fault(finding: Finding) -> bool:
    return finding.severity == "error"


def line(finding: Finding) -> str:
    return finding.line
