"""report.html in a real browser: it opens offline, compares, sorts, filters, runs nothing of strangers, and everyone can use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from archiver.model import Cluster, Hop, Link, Pair, Relation, Report, Role, Target, Verdict
from archiver.report import html
from tests import viewer
from tests.report.samples import AT, EVIL, Builder, assemble, sample, scene
from tests.viewer import NARROW, WIDE, violations

Opened = Callable[..., Page]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with viewer.chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture
def opened(chromium: Browser, folder: Path) -> Iterator[Opened]:
    """Opens a page's text as a file; at the end, nothing may have been complained about and nothing fetched from elsewhere."""
    said: list[str] = []
    fetched: list[str] = []
    contexts = []

    def open_page(text: str, name: str = "report.html", **options: Any) -> Page:
        (folder / name).write_text(text, encoding="utf-8")
        context = chromium.new_context(**{"viewport": WIDE, "reduced_motion": "reduce", **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(f"dialog {dialog.message}"))
        page.on("request", lambda request: fetched.append(request.url))
        page.goto((folder / name).as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []
    assert [url for url in fetched if not url.startswith(("data:", folder.as_uri()))] == []


def write(folder: Path, page: html.Beside) -> None:
    for name, data in page.files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)


@cache
def page_of_sample() -> str:
    return html.render(*sample())


def cells(page: Page, column: int) -> list[str]:
    texts: list[str] = page.eval_on_selector_all(f"#images tbody tr td:nth-child({column})", "cells => cells.map(c => c.innerText.trim())")
    return texts


# --- opening --------------------------------------------------------------------------------------------------------


def test_every_picture_is_shown_whole(opened: Opened) -> None:
    page = opened(page_of_sample())
    for picture in page.locator("main img").all():
        expect(picture).to_have_js_property("complete", True)
    pictures = page.evaluate(
        """[...document.querySelectorAll('main img')].map(i => [i.naturalWidth, i.naturalHeight, i.clientWidth, i.clientHeight, i.alt])"""
    )
    assert len(pictures) == 8 + 4 + 27, "cluster members, pairs, table"
    for natural_width, natural_height, width, height, alt in pictures:
        assert natural_width > 0, "decoded"
        assert abs(width / height - natural_width / natural_height) < 0.08 * width / height, "never square-cropped"
        assert alt


def test_the_head_says_what_was_archived_and_why_not(opened: Opened) -> None:
    page = opened(page_of_sample())
    lede = " ".join(page.inner_text(".lede").split())
    assert lede.startswith("27 of 32 pictures are archived, from 20 sites. They are 21 different pictures: 3 pictures stand there")
    reasons = page.eval_on_selector_all(".top .reasons li", "items => items.map(i => i.innerText)")
    assert "The server said no 2" in reasons
    assert sum(int(words.rsplit(" ", 1)[1]) for words in reasons) == 5
    targets = page.eval_on_selector_all(".reasons a", "links => links.map(a => a.getAttribute('href'))")
    assert [page.locator(target).count() for target in targets] == [1] * len(targets)
    assert "archiver replay ." in page.inner_text(".top")
    assert page.inner_text("#missing").count("The server said no") == 1
    assert "302 http://moved.example/e.jpg" in page.inner_text("#missing")
    assert page.title() == "Chair exercises for people who sit all day · archive report"


def test_a_cluster_tells_how_each_copy_came_about(opened: Opened) -> None:
    page = opened(page_of_sample())
    words = page.eval_on_selector_all("#c1 .copy figcaption", "copies => copies.map(c => c.innerText.replace(/\\s+/g, ' '))")
    assert words[0].startswith("A Best copy Most source pixels")
    assert "The same picture, compressed again" in words[1]
    assert "The same picture, rescaled to 0.67, a logo or caption added at the lower right." in words[2]
    assert "The same picture, cropped to 56 % of the area, rescaled to 0.74." in words[3]
    times = page.eval_on_selector_all("#c1 .times li", "items => items.map(i => i.innerText.replace(/\\s+/g, ' '))")
    assert times[0] == "2017-03-02 A taken, says the camera (EXIF)"
    assert "2020-07 D in the address" in times


def test_the_crops_are_drawn_on_the_fullest_copy(opened: Opened) -> None:
    page = opened(page_of_sample())
    picture = page.eval_on_selector(
        "#c1 .keeper img", "i => { const r = i.getBoundingClientRect(); return [r.left, r.top, r.width, r.height] }"
    )
    boxes = page.eval_on_selector_all(
        "#c1 .keeper polygon.over", "ps => ps.map(p => { const r = p.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom] })"
    )
    left, top, width, height = picture
    found = sorted([(b[0] - left) / width, (b[1] - top) / height, (b[2] - left) / width, (b[3] - top) / height] for b in boxes)
    wanted = [[150 / 1200, 40 / 675, 930 / 1200, 625 / 675], [420 / 1200, 0, 1095 / 1200, 1]]
    for one, other in zip(found, wanted, strict=True):
        assert one == pytest.approx(other, abs=0.012)
    assert sorted(page.eval_on_selector_all("#c1 .letters text", "ts => ts.map(t => t.textContent)")) == ["D", "E"]


def test_without_scripts_everything_is_there_to_read(opened: Opened) -> None:
    page = opened(page_of_sample(), java_script_enabled=False)
    assert page.locator("#images tbody tr").count() == 32
    assert page.locator("#c1 .copy img[src]").count() == 5


@pytest.mark.parametrize("viewport", [WIDE, NARROW, {"width": 320, "height": 700}])
def test_no_page_scrolls_sideways(opened: Opened, viewport: dict[str, int]) -> None:
    page = opened(page_of_sample(), viewport=viewport)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_a_line_leads_to_the_line_of_the_post(opened: Opened) -> None:
    page = opened(page_of_sample())
    page.click("#c1 .copy >> nth=0 >> text=line 12")
    assert page.eval_on_selector("#post-lines", "d => d.open")
    assert "neck-pain-1200.jpg" in page.inner_text("#line-12")
    assert page.locator("#line-12").is_visible()


def test_print_shows_what_is_folded_and_drops_the_tools(opened: Opened) -> None:
    page = opened(page_of_sample())
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    assert not page.locator(".toc").is_visible()
    assert not page.locator(".compare-open >> nth=0").is_visible()
    box = page.locator("#c1 .wall").evaluate("box => getComputedStyle(box).display")
    assert box == "block", "Chromium parts a heading from a flex box that does not fit, whatever break-after says"
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0


# --- comparing ------------------------------------------------------------------------------------------------------


def place(page: Page, which: str) -> list[float]:
    box: list[float] = page.eval_on_selector(
        f"#compare-img-{which}", "i => { const r = i.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom] }"
    )
    return box


def compare(page: Page, letter: str, mode: str) -> None:
    page.click(f"#c1 .copy:has(b.letter:text-is('{letter}')) .compare-open")
    page.click(f"#compare-modes label:has(input[value={mode}])")


def test_two_copies_lie_on_each_other(opened: Opened) -> None:
    page = opened(page_of_sample())
    compare(page, "E", "slide")
    a, b = place(page, "a"), place(page, "b")
    width, height = a[2] - a[0], a[3] - a[1]
    found = [(b[0] - a[0]) / width, (b[1] - a[1]) / height, (b[2] - a[0]) / width, (b[3] - a[1]) / height]
    assert found == pytest.approx([150 / 1200, 40 / 675, 930 / 1200, 625 / 675], abs=0.002)


def test_the_edge_slides_by_key_and_by_hand(opened: Opened) -> None:
    page = opened(page_of_sample())
    compare(page, "B", "slide")
    clip = "getComputedStyle(document.getElementById('layer-b')).clipPath"
    assert page.evaluate(clip) == "inset(0px 0px 0px 50%)"
    page.focus("#compare-slide")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(clip) == "inset(0px 0px 0px 51%)"
    stage = page.locator("#compare-stage").bounding_box()
    assert stage
    page.mouse.move(stage["x"] + stage["width"] * 0.51, stage["y"] + 80)
    page.mouse.down()
    page.mouse.move(stage["x"] + stage["width"] * 0.25, stage["y"] + 80)
    page.mouse.up()
    share = float(page.evaluate(clip).split()[-1].strip("%)"))
    assert share == pytest.approx(25, abs=1)


def test_zoom_and_place_stay_locked_in_every_mode(opened: Opened) -> None:
    page = opened(page_of_sample())
    compare(page, "C", "side")
    before = place(page, "a")
    for _ in range(4):
        page.keyboard.press("+")
    page.focus("#compare-stage")
    page.keyboard.press("ArrowLeft")
    page.mouse.move(400, 400)
    page.mouse.wheel(0, -300)
    assert place(page, "a")[2] - place(page, "a")[0] > 2 * (before[2] - before[0])
    for mode in ("side", "slide", "flick"):
        page.click(f"#compare-modes label:has(input[value={mode}])")
        worlds = page.eval_on_selector_all(".world", "ws => ws.map(w => w.style.transform)")
        assert worlds[0] == worlds[1], mode
    page.keyboard.press("0")
    assert page.inner_text("#zoom-value") == "100 %"


def test_flick_shows_one_at_a_time_in_the_same_place(opened: Opened) -> None:
    page = opened(page_of_sample())
    compare(page, "C", "flick")
    visible = "['a', 'b'].map(l => getComputedStyle(document.getElementById('layer-' + l)).visibility)"
    assert page.evaluate(visible) == ["visible", "hidden"]
    page.keyboard.press("f")
    assert page.evaluate(visible) == ["hidden", "visible"]
    assert page.inner_text("#compare-seen") == "Now: C · i0.wp.com"
    assert place(page, "a") == pytest.approx(place(page, "b"), abs=0.5)


def test_the_difference_map_is_dark_where_they_agree_and_bright_at_the_logo(opened: Opened) -> None:
    page = opened(page_of_sample())
    compare(page, "C", "difference")
    expect(page.locator("#compare-img-b")).to_have_js_property("complete", True)
    read = """points => { const c = document.getElementById('compare-difference'); const s = c.getBoundingClientRect();
        const m = new DOMMatrix(document.getElementById('compare-img-a').parentElement.style.transform);
        const all = c.getContext('2d').getImageData(0, 0, c.width, c.height);
        return points.map(([x, y]) => {
            const px = Math.round((m.e + m.a * x) * c.width / s.width), py = Math.round((m.f + m.d * y) * c.height / s.height);
            return Math.max(...all.data.slice((py * c.width + px) * 4, (py * c.width + px) * 4 + 3)) }) }"""
    logo, sky = page.evaluate(read, [[1040, 600], [300, 150]])
    assert logo > 120
    assert sky < 90


def test_the_dialog_keeps_its_keys_and_gives_the_focus_back(opened: Opened) -> None:
    page = opened(page_of_sample())
    page.focus("#c1 .compare-open >> nth=1")
    page.keyboard.press("Enter")
    page.evaluate("document.addEventListener('keydown', () => { document.title = 'leaked' })")
    scrolled = page.evaluate("scrollY")
    page.focus("#compare-stage")
    for key in ("ArrowDown", "2", "f", "n", "p", "+", "4", "x"):
        page.keyboard.press(key)
    assert page.evaluate("scrollY") == scrolled
    assert page.title() != "leaked"
    for _ in range(30):
        page.keyboard.press("Tab")
        inside = page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
        assert inside, "the focus stays in the dialog"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.dataset.frame + document.activeElement.dataset.b") == "c12"


def test_any_two_copies_can_be_chosen(opened: Opened) -> None:
    page = opened(page_of_sample())
    compare(page, "B", "side")
    page.select_option("#compare-a", "3")
    page.select_option("#compare-b", "4")
    assert page.inner_text("#label-a").startswith("D · live24x7.example")
    page.click("#compare-swap")
    assert page.inner_text("#label-a").startswith("E · static.toiimg.com")
    page.keyboard.press("n")
    assert page.inner_text("#label-b").startswith("A · images"), "past the one on the other side"
    page.click("#compare-close")
    page.click("#u1 .compare-open")
    assert page.inner_text("#compare-of") == "Perhaps the same picture"


# --- the table ------------------------------------------------------------------------------------------------------


def test_the_table_sorts_by_number_and_by_word(opened: Opened) -> None:
    page = opened(page_of_sample())
    page.click("#images th button:text('Weight')")
    weights = page.eval_on_selector_all("#images tbody td:nth-child(9)", "cells => cells.map(c => Number(c.dataset.v))")
    assert weights == sorted(weights)
    page.click("#images th button:text('Weight')")
    weights = page.eval_on_selector_all("#images tbody td:nth-child(9)", "cells => cells.map(c => Number(c.dataset.v))")
    assert weights == sorted(weights, reverse=True)
    assert page.get_attribute("#images th:nth-child(9)", "aria-sort") == "descending"
    page.click("#images th button:text('Status')")
    assert cells(page, 6)[0] == "Archived"
    assert cells(page, 6)[-1] == "The server said no"
    page.click("#images th button:text('No.')")
    assert cells(page, 1) == [str(n) for n in range(1, 33)]


def test_the_table_filters_and_says_how_many_are_left(opened: Opened) -> None:
    page = opened(page_of_sample())
    page.select_option("#filter-status", "http_error")
    assert page.inner_text("#filter-count") == "2 of 32"
    assert [text.split("\n")[0] for text in cells(page, 3)] == ["gone.example", "gone.example"]
    page.select_option("#filter-status", "")
    page.select_option("#filter-group", "+")
    assert page.inner_text("#filter-count") == "9 of 32"
    page.select_option("#filter-group", "")
    page.fill("#filter-text", "EXERCISE foot 1:")
    assert [words[:12] for words in cells(page, 4)] == ["Exercise 1: ", "Exercise 11:"]
    page.fill("#filter-text", "imgsize=9&width")
    assert page.inner_text("#filter-count") == "1 of 32", "the whole address is searched, not only what is shown"


def test_the_keyboard_alone_filters_sorts_and_compares(opened: Opened) -> None:
    page = opened(page_of_sample())
    reached = []
    for _ in range(200):
        page.keyboard.press("Tab")
        name = page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()")
        reached.append(name)
        if name.startswith("Compare with A") and "opened" not in reached:
            page.keyboard.press("Enter")
            assert page.locator("#compare").is_visible()
            page.keyboard.press("Escape")
            reached.append("opened")
        if name == "filter-text":
            page.keyboard.type("wikihow")
        if name == "Pixels":
            page.keyboard.press("Enter")
            break
    assert page.inner_text("#filter-count") == "4 of 32"
    assert page.get_attribute("#images th:nth-child(8)", "aria-sort") == "ascending"
    assert "opened" in reached
    assert reached[0] == "Skip to the pictures"


# --- strangers' words -----------------------------------------------------------------------------------------------


def hostile() -> Report:
    """A report in which everything a stranger can write is a script."""
    report = sample()[0]
    script = "javascript:document.title='ran'"
    link = Link(script, Role.IMAGE, 1, EVIL, f'" onmouseover="{script}" x="')
    target = Target(f"https://evil.example/{EVIL}", (link,))
    hops = (Hop(script, 302, AT, last_modified=EVIL), Hop(f"data:text/html,{EVIL}", 200, AT, content_type=EVIL))
    spoilt = [replace(image, target=target, error=EVIL, hops=hops, format=EVIL, change=EVIL) for image in report.images[:6]]
    failed = [replace(image, status=status, target=Target(script, (link,))) for image in spoilt[:2] for status in ("http_error", EVIL)]
    first = report.clusters[0]
    pairs = tuple(replace(pair, because=EVIL, scores={EVIL: 1.0}) for pair in first.pairs)
    cluster = replace(first, because=EVIL, keeper_because=EVIL, pairs=pairs, keeper_scores={first.keeper: {EVIL: 1.0}})
    assert report.post
    post = replace(report.post, title=EVIL, author=EVIL, published=EVIL, source=script, url=script, text=EVIL + "</style></script>" + EVIL)
    return replace(
        report,
        post=post,
        images=(*spoilt, *failed),
        clusters=(cluster,),
        unsure=(pairs[0],),
        tool={EVIL: EVIL},
        warcs=(EVIL,),
        wacz=EVIL,
        skipped=(EVIL, "</template></table>" + EVIL),
    )


@pytest.mark.parametrize("beside", [False, True])
def test_planted_scripts_run_nowhere_and_stay_text(opened: Opened, folder: Path, beside: bool) -> None:
    _, thumbnails, previews = sample()
    pages = html.render_beside(hostile(), thumbnails, previews) if beside else html.Beside(html.render(hostile(), thumbnails, previews), {})
    write(folder, pages)
    page = opened(pages.html, "hostile.html")
    page.wait_for_timeout(200)
    page.fill("#filter-text", "script")
    page.click("#c1 .compare-open >> nth=0")
    assert page.title().startswith("<script>")
    assert page.title() != "ran"
    assert page.locator("script").count() == 2
    assert page.locator("[onerror], [onmouseover], iframe, object, style ~ style").count() == 0
    links = page.eval_on_selector_all("a", "links => links.map(a => a.getAttribute('href'))")
    assert all(link.startswith(("#", "https://", "http://")) for link in links)
    outside = page.eval_on_selector_all("a[href^=http]", "links => links.map(a => a.rel)")
    assert set(outside) == {"noopener noreferrer"}
    assert EVIL in page.inner_text("#replay")


def test_the_policy_stops_what_would_slip_through(chromium: Browser, folder: Path) -> None:
    (folder / "policy.html").write_text(page_of_sample(), encoding="utf-8")
    page = chromium.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto((folder / "policy.html").as_uri())
    page.evaluate(
        """() => { const s = document.createElement('script'); s.textContent = "document.title = 'ran'"; document.body.append(s);
        document.body.insertAdjacentHTML('beforeend', `<img src="data:image/png,x" onerror="document.title='ran'"><p style="color:red">`);
        const i = new Image(); i.src = 'http://127.0.0.1:9/x.png'; document.body.append(i); }"""
    )
    page.wait_for_timeout(200)
    assert page.title() != "ran"
    assert sum("Content Security Policy" in text for text in refused) >= 3
    page.close()


def files_of_a_folder() -> Report:
    """What `dedup` finds in a folder: two copies, one picture that stands alone, no post and no hosts."""
    builder = Builder()
    a, b, c = (builder.payload(scene(seed, (400, 300))) for seed in (1, 2, 3))
    for name, payload in (("2020/beach.jpg", a), ("2020/beach-small.jpg", b), ("hat.jpg", c)):
        builder.add(name, payload, "")
    one = Pair(a, b, Verdict.SAME, (Relation.RE_ENCODED,), 0.9, "the same picture, compressed again")
    found = assemble(builder, (Cluster(a, (a, b), "", (one,), {}, ""),))
    return replace(found, post=None, warcs=(), wacz="", settings={"input_names": ["my pictures"]})


def test_a_folder_of_pictures_is_not_called_an_archive(opened: Opened) -> None:
    page = opened(html.render(files_of_a_folder(), {}, {}))
    assert page.title() == "Pictures in my pictures · report"
    words = page.inner_text("body")
    assert "3 picture files were compared. They are 2 different pictures" in " ".join(words.split())
    assert "rchive" not in words.replace("archiver", "")
    assert "replay" not in words
    assert not page.locator("#filter-host").is_visible(), "there are no sites to choose from"
    assert page.inner_text("#c1 h3") == "2020/beach.jpg and 1 more copy"
    assert page.inner_text("#c1 .copy >> nth=1").count("2020/beach-small.jpg") == 1, "a file is named once"


def test_what_an_author_wrote_stands_within_its_quotes(opened: Opened) -> None:
    page = opened(page_of_sample())
    displays = page.eval_on_selector_all(".failures q bdi", "all => all.map(one => getComputedStyle(one).display)")
    assert set(displays) == {"inline"}, "a block would leave the quotes on lines of their own"


def test_the_fields_of_the_filter_stand_on_one_line(opened: Opened) -> None:
    page = opened(page_of_sample())
    tops = page.eval_on_selector_all("#filters :is(input, select)", "all => all.map(one => Math.round(one.getBoundingClientRect().top))")
    assert len(set(tops)) == 1, tops


def test_narrow_parts_that_scroll_say_so(opened: Opened) -> None:
    """The edge of the bar is darker where there is more beyond it, and not where it ends."""
    page = opened(page_of_sample(), viewport=NARROW)
    assert page.evaluate("document.querySelector('.toc ul').scrollWidth > document.querySelector('.toc ul').clientWidth")
    assert page.evaluate("getComputedStyle(document.querySelector('.toc ul')).backgroundAttachment") == "local, local, scroll, scroll"


# --- everyone -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_axe_finds_nothing(opened: Opened, scheme: str, viewport: dict[str, int]) -> None:
    page = opened(page_of_sample(), color_scheme=scheme, viewport=viewport)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert violations(page) == []
    page.click("#c1 .compare-open >> nth=0")
    for mode in ("slide", "flick", "difference"):
        page.click(f"#compare-modes label:has(input[value={mode}])")
        assert violations(page, "#compare") == [], mode


# --- size -----------------------------------------------------------------------------------------------------------


def many(count: int) -> tuple[Report, dict[str, bytes], dict[str, bytes]]:
    """`count` pictures in groups of three."""
    builder = Builder()
    drawn = [builder.payload(scene(200 + n, (640, 480))) for n in range(6)]
    payloads = []
    for n in range(count):
        payload, original = f"{n:064x}", drawn[n % 6]
        builder.pictures[payload] = replace(builder.pictures[original], payload=payload)
        builder.thumbnails[payload], builder.previews[payload] = builder.thumbnails[original], builder.previews[original]
        builder.add(f"https://host{n % 40}.example/2019/03/chair-{n}.jpg", payload, f"Exercise {n}: sit upright and breathe")
        payloads.append(payload)
    clusters = []
    for a, b, c in zip(payloads[::3], payloads[1::3], payloads[2::3], strict=False):
        pairs = (Pair(a, b, Verdict.SAME, (Relation.RE_ENCODED,), 0.9, "same"), Pair(a, c, Verdict.SAME, (Relation.RESIZED,), 0.9, "same"))
        clusters.append(Cluster(a, (a, b, c), "Three copies.", pairs))
    return assemble(builder, tuple(clusters)), builder.thumbnails, builder.previews


def test_a_page_of_93_pictures_stays_under_three_megabytes() -> None:
    report, thumbnails, previews = many(93)
    heavy = {payload: bytes(52_000) for payload in previews}
    light = {payload: bytes(9_000) for payload in thumbnails}
    for text in (html.render(report, thumbnails, previews), html.render(report, light, heavy)):
        assert len(text.encode()) < 3_000_000


def test_a_group_of_hundreds_shows_some_and_counts_the_rest() -> None:
    report, thumbnails, previews = many(120)
    payloads = tuple(image.payload for image in report.images)
    pairs = tuple(Pair(payloads[0], other, Verdict.SAME, (Relation.RE_ENCODED,), 0.9, "\ud83d") for other in payloads[1:])
    text = html.render(replace(report, clusters=(Cluster(payloads[0], payloads, "", pairs),)), thumbnails, previews)
    assert text.encode()
    assert "And 72 more files" in text
    assert text.count('<figure class="copy') == 48


def test_a_large_report_shows_a_part_and_finds_the_rest(opened: Opened, folder: Path) -> None:
    report, thumbnails, previews = many(900)
    page_and_files = html.render_beside(report, thumbnails, previews)
    write(folder, page_and_files)
    page = opened(page_and_files.html, "large.html")
    assert page.locator("#images tbody tr").count() == 200
    expect(page.locator("#c1 img").first).not_to_have_js_property("naturalWidth", 0)
    page.fill("#filter-text", "chair-877")
    assert page.inner_text("#filter-count") == "1 of 900"
    page.fill("#filter-text", "")
    page.click("#more")
    assert page.locator("#images tbody tr").count() == 400
    page.evaluate("location.hash = '#i888'")
    page.wait_for_selector("#i888")
    page.evaluate("location.hash = '#c300'")
    expect(page.locator("#c300 .copy img").first).not_to_have_js_property("naturalWidth", 0)
    page.click("#c300 .compare-open >> nth=0")
    expect(page.locator("#compare-img-b")).not_to_have_js_property("naturalWidth", 0)


def test_most_pictures_of_a_large_report_are_not_loaded_at_first(chromium: Browser, folder: Path) -> None:
    report, thumbnails, previews = many(900)
    page_and_files = html.render_beside(report, thumbnails, previews, folder="lazy")
    write(folder, page_and_files)
    (folder / "lazy.html").write_text(page_and_files.html)
    page = chromium.new_page(viewport=WIDE)
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    page.goto((folder / "lazy.html").as_uri(), wait_until="networkidle")
    assert 0 < len([url for url in loaded if url.endswith(".jpg")]) < 150
    page.close()


def test_pages_that_contain_a_picture_stand_apart_from_the_doubts(opened: Opened) -> None:
    report, thumbnails, previews = sample()
    doubt = report.unsure[0]
    page_of_it = replace(doubt, relations=(Relation.CONTAINS,), because="the second is a page that contains the other")
    page = opened(html.render(replace(report, unsure=(doubt, page_of_it)), thumbnails, previews))
    headings = page.eval_on_selector_all("#look h3", "all => all.map(one => one.innerText)")
    assert headings[:3] == ["Perhaps the same picture", "One contains the other", "One contains the other"]
    assert page.inner_text("dl.figures div:nth-child(4) dd") == "1"
