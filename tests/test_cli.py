"""The command line as a person or a script meets it: exit codes, streams, one clear sentence."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver.cli import COMMANDS
from archiver.commands.demo import to_call
from fixtures.web.serve import SmallWeb, load_truth, running

ROOT = Path(__file__).resolve().parent.parent
POST = ROOT / "fixtures" / "posts" / "chair-exercises.md"

pytestmark = pytest.mark.xdist_group("small-web")


def archiver(*arguments: str, cwd: Path | None = None, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "archiver", *arguments]
    return subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)})


@pytest.fixture(scope="module")
def web() -> Iterator[SmallWeb]:
    with running() as web:
        yield web


def reaching(web: SmallWeb) -> list[str]:
    told = web.describe()
    through = [part for entry in told["connect_to"] for part in ("--connect-to", entry)]
    return [*through, "--ca-file", told["ca_file"], "--allow-address", "127.0.0.0/8", "--timeout", "20"]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    shown = archiver(name, "--help")
    assert shown.returncode == 0
    assert shown.stdout.startswith(b"Usage:")
    assert not shown.stderr


def test_links_lists_the_post_byte_for_byte() -> None:
    listed = json.loads(archiver("links", "--json", str(POST)).stdout)
    assert len(listed) == 93
    assert [row["url"] for row in listed] == [image["url"] for image in load_truth()["images"]]
    assert listed[0] == {
        "url": "https://cdn-img.health.com/sites/default/files/1491596988/chair-yoga-back-pain.jpg",
        "role": "image",
        "line": 10,
        "caption": "The Best Chair Yoga Moves to Combat Back Pain | Health.com",
        "alt": "",
    }


BAD_INPUT: list[tuple[str, list[str], bytes, int, str]] = [
    ("a missing file", ["archive", "none.md"], b"", 3, "cannot read none.md"),
    ("a folder for a post", ["archive", "."], b"", 3, "is a folder"),
    ("an empty post", ["archive", "-", "-o", "out"], b"", 4, "links no pictures"),
    ("a post without images", ["archive", "-", "-o", "out"], b"words", 4, "links no pictures"),
    ("bytes that are no text", ["archive", "-", "-o", "out"], b"\x00\x01\x02" * 50, 3, "-"),
    ("no post named", ["archive"], b"", 2, "name a POST"),
    ("an unknown command", ["archvie"], b"", 2, "there is no command"),
    ("an unknown option", ["archive", "--colour", "x.md"], b"", 2, "--colour"),
    ("a size that is none", ["archive", "--max-size", "huge", "x.md"], b"", 2, "no size"),
    ("a header that is none", ["archive", "--header", "nonsense", "x.md"], b"", 2, "Name: value"),
    (
        "a range that is none",
        ["archive", "--allow-address", "10.0.0.0/99", "-", "-o", "out"],
        b"![](http://a.invalid/x.png)",
        2,
        "10.0.0.0/99",
    ),
    ("a folder that is a file", ["archive", "-", "-o", "file/out"], b"![](http://a.invalid/x.png)", 3, "cannot make the folder"),
    ("every link dead", ["archive", "-", "-o", "out"], b"![](http://a.invalid/x.png)", 4, "not resolve"),
    ("a private address", ["archive", "-", "-o", "out"], b"![](http://127.0.0.1/x.png)", 4, "127.0.0.1"),
    ("a folder without archive", ["report", "."], b"", 3, "no post"),
    ("nothing to retry", ["retry", "."], b"", 3, "no report.json"),
    ("a preview of nothing else", ["report", ".", "--preview"], b"", 2, "--strictness"),
    ("nothing to judge", ["dedup", "none"], b"", 3, "cannot read none"),
]


@pytest.mark.parametrize(("arguments", "stdin", "code", "words"), [row[1:] for row in BAD_INPUT], ids=[row[0] for row in BAD_INPUT])
def test_bad_input_ends_in_one_clear_sentence(arguments: list[str], stdin: bytes, code: int, words: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    ended = archiver(*arguments, cwd=tmp_path, stdin=stdin)
    said = (ended.stdout + ended.stderr).decode()
    assert (ended.returncode, "Traceback" in said) == (code, False), said
    assert words in said


@pytest.mark.parametrize(
    ("names", "code", "said"),
    [
        (["good"], 0, ""),
        (["broken/wrong-block-digest.warc.gz"], 3, "[block-digest]"),
        (["broken/wrong-block-digest.warc.gz", "none"], 2, "[block-digest]"),
        (["none"], 2, ""),
        (["."], 2, ""),
    ],
)
def test_verify_tells_faults_from_a_wrong_path(names: list[str], code: int, said: str, tmp_path: Path) -> None:
    warcs = ROOT / "fixtures" / "warc"
    checked = archiver("verify", *(str(tmp_path if name == "." else warcs / name) for name in names))
    assert checked.returncode == code, checked.stderr
    assert said in checked.stdout.decode()
    assert checked.stderr.startswith(b"archiver: ") == (code == 2)


def test_simulate_fetches_nothing_and_writes_nothing(web: SmallWeb, tmp_path: Path) -> None:
    web.log.clear()
    shown = archiver("archive", "-s", str(POST), *reaching(web), cwd=tmp_path)
    assert shown.returncode == 0
    assert len(shown.stdout.splitlines()) == 93
    assert not web.log.requests
    assert not list(tmp_path.iterdir())


def test_simulate_asks_for_the_page_only_and_names_what_the_post_carries(web: SmallWeb, tmp_path: Path) -> None:
    page = "https://chairs.example/post/"
    (tmp_path / "a.jpg").write_bytes(b"")
    (tmp_path / "post.md").write_text("![](a.jpg)\n![](data:image/gif;base64,R0lGODlh)\n![](https://i0.wp.com/x.example/b.jpg)\n")
    web.log.clear()
    shown = archiver("archive", "-s", "post.md", "--local-images", "--originals", *reaching(web), cwd=tmp_path)
    assert shown.stdout.decode().splitlines() == [
        "a.jpg",
        "data:image/gif;base64,R0lGODlh",
        "https://i0.wp.com/x.example/b.jpg",
        "https://x.example/b.jpg",
    ]
    missing = archiver("archive", "-s", page, "post.md", *reaching(web), cwd=tmp_path)
    assert (missing.returncode, len(missing.stdout.splitlines())) == (8, 2)
    assert b"archiver: https://chairs.example/post/ could not be fetched" in missing.stderr
    assert archiver("archive", "-s", page, *reaching(web), cwd=tmp_path).returncode == 4


def test_data_goes_to_stdout_and_words_to_stderr(web: SmallWeb, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    done = archiver("archive", str(POST), "--json", "--log", str(log), *reaching(web), cwd=tmp_path)
    assert done.returncode == 8, done.stderr
    assert json.loads(done.stdout)["summary"]["targets"] == 93
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert {"captured", "missed", "retry", "fetch", "result"} <= {event["event"] for event in events}
    of_links = [event for event in events if event["event"] in ("fetch", "retry", "answer", "captured", "missed", "result")]
    assert all({"time", "url", "host", "attempt"} <= event.keys() for event in of_links)
    assert all(event["reason"] for event in events if event["event"] in ("retry", "missed", "result"))
    told = {event["url"]: event["reason"] for event in events if event["event"] == "result"}
    assert told == {image["url"]: image["status"] for image in json.loads(done.stdout)["images"]}
    assert (tmp_path / "chair-exercises" / "report.html").is_file()


def test_links_out_of_reach_are_not_called_none() -> None:
    told = archiver("links", "-", stdin=b"![](a.jpg)")
    assert told.stderr.decode().splitlines() == ["-:1: a.jpg is relative, and there is no --base-url"]


def test_quiet_still_says_what_went_wrong(tmp_path: Path) -> None:
    (tmp_path / "post.md").write_text("![](ftp://x.example/a.jpg)\n\n![](data:image/gif;base64,R0lGODlh)\n")
    done = archiver("archive", "-q", "post.md", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (4, b"")
    told = done.stderr.decode().splitlines()
    assert told[0] == "post.md: Not archived as pictures (2)"
    assert any("line 1: ftp://x.example/a.jpg" in line for line in told)


def run_and_signal(web: SmallWeb, folder: Path, number: signal.Signals, after: int) -> int:
    """Start a run, send the signal once the web was asked `after` times; the exit code."""
    web.log.clear()
    command = [sys.executable, "-m", "archiver", "archive", str(POST), "-o", str(folder), "-q", *reaching(web)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}) as run:
        deadline = time.monotonic() + 30
        while len(web.log.requests) < after and run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        run.send_signal(number)
        assert run.stderr is not None
        said = run.stderr.read()
        assert b"Traceback" not in said, said.decode()
        return run.wait(timeout=30)


def readable_records(folder: Path) -> list[Any]:
    from warcio.archiveiterator import ArchiveIterator

    records = []
    for path in sorted(folder.glob("*.warc.gz")):
        with path.open("rb") as file:
            records += [record.rec_type for record in ArchiveIterator(file)]
    return records


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_a_readable_archive_and_goes_on(web: SmallWeb, tmp_path: Path, number: signal.Signals) -> None:
    folder = tmp_path / "out"
    assert run_and_signal(web, folder, number, after=30) == 130
    assert not list(folder.glob("*.open"))
    assert "response" in readable_records(folder)
    assert not (folder / "report.json").exists()


def test_what_is_judged_again_is_judged_as_strictly_as_before(web: SmallWeb, tmp_path: Path) -> None:
    urls = [image["url"] for image in load_truth()["images"] if "paindoctor" in image["url"] or "cdn-img.health.com" in image["url"]]
    (tmp_path / "post.md").write_text("".join(f"![]({url})\n" for url in urls))
    folder = tmp_path / "out"
    assert archiver("archive", str(tmp_path / "post.md"), "-o", str(folder), "--strictness", "strict", *reaching(web)).returncode == 8
    for again, strictness in ((["retry", *reaching(web)], "strict"), (["report"], "strict"), (["report", "--strictness", "lax"], "lax")):
        assert archiver(*again, str(folder)).returncode == 8
        assert json.loads((folder / "report.json").read_text())["settings"]["strictness"] == strictness


def test_help_of_the_whole_names_every_command() -> None:
    shown = archiver("--help").stdout.decode()
    assert all(re.search(rf"^  {name} ", shown, re.MULTILINE) for name in COMMANDS)


def test_the_demo_names_a_command_that_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert to_call(".venv/bin/archiver") == ".venv/bin/archiver"
    assert to_call("/some/where/archiver/__main__.py") == "python -m archiver"
    (tmp_path / "archiver").touch(0o755)
    assert to_call(".venv/bin/archiver") == "archiver"


def commands_in_readme() -> list[list[str]]:
    blocks = re.findall(r"^    (archiver .+?)(?:  +.*)?$", (ROOT / "README.md").read_text(), re.MULTILINE)
    return [shlex.split(line) for line in blocks]


def test_the_readme_shows_only_options_that_exist() -> None:
    lines = commands_in_readme()
    assert lines
    for line in lines:
        helped = archiver(*[word for word in line[1:2] if word in COMMANDS], "--help").stdout.decode()
        for option in (word.split("=")[0] for word in line if word.startswith("--")):
            assert option in helped, f"{' '.join(line)}: {option}"
