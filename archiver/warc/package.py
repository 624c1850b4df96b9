"""An opened WACZ: its files by name, and how findings about them are told."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from archiver.warc.findings import Finding
from archiver.warc.sources import ZIP_FAULTS
from archiver.warc.wacz import DATAPACKAGE

MAX_TEXT_BYTES = 512 * 1024 * 1024
"""An index or manifest larger than this is not read."""


class Package:
    """One WACZ."""

    def __init__(self, path: Path, label: str, wacz: zipfile.ZipFile) -> None:
        self.path = path
        self.label = label
        self.wacz = wacz
        self.names = {info.filename: info for info in wacz.infolist() if not info.filename.endswith("/")}
        self.manifest = self.json(DATAPACKAGE)
        self.ours = str((self.manifest or {}).get("software", "")).startswith("archiver")
        """What the standard leaves open is settled in what we write, so that its absence tells of a change."""

    def text(self, name: str) -> bytes | None:
        """None when it is not there or cannot be read."""
        info = self.names.get(name)
        if info is None or info.file_size > MAX_TEXT_BYTES:
            return None
        try:
            return self.wacz.read(name)
        except ZIP_FAULTS:
            return None

    def json(self, name: str) -> dict[str, Any] | None:
        raw = self.text(name)
        try:
            value = json.loads(raw) if raw is not None else None
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None

    def error(self, kind: str, member: str, detail: str) -> Finding:
        return Finding("error", kind, f"{self.label}/{member}" if member else self.label, None, "", detail)

    def warning(self, kind: str, member: str, detail: str) -> Finding:
        return Finding("warning", kind, f"{self.label}/{member}", None, "", detail)

    def note(self, kind: str, member: str, detail: str) -> Finding:
        """An error in our own, a warning in those of others."""
        return self.error(kind, member, detail) if self.ours else self.warning(kind, member, detail)
