"""What the terminal shows: the summary, and progress with and without a terminal."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.model import Event, Relation
from archiver.report import terminal
from tests.report.samples import sample


def test_the_summary_says_what_was_archived_and_what_is_the_same() -> None:
    text = "\n".join(terminal.summary(sample()[0], folder="out", files=("report.html",)))
    assert "27 of 32 pictures archived from 20 hosts" in text
    assert "21 different pictures; 6 stand there again" in text
    assert "c1  5 copies  Neck pain: stretches you can do in a chair" in text
    assert "* images.indianexpress.com  1200 × 675  jpeg  line 12" in text
    assert "404 Not Found" in text
    assert "Host not found" in text
    assert text.endswith("Written to out\n  report.html")


def test_the_summary_fits_into_the_terminal_and_breaks_no_word() -> None:
    report = sample()[0]
    wide = terminal.summary(report)
    narrow = terminal.summary(report, width=80)
    assert any(len(line) > 80 for line in wide)
    assert [line for line in narrow if len(line) > 80] == []
    assert all(any(image.error in line for line in wide) for image in report.images if image.error)
    assert " ".join(" ".join(wide).split()).count("HTML page") == " ".join(" ".join(narrow).split()).count("HTML page") > 0


def test_pages_that_contain_a_picture_are_no_doubts_and_what_is_left_out_is_counted() -> None:
    report = sample()[0]
    doubt = report.unsure[0]
    page = replace(doubt, relations=(Relation.CONTAINS,), because="the second is a page that contains the other")
    text = "\n".join(terminal.summary(replace(report, unsure=(doubt,) * 15 + (page,) * 2)))
    assert "Look at these (15)\n" in text
    assert "  ... and 3 more in the report\n\nOne contains the other (2)\n" in text
    assert text.count("is a page that contains the other") == 2


def test_a_folder_of_pictures_was_compared_and_not_archived() -> None:
    report = replace(sample()[0], post=None, settings={"input_names": ["holiday"]})
    text = "\n".join(terminal.summary(report))
    assert text.startswith("Pictures in holiday\n27 picture files compared (")
    assert "archived" not in text


def test_a_miss_in_a_live_line_fits_the_terminal() -> None:
    event = Event("missed", f"https://a.example/{'long-' * 40}.jpg", "the server answered 404")
    line = terminal.line(event, 0, 80)
    assert len(line) <= 80
    assert line.startswith("missed: https://a.example/long-")
    assert line.endswith(".jpg: the server answered 404")
    assert event.url in terminal.line(event, 1, 80)


def test_counts_are_of_pictures_and_pairs_through_all_stages() -> None:
    counts = terminal.Counts()
    for event in EVENTS:
        counts.add(event)
    assert counts.words() == "18 of 20 fetched, 2 missed, 1 tried again, 18 kB, 1 measured, 50 pairs compared"


def test_pairs_are_counted_of_all_that_are_to_be_compared() -> None:
    counts = terminal.Counts()
    for done, words in ((48, "48 of 1,050 pairs compared"), (1002, "1,050 pairs compared")):
        counts.add(Event("compared", fields={"pairs": done, "total": 1050}))
        assert counts.words() == words


def test_the_summary_of_nothing() -> None:
    report = replace(sample()[0], images=(), clusters=(), unsure=(), held_apart=())
    assert terminal.summary(report)[1] == "0 of 0 pictures archived from 0 hosts (0 B)"


def test_nothing_a_stranger_wrote_reaches_the_terminal_raw() -> None:
    report = sample()[0]
    evil = "\x1b]0;owned\x07\x1b[31m\r\n\u202etxt"
    images = tuple(replace(image, error=evil, status="http_error") for image in report.images[:3])
    assert report.post is not None
    report = replace(report, images=images, post=replace(report.post, title=evil), clusters=(), skipped=(evil,))
    for line in terminal.summary(report):
        assert line.isprintable(), line
        assert "\u202e" not in line


@given(st.text())
def test_plain_text_is_printable_and_one_line(text: str) -> None:
    assert terminal.plain(text).isprintable()


EVENTS = [
    Event("stage", detail="Fetching 20 pictures", fields={"total": 20}),
    *(Event("captured", f"https://a.example/{n}", fields={"size_bytes": 1000}) for n in range(18)),
    Event("retry", "https://a.example/18", "503"),
    Event("missed", "https://a.example/18", "404 Not\x1b[2J Found"),
    Event("missed", "https://a.example/19", "timeout"),
    Event("stage", detail="Comparing"),
    Event("measured"),
    Event("compared", fields={"pairs": 48}),
    Event("compared", fields={"pairs": 2}),
    Event("something new"),
]


def followed(*, terminal_like: bool, quiet: bool = False, verbosity: int = 0) -> str:
    stream = StringIO()
    with terminal.progress(stream, terminal=terminal_like, quiet=quiet, verbosity=verbosity) as follower:
        for event in EVENTS:
            follower.follow(event)
    return stream.getvalue()


def test_without_a_terminal_there_are_plain_lines_and_no_bar() -> None:
    lines = followed(terminal_like=False).splitlines()
    assert lines[0] == "Fetching 20 pictures"
    assert "missed: https://a.example/18: 404 Not?[2J Found" in lines
    assert "18 of 20 fetched, 2 missed, 1 tried again, 18 kB" in lines
    assert sum("fetched" in line for line in lines) == 10, "one line per tenth"
    assert not any("\x1b" in line for line in lines)


def test_with_a_terminal_there_is_a_live_line() -> None:
    shown = followed(terminal_like=True)
    assert "18 of 20 fetched, 2 missed" in shown.replace("\n", " ")
    assert "\x1b[2J" not in shown


@pytest.mark.parametrize("columns", [40, 60, 80, 160])
def test_live_counts_are_never_cut(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    rows = [row.rstrip() for row in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\r", "\n", followed(terminal_like=True)).split("\n")]
    assert max(len(row) for row in rows) <= columns
    words = " ".join(" ".join(rows).split())
    assert "18 of 20 fetched, 2 missed, 1 tried again, 18 kB, 1 measured, 50 pairs compared" in words
    assert "missed: https://a.example/18: 404 Not?[2J Found" in words


def test_quiet_says_nothing_and_verbose_says_more() -> None:
    assert followed(terminal_like=False, quiet=True) == ""
    assert "captured: https://a.example/3" in followed(terminal_like=False, verbosity=1)
    assert "something new" in followed(terminal_like=False, verbosity=2)


def test_rich_and_jinja_are_imported_only_when_needed() -> None:
    code = "import sys, archiver.report.terminal as t; sys.exit(any(name.split('.')[0] in ('rich', 'jinja2') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
