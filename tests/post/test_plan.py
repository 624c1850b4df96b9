"""Links -> Targets, and the names of folders."""

from archiver.model import Link, Role
from archiver.post.read import plan, slug


def link(url: str, line: int) -> Link:
    return Link(url, Role.IMAGE, line, "", "")


def test_one_target_per_url_in_order_of_first_appearance():
    links = [link("https://b.example/1.jpg", 1), link("https://a.example/2.jpg", 2), link("https://b.example/1.jpg", 9)]
    targets = plan(links)
    assert [target.url for target in targets] == ["https://b.example/1.jpg", "https://a.example/2.jpg"]
    assert [each.line for each in targets[0].links] == [1, 9]


def test_urls_that_differ_in_case_or_escapes_are_different_targets():
    urls = ["https://x.example/a.jpg", "https://x.example/A.jpg", "https://x.example/a%2ejpg", "http://x.example/a.jpg"]
    assert len(plan([link(url, 1) for url in urls])) == 4


def test_slugs_are_names_for_folders():
    assert slug("posts/chair-exercises.md") == "chair-exercises"
    assert slug("C:\\Posts\\My Post (final).HTML") == "my-post-final"
    assert slug("https://example.org/2020/11/upper-back/?utm=1") == "upper-back"
    assert slug("https://example.org/") == "example-org"
    assert slug("-") == "stdin"
    assert slug("../..").startswith("post-")
    assert slug("日本.md") != slug("中国.md")
    assert len(slug("x" * 500)) == 80
