"""Checking archives: the WARC room's verifier, handed to the commands."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from archiver.warc.findings import Finding
from archiver.warc.verify import verify

__all__ = ["as_row", "is_fault", "line", "verify"]


def as_row(finding: Finding) -> dict[str, Any]:
    return asdict(finding)


def is_fault(finding: Finding) -> bool:
    return finding.severity == "error"


def line(finding: Finding) -> str:
    return finding.line
