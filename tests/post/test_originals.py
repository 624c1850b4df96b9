"""The rules that lead from a variant to its original; each row brings its own example."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.post import urls
from archiver.post.originals import MAX_STEPS, RULES, Rule, originals


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_example_of_each_rule(rule: Rule):
    variant, original = rule.example
    assert original in originals(variant)
    assert rule.pattern.match(variant)


def test_names_are_distinct():
    assert len({rule.name for rule in RULES}) == len(RULES)


UNKNOWN = (
    "https://a.example/cat.jpg",
    "https://a.example/cat.jpg?v=1552603494",
    "https://i.ytimg.com/vi/bTn89EBKJdM/maxresdefault.jpg",
    "https://i.pinimg.com/originals/7e/f1/ba/7ef1.png",
    "https://a.example/2020-11/x.png?id=7&time=15",
    "https://static.example/photo/76855142.cms",
    "data:image/png;base64,AAAA",
    "",
)


@pytest.mark.parametrize("url", UNKNOWN)
def test_no_original_is_made_up(url: str):
    assert originals(url) == ()


def test_several_rules_in_a_row():
    assert originals("https://i1.wp.com/a.example/wp-content/uploads/b-300x200.jpg?resize=3") == (
        "https://a.example/wp-content/uploads/b.jpg",
        "https://a.example/wp-content/uploads/b-300x200.jpg",
    )
    assert originals("https://img.example/r?url=https%3A%2F%2Fb.example%2Fa.jpg%3Fw%3D200") == (
        "https://b.example/a.jpg",
        "https://b.example/a.jpg?w=200",
    )


PARTS = st.sampled_from(
    [
        "https://",
        "http://",
        "i0.wp.com",
        "a.example",
        "/",
        "thumb/",
        "a/ab/",
        "x.jpg",
        "-300x200",
        ".jpg",
        "?",
        "&",
        "url=",
        "https%3A%2F%2F",
        "w=1",
        "%",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PARTS, max_size=12).map("".join))
def test_originals_are_other_web_addresses(url: str):
    found = originals(url)
    assert len(found) <= MAX_STEPS
    assert len(set(found)) == len(found)
    assert url not in found
    assert all(urls.is_web(original) for original in found)


@pytest.mark.parametrize("unit", ["/", "a/", "https://a.b/", "?url=", "&w", "-1x1", "thumb/", "a_b,"])
def test_long_addresses_are_no_burden(unit: str):
    """Each takes minutes with a pattern that tries every way to cut the address."""
    originals("https://res.cloudinary.com/x/image/upload/" + unit * 200_000)
    originals("https://a.example/" + unit * 200_000 + ".jpg")
