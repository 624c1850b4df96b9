"""`archiver review` and the review's part of `archiver report`, as a person types them."""

from __future__ import annotations

import csv
import hashlib
import http.client
import io
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from archiver.model import Decision, FetchSettings
from archiver.pipeline import folder
from archiver.pipeline.archive import archive
from archiver.pipeline.means import Means
from archiver.pipeline.settings import Settings
from tests.report.samples import AT, jpeg, scene
from tests.review.desks import sample_folder
from tests.servers import response, routes, serve

CHAIR, LAMP = scene(1, (900, 600)), scene(77, (900, 600))


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "archiver", *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120
    )


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    quiet = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    command = [sys.executable, "-m", "archiver", "review", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=quiet)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_its_address_serves_and_ends_with_ctrl_c(tmp_path: Path, number: signal.Signals) -> None:
    with start(sample_folder(tmp_path / "sample"), "--no-browser") as review:
        assert review.stdout is not None
        url = urlsplit(review.stdout.readline().strip())
        assert (url.scheme, url.hostname) == ("http", "127.0.0.1")
        assert len(url.path) > 30
        connection = http.client.HTTPConnection(url.netloc, timeout=20)
        connection.request("GET", url.path)
        assert connection.getresponse().status == 200
        connection.close()
        review.send_signal(number)
        _, words = review.communicate(timeout=20)
        assert review.returncode == 0
        assert "0 of 4 decided" in words
        assert "Traceback" not in words


def test_two_runs_have_two_tokens(tmp_path: Path) -> None:
    where = sample_folder(tmp_path / "sample")
    paths = set()
    for _ in range(2):
        with start(where, "--no-browser") as review:
            assert review.stdout is not None
            paths.add(urlsplit(review.stdout.readline().strip()).path)
            review.terminate()
    assert len(paths) == 2


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    where = sample_folder(tmp_path / "sample")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        found = run("review", where, "--no-browser", "--port", str(taken.getsockname()[1]))
    assert found.returncode == 3
    assert "cannot listen on port" in found.stderr


def test_a_folder_without_anything_to_review(tmp_path: Path) -> None:
    found = run("review", tmp_path, "--no-browser")
    assert found.returncode == 3
    assert "Traceback" not in found.stderr


def test_export(tmp_path: Path) -> None:
    where = sample_folder(tmp_path / "sample")
    told = json.loads(run("review", where, "--export", "json").stdout)
    cluster = told["clusters"][0]
    folder.write_decisions(where, [Decision(*sorted(cluster["payloads"][:2]), "same", "looked", AT)])  # type: ignore[arg-type]  # two names, sorted
    told = json.loads(run("review", where, "--export", "json").stdout)
    assert [(row["verdict"], row["note"]) for row in told["decisions"]] == [("same", "looked")]
    assert told["decisions"][0]["a"] in cluster["members"]
    rows = list(csv.DictReader(io.StringIO(run("review", where, "--export", "csv").stdout)))
    assert [row["note"] for row in rows if row["decision"]] == ["looked"]
    assert len(rows) == 7


@pytest.fixture
def archived(tmp_path: Path) -> Path:
    """A post with a large copy, a small copy, another picture and a dead link, archived from a server on this machine."""
    pictures = {"/large.jpg": jpeg(CHAIR, 92), "/small.jpg": jpeg(CHAIR, 80, 500), "/lamp.jpg": jpeg(LAMP, 85)}
    table = {path: response(data, headers=(("Content-Type", "image/jpeg"),)) for path, data in pictures.items()}
    with serve(routes({**table, "/gone.jpg": response(b"gone", "404 Not Found")})) as web:
        words = [f"![The {path[1:-4]} one]({web.url(path)})" for path in [*pictures, "/gone.jpg"]]
        (tmp_path / "post.md").write_text("# A chair\n\n" + "\n\n".join(words) + f"\n\nSee [the chair]({web.url('/small.jpg')}).\n")
        settings = Settings(fetch=FetchSettings(allow_addresses=("127.0.0.0/8",), retries=0), workers=1)
        archive(str(tmp_path / "post.md"), tmp_path / "archived", settings, Means(lambda event: None))
    return tmp_path / "archived"


def test_the_post_is_written_anew_with_the_best_copies(archived: Path, tmp_path: Path) -> None:
    source = (tmp_path / "post.md").read_bytes()
    out = tmp_path / "written" / "post.md"
    found = run("report", archived, "--rewrite-post", out, "-q")
    assert "3 links go to 2 local pictures, 1 stay as they were" in found.stderr
    text = out.read_text()
    best = f"images/{hashlib.sha256(jpeg(CHAIR, 92)).hexdigest()[:12]}-the-large-one.jpg"
    assert text.count(f"]({best})") == 3
    assert text.count("/gone.jpg)") == 1
    assert (out.parent / best).read_bytes() == jpeg(CHAIR, 92)
    assert len(list((out.parent / "images").iterdir())) == 2
    assert (tmp_path / "post.md").read_bytes() == source
    again = run("report", archived, "--rewrite-post", out, "-q")
    assert again.returncode == 3
    assert "not overwritten" in again.stderr


def test_a_preview_shows_what_another_strictness_would_change_and_changes_nothing(archived: Path) -> None:
    report = json.loads((archived / folder.REPORT_JSON).read_text())
    (pair,) = [pair for cluster in report["clusters"] for pair in cluster["pairs"]]
    before = {path.name: path.read_bytes() for path in archived.iterdir() if path.suffix in (".json", ".html", ".csv", ".wacz", ".gz")}
    same = run("report", archived, "--preview", "--strictness", "normal", "-q")
    assert same.stdout.strip() == "From normal to normal: 0 joined (+), 0 parted (-), 0 to be asked (?)"
    folder.write(archived / folder.REPORT_JSON, json.dumps({**report, "settings": {**report["settings"], "strictness": "strict"}}))
    before[folder.REPORT_JSON] = (archived / folder.REPORT_JSON).read_bytes()
    found = run("report", archived, "--preview", "--strictness", "normal", "-q")
    assert "From strict to normal" in found.stdout
    assert found.returncode == 0
    assert pair["verdict"] == "same"
    assert "Content-Security-Policy" in (archived / "preview.html").read_text()
    assert before == {name: (archived / name).read_bytes() for name in before}


def test_a_preview_writes_no_post(archived: Path, tmp_path: Path) -> None:
    assert run("report", archived, "--preview", "--rewrite-post", tmp_path / "out.md").returncode == 2


def test_a_report_is_judged_as_strictly_as_before_unless_told_otherwise(archived: Path) -> None:
    def strictness(*arguments: str) -> str:
        assert run("report", archived, "-q", *arguments).returncode == 8
        return str(json.loads((archived / folder.REPORT_JSON).read_text())["settings"]["strictness"])

    assert [strictness(), strictness("--strictness", "strict"), strictness(), strictness("--strictness", "lax")] == [
        "normal",
        "strict",
        "strict",
        "lax",
    ]
