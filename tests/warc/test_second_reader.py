"""warcio, which shares no code with ours, reads the same records or says where not."""

from __future__ import annotations

from pathlib import Path

import pytest

from archiver.warc.second_reader import disagreements

WARCS = Path(__file__).resolve().parents[2] / "fixtures" / "warc"
GOOD = sorted((WARCS / "good").glob("*.warc.gz"))


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name)
def test_both_readers_agree_on_sound_archives(path: Path) -> None:
    assert [finding for finding in disagreements(path) if finding.severity == "error"] == []


def test_a_flipped_byte_is_where_they_part(tmp_path: Path) -> None:
    damaged = bytearray(GOOD[0].read_bytes())
    damaged[len(damaged) // 2] ^= 0x40
    path = tmp_path / "damaged.warc.gz"
    path.write_bytes(damaged)
    assert [finding.kind for finding in disagreements(path) if finding.severity == "error"]


def test_what_warcio_stumbles_over_is_told_not_raised(tmp_path: Path) -> None:
    """A file that ends in the head of its second record makes it raise AttributeError."""
    path = tmp_path / "cut.warc"
    path.write_bytes((WARCS / "good" / "foreign" / "wget-plain.warc").read_bytes()[:1185])
    assert any("warcio cannot read on" in finding.detail for finding in disagreements(path))
