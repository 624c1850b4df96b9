"""The report over several posts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from archiver.model import Cluster
from archiver.report import overview
from archiver.report.overview import Entry
from tests.report.samples import EVIL, sample
from tests.viewer import chromium

REPORT, THUMBNAILS, _ = sample()
OTHER = replace(
    REPORT,
    post=replace(REPORT.post, title=f"Other {EVIL}") if REPORT.post else None,
    images=tuple(image for image in REPORT.images if "toiimg" in image.target.url or "chair-3" in image.target.url),
    clusters=(),
    unsure=(),
    held_apart=(),
)
ENTRIES = (
    Entry("chair-exercises", "posts/chair-exercises.md", REPORT),
    Entry("other post", "posts/other.md", OTHER),
    Entry("broken", "posts/broken.md", None, "the post cannot be read: not UTF-8"),
)


def test_a_picture_of_two_posts_is_found_through_the_clusters_of_one() -> None:
    built = overview.build(ENTRIES)
    assert built["summary"]["across_posts"] == 2
    first, second = built["clusters"]
    assert first["representative"] == "https://images.indianexpress.com/2018/05/neck-pain-1200.jpg"
    assert {member["post"] for member in first["members"]} == {"chair-exercises", "other post"}
    assert len(first["members"]) == 6
    assert {member["url"] for member in second["members"]} == {"https://host3.example/wp-content/uploads/2019/04/chair-3.jpg"}


def test_the_failure_of_one_post_is_said_and_stops_nothing() -> None:
    built = overview.build(ENTRIES)
    assert [post["error"] for post in built["posts"]] == [None, None, "the post cannot be read: not UTF-8"]
    assert (built["summary"]["posts"], built["summary"]["failed_posts"]) == (3, 1)


def test_clusters_judged_over_all_posts_outrank_the_join() -> None:
    payloads = tuple(dict.fromkeys(image.payload for image in OTHER.images))
    built = overview.build(ENTRIES, (Cluster(payloads[0], payloads, "judged together", ()),))
    assert [group["because"] for group in built["clusters"]] == ["judged together"]


def test_posts_that_share_nothing() -> None:
    alone = overview.build(ENTRIES[:1])
    assert alone["clusters"] == []
    assert "No picture stands in two posts" in overview.render(ENTRIES[:1], THUMBNAILS)


def test_the_page_opens_and_runs_nothing(tmp_path: Path) -> None:
    page_path = tmp_path / "overview.html"
    page_path.write_text(overview.render(ENTRIES, THUMBNAILS), encoding="utf-8")
    said: list[str] = []
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.on("console", lambda message: said.append(message.text))
        page.goto(page_path.as_uri())
        assert page.title() == "3 posts · archive overview"
        assert page.locator("img").count() == 2
        assert all(page.eval_on_selector_all("img", "all => all.map(i => i.naturalWidth > 0)"))
        assert page.locator("script").count() == 0
        assert page.get_attribute("#posts a >> nth=1", "href") == "./other%20post/report.html"
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.screenshot(path=str(tmp_path / "overview.png"), full_page=True)
    assert said == []
