"""docs/posts.md: every row of its tables is read as a post, and gives what the row says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from archiver.post.read import read

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "posts.md"
AT = "https://x.org/p/"


def rows() -> list[tuple[str, str, list[str]]]:
    """(heading, post, what is found in it) for each row."""
    found, heading = [], ""
    for line in GUIDE.read_text().splitlines():
        if line.startswith("#"):
            heading = line.strip("# ")
        elif line.startswith("| `"):
            written, expected = (cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:3])
            post = re.fullmatch(r"(`+)( ?)(.*)\2\1", written)
            assert post, line
            found.append((heading, post[3].replace("\\|", "|").replace("⏎", "\n"), re.findall("`([^`]+)`", expected)))
    return found


@pytest.mark.parametrize(("heading", "post", "expected"), rows(), ids=lambda value: str(value)[:60])
def test_every_row_of_the_guide_is_true(heading: str, post: str, expected: list[str]) -> None:
    name = "post.html" if heading == "HTML" else "post.md"
    found = read(post.encode(), name, base_url=AT)
    assert [f"{link.role} {link.url}" for link in found.links] == expected


def test_the_guide_has_rows_for_every_kind_of_link() -> None:
    roles = {entry.split()[0] for _, _, expected in rows() for entry in expected}
    assert roles == {"image", "href", "srcset", "front-matter", "og"}
    assert len(rows()) > 35
