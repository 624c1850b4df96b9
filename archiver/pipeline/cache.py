"""What was found out about payloads, kept in the archive folder so that the next run measures and compares only what is new.

One SQLite file. It is derived: whatever is wrong with it (cut short, damaged, of another program version, not writable) ends in
measuring again, never in a failed run. Every value is filed under the version of the code that made it, so changed algorithms
and constants never meet old numbers, and carries a checksum, so a damaged page is a missing value and not a wrong one.

One process writes; any number read at the same time (SQLite's write-ahead log).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import tempfile
import threading
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from archiver.errors import OutputError
from archiver.model import Bits, Fingerprint, Measured, Pair, Picture, PictureEvidence, Reason, Relation, Transform, Unreadable, Verdict

_TABLES = {
    "measured": "CREATE TABLE measured (payload TEXT PRIMARY KEY, version TEXT NOT NULL, facts BLOB NOT NULL) WITHOUT ROWID",
    "blobs": "CREATE TABLE blobs (payload TEXT, kind TEXT, version TEXT NOT NULL, data BLOB NOT NULL, PRIMARY KEY (payload, kind))",
    "pairs": "CREATE TABLE pairs (a TEXT, b TEXT, settings TEXT, version TEXT NOT NULL, facts BLOB NOT NULL,"
    " PRIMARY KEY (a, b, settings)) WITHOUT ROWID",
}
"""Compared word for word with what a file says of itself: another schema is another file."""

_BLOBS = ("features", "preview", "thumbnail")

_OUTSIDE = {
    *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN),
    *(sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_NOMEM),
}
"""Primary result codes that speak of the disk or of another process; the file itself may be sound."""

_Statement = tuple[str, tuple[Any, ...]]

_PACKAGES = ("numpy", "opencv-python-headless", "pillow", "imagehash")


@lru_cache(maxsize=1)
def code_version() -> str:
    """A digest of all that a measurement or verdict depends on: the picture room, the values, and the packages it works with."""
    from importlib import metadata  # not for the workers, who are told the version

    package_folder = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for path in [package_folder / "model.py", *sorted((package_folder / "picture").glob("*.py"))]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    for package in _PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            digest.update(f"{package} {metadata.version(package)}\0".encode())
    return digest.hexdigest()[:16]


class Cache:
    """The cache file of one archive folder; `path` is where it really is (workers open that)."""

    def __init__(self, path: Path, connection: sqlite3.Connection, version: str, *, temporary: bool = False) -> None:
        """Use `open` or `open_for_reading`."""
        self.path = path
        self.version = version
        self._connection = connection
        self._temporary = temporary
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path, version: str = "") -> Cache:
        """Open for writing; a file that is damaged or of another schema is made anew.

        Where none can be written (a read-only archive) a temporary one serves, deleted on `close`. `version` empty: the code's.
        Raises OutputError when not even that can be made.
        """
        version = version or code_version()
        try:
            return cls(path, _connect_or_rebuild(path, version), version)
        except (sqlite3.Error, OSError):
            pass
        try:
            with tempfile.NamedTemporaryFile(prefix="archiver-cache-", suffix=".sqlite", delete=False) as file:
                elsewhere = Path(file.name)
            return cls(elsewhere, _connect_or_rebuild(elsewhere, version), version, temporary=True)
        except (sqlite3.Error, OSError) as error:
            raise OutputError(f"no cache can be written, neither at {path} nor in the temporary folder: {error}") from error

    @staticmethod
    @lru_cache(maxsize=4)
    def open_for_reading(path: Path, version: str = "") -> Cache:
        """The cache as a worker reads it: opened once for each path, while another process may write. A missing file holds nothing."""
        try:
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, check_same_thread=False, timeout=10.0
            )
            connection.execute("PRAGMA query_only = 1")
        except sqlite3.Error:
            connection = sqlite3.connect(":memory:", check_same_thread=False)
        return Cache(path, connection, version or code_version())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            self._connection.close()
            if self._temporary:
                _remove(self.path)

    # --- pictures ---

    def load(self, payload: str) -> Picture | Unreadable | None:
        """What was found when the payload was measured, or None when it must be measured (again)."""
        return self.load_many([payload]).get(payload)

    def load_many(self, payloads: Iterable[str]) -> dict[str, Picture | Unreadable]:
        """As `load`, for many; payloads that must be measured are not in the answer."""
        found: dict[str, Picture | Unreadable] = {}
        for payload in payloads:
            rows = self._rows("SELECT facts FROM measured WHERE payload = ? AND version = ?", (payload, self.version))
            facts = _unpack(rows[0][0]) if rows else None
            if facts is not None:
                found[payload] = _measured_from(facts)
        return found

    def load_features(self, payload: str) -> bytes:
        """Features as `Measured.features` held them. Raises KeyError when the payload must be measured."""
        return self._blob(payload, "features")

    def load_preview(self, payload: str) -> bytes:
        """JPEG. Raises KeyError."""
        return self._blob(payload, "preview")

    def load_thumbnail(self, payload: str) -> bytes:
        """JPEG. Raises KeyError."""
        return self._blob(payload, "thumbnail")

    def save(self, found: Measured | Unreadable) -> None:
        """File a measurement. Raises OutputError when the disk does not take it: later steps read the features from here."""
        picture = found.picture if isinstance(found, Measured) else found
        facts = json.dumps(asdict(picture), separators=(",", ":")).encode()
        statements: list[_Statement] = [("INSERT OR REPLACE INTO measured VALUES (?, ?, ?)", (picture.payload, self.version, _seal(facts)))]
        kinds = _BLOBS if isinstance(found, Measured) else ()
        for kind in kinds:
            row = (picture.payload, kind, self.version, _seal(getattr(found, kind)))
            statements.append(("INSERT OR REPLACE INTO blobs VALUES (?, ?, ?, ?)", row))
        self._write(statements)
        known = "SELECT 1 FROM blobs WHERE payload = ? AND kind = ? AND version = ?"
        if not all(self._rows(known, (picture.payload, kind, self.version)) for kind in kinds):
            self._write(statements, anew=True)  # keys of a damaged page are out of order: what goes in is not found again

    # --- pairs ---

    def load_pairs(self, pairs: Iterable[tuple[str, str]], settings: str) -> dict[tuple[str, str], Pair]:
        """Verdicts already known under `settings` (what the judge was told: strictness); pairs to be compared are not in the answer."""
        found: dict[tuple[str, str], Pair] = {}
        query = "SELECT facts FROM pairs WHERE a = ? AND b = ? AND settings = ? AND version = ?"
        for a, b in pairs:
            rows = self._rows(query, (a, b, settings, self.version))
            facts = _unpack(rows[0][0]) if rows else None
            if facts is not None:
                found[a, b] = _pair_from(facts)
        return found

    def save_pairs(self, pairs: Iterable[Pair], settings: str) -> None:
        """File verdicts. Raises OutputError."""
        rows = []
        for pair in pairs:
            facts = json.dumps(asdict(replace(pair, scores=dict(pair.scores))), separators=(",", ":")).encode()
            rows.append(("INSERT OR REPLACE INTO pairs VALUES (?, ?, ?, ?, ?)", (pair.a, pair.b, settings, self.version, _seal(facts))))
        self._write(rows)

    # --- SQLite ---

    def _blob(self, payload: str, kind: str) -> bytes:
        rows = self._rows("SELECT data FROM blobs WHERE payload = ? AND kind = ? AND version = ?", (payload, kind, self.version))
        data = _unseal(rows[0][0]) if rows else None
        if data is None:
            raise KeyError(payload)
        return data

    def _rows(self, query: str, values: tuple[str, ...]) -> list[Any]:
        try:
            with self._lock:
                return self._connection.execute(query, values).fetchall()
        except (sqlite3.Error, UnicodeDecodeError):
            return []  # a damaged page holds nothing

    def _write(self, statements: list[_Statement], *, anew: bool = False) -> None:
        """`anew`: into a new file, for this one is known to be damaged."""
        with self._lock:
            try:
                if not anew:
                    _transact(self._connection, statements)
            except (sqlite3.Error, UnicodeDecodeError) as error:
                if not _is_damage(error):
                    raise OutputError(f"cannot write the cache {self.path}: {error}") from error
                anew = True
            if anew:
                self._connection.close()
                _remove(self.path)
                self._connection = _connect(self.path, self.version)
                _transact(self._connection, statements)


def _transact(connection: sqlite3.Connection, statements: list[_Statement]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement, values in statements:
            connection.execute(statement, values)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _connect_or_rebuild(path: Path, version: str) -> sqlite3.Connection:
    try:
        return _connect(path, version)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        if not _is_damage(error):
            raise
    _remove(path)
    return _connect(path, version)


def _is_damage(error: Exception) -> bool:
    """Is the file itself wrong? (A name in a damaged schema may not even be text: then sqlite3 fails to word its own message.)"""
    code = getattr(error, "sqlite_errorcode", None)
    return code is None or code & 0xFF not in _OUTSIDE


def _connect(path: Path, version: str) -> sqlite3.Connection:
    """Raises sqlite3.DatabaseError for a file that is no cache of this schema."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10.0)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        tables = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall())
        if not tables:
            connection.executescript(";\n".join(_TABLES.values()))
        elif tables != _TABLES:
            raise sqlite3.DatabaseError("another schema")
        for table in _TABLES:
            connection.execute(f"DELETE FROM {table} WHERE version <> ?", (version,))  # noqa: S608  (our own names)
    except BaseException:
        connection.close()
        raise
    return connection


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


# --- values <-> bytes ---


def _seal(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "big") + data


def _unseal(sealed: Any) -> bytes | None:
    if not isinstance(sealed, bytes) or len(sealed) < 4 or zlib.crc32(sealed[4:]) != int.from_bytes(sealed[:4], "big"):
        return None
    return sealed[4:]


def _unpack(sealed: Any) -> Mapping[str, Any] | None:
    data = _unseal(sealed)
    return None if data is None else json.loads(data)


def _measured_from(facts: Mapping[str, Any]) -> Picture | Unreadable:
    if "reason" in facts:
        return Unreadable(**{**facts, "reason": Reason(facts["reason"])})
    prints = facts["fingerprint"]
    known = facts["evidence"]
    box, spectrum = known["border_box"], tuple(known["spectrum_db"])
    return Picture(
        **{
            **facts,
            "fingerprint": Fingerprint(**{**prints, "hashes": tuple(Bits(**bits) for bits in prints["hashes"])}),
            "evidence": PictureEvidence(**{**known, "border_box": tuple(box) if box else None, "spectrum_db": spectrum}),
        }
    )


def _pair_from(facts: Mapping[str, Any]) -> Pair:
    drawn = facts["transform"]
    if drawn is not None:
        region = drawn["region"]
        drawn = Transform(
            **{
                **drawn,
                "crop": tuple(drawn["crop"]),
                "matrix": tuple(drawn["matrix"]),
                "region": tuple(region) if region else None,
            }
        )
    relations = tuple(Relation(name) for name in facts["relations"])
    return Pair(**{**facts, "verdict": Verdict(facts["verdict"]), "relations": relations, "transform": drawn})
