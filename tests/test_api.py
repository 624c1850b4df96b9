"""The Python interface: its examples run, and it gives what the command line gives."""

from __future__ import annotations

import asyncio
import doctest
from pathlib import Path

import pytest

import archiver
from archiver import api, model
from archiver.errors import InputError
from tests.small_pictures import scene


def test_the_examples_in_the_docstrings_run() -> None:
    for module in (api, model):
        tried = doctest.testmod(module)
        assert tried.attempted
        assert not tried.failed


def test_dedup_answers_with_the_report_that_it_writes(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    scene(1).save(tmp_path / "in" / "a.png")
    scene(1).save(tmp_path / "in" / "b.png", optimize=True)
    scene(2).save(tmp_path / "in" / "c.png")
    for report in (
        archiver.dedup([tmp_path / "in"], tmp_path / "out"),
        asyncio.run(archiver.dedup_async([tmp_path / "in"], tmp_path / "out")),
    ):
        assert [(image.target.url, image.cluster) for image in report.images] == [("a.png", "c1"), ("b.png", "c1"), ("c.png", "")]
    assert (tmp_path / "out" / "report.html").is_file()


def test_what_cannot_be_read_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        archiver.archive(str(tmp_path / "none.md"), tmp_path / "out")
