from __future__ import annotations

import contextlib
import itertools
import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archiver.errors import OutputError
from archiver.model import (
    Bits,
    Fingerprint,
    Measured,
    Pair,
    Picture,
    PictureEvidence,
    Reason,
    Relation,
    Transform,
    Unreadable,
    Verdict,
)
from archiver.pipeline.cache import Cache, code_version

PICTURE = Picture(
    payload="a" * 64,
    format="jpeg",
    width_px=1200,
    height_px=800,
    frames=1,
    fingerprint=Fingerprint("b" * 64, (Bits("phash/view480", 2**63 + 5, 64), Bits("dhash/view480", 7, 64)), True),
    evidence=PictureEvidence(85, False, True, True, "2014-03-02T11:22:33", "© Ünï", "Cam", (0.1, 0.0, 0.9, 1.0), 600),
)
MEASURED = Measured(PICTURE, b"features" * 500, b"\xff\xd8preview", b"\xff\xd8thumb")
UNREADABLE = Unreadable("c" * 64, Reason.CORRUPT, "damaged jpeg", "jpeg")
TRANSFORM = Transform("b", (1.0, 2.0, 300.5, 400.0), 0.5, -2.5, True, (1.0, 0.0, 3.0, 0.0, 1.0, 4.0), (5.0, 6.0, 7.0, 8.0))
PAIR = Pair(
    "a" * 64, "b" * 64, Verdict.SAME, (Relation.CROPPED, Relation.OVERLAID), 0.97, "cropped to 62 %", TRANSFORM, {"good": 0.98, "big": 0.0}
)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    with Cache.open(tmp_path / "c.sqlite") as cache:
        assert cache.load(PICTURE.payload) is None
        cache.save(MEASURED)
        cache.save(UNREADABLE)
        cache.save_pairs([PAIR, replace(PAIR, b="d" * 64, transform=None, verdict=Verdict.UNSURE)], "strict")
    with Cache.open(tmp_path / "c.sqlite") as cache:
        assert cache.load_many([PICTURE.payload, UNREADABLE.payload, "0" * 64]) == {
            PICTURE.payload: PICTURE,
            UNREADABLE.payload: UNREADABLE,
        }
        assert cache.load_features(PICTURE.payload) == MEASURED.features
        assert cache.load_preview(PICTURE.payload) == MEASURED.preview
        assert cache.load_thumbnail(PICTURE.payload) == MEASURED.thumbnail
        found = cache.load_pairs([("a" * 64, "b" * 64), ("a" * 64, "d" * 64), ("b" * 64, "d" * 64)], "strict")
        assert found["a" * 64, "b" * 64] == PAIR
        assert found["a" * 64, "d" * 64].transform is None
        assert len(found) == 2
        assert cache.load_pairs([("a" * 64, "b" * 64)], "lenient") == {}


def test_features_that_are_not_there_are_a_key_error(tmp_path: Path) -> None:
    with Cache.open(tmp_path / "c.sqlite") as cache:
        cache.save(UNREADABLE)
        for payload in (UNREADABLE.payload, "0" * 64):
            with pytest.raises(KeyError):
                cache.load_features(payload)


def test_another_version_of_the_code_starts_empty(tmp_path: Path) -> None:
    with Cache.open(tmp_path / "c.sqlite", "one") as cache:
        cache.save(MEASURED)
        cache.save_pairs([PAIR], "")
    with Cache.open(tmp_path / "c.sqlite", "two") as cache:
        assert cache.load(PICTURE.payload) is None
        assert cache.load_pairs([(PAIR.a, PAIR.b)], "") == {}
        with pytest.raises(KeyError):
            cache.load_features(PICTURE.payload)
    with sqlite3.connect(tmp_path / "c.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM blobs").fetchone() == (0,)


def test_the_version_is_stable_within_one_code() -> None:
    assert len(code_version()) == 16
    assert code_version() == code_version()


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + bytes(200), b"\0"])
def test_a_file_that_is_no_cache_is_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "c.sqlite"
    path.write_bytes(content)
    with Cache.open(path) as cache:
        cache.save(MEASURED)
        assert cache.path == path
        assert cache.load(PICTURE.payload) == PICTURE


def test_a_database_of_another_schema_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE pairs (x)")
    connection.close()
    with Cache.open(path) as cache:
        cache.save(MEASURED)
        assert cache.load(PICTURE.payload) == PICTURE


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_gives_the_right_value_or_none(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "c.sqlite"
    for left in tmp_path.iterdir():
        left.unlink()
    with Cache.open(path, "v") as cache:
        cache.save(MEASURED)
        cache.save_pairs([PAIR], "")
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    for _ in range(data.draw(st.integers(0, 12))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with Cache.open(path, "v") as cache:
        assert cache.load(PICTURE.payload) in (None, PICTURE)
        assert cache.load_pairs([(PAIR.a, PAIR.b)], "") in ({}, {(PAIR.a, PAIR.b): PAIR})
        with contextlib.suppress(KeyError):
            assert cache.load_features(PICTURE.payload) == MEASURED.features
        cache.save(MEASURED)
        assert cache.load_features(PICTURE.payload) == MEASURED.features


def test_what_is_saved_is_found_though_a_key_is_out_of_its_order(tmp_path: Path) -> None:
    """One bit of a key in the index of the file: what is saved then goes to another place than it is looked for at."""
    path = tmp_path / "c.sqlite"
    with Cache.open(path, "v") as cache:
        cache.save(MEASURED)
    content = path.read_bytes()
    keys = [at for at in range(len(content)) if content.startswith((b"a" * 64 + b"preview", b"a" * 64 + b"thumbnail"), at)]
    for at, within in itertools.product(keys, (0, 5, 63, 64)):
        path.write_bytes(content[: at + within] + bytes([content[at + within] ^ 1]) + content[at + within + 1 :])
        with Cache.open(path, "v") as cache:
            cache.save(MEASURED)
            assert cache.load_features(PICTURE.payload) == MEASURED.features


def test_readers_in_other_processes_see_what_was_saved_while_the_writer_is_open(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    code = (
        "import sys; from pathlib import Path; from archiver.pipeline.cache import Cache\n"
        "cache = Cache.open_for_reading(Path(sys.argv[1]), 'v')\n"
        "sys.stdout.buffer.write(cache.load_features('a' * 64))"
    )
    with Cache.open(path, "v") as cache:
        cache.save(MEASURED)
        readers = [subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE) for _ in range(3)]
        for number in range(50):
            cache.save(replace(MEASURED, picture=replace(PICTURE, payload=f"{number:064}")))
        for reader in readers:
            assert reader.communicate()[0] == MEASURED.features


def test_reading_a_missing_file_finds_nothing(tmp_path: Path) -> None:
    cache = Cache.open_for_reading(tmp_path / "none.sqlite")
    assert cache.load(PICTURE.payload) is None
    assert not (tmp_path / "none.sqlite").exists()


def test_a_place_that_cannot_be_written_gets_a_temporary_cache(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    path.mkdir()
    with Cache.open(path) as cache:
        cache.save(MEASURED)
        assert cache.path != path
        assert Cache.open_for_reading(cache.path).load_features(PICTURE.payload) == MEASURED.features
        elsewhere = cache.path
    assert not elsewhere.exists()


def test_a_locked_file_is_not_thrown_away(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with Cache.open(path, "v") as cache:
        cache.save(MEASURED)
    before = path.stat().st_ino
    with Cache.open(path, "v") as first, Cache.open(path, "v") as second:
        second.save(UNREADABLE)
        assert first.load(UNREADABLE.payload) == UNREADABLE
    assert path.stat().st_ino == before


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    with Cache.open(tmp_path / "c.sqlite") as cache:
        pages = cache._connection.execute("PRAGMA page_count").fetchone()[0]
        cache._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(OutputError, match="cache"):
            cache.save(replace(MEASURED, features=os.urandom(100_000)))
        cache._connection.execute("PRAGMA max_page_count = 100000")
        cache.save(MEASURED)
        assert cache.load(PICTURE.payload) == PICTURE
