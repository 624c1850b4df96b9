"""Killed at any moment or without room on the disk: what was stored stays, and the next run goes on."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from archiver.model import Archived
from archiver.warc import reader
from archiver.warc.verify import verify
from tests.warc.crash_writer import COUNT, body, url
from tests.warc.making import PREFIX


def run(folder: Path, limit_bytes: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, str(Path(__file__).with_name("run.py")), "crash_writer", str(folder), str(limit_bytes)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def stored(folder: Path) -> dict[str, str]:
    return {item.url: item.payload_sha256 for item in reader.responses([folder]) if isinstance(item, Archived)}


EXPECTED = {url(number): hashlib.sha256(body(number)).hexdigest() for number in range(COUNT)}


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_random_moments(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(4):
        process = run(tmp_path)
        assert process.stdout is not None
        told = [process.stdout.readline()]
        for _ in range(chance.randrange(12)):
            told.append(process.stdout.readline())
        time.sleep(chance.random() * 0.002)
        process.kill()
        told += process.stdout.readlines()
        process.stdout.close()
        process.wait()
        have = stored(tmp_path)
        said = {url(int(line.split()[1])) for line in told if line.startswith("stored")}
        assert said <= have.keys()
        assert have.items() <= EXPECTED.items()
    process = run(tmp_path)
    assert process.communicate()[0].startswith("ready")
    assert process.returncode == 0
    assert stored(tmp_path) == EXPECTED
    assert [path.name for path in tmp_path.iterdir()] == [f"{PREFIX}-00000.warc.gz"]
    assert [finding.line for finding in verify(tmp_path)] == []


def test_no_room_on_the_disk(tmp_path: Path) -> None:
    process = run(tmp_path, 200_000)
    said = process.communicate()[0]
    assert process.returncode == 3
    assert "full: cannot write" in said
    have = stored(tmp_path)
    assert len(have) == said.count("stored ")
    assert have.items() <= EXPECTED.items()
    with next(tmp_path.iterdir()).open("rb") as file:
        for record in ArchiveIterator(file):  # every byte on the disk belongs to a whole record
            record.raw_stream.read()
    assert [finding.severity for finding in verify(tmp_path)] == ["warning"], "only that the file is not complete"
    again = run(tmp_path)
    again.communicate()
    assert again.returncode == 0
    assert stored(tmp_path) == EXPECTED
