"""ReplayWeb.page in a real browser opens our WACZ from its page list and shows every picture at its size."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from archiver.warc import wacz
from tests import viewer
from tests.viewer import replayed, shown_sizes
from tests.warc.making import clock, writer
from tests.warc.replay_cases import BEYOND_REPLAYWEB, CASES, PAGE_AT, PAGE_URL, REDIRECT_URL, REPORT_URL, write_cases


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("wacz")
    warcs = write_cases(writer(folder, max_size_bytes=8000), folder)
    pages = [wacz.Page(PAGE_URL, "Chair exercises", PAGE_AT), wacz.Page(REPORT_URL, "The report", PAGE_AT)]
    info = wacz.WaczInfo(software="archiver/test", title="Chair")
    packed = wacz.write(folder, "p.wacz", warcs, pages=pages, extra={}, info=info, now=clock())
    with viewer.showing(packed.read_bytes(), PAGE_URL, "20261122174200") as address:
        yield address


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with viewer.chromium() as browser:
        yield browser


def test_page_shows_every_picture_at_its_size(site: str, chromium: Browser) -> None:
    page = chromium.new_page()
    page.goto(f"{site}/page")
    frame = replayed(page, PAGE_URL)
    sizes = shown_sizes(frame)
    page.close()
    expected = {**{case.url: case.size_px for case in CASES}, REDIRECT_URL: CASES[0].size_px}
    assert sizes.keys() == expected.keys()
    for url in expected.keys() - set(BEYOND_REPLAYWEB):
        assert sizes[url] == expected[url], url


def test_page_and_report_open_from_the_page_list(site: str, chromium: Browser) -> None:
    page = chromium.new_page()
    for title, url in (("Chair exercises", PAGE_URL), ("The report", REPORT_URL)):
        page.goto(f"{site}/list")
        page.frame_locator("iframe").locator("a", has=page.locator(f'keyword-mark[title="{title}"]')).click(timeout=60_000)
        frame = replayed(page, url)
        assert frame.title() == ("Chair" if url == PAGE_URL else "Report")
    page.close()
