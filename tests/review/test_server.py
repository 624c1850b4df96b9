"""The review's server as a stranger meets it: wrong hosts, wrong origins, wrong tokens, and windows that write at the same time."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver.pipeline import folder
from tests.review.desks import hostile_folder, sample_folder
from tests.review.serving import Served, served


@pytest.fixture
def review(tmp_path: Path) -> Iterator[Served]:
    with served(sample_folder(tmp_path / "sample")) as found:
        yield found


def item_keys(review: Served) -> list[str]:
    return re.findall(r'data-key="([gp]-[0-9a-f-]+)"', review.get("").body.decode())


def group_key(review: Served) -> str:
    return next(key for key in item_keys(review) if key.startswith("g-"))


def members(review: Served, key: str) -> list[str]:
    return re.findall(r'<figure [^>]*data-payload="([0-9a-f]{64})"', review.get(f"item/{key}").body.decode())


def seen(review: Served, key: str) -> str:
    found = re.search(r'data-seen="([0-9a-f]+)"', review.get(f"item/{key}").body.decode())
    assert found
    return found[1]


def test_it_listens_on_this_machine_only(review: Served) -> None:
    assert review.url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("path", ["/", "/wrong/", "/wrong/item/x", "/wrong/state", "/wrong/decide", "/favicon.ico", "//t0ken", "/%2e%2e/"])
def test_without_the_token_there_is_nothing(review: Served, path: str) -> None:
    answer = review.ask("GET", path)
    assert answer.status in (404, 405)
    assert b"Chair" not in answer.body


@pytest.mark.parametrize("host", ["evil.example", "localhost:80", "127.0.0.1", "evil.example:80", "127.0.0.1.evil.example"])
def test_another_host_is_refused(review: Served, host: str) -> None:
    """A stranger's name that resolves to 127.0.0.1 must not read the page (DNS rebinding)."""
    assert review.ask("GET", f"{review.root}/", host=host).status == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_origin_is_refused(review: Served, origin: str, method: str) -> None:
    headers = {"Origin": origin, "Content-Type": "application/json"}
    assert review.ask(method, f"{review.root}/{'decide' if method == 'POST' else ''}", headers=headers, body=b"{}").status == 403


def test_what_changes_something_must_say_where_it_comes_from(review: Served) -> None:
    key = group_key(review)
    body = json.dumps({"act": "same", "item": key}).encode()
    assert review.ask("POST", f"{review.root}/decide", headers={"Content-Type": "application/json"}, body=body).status == 403
    as_form = {"Origin": review.origin, "Content-Type": "text/plain"}
    assert review.ask("POST", f"{review.root}/decide", headers=as_form, body=body).status == 400
    assert not (review.folder / folder.DECISIONS).exists()


def test_another_site_may_not_embed_it(review: Served) -> None:
    assert review.ask("GET", f"{review.root}/", headers={"Sec-Fetch-Site": "cross-site"}).status == 403
    answer = review.get("")
    assert answer.status == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_it_serves_small_pictures_of_its_own_and_no_file(review: Served) -> None:
    payload = members(review, group_key(review))[0]
    picture = review.get(f"preview/{payload}")
    assert (picture.status, picture.headers["Content-Type"]) == (200, "image/jpeg")
    assert picture.body[:3] == b"\xff\xd8\xff"
    for path in (
        "preview/" + "0" * 64,
        "thumbnail/report.json",
        "thumbnail/..%2freport.json",
        "report.json",
        "..%2freport.json",
        "../report.json",
    ):
        assert review.get(path).status == 404


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"act": "same"},
        {"act": "same", "item": "g-0000000000000000"},
        {"act": "explode", "item": "KEY"},
        {"act": "same", "item": "KEY", "members": ["0" * 64]},
        {"act": "same", "item": "KEY", "members": "abc"},
        {"act": "same", "item": 5},
        {"act": "best", "item": "KEY", "members": []},
        {"act": "merge", "item": "KEY", "to": "0" * 64},
        {"act": "accept", "pairs": []},
        {"act": "accept", "pairs": [["x", "y"]]},
        {"act": "accept", "pairs": [5]},
    ],
)
def test_nonsense_is_answered_and_writes_nothing(review: Served, body: object) -> None:
    if isinstance(body, dict) and body.get("item") == "KEY":
        body = {**body, "item": group_key(review)}
    answer = review.post("decide", body)
    assert answer.status == 400
    assert answer.json["error"]
    assert not (review.folder / folder.DECISIONS).exists()


@pytest.mark.parametrize("body", [5, {}, {"expected": 1, "wanted": []}, {"expected": [{"a": 1}], "wanted": []}])
def test_nonsense_cannot_be_taken_back(review: Served, body: object) -> None:
    assert review.post("restore", body).status == 400


def test_a_decision_is_on_the_disk_when_it_is_answered(review: Served) -> None:
    key = group_key(review)
    answer = review.post("decide", {"act": "same", "item": key, "note": "looked closely", "seen": seen(review, key)})
    assert answer.status == 200
    decisions = folder.read_decisions(review.folder)
    assert {d.verdict for d in decisions} == {"same"}
    assert {d.note for d in decisions} == {"looked closely"}
    assert {payload for d in decisions for payload in (d.a, d.b)} == set(members(review, key))


def test_undo_and_redo(review: Served) -> None:
    key = group_key(review)
    done = review.post("decide", {"act": "different", "item": key}).json
    decided = folder.read_decisions(review.folder)
    assert review.post("restore", {"expected": done["after"], "wanted": done["before"]}).status == 200
    assert folder.read_decisions(review.folder) == ()
    assert review.post("restore", {"expected": done["before"], "wanted": done["after"]}).status == 200
    assert set(folder.read_decisions(review.folder)) == set(decided)


def test_a_window_that_shows_an_old_state_is_told_so(review: Served) -> None:
    key = group_key(review)
    old = seen(review, key)
    assert review.post("decide", {"act": "same", "item": key, "seen": old}).status == 200
    before = folder.read_decisions(review.folder)
    late = review.post("decide", {"act": "different", "item": key, "seen": old})
    assert late.status == 409
    assert "another window" in late.json["error"]
    assert folder.read_decisions(review.folder) == before


def test_undo_never_takes_another_window_s_word(review: Served) -> None:
    key = group_key(review)
    mine = review.post("decide", {"act": "same", "item": key}).json
    review.post("decide", {"act": "different", "item": key})
    before = folder.read_decisions(review.folder)
    assert review.post("restore", {"expected": mine["after"], "wanted": mine["before"]}).status == 409
    assert folder.read_decisions(review.folder) == before


def test_two_servers_on_one_folder_lose_nothing(review: Served) -> None:
    """Both write at once, again and again; at the end every decision of both is there."""
    with served(review.folder, "another-token-another") as other:
        keys = item_keys(review)
        pairs = [key for key in keys if key.startswith("p-")][:2]
        failures: list[int] = []

        def decide(where: Served, key: str) -> None:
            for _ in range(12):
                failures.extend(
                    status for act in ("same", "different") if (status := where.post("decide", {"act": act, "item": key}).status) != 200
                )

        threads = [threading.Thread(target=decide, args=two) for two in zip((review, other), pairs, strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert len(folder.read_decisions(review.folder)) == 2
        assert review.get("state").json == other.get("state").json


def test_decisions_that_cannot_be_understood_are_never_overwritten(review: Served) -> None:
    key = group_key(review)
    path = review.folder / folder.DECISIONS
    path.write_text('{"schema_version": 99, "decisions": "of a later version"}')
    answer = review.post("decide", {"act": "same", "item": key})
    assert answer.status == 500
    assert "left untouched" in answer.json["error"]
    assert (review.get("").status, b"left untouched" in review.get("").body) == (500, True)
    assert path.read_text() == '{"schema_version": 99, "decisions": "of a later version"}'


def test_hostile_words_stay_words(tmp_path: Path) -> None:
    with served(hostile_folder(tmp_path / "evil")) as review:
        for path in ("", *(f"item/{key}" for key in item_keys(review)), "bulk"):
            text = review.get(path).body.decode()
            assert "<script>document.title" not in text
            assert "<img src=x" not in text
            assert 'href="javascript:' not in text
            assert '"onmouseover="' not in text


def test_the_choice_in_the_address_filters(review: Served) -> None:
    assert len(item_keys(review)) == 4
    for query, number in (
        ("kind=unsure", 1),
        ("kind=group", 2),
        ("relation=cropped", 1),
        ("host=proxy.example", 1),
        ("least=0.9", 1),
        ("most=0.5", 1),
    ):
        assert len(re.findall("data-key=", review.get(f"?{query}").body.decode())) == number, query
    review.post("decide", {"act": "same", "item": group_key(review)})
    assert len(re.findall("data-key=", review.get("?show=done").body.decode())) == 1
    assert len(re.findall("data-key=", review.get("?show=open").body.decode())) == 3
    assert review.get("?least=nan&most=x&show=5&kind=%3Cb%3E").status == 200


def test_accepting_leaves_what_was_decided_meanwhile(review: Served) -> None:
    key = group_key(review)
    two = members(review, key)[:2]
    review.post("decide", {"act": "different", "item": key, "members": two, "scope": "pair"})
    assert review.post("decide", {"act": "accept", "pairs": [sorted(two)]}).status == 200
    assert [d.verdict for d in folder.read_decisions(review.folder)] == ["different"]


def test_both_exports_tell_the_decisions_and_the_clusters(review: Served) -> None:
    key = group_key(review)
    review.post("decide", {"act": "best", "item": key, "members": members(review, key)[1:2], "note": "=1+1"})
    review.post("decide", {"act": "same", "item": key, "note": "=1+1"})
    told = review.get("export.json").json
    assert [cluster["id"] for cluster in told["clusters"]] == ["c1", "c2", "c3"]
    assert {row["verdict"] for row in told["decisions"]} == {"same", "better"}
    assert all(row["a"].startswith("https://") for row in told["decisions"])
    table = review.get("export.csv").body.decode()
    assert table.startswith("a_url,b_url,")
    assert ",'=1+1," in table
    assert ",=1+1" not in table
