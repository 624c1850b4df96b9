from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.cluster.groups import group
from archiver.model import Decision, Fingerprint, Pair, Picture, PictureEvidence, Relation, Transform, Verdict

WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def picture(name: str) -> Picture:
    return Picture(name, "png", 100, 100, 1, Fingerprint(name, (), True), PictureEvidence())


def same(a: str, b: str, score: float = 0.9, **scores: float) -> Pair:
    return Pair(a, b, Verdict.SAME, (Relation.RE_ENCODED,), score, "the same", scores=scores)


def series(a: str, b: str) -> Pair:
    return Pair(a, b, Verdict.DIFFERENT, (Relation.SAME_SERIES,), 0.1, "another pose")


def on_page(part: str, page: str, crop: tuple[float, float, float, float], seams: int, verdict: Verdict = Verdict.SAME) -> Pair:
    laid = Transform("b", crop, 1.0, 0.0, False, (1, 0, 0, 0, 1, 0))
    relation = Relation.CONTAINS if verdict is not Verdict.SAME else Relation.CROPPED
    return Pair(part, page, verdict, (relation,), 0.9, "on the page", laid, {"shown": 0.4, "seams": float(seams)})


def decided(a: str, b: str, verdict: Literal["same", "different", "related", "better"], after_s: int = 0) -> Decision:
    return Decision(a, b, verdict, "", WHEN + timedelta(seconds=after_s))


def members(names: str, pairs: list[Pair], decisions: list[Decision] | None = None) -> list[str]:
    return ["".join(cluster.members) for cluster in group([picture(name) for name in names], pairs, decisions or []).clusters]


def test_links_make_connected_components() -> None:
    assert members("abcde", [same("a", "b"), same("b", "c"), same("d", "e")]) == ["abc", "de"]


def test_unsure_and_different_pairs_join_nothing() -> None:
    unsure = Pair("a", "b", Verdict.UNSURE, (Relation.UNSURE,), 0.4, "?")
    found = group([picture(name) for name in "abc"], [unsure, series("b", "c")], [])
    assert found.clusters == ()
    assert found.unsure == (unsure,)


def test_an_unsure_pair_joined_by_others_is_not_asked_about() -> None:
    unsure = Pair("a", "c", Verdict.UNSURE, (Relation.UNSURE,), 0.4, "?")
    assert group([picture(name) for name in "abc"], [same("a", "b"), same("b", "c"), unsure], []).unsure == ()


def test_of_all_doubts_between_two_sets_of_copies_the_likeliest_is_asked_about() -> None:
    doubts = [Pair(*key, Verdict.UNSURE, (Relation.UNSURE,), score, "?") for key, score in (("ac", 0.31), ("ad", 0.42), ("bc", 0.4))]
    joined = [same("a", "b"), same("c", "d")]
    pictures = [picture(name) for name in "abcd"]
    assert group(pictures, [*joined, *doubts], []).unsure == (doubts[1],)
    answered = group(pictures, [*joined, *doubts], [decided("a", "d", "different")])
    assert answered.unsure == (), "the answer holds for all of them"


def test_a_page_that_contains_a_picture_contains_its_crops_too_however_much_of_the_page_they_are() -> None:
    whole = on_page("a", "p", (0, 0, 70, 100), 1, Verdict.UNSURE)
    crop = replace(on_page("b", "p", (5, 5, 70, 90), 0), scores={"shown": 0.66, "seams": 0.0})
    assert members("abp", [same("a", "b"), whole, crop]) == ["ab"]
    assert members("bp", [crop]) == ["bp"]


def test_a_decision_outranks_a_pair() -> None:
    assert members("ab", [same("a", "b")], [decided("a", "b", "different")]) == []
    assert members("ab", [series("a", "b")], [decided("a", "b", "same")]) == ["ab"]
    assert members("ab", [], [decided("a", "b", "same")]) == ["ab"]


def test_pictures_decided_to_differ_are_not_joined_through_others() -> None:
    found = group([picture(name) for name in "abc"], [same("a", "b", 0.95), same("b", "c", 0.6)], [decided("a", "c", "different")])
    assert [cluster.members for cluster in found.clusters] == [("a", "b")]
    assert ["decided" in pair.because for pair in found.held_apart] == [True]


def test_the_later_decision_counts_and_better_says_nothing_on_sameness() -> None:
    assert members("ab", [], [decided("a", "b", "different"), decided("a", "b", "same", 5)]) == ["ab"]
    assert members("ab", [same("a", "b")], [decided("a", "b", "better")]) == ["ab"]


def test_a_lone_link_against_the_evidence_does_not_chain() -> None:
    pairs = [same("a", "b"), same("c", "d"), same("b", "c", 0.55), series("a", "c"), series("a", "d"), series("b", "d")]
    found = group([picture(name) for name in "abcd"], pairs, [])
    assert [cluster.members for cluster in found.clusters] == [("a", "b"), ("c", "d")]
    assert [pair.because.split(";")[0] for pair in found.held_apart] == ["the only link between two sets of pictures that otherwise differ"]


def test_a_page_joins_none_of_its_parts() -> None:
    left, right = on_page("a", "p", (0, 0, 40, 100), 1), on_page("b", "p", (60, 0, 100, 100), 0)
    found = group([picture(name) for name in "abp"], [left, right], [])
    assert found.clusters == ()
    assert {pair.relations for pair in found.held_apart} == {(Relation.CONTAINS,)}


def test_what_lies_where_a_part_was_pasted_belongs_to_the_part() -> None:
    pasted, cut = on_page("a", "p", (0, 0, 40, 100), 3, Verdict.UNSURE), on_page("c", "p", (5, 5, 35, 90), 0)
    assert members("acp", [pasted, cut, same("a", "c")]) == ["ac"]


def test_two_crops_of_one_picture_are_joined_by_it() -> None:
    assert members("abp", [on_page("a", "p", (0, 0, 40, 100), 0), on_page("b", "p", (60, 0, 100, 100), 0)]) == ["abp"]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_order_of_everything_says_nothing(data: st.DataObject) -> None:
    names = "abcdefgh"
    chosen = data.draw(st.lists(st.tuples(st.sampled_from(names), st.sampled_from(names), st.integers(0, 3)), max_size=14))
    pairs = {}
    for a, b, kind in chosen:
        if a < b:
            pairs[a, b] = series(a, b) if kind == 0 else same(a, b, 0.5 + kind / 10)
    decisions = [decided(a, b, "different" if kind else "same") for a, b, kind in chosen if a < b and kind < 2][:3]
    pictures = [picture(name) for name in names]
    first = group(pictures, list(pairs.values()), decisions)
    shuffle = random.Random(data.draw(st.integers(0, 1000)))
    mixed = [pictures[:], list(pairs.values()), decisions[:]]
    for each in mixed:
        shuffle.shuffle(each)
    assert group(*mixed) == first  # type: ignore[arg-type]  # a list of the three arguments
    again = group(pictures, [pair for cluster in first.clusters for pair in cluster.pairs if pair.score < 1.0], [])
    assert sorted(name for cluster in again.clusters for name in cluster.members) == sorted(
        {name for cluster in first.clusters for pair in cluster.pairs if pair.score < 1.0 for name in (pair.a, pair.b)}
    )
