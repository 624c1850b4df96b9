from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest

from archiver.model import Verdict
from archiver.pipeline.comparing import compare
from archiver.pipeline.means import Means
from archiver.pipeline.settings import Settings
from benchmarks.makeset import collage, figure


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """A picture, a collage with it, and another pose of its series."""
    part, beside = figure(random.Random("named"), 1), figure(random.Random("other"), 2)
    pictures = {"part": part, "page": collage(part, beside), "pose": figure(random.Random("named"), 2)}
    paths = {name: str(tmp_path / f"{name}.png") for name in pictures}
    for name, path in paths.items():
        pictures[name].save(path)
    return paths


@pytest.mark.parametrize(("first", "second", "words"), [("part", "page", "the second is a page"), ("page", "part", "the first is a page")])
def test_the_pair_is_told_in_the_order_in_which_it_was_named(files: dict[str, str], first: str, second: str, words: str) -> None:
    found = compare((files[first], files[second]), Settings(workers=1), Means(lambda _: None))
    payloads = [hashlib.sha256(Path(files[name]).read_bytes()).hexdigest() for name in (first, second)]
    assert [found.pair.a, found.pair.b] == payloads == [picture.payload for picture in found.pictures]
    assert found.pair.because.startswith(words)
    assert found.pair.transform is not None
    assert found.pair.transform.fuller == ("a" if first == "page" else "b")


def test_what_is_different_is_drawn_with_the_reason_too(files: dict[str, str]) -> None:
    found = compare((files["part"], files["pose"]), Settings(workers=1), Means(lambda _: None))
    assert found.pair.verdict is Verdict.DIFFERENT
    assert found.pair.because[1:] in found.html  # begun with a capital there
    assert found.html.count("data:image/jpeg") >= 2
