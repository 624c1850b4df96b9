"""Outcomes and the judgement become the report: orders, states, changes, exit codes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import NoPictures, NothingFetched
from archiver.model import (
    Captured,
    Cluster,
    Fingerprint,
    Image,
    Link,
    Missed,
    Outcome,
    Picture,
    PictureEvidence,
    Reason,
    RecordRef,
    Report,
    Role,
    Target,
    Unreadable,
)
from archiver.pipeline import assemble
from archiver.pipeline.assemble import Judgement
from archiver.pipeline.runs import Run, exit_code

AT = datetime(2026, 11, 22, tzinfo=UTC)
REF = RecordRef("a.warc.gz", 10, 20, "urn:uuid:1")


def target(url: str, line: int = 1, role: Role = Role.IMAGE) -> Target:
    return Target(url, (Link(url, role, line, "", ""),))


def captured(url: str, payload: str, line: int = 1, role: Role = Role.IMAGE) -> Captured:
    return Captured(target(url, line, role), (), AT, payload, 100, REF, REF)


def picture(payload: str, width: int = 100) -> Picture:
    return Picture(payload, "jpeg", width, 80, 1, Fingerprint(payload, (), True), PictureEvidence())


def judgement(*payloads: str, widths: dict[str, int] | None = None) -> Judgement:
    return Judgement({payload: picture(payload, (widths or {}).get(payload, 100)) for payload in payloads}, {}, (), ())


def test_each_outcome_has_its_status() -> None:
    judged = replace(judgement("p"), unreadable={"q": Unreadable("q", Reason.NOT_IMAGE, "the content is html", "html")})
    outcomes: list[Outcome] = [
        captured("http://a/1", "p"),
        captured("http://a/2", "q"),
        Missed(target("http://a/3"), (), AT, Reason.DNS_ERROR, "no such host"),
    ]
    rows = assemble.images(outcomes, judged)
    assert [(row.status, row.error) for row in rows] == [
        ("ok", ""),
        ("not_image", "the content is html"),
        ("dns_error", "no such host"),
    ]


def test_one_payload_under_two_addresses_is_a_cluster_of_its_own() -> None:
    rows = assemble.images([captured("http://a/1", "p"), captured("http://a/2", "q"), captured("http://b/1", "p")], judgement("p", "q"))
    images, clusters = assemble.in_post_order(rows, ())
    assert [cluster.members for cluster in clusters] == [("p",)]
    assert [(image.cluster, image.keeper) for image in images] == [("c1", True), ("", False), ("c1", False)]


@pytest.mark.parametrize(("reason", "together"), [(Reason.UNSUPPORTED, True), (Reason.CORRUPT, True), (Reason.NOT_IMAGE, False)])
def test_what_was_not_decoded_takes_part_by_its_bytes(reason: Reason, together: bool) -> None:
    judged = replace(judgement("p"), unreadable={"q": Unreadable("q", reason, "kept but not decoded", "svg")})
    outcomes = [captured("http://a/1.svg", "q"), captured("http://a/2", "p"), captured("http://a/3.svg", "q")]
    rows, clusters = assemble.in_post_order(assemble.images(outcomes, judged), ())
    assert [(row.cluster, row.keeper) for row in rows] == ([("c1", True), ("", False), ("c1", False)] if together else [("", False)] * 3)
    assert [cluster.members for cluster in clusters] == ([("q",)] if together else [])


def test_clusters_are_numbered_as_the_post_first_shows_them() -> None:
    rows = assemble.images([captured(f"http://a/{payload}", payload) for payload in "dcba"], judgement(*"abcd"))
    first, second = Cluster("a", ("a", "b"), "", ()), Cluster("c", ("c", "d"), "", ())
    images, clusters = assemble.in_post_order(rows, (first, second))
    assert clusters == (second, first)
    assert [image.cluster for image in images] == ["c1", "c1", "c2", "c2"]


@pytest.mark.parametrize(
    ("before", "payload", "same", "change"),
    [
        (None, "p", False, "new"),
        ("p", "p", False, "unchanged"),
        ("o", "p", True, "different-bytes"),
        ("o", "p", False, "different-picture"),
    ],
)
def test_what_became_of_an_address(before: str | None, payload: str, same: bool, change: str) -> None:
    (row,) = assemble.images([captured("http://a/1", payload)], judgement(payload))
    assert assemble.change(before, row, lambda a, b: same) == change


def test_what_is_gone_was_there() -> None:
    (row,) = assemble.images([Missed(target("http://a/1"), (), AT, Reason.HTTP_ERROR, "404")], judgement())
    assert assemble.change("p", row, lambda a, b: True) == "gone"
    assert assemble.change(None, row, lambda a, b: True) == ""


@given(st.lists(st.integers(1, 9), max_size=12), st.lists(st.integers(1, 9), max_size=6))
def test_merging_links_by_line_keeps_both_orders(lines: list[int], more: list[int]) -> None:
    links = [target(f"http://a/{n}", line).links[0] for n, line in enumerate(sorted(lines))]
    late = [target(f"http://b/{n}", line).links[0] for n, line in enumerate(sorted(more))]
    merged = assemble.by_line(links, late)
    assert [link for link in merged if link in links] == links
    assert [link for link in merged if link in late] == late
    assert [link.line for link in merged] == sorted(link.line for link in merged)


def test_an_original_counts_when_it_is_the_same_picture_and_larger() -> None:
    judged = judgement("small", "large", "other", widths={"large": 200, "other": 300})
    rows = assemble.images(
        [
            captured("http://a/s", "small"),
            captured("http://a/l", "large", role=Role.ORIGINAL),
            captured("http://a/o", "other", role=Role.ORIGINAL),
        ],
        judged,
    )
    kept = assemble.without_false_originals(rows, (Cluster("large", ("large", "small"), "", ()),))
    assert [row.payload for row in kept] == ["small", "large"]


def report(*images: Image, clusters: tuple[Cluster, ...] = ()) -> Run:
    made = Report({}, None, {}, AT, AT, images, clusters, (), (), (), "")
    return Run("post.md", Path(), made)


def test_exit_codes() -> None:
    (ok,) = assemble.images([captured("http://a/1", "p")], judgement("p"))
    failed = replace(ok, status="http_error")
    joined = (Cluster("p", ("p",), "", ()),)
    assert exit_code([report(ok)]) == 0
    assert exit_code([report(ok, failed)]) == 8
    assert exit_code([report(failed)]) == 4
    assert exit_code([report(ok, clusters=joined)]) == 0
    assert exit_code([report(ok, failed, clusters=joined)], fail_on_duplicates=True) == 9
    assert exit_code([report(ok), Run("x", Path(), error=NothingFetched("x"))]) == 8
    assert exit_code([report(failed), Run("x", Path(), error=NothingFetched("x"))]) == 4
    bare = Run("x", Path(), error=NoPictures("x"))
    assert [exit_code(runs) for runs in ([bare], [bare, bare], [report(ok), bare], [report(failed), bare])] == [4, 4, 0, 4]
