"""The review in a real browser: a person decides with mouse and keyboard, reloads, takes back, and uses two windows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from archiver.model import Decision
from archiver.pipeline import folder
from archiver.pipeline.archive import archive
from archiver.pipeline.means import Means
from archiver.pipeline.settings import Settings
from tests import viewer
from tests.report.samples import jpeg, scene
from tests.review.desks import hostile_folder, many_folder, sample_folder
from tests.review.serving import Served, served
from tests.viewer import NARROW, WIDE

NewPage = Callable[..., Page]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with viewer.chromium() as browser:
        yield browser


@pytest.fixture
def review(tmp_path: Path) -> Iterator[Served]:
    with served(sample_folder(tmp_path / "sample")) as found:
        yield found


@pytest.fixture
def window(chromium: Browser) -> Iterator[NewPage]:
    """Opens windows of one person; at the end, nothing may have been complained about and nothing fetched from elsewhere."""
    said: list[str] = []
    fetched: list[str] = []
    contexts = []

    def open_window(url: str, **options: object) -> Page:
        context = chromium.new_context(**{"viewport": WIDE, "reduced_motion": "reduce", **options})  # type: ignore[arg-type]  # passed through
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(f"dialog {dialog.message}"))
        page.on("request", lambda request: fetched.append(request.url))
        page.goto(url)
        return page

    yield open_window
    for context in contexts:
        context.close()
    assert [words for words in said if "409" not in words] == []  # Chromium logs every answer that is no success
    assert [url for url in fetched if not url.startswith(("data:", "http://127.0.0.1:"))] == []


def decided(review: Served) -> list[Decision]:
    return sorted(folder.read_decisions(review.folder), key=lambda d: (d.verdict, d.a, d.b))


def verdicts(review: Served) -> list[str]:
    return [decision.verdict for decision in decided(review)]


def ready(page: Page) -> Page:
    """A page that has come by a click or a key, when its script has begun to listen."""
    expect(page.locator("body.ready")).to_be_attached()
    return page


def press(page: Page, *keys: str) -> None:
    for key in keys:
        ready(page).keyboard.press(key)


def to_group(page: Page) -> Page:
    """The screen of the group of five."""
    page.get_by_role("link", name="Neck pain").first.click()
    expect(page.locator("main[data-kind=group]")).to_be_visible()
    return ready(page)


def letters(page: Page) -> dict[str, str]:
    """Letter -> payload."""
    rows: list[list[str]] = page.eval_on_selector_all(".hang .copy", "all => all.map(one => [one.dataset.letter, one.dataset.payload])")
    return {name: payload for name, payload in rows}  # noqa: C416  (lists of two become pairs)


def joined(review: Served) -> set[frozenset[str]]:
    return {frozenset((d.a, d.b)) for d in decided(review) if d.verdict == "same"}


def apart(review: Served) -> set[frozenset[str]]:
    return {frozenset((d.a, d.b)) for d in decided(review) if d.verdict == "different"}


def test_a_key_that_can_do_nothing_says_why(review: Served, window: NewPage) -> None:
    page = to_group(window(review.url))
    said = page.locator("#saved-words")
    for keys, words in (
        (["t"], "Select the copies to split off first"),
        (["2", "t"], "One copy alone is taken out with D."),
        (["3", "b"], "Select the one copy to keep"),
        (["x"], "Nothing was decided here yet."),
        (["u"], "This window has nothing to take back."),
    ):
        press(page, *keys)
        expect(said).to_contain_text(words)
    assert decided(review) == []


def test_the_ends_of_the_list_are_named(review: Served, window: NewPage) -> None:
    page = window(review.url)
    page.get_by_role("link", name="Begin").click()
    press(page, "k")
    expect(page.locator("#saved-words")).to_have_text("This is the first one; O shows all.")
    for place in (2, 3, 4):
        press(page, "j")
        expect(page.locator(".steps .place")).to_have_text(f"{place} of 4")
    press(page, "j")
    expect(page.locator("#saved-words")).to_have_text("This is the last one; O shows all.")


def test_the_compare_tools_show_the_archived_files_themselves(tmp_path: Path, window: NewPage) -> None:
    for name, quality in (("a.jpg", 92), ("b.jpg", 60)):
        (tmp_path / name).write_bytes(jpeg(scene(1, (900, 600)), quality))
    (tmp_path / "post.md").write_text("![A chair](a.jpg)\n\n![The chair again](b.jpg)\n")
    with ThreadPoolExecutor(1) as elsewhere:  # the browser's driver holds the event loop of this thread
        how, means = Settings(local_images=True, workers=1), Means(lambda event: None)
        elsewhere.submit(archive, str(tmp_path / "post.md"), tmp_path / "archived", how, means).result()
    with served(tmp_path / "archived") as review:
        page = window(review.url)
        page.get_by_role("link", name="Begin").click()
        press(page, "c")
        for which in "ab":
            expect(page.locator(f"#compare-img-{which}")).to_have_js_property("naturalWidth", 900)
        expect(page.locator("#label-a")).not_to_contain_text("preview")


def test_where_there_are_only_previews_the_compare_tools_say_so(review: Served, window: NewPage) -> None:
    page = to_group(window(review.url))
    press(page, "c")
    expect(page.locator("#label-a")).to_contain_text("1200 × 675")
    expect(page.locator("#label-a")).to_contain_text("preview, 480 pixels wide")


# --- by mouse ---------------------------------------------------------------------------------------------------------


def test_a_whole_group_is_decided_and_the_next_one_comes(review: Served, window: NewPage) -> None:
    page = to_group(window(review.url))
    page.get_by_role("button", name="The same picture: all 5").click()
    expect(page.locator("#saved-words")).to_have_text("Saved. 5 copies are the same picture.")
    expect(page.locator(".steps .place")).to_have_text("3 of 4")
    expect(page.locator(".progress")).to_contain_text("1 of 4 decided")
    assert verdicts(review) == ["same"] * 4


def test_decide_reload_undo_redo(review: Served, window: NewPage) -> None:
    page = to_group(window(review.url))
    page.get_by_role("button", name="Not the same: all 5 differ").click()
    expect(page.locator("#saved")).to_be_visible()
    page.reload()
    assert verdicts(review) == ["different"] * 10
    page.get_by_role("button", name="Undo U").click()
    expect(page.locator("#saved-words")).to_contain_text("Taken back")
    expect(page.locator("main[data-kind=group] h1")).to_have_text("Neck pain: stretches you can do in a chair")
    assert verdicts(review) == []
    page.get_by_role("button", name="Redo").click()
    expect(page.locator("#saved-words")).to_contain_text("Done again")
    assert verdicts(review) == ["different"] * 10


def test_the_buttons_say_what_they_will_do(review: Served, window: NewPage) -> None:
    page = to_group(window(review.url))
    shown = lambda: [text.strip() for text in page.locator(".verdict-row .act:visible span").all_inner_texts()]  # noqa: E731  (one line, used thrice)
    assert shown() == [
        "The same picture: all 5",
        "Not the same: all 5 differ",
        "Related series: all 5 differ",
        "Join with …",
        "Compare",
    ]
    page.get_by_label("Select copy B").check()
    assert shown() == [
        "The same picture: A and B",
        "Take out B: not the same picture",
        "Take out B: related series",
        "Keep B as the best",
        "Join or move B …",
        "Compare A and B",
    ]
    page.get_by_label("Select copy D").check()
    assert shown() == [
        "The same picture: B and D",
        "Take out B and D: each another picture",
        "Take out B and D: related series",
        "Split off B and D as one other picture",
        "Compare B and D",
    ]


def test_a_group_is_split_by_selecting(review: Served, window: NewPage) -> None:
    page = to_group(window(review.url))
    payload = letters(page)
    page.locator('.copy[data-letter="D"] .frame').click()
    page.locator('.copy[data-letter="E"] .frame').click()
    page.get_by_role("button", name="Split off D and E as one other picture").click()
    expect(page.locator("#saved-words")).to_have_text("Saved. Split off: 2 copies.")
    assert apart(review) == {frozenset((payload[one], payload[other])) for one in "ABC" for other in "DE"}
    assert joined(review) == {frozenset((payload["D"], payload["E"]))}


def test_the_best_copy_is_kept_by_its_own_button(review: Served, window: NewPage) -> None:
    page = to_group(window(review.url))
    payload = letters(page)
    page.get_by_role("button", name="Keep C as the best").click()
    expect(page.get_by_text("You keep this one")).to_be_visible()
    assert {(d.a, d.verdict) for d in decided(review)} == {(payload["C"], "better")}
    assert {d.b for d in decided(review)} == {payload[other] for other in "ABDE"}


def test_one_pair_of_a_group_is_decided_alone(review: Served, window: NewPage) -> None:
    page = to_group(window(review.url))
    page.get_by_text("Pair by pair").first.click()
    row = page.locator(".pair-table tr", has_text="A – D")
    row.get_by_role("button", name="not the same").click()
    expect(page.locator("#saved")).to_be_visible()
    assert len(apart(review)) == 1
    expect(page.get_by_text("3 pairs to decide").first).to_be_visible()


def test_a_picture_is_joined_by_dragging_it_onto_another(review: Served, window: NewPage) -> None:
    page = to_group(window(review.url))
    payload = letters(page)
    other = page.locator(".strip .card:not(.here) [data-drop]").first
    other_payload = other.get_attribute("data-drop")
    page.locator('.copy[data-letter="B"] .frame').drag_to(other)
    expect(page.locator("#join")).to_be_visible()
    page.get_by_role("button", name="Move only B there").click()
    expect(page.locator("#saved-words")).to_contain_text("Moved over")
    assert frozenset((payload["B"], other_payload)) in joined(review)
    assert apart(review) == {frozenset((payload["B"], payload[letter])) for letter in "ACDE"}


def test_a_picture_may_be_dropped_anywhere_on_a_card(review: Served, window: NewPage) -> None:
    page = to_group(window(review.url))
    card = page.locator(".strip .card:not(.here)").first
    page.locator('.copy[data-letter="B"] .frame').drag_to(card.locator(".card-title"))
    expect(page.locator("#join")).to_be_visible()
    page.get_by_role("button", name="Move only B there").click()
    expect(page.locator("#saved-words")).to_contain_text("Moved over")
    assert frozenset((letters(page)["B"], card.locator("[data-drop]").first.get_attribute("data-drop"))) in joined(review)


def test_a_note_is_kept_with_the_decision_and_can_change(review: Served, window: NewPage) -> None:
    page = to_group(window(review.url))
    page.get_by_label("Note").fill("seen at the agency")
    page.get_by_role("button", name="The same picture: all 5").click()
    expect(page.locator("#saved")).to_be_visible()
    assert {d.note for d in decided(review)} == {"seen at the agency"}
    page.go_back()
    page.reload()
    page.get_by_label("Note").fill("agency, 2017")
    page.get_by_role("button", name="Save the note").click()
    expect(page.locator("#saved-words")).to_contain_text("The note is saved")
    assert {d.note for d in decided(review)} == {"agency, 2017"}


def test_many_are_accepted_at_once_after_a_look(tmp_path: Path, window: NewPage) -> None:
    with served(many_folder(tmp_path / "many", 41)) as review:
        page = window(review.url)
        page.get_by_role("link", name="Accept all of these 40 identical-pixel pairs").click()
        expect(page.locator(".batch-rows li")).to_have_count(40)
        assert verdicts(review) == []
        page.locator(".batch-rows input").nth(3).uncheck()
        page.get_by_role("button", name="Accept 39 pairs as the same picture").click()
        expect(page.locator("#saved-words")).to_have_text("Saved. Accepted: 39 pairs.")
        assert verdicts(review) == ["same"] * 39
        expect(page.locator(".progress")).to_contain_text("39 of 41 decided")
        page.get_by_role("button", name="Undo U").click()
        expect(page.locator("#saved-words")).to_contain_text("Taken back")
        assert verdicts(review) == []


def test_the_overview_filters_and_the_filter_stays_in_the_address(review: Served, window: NewPage) -> None:
    page = window(review.url)
    expect(page.locator(".card")).to_have_count(4)
    page.get_by_label("Relation").select_option("cropped")
    expect(page.locator(".card")).to_have_count(1)
    page.locator(".card").click()
    expect(page.locator(".steps .place")).to_have_text("1 of 1")
    assert "relation=cropped" in page.url
    page.get_by_role("link", name="Review", exact=True).click()
    expect(page.get_by_label("Relation")).to_have_value("cropped")
    page.get_by_role("link", name="Show all").click()
    page.get_by_label("Score from").fill("0.9")
    page.get_by_role("button", name="Show these").click()
    expect(page.locator(".card")).to_have_count(1)


# --- two windows ------------------------------------------------------------------------------------------------------


def test_two_windows_see_each_other_and_lose_nothing(review: Served, window: NewPage) -> None:
    one, two = window(review.url), window(review.url)
    to_group(one)
    two.get_by_role("link", name=re.compile("Step [12] . Step [12]")).first.click()
    one.get_by_role("button", name="The same picture: all 5").click()
    expect(one.locator("#saved")).to_be_visible()
    two.get_by_role("button", name="Not the same", exact=False).first.click()
    expect(two.locator("#saved")).to_be_visible()
    assert verdicts(review) == ["different"] + ["same"] * 4
    expect(two.locator(".progress")).to_contain_text("2 of 4 decided")
    expect(one.locator(".progress")).to_contain_text("2 of 4 decided", timeout=15_000)


def test_a_window_that_is_behind_is_stopped(review: Served, window: NewPage) -> None:
    one, two = to_group(window(review.url)), to_group(window(review.url))
    two.get_by_label("Select copy B").check()  # a window with a selection is not reloaded under the person's hands
    one.get_by_role("button", name="The same picture: all 5").click()
    expect(one.locator("#saved")).to_be_visible()
    two.get_by_role("button", name="Take out B: not the same picture").click()
    expect(two.locator("#saved-words")).to_have_text("Decided in another window meanwhile; look again.")
    expect(two.get_by_text("You: the same picture").first).to_be_visible()
    assert verdicts(review) == ["same"] * 4


# --- by keyboard ------------------------------------------------------------------------------------------------------


def test_all_of_it_goes_by_keyboard(review: Served, window: NewPage) -> None:
    page = window(review.url)
    page.get_by_role("link", name="Begin").focus()
    press(page, "Enter")
    expect(page.locator(".steps .place")).to_have_text("1 of 4")
    press(page, "j")
    expect(page.locator(".steps .place")).to_have_text("2 of 4")
    press(page, "k")
    expect(page.locator(".steps .place")).to_have_text("1 of 4")
    press(page, "ArrowRight")
    expect(page.locator(".steps .place")).to_have_text("2 of 4")
    payload = letters(page)
    press(page, "e")
    page.keyboard.type("sdj?")
    press(page, "Escape")
    press(page, "2")
    press(page, "b")
    expect(page.get_by_text("You keep this one")).to_be_visible()
    press(page, "u")
    expect(page.locator("#saved-words")).to_contain_text("Taken back")
    expect(page.locator(".hang .copy")).to_have_count(5)
    press(page, "Shift+U")
    expect(page.locator("#saved-words")).to_contain_text("Done again")
    expect(page.get_by_text("You keep this one")).to_be_visible()
    assert {(d.a, d.note) for d in decided(review)} == {(payload["B"], "sdj?")}
    press(page, "s")
    expect(page.locator(".steps .place")).to_have_text("3 of 4")
    press(page, "r")
    expect(page.locator(".steps .place")).to_have_text("4 of 4")
    press(page, "d")
    expect(page.locator(".steps .place")).to_have_text("1 of 4")
    assert sorted(set(verdicts(review))) == ["better", "different", "related", "same"]
    press(page, "o")
    expect(page.locator("h1")).to_have_text("1 decision to make")


def test_a_picture_is_joined_by_keyboard(review: Served, window: NewPage) -> None:
    page = to_group(window(review.url))
    payload = letters(page)
    press(page, "m")
    expect(page.locator("#join-find")).to_be_focused()
    page.keyboard.type("Exercise 12:")
    expect(page.locator("#join-list [role=option]")).to_have_count(1)
    press(page, "ArrowDown")
    target = page.locator("#join-list [aria-selected=true]").get_attribute("data-payload")
    expect(page.get_by_role("button", name="Join all 5 copies with it")).to_be_enabled()
    press(page, "Enter")
    expect(page.locator("#saved-words")).to_contain_text("Joined")
    assert joined(review) == {frozenset((payload["A"], target))}
    page.goto(page.url)
    expect(page.get_by_text("Joined with these, by you")).to_be_visible()


def test_the_help_leaks_no_key_to_the_page_behind(review: Served, window: NewPage) -> None:
    page = to_group(window(review.url))
    before = page.url
    press(page, "?")
    expect(page.locator("#help")).to_be_visible()
    for key in ("s", "d", "r", "b", "x", "u", "j", "k", "ArrowRight", "1", "a", "m", "c", "f", "o", "Control+z"):
        press(page, key)
    expect(page.locator("#help")).to_be_visible()
    assert page.url == before
    assert verdicts(review) == []
    assert page.locator(".copy.chosen").count() == 0
    press(page, "?")
    expect(page.locator("#help")).to_be_hidden()
    press(page, "?")
    press(page, "Escape")
    expect(page.locator("#help")).to_be_hidden()
    press(page, "j")
    expect(page.locator(".steps .place")).to_have_text("3 of 4")


def test_compare_flick_zoom_and_decide_on_what_is_compared(review: Served, window: NewPage) -> None:
    page = to_group(window(review.url))
    payload = letters(page)
    press(page, "3")
    press(page, "f")
    expect(page.locator("#compare")).to_be_visible()
    expect(page.locator("#compare-stage")).to_have_attribute("data-mode", "flick")
    assert page.eval_on_selector("#compare-img-b", "one => one.src").endswith(payload["C"])
    press(page, "f")
    press(page, "+")
    expect(page.locator("#zoom-value")).to_have_text("125 %")
    for key in ("j", "k", "m", "u"):
        press(page, key)
    expect(page.locator("#compare")).to_be_visible()
    assert verdicts(review) == []
    press(page, "d")
    expect(page.locator("#saved-words")).to_have_text("Saved. These two are not the same.")
    assert apart(review) == {frozenset((payload["A"], payload["C"]))}


# --- strangers' words, other eyes, other screens -------------------------------------------------------------------------


def test_planted_scripts_run_nowhere(tmp_path: Path, window: NewPage) -> None:
    with served(hostile_folder(tmp_path / "evil")) as review:
        page = window(review.url)
        links: list[str] = page.eval_on_selector_all(".card", "all => all.map(one => one.href)")
        for link in [review.url, *links, f"{review.url}bulk"]:
            page.goto(link)
            page.mouse.move(300, 300)
            assert page.title() != "ran"
            assert page.locator("script:not([src]):not([type='application/json'])").count() == 0
        page.goto(links[0])
        press(page, "m")
        expect(page.locator("#join-list [role=option]").first).to_be_visible()
        press(page, "Escape")
        expect(page.locator("#join")).to_be_hidden()
        press(page, "c")
        expect(page.locator("#compare")).to_be_visible()
        assert page.title() != "ran"


@pytest.mark.parametrize(("scheme", "size"), [("light", WIDE), ("dark", NARROW)], ids=["light-wide", "dark-narrow"])
def test_everyone_can_use_it(review: Served, window: NewPage, scheme: str, size: ViewportSize) -> None:
    page = window(review.url, color_scheme=scheme, viewport=size, bypass_csp=True)
    links: list[str] = page.eval_on_selector_all(".card", "all => all.map(one => one.href)")
    wrong = []

    def check(name: str) -> None:
        wrong.extend((name, found) for found in viewer.violations(page))
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wrong.append((name, "scrolls sideways"))

    for link, key in ((review.url, ""), (links[0], ""), (links[1], ""), (links[1], "m"), (links[1], "?"), (f"{review.url}bulk", "")):
        page.goto(link)
        if key:
            press(page, key)
            expect(page.locator("dialog[open]")).to_be_visible()
        check(f"{link} {key}")
    page.goto(links[1])
    press(page, "c")
    for mode in "1234":
        press(page, mode)
        check(f"compare {mode}")
    press(page, "Escape", "1", "2")
    check("selected")
    page.goto(f"{review.url}?least=0.99&most=0.99")
    expect(page.get_by_text("Nothing is left of this choice")).to_be_visible()
    check("empty choice")
    for _ in links:
        page.goto(review.url)
        page.locator("#begin").click()
        press(page, "d")
        expect(page.locator("#saved")).to_be_visible()
    check("decided")
    page.goto(review.url)
    expect(page.get_by_role("heading", name="All is decided")).to_be_visible()
    check("all decided")
    assert wrong == []
