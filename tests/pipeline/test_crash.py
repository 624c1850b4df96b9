"""Killed at any moment, or out of disk: what was captured stays readable, and the same command ends with the same pictures."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from warcio.archiveiterator import ArchiveIterator

from fixtures.web.serve import SmallWeb, load_truth, running

ROOT = Path(__file__).resolve().parents[2]
POST = ROOT / "fixtures" / "posts" / "chair-exercises.md"
ARCHIVER = (sys.executable, "-m", "archiver")
KILLS = 4
DERIVED = ("report.json", "report.html", "clusters.csv", "chair-exercises.wacz")
OK = {image["url"]: image["sha256"] for image in load_truth()["images"] if image["status"] == "ok"}

pytestmark = pytest.mark.xdist_group("small-web")


@pytest.fixture(scope="module")
def web() -> Iterator[SmallWeb]:
    with running() as web:
        yield web


def command_for(web: SmallWeb, folder: Path) -> list[str]:
    told = web.describe()
    through = [part for entry in told["connect_to"] for part in ("--connect-to", entry)]
    rest = ["--ca-file", told["ca_file"], "--allow-address", "127.0.0.0/8", "--timeout", "20", "--retries", "1"]
    return [*ARCHIVER, "archive", str(POST), "-o", str(folder), "-q", *through, *rest]


def start(web: SmallWeb, folder: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command_for(web, folder), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)


def captured(folder: Path) -> set[str]:
    """The URLs whose answer 200 stands whole in the archive, its request too, read by warcio up to a torn member at the end."""
    found: set[str] = set()
    for path in sorted(folder.glob("*.warc.gz*")):
        answered = ""
        with path.open("rb") as file:
            try:
                for record in ArchiveIterator(file):
                    record.content_stream().read()
                    url = record.rec_headers["WARC-Target-URI"]
                    if record.rec_type in ("response", "revisit"):
                        answered = url if record.http_headers.get_statuscode() == "200" else ""
                    elif record.rec_type == "request" and url == answered:
                        found.add(url)
            except Exception:
                assert path.name.endswith(".open"), "only an unfinished file may be torn"
    return found


def assert_derived_files_are_whole(folder: Path) -> None:
    for name in DERIVED:
        if (folder / name).exists() and name.endswith(".json"):
            json.loads((folder / name).read_text())


def kill_after(web: SmallWeb, folder: Path, requests: int, pause_s: float) -> None:
    """Start the run and kill it `pause_s` after the web was asked that often; what was whole before is whole after."""
    web.log.clear()
    run = start(web, folder)
    deadline = time.monotonic() + 20
    while run.poll() is None and len(web.log.requests) < requests and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(pause_s)
    before = captured(folder)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    assert before <= captured(folder)
    assert_derived_files_are_whole(folder)


def test_killed_at_random_moments_the_same_command_ends_with_the_same_pictures(web: SmallWeb, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    print("seed", seed)
    for _ in range(KILLS):
        kill_after(web, folder, chance.randrange(1, 22), chance.random() * 0.1)
    assert not (folder / "report.json").exists()
    already = captured(folder)
    web.log.clear()
    last = start(web, folder)
    _, said = last.communicate(timeout=120)
    assert last.returncode == 8, said.decode()
    report: dict[str, Any] = json.loads((folder / "report.json").read_text())
    assert {image["url"]: image["sha256"] for image in report["images"] if image["status"] == "ok"} == OK
    assert not {seen.url for seen in web.log.requests} & already & OK.keys(), "fetched twice"
    assert not [*folder.glob("*.open"), *folder.glob("*.part")]


def test_killed_while_it_writes_the_report_nothing_is_fetched_again(web: SmallWeb, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    run = start(web, folder)
    deadline = time.monotonic() + 60
    while not list(folder.glob("*.wacz.part")) and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.0005)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    if not (folder / "report.json").exists():
        web.log.clear()
        start(web, folder).communicate(timeout=120)
        assert not {seen.url for seen in web.log.requests} & OK.keys()
    report = json.loads((folder / "report.json").read_text())
    assert {image["url"]: image["sha256"] for image in report["images"] if image["status"] == "ok"} == OK


def test_two_runs_on_one_folder_the_second_says_so(web: SmallWeb, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    first = start(web, folder)
    deadline = time.monotonic() + 20
    while not list(folder.glob("*.open")) and first.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    second = start(web, folder)
    _, said = second.communicate(timeout=60)
    retried = subprocess.run([*ARCHIVER, "retry", str(folder)], capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    first.communicate(timeout=60)
    assert (second.returncode, retried.returncode) == (3, 3)
    assert b"another run is at work" in said
    assert b"another run is at work" in retried.stderr
    assert first.returncode == 8


def test_a_folder_that_turns_read_only_under_a_run(web: SmallWeb, tmp_path: Path) -> None:
    """A read-only mount over the folder: what is open can still be written, nothing can be opened, renamed or replaced any more."""
    own = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    folder = tmp_path / "out"
    folder.mkdir()
    script = """
"$@" & run=$!
while kill -0 $run && ! ls "$FOLDER"/*.open; do :; done >/dev/null 2>&1
mount --bind "$FOLDER" "$FOLDER" && mount -o remount,ro,bind "$FOLDER"
wait $run; echo "read-only $?"
umount "$FOLDER"
"$@"; echo "again $?"
"""
    command = ["unshare", *own, "--mount", "sh", "-c", script, "sh", *command_for(web, folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "FOLDER": str(folder)}
    ended = subprocess.run(command, capture_output=True, env=environment, text=True)
    assert ended.stdout.split("\n")[:2] == ["read-only 3", "again 8"], ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Read-only file system" in ended.stderr
    report = json.loads((folder / "report.json").read_text())
    assert {image["url"]: image["sha256"] for image in report["images"] if image["status"] == "ok"} == OK


ON_A_SMALL_DISK = """
set -e
mount -t tmpfs -o size={small} tmpfs "$1"
shift
disk=$1; out=$2; shift 2
code=0; "$@" || code=$?; echo "full $code"
cp -r "$disk" "$out/when-full"
mount -o remount,ro tmpfs "$disk"
code=0; "$@" || code=$?; echo "read-only $code"
mount -o remount,rw,size=64m tmpfs "$disk"
code=0; "$@" || code=$?; echo "room $code"
cp -r "$disk" "$out/at-last"
umount "$disk"
"""


def test_a_full_disk_and_a_read_only_one_end_in_a_sentence_and_lose_nothing(web: SmallWeb, tmp_path: Path) -> None:
    """On a real file system of its own, in a mount namespace where that needs no root."""
    disk, out = tmp_path / "disk", tmp_path / "out"
    disk.mkdir()
    out.mkdir()
    own = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    script = ON_A_SMALL_DISK.format(small="700k")
    command = ["unshare", *own, "--mount", "sh", "-c", script, "sh", str(disk), str(disk), str(out), *command_for(web, disk / "chairs")]
    ended = subprocess.run(command, capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True)
    assert ended.stdout.split("\n")[:3] == ["full 3", "read-only 3", "room 8"], ended.stderr
    assert "Traceback" not in ended.stderr
    assert "cannot write" in ended.stderr
    when_full, at_last = out / "when-full" / "chairs", out / "at-last" / "chairs"
    assert captured(when_full)
    assert_derived_files_are_whole(when_full)
    assert captured(when_full) <= captured(at_last)
    report = json.loads((at_last / "report.json").read_text())
    assert {image["url"]: image["sha256"] for image in report["images"] if image["status"] == "ok"} == OK
