"""The manual and shell completion: made from the commands, so that neither can say what the program does not do."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from archiver import errors
from archiver.cli import COMMANDS, group
from archiver.commands import manual

ROOT = Path(__file__).resolve().parent.parent
REQUESTS = {".TH", ".SH", ".SS", ".TP", ".PP", ".B"}


def options_of(name: str) -> list[click.Option]:
    command = group.get_command(click.Context(group), name)
    assert command is not None
    return [parameter for parameter in command.params if isinstance(parameter, click.Option)]


def printed(*arguments: str) -> str:
    command = [sys.executable, "-m", "archiver.commands.manual", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout


def test_the_reference_in_docs_is_the_one_made_from_the_help() -> None:
    assert (ROOT / "docs" / "commands.md").read_text() == printed("--markdown"), (
        "make it again: python -m archiver.commands.manual --markdown > docs/commands.md"
    )


def test_the_man_page_tells_of_every_command_and_option() -> None:
    page = printed()
    assert page.startswith(".TH ARCHIVER 1 ")
    for name in COMMANDS:
        assert f"\n.SS {name}\n" in page
        for option in (written for parameter in options_of(name) for written in parameter.opts):
            assert re.search(rf"^\\fB.*{re.escape(option.replace('-', chr(92) + '-'))}\b", page, re.MULTILINE), f"{name} {option}"
    assert "\n.SS config show\n" in page


def test_a_command_names_every_list_that_its_further_options_stand_in() -> None:
    told = manual.manual()
    for entry in (entry for entry in told.commands if entry.name in COMMANDS):
        assert told.shared_by(entry.name) == [manual.heading(names) for names, _ in told.shared if entry.name in names]
        listed = [*entry.options, *(record for names, records in told.shared if entry.name in names for record in records)]
        assert {name.split(",")[0].split()[0] for name, _ in listed} == {option.opts[0] for option in options_of(entry.name)}


def test_no_line_of_the_man_page_is_taken_for_a_request_by_accident() -> None:
    page = manual.troff(manual.manual())
    assert page.isascii()
    for line in page.splitlines():
        assert not line.startswith("'")
        assert not line.startswith(".") or line.split()[0] in REQUESTS
    assert set(re.findall(r"\\(.)", page)) <= {"-", "e", "f", "&", "["}


def test_text_of_any_kind_stays_text() -> None:
    assert doctest.testmod(manual).failed == 0
    entry = manual.Entry("x", "archiver x", (".TH is no request", "'nor this", "a\\fBb"), ())
    page = manual.troff(manual.Manual("Summary.", (), (entry,), ()))
    assert "\\&.TH is no request\n" in page
    assert "\\&'nor this\n" in page
    assert "a\\efBb\n" in page


def test_every_exit_code_of_the_program_is_told() -> None:
    ends = [value for name, value in vars(errors).items() if name.startswith("EXIT_")]
    ends += [value.exit_code for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.ArchiverError)]
    assert set(manual.EXIT_CODES) == set(ends)


def completed(typed: str, shell: str = "bash") -> list[str]:
    """What the shell would be offered behind these words; the last one is unfinished."""
    words = typed.split(" ")
    variables = {"_ARCHIVER_COMPLETE": f"{shell}_complete", "COMP_WORDS": typed, "COMP_CWORD": str(len(words) - 1)}
    shown = subprocess.run([sys.executable, "-m", "archiver"], env={**os.environ, **variables}, cwd=ROOT, capture_output=True, text=True)
    assert not shown.stderr
    return [line.partition(",")[2] for line in shown.stdout.splitlines()]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("archiver re", ["report", "review", "retry", "replay"]),
        ("archiver archive --per", ["--per-host"]),
        ("archiver archive --strictness ", ["lax", "normal", "strict"]),
        ("archiver config ", ["show"]),
    ],
)
def test_the_shell_is_offered_commands_options_and_values(typed: str, offered: list[str]) -> None:
    assert completed(typed) == offered


def test_where_a_post_is_wanted_the_shell_offers_files() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "archiver"],
        env={**os.environ, "_ARCHIVER_COMPLETE": "bash_complete", "COMP_WORDS": "archiver archive pos", "COMP_CWORD": "2"},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert shown.stdout.split(",")[0] == "file"


@pytest.mark.parametrize("shell", manual.COMPLETION)
def test_the_line_for_the_shell_asks_for_a_script_that_is_there(shell: str) -> None:
    asked = re.search(r"_ARCHIVER_COMPLETE=(\w+)", manual.COMPLETION[shell])
    assert asked
    shown = subprocess.run(
        [sys.executable, "-m", "archiver"], env={**os.environ, "_ARCHIVER_COMPLETE": asked[1]}, cwd=ROOT, capture_output=True, text=True
    )
    assert shown.returncode == 0
    assert f"_ARCHIVER_COMPLETE={shell}_complete" in shown.stdout
