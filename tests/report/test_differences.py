"""What another strictness would change, in lines and with pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from playwright.sync_api import expect

from archiver.model import Report, Verdict
from archiver.report import differences
from tests.report.samples import EVIL, sample
from tests.viewer import chromium


def two() -> tuple[Report, Report]:
    """The sample, and the sample with its third cluster taken apart, its first without one copy, and its unsure pair no longer asked."""
    first = sample()[0]
    agency, twice, framed = first.clusters
    gone = agency.pairs[1]
    other = next(payload for payload in (gone.a, gone.b) if payload != agency.keeper)
    smaller = replace(
        agency,
        members=tuple(payload for payload in agency.members if payload != other),
        pairs=tuple(pair for pair in agency.pairs if other not in (pair.a, pair.b)),
    )
    asked = replace(gone, verdict=Verdict.UNSURE, because=EVIL)
    del framed
    return first, replace(first, clusters=(smaller, twice), unsure=(asked,))


def test_the_same_judgement_differs_in_nothing() -> None:
    first, _ = two()
    found = differences.between(first, first, "normal", "normal")
    assert found.none
    assert differences.lines(found, first) == ["From normal to normal: 0 joined (+), 0 parted (-), 0 to be asked (?)"]


def test_what_is_parted_one_way_is_joined_the_other_way() -> None:
    first, second = two()
    stricter = differences.between(first, second, "normal", "strict")
    assert stricter.joined == ()
    assert {(pair.a, pair.b) for pair in stricter.parted} == {(p.a, p.b) for p in (first.clusters[0].pairs[1], first.clusters[2].pairs[0])}
    looser = differences.between(second, first, "strict", "normal")
    assert {(pair.a, pair.b) for pair in looser.joined} == {(pair.a, pair.b) for pair in stricter.parted}
    assert looser.parted == ()
    assert [(pair.a, pair.b) for pair in looser.asked] == [(pair.a, pair.b) for pair in first.unsure]


def test_the_lines_name_the_pairs_and_are_safe_to_print() -> None:
    first, second = two()
    found = differences.between(first, second, "normal", "strict")
    found = replace(found, parted=tuple(replace(pair, because="\x1b[31mred\x07") for pair in found.parted))
    lines = differences.lines(found, first)
    assert [line[0] for line in lines] == ["-", "-", "F"]
    assert all("https://" in line for line in lines[:2])
    assert not any("\x1b" in line or "\x07" in line for line in lines)


def test_the_page_opens_offline_with_pictures_and_runs_nothing_of_strangers(tmp_path: Path) -> None:
    first, second = two()
    looser = differences.between(second, first, "strict", "normal")
    evil = replace(looser, joined=tuple(replace(pair, because=EVIL) for pair in looser.joined))
    (tmp_path / "preview.html").write_text(differences.page(evil, first, sample()[2]), encoding="utf-8")
    said: list[str] = []
    with chromium() as browser:
        page = browser.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto((tmp_path / "preview.html").as_uri())
        expect(page.locator("#joined .group")).to_have_count(2)
        expect(page.locator("#asked .group")).to_have_count(1)
        assert page.eval_on_selector_all("main img", "all => all.every(one => one.complete && one.naturalWidth > 0)")
        page.get_by_role("button", name="Compare with A").first.click()
        expect(page.locator("#compare")).to_be_visible()
        assert page.title() != "ran"
    assert said == []
