"""One archive folder on disk: its lock, its names, and the one file in it that a person owns.

Nothing unfinished ever stands under its final name: everything derived is written to `NAME.part`, flushed to the disk and
renamed. `decisions.json` is only ever written by a person's decision, never by a run.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from archiver.errors import InputError, Locked, OutputError
from archiver.model import Decision, RecordRef
from archiver.warc import reader

REPORT_JSON = "report.json"
REPORT_HTML = "report.html"
CLUSTERS_CSV = "clusters.csv"
DECISIONS = "decisions.json"
CACHE = ".cache.sqlite"
LOCK = ".lock"
DECISIONS_LOCK = ".decisions.lock"
DECISIONS_VERSION = 1
WARC_NAME = re.compile(r"(?P<prefix>.+-\d{14})-(?P<serial>\d{5,})\.warc\.gz")


def prepare(folder: Path) -> None:
    """Make the folder. Raises OutputError when it cannot be made or written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror or error}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write into the folder {folder}")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for one run; the kernel lets go of it however the process ends. Raises Locked."""
    path = folder / LOCK
    try:
        handle = path.open("a+")
    except OSError as error:
        raise OutputError(f"cannot write into the folder {folder}: {error.strerror or error}") from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Locked(f"another run is at work in {folder}") from error
        yield


def write(path: Path, data: bytes | str) -> None:
    """Put `data` under its final name in one step. Raises OutputError."""
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def warcs(folder: Path) -> tuple[Path, ...]:
    """The WARC files of the folder in the order in which they were begun, one still `.open` included. What bears no name of ours was put
    there by somebody: it is neither read nor packed."""
    return tuple(sorted((path for path in folder.iterdir() if WARC_NAME.fullmatch(final_name(path))), key=lambda path: path.name))


def final_name(path: Path) -> str:
    return path.name.removesuffix(".open")


def read_report(folder: Path) -> dict[str, Any] | None:
    """report.json as it stands, or None where there is none that can be read."""
    try:
        report = json.loads((folder / REPORT_JSON).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return report if isinstance(report, dict) else None


def below(page: str, name: str) -> str:
    """The address of a file of ours that stands next to a page, where no page of the site can be.

    >>> below("http://post.archiver.invalid/chairs/", "report.html")
    'http://post.archiver.invalid/chairs/report.html'
    """
    return f"{page.split('#')[0].split('?')[0].rstrip('/')}/{name}"


def strictness(folder: Path, default: str) -> str:
    """How strictly the report in this folder was judged; `default` where there is none."""
    settings = (read_report(folder) or {}).get("settings")
    return str((settings if isinstance(settings, dict) else {}).get("strictness") or default)


def read_decisions(folder: Path) -> tuple[Decision, ...]:
    """A person's decisions. Raises InputError when the file is there but cannot be understood: it is never overwritten."""
    path = folder / DECISIONS
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    try:
        return tuple(_decision(row) for row in json.loads(raw)["decisions"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path} is not a decisions file this version understands; it is left untouched") from error


def write_decisions(folder: Path, decisions: Sequence[Decision]) -> None:
    rows = [{**asdict(decision), "at": decision.at.isoformat()} for decision in decisions]
    body = {"schema_version": DECISIONS_VERSION, "decisions": rows}
    write(folder / DECISIONS, json.dumps(body, ensure_ascii=False, indent=1) + "\n")


def change_decisions(folder: Path, change: Callable[[tuple[Decision, ...]], Sequence[Decision]]) -> tuple[Decision, ...]:
    """Read the decisions, let `change` say what they are from now on, and write them, alone: two windows or programs that decide at
    the same time never lose each other's words. Answers what is written. Raises InputError, OutputError, and what `change` raises."""
    try:
        handle = (folder / DECISIONS_LOCK).open("a+")
    except OSError as error:
        raise OutputError(f"cannot write into the folder {folder}: {error.strerror or error}") from error
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)  # a lock of its own: a run may hold the folder's for minutes
        before = read_decisions(folder)
        after = tuple(change(before))
        if after != before:
            write_decisions(folder, after)
        return after


def _decision(row: Mapping[str, Any]) -> Decision:
    if row["verdict"] not in ("same", "different", "related", "better"):
        raise ValueError(row["verdict"])
    return Decision(str(row["a"]), str(row["b"]), row["verdict"], str(row.get("note", "")), datetime.fromisoformat(row["at"]))


def read_payload(where: Path, record: RecordRef, limit_bytes: int) -> bytes:
    """The payload of a record of one of the folder's own WARC files. Raises InputError when it is not there, or larger."""
    return reader.payload(where / record.file, record, limit_bytes=limit_bytes)
