"""No control character of a stranger reaches a file that somebody opens or prints."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from archiver.model import Report
from archiver.report import csv, html
from archiver.report import json as report_json
from archiver.report.harmless import json_text, visible
from archiver.report.terminal import summary
from tests.report.samples import sample

EVIL = "a\x1b[31m\x07\x00\x7f\x9b2J\x85"
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def evil_report() -> Report:
    found = sample()[0]
    assert found.post is not None
    text = "\n".join(EVIL + line for line in found.post.text.splitlines())
    images = tuple(
        replace(
            image,
            error=image.error and image.error + EVIL,
            target=replace(
                image.target,
                url=image.target.url + EVIL,
                links=tuple(replace(link, url=link.url + EVIL, caption=link.caption + EVIL, alt=EVIL) for link in image.target.links),
            ),
        )
        for image in found.images
    )
    return replace(found, post=replace(found.post, title=EVIL, author=EVIL, source=EVIL, text=text), images=images, skipped=(EVIL,))


def test_nothing_that_is_rendered_holds_control_characters() -> None:
    found = evil_report()
    texts = {
        "html": html.render(found, {}, {}),
        "json": report_json.render(found),
        "csv": csv.render(found),
        "terminal": "\n".join(summary(found)),
    }
    assert {name: CONTROLS.findall(text) for name, text in texts.items()} == {name: [] for name in texts}
    assert "a\u241b[31m" in texts["html"]
    assert json.loads(texts["json"])["post"]["title"] == EVIL


@given(st.recursive(st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_says_the_same_without_control_characters(value: object) -> None:
    text = json_text(value)
    assert json.loads(text) == value
    assert not CONTROLS.search(text)


def test_markup_stays_markup() -> None:
    assert isinstance(visible(Markup("<b>\x1b</b>")), Markup)
    assert visible(Markup("<b>\n</b>")) == "<b>\n</b>"
