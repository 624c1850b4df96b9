from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest

from archiver.errors import InputError
from archiver.model import Relation, Verdict
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


def test_a_file_that_is_not_decoded_is_still_the_same_as_itself(tmp_path: Path) -> None:
    drawing, damaged = b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>", b"\xff\xd8\xff\xe0 and no more"
    for content in (drawing, damaged):
        for name in "ab":
            (tmp_path / name).write_bytes(content)
        found = compare((str(tmp_path / "a"), str(tmp_path / "b")), Settings(workers=1), Means(lambda _: None))
        assert found.pair.verdict is Verdict.SAME
        assert found.pair.relations == (Relation.IDENTICAL_BYTES,)
        assert not found.pictures
        assert "Not decoded, so not shown" in found.html
    (tmp_path / "a").write_bytes(drawing)
    with pytest.raises(InputError, match="svg is kept but not decoded"):
        compare((str(tmp_path / "a"), str(tmp_path / "b")), Settings(workers=1), Means(lambda _: None))


def test_two_equal_files_that_are_no_pictures_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"some words")
    with pytest.raises(InputError, match="no picture"):
        compare((str(tmp_path / "a"),) * 2, Settings(workers=1), Means(lambda _: None))


def test_what_is_different_is_drawn_with_the_reason_too(files: dict[str, str]) -> None:
    found = compare((files["part"], files["pose"]), Settings(workers=1), Means(lambda _: None))
    assert found.pair.verdict is Verdict.DIFFERENT
    assert found.pair.because[1:] in found.html  # begun with a capital there
    assert found.html.count("data:image/jpeg") >= 2
