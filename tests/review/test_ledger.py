"""The ledger: what a decision means, what follows from all of them, and that taking back is exact."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.model import Decision, Pair, Relation, Verdict
from archiver.review import acts, ledger
from archiver.review.acts import Accept, Best, Forget, Move, Part, Same, Scatter
from archiver.review.ledger import Standing

AT = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
PAYLOADS = tuple(character * 64 for character in "abcdef")
A, B, C, D, E, F = PAYLOADS


def at(minute: int) -> datetime:
    return AT + timedelta(minutes=minute)


def pair(a: str, b: str, verdict: Verdict = Verdict.SAME) -> Pair:
    return Pair(min(a, b), max(a, b), verdict, (Relation.RESIZED,), 0.9, "")


def do(
    act: acts.Act, decisions: tuple[Decision, ...] = (), pairs: tuple[Pair, ...] = (), note: str = "", minute: int = 0
) -> tuple[Decision, ...]:
    return ledger.apply(decisions, acts.change(act, pairs, decisions, note, at(minute)))


def words(decisions: tuple[Decision, ...]) -> set[tuple[str, str, str]]:
    return {(d.a[0], d.b[0], d.verdict) for d in decisions}


many = st.lists(
    st.builds(
        Decision,
        st.sampled_from("abc"),
        st.sampled_from("def"),
        st.sampled_from(["same", "different", "related", "better"]),
        st.just(""),
        st.integers(0, 50).map(at),
    ),
    max_size=12,
)


def test_one_act_confirms_a_whole_group() -> None:
    standing = Standing(do(Same((A, B, C))))
    assert all(standing.says(*two) == "same" for two in combinations((A, B, C), 2))
    assert standing.says(A, D) == ""


def test_what_is_taken_out_is_apart_from_every_other_copy_and_the_rest_stays_together() -> None:
    star = tuple(pair(A, other) for other in (B, C, D))
    decisions = do(Part((A,), (B, C, D), "different"), pairs=star)
    standing = Standing(decisions)
    assert {standing.says(A, other) for other in (B, C, D)} == {"different"}
    assert {standing.says(*two) for two in combinations((B, C, D), 2)} == {"same"}


def test_what_is_split_off_together_stays_one_picture() -> None:
    star = tuple(pair(A, other) for other in (B, C, D))
    standing = Standing(do(Part((C, D), (A, B), "different", together=True), pairs=star))
    assert standing.says(C, D) == "same"
    assert {standing.says(one, other) for one in (A, B) for other in (C, D)} == {"different"}
    apart = Standing(do(Part((C, D), (A, B), "different"), pairs=star))
    assert apart.says(C, D) == "different"


def test_a_series_is_held_apart_under_its_own_name() -> None:
    assert Standing(do(Scatter((A, B, C), "related"))).says(B, C) == "related"


def test_the_best_copy_says_nothing_on_sameness() -> None:
    decisions = do(Best(B, (A, C)))
    assert words(decisions) == {("b", "a", "better"), ("b", "c", "better")}
    assert Standing(decisions).says(A, B) == ""
    assert words(do(Best(A, (B, C)), decisions, minute=1)) >= {("a", "b", "better"), ("b", "c", "better")}


def test_a_copy_that_moves_leaves_one_picture_for_the_other() -> None:
    standing = Standing(do(Move(C, (A, B), E)))
    assert (standing.says(C, E), standing.says(C, A), standing.says(C, B)) == ("same", "different", "different")


def test_accepting_says_what_the_program_says() -> None:
    accepted = Accept((pair(A, B), pair(C, D, Verdict.DIFFERENT), pair(E, F, Verdict.UNSURE)))
    assert words(do(accepted)) == {("a", "b", "same"), ("c", "d", "different"), ("e", "f", "different")}


def test_the_last_word_on_a_pair_counts_and_stands_alone() -> None:
    decisions = do(Scatter((A, B), "different"), do(Same((A, B))), minute=1)
    assert words(decisions) == {("a", "b", "different")}


def test_forgetting_opens_only_what_lies_between_these() -> None:
    decisions = do(Same((A, B, C, D)))
    assert words(do(Forget((A, B)), decisions)) == {("a", "c", "same"), ("a", "d", "same")}


def test_decisions_that_contradict_each_other_are_named() -> None:
    decisions = do(Scatter((A, C), "different"), do(Same((A, B)), do(Same((B, C)))), minute=1)
    assert [(one.a, one.b) for one in Standing(decisions).contradictions] == [(A, C)]


def test_joined_are_those_from_elsewhere() -> None:
    assert Standing(do(Same((A, D)))).joined((A, B)) == (D,)


def test_a_note_can_change_without_the_decision() -> None:
    decisions = do(Same((A, B)), note="first")
    after = ledger.apply(decisions, acts.annotate(decisions, (A, B), "second"))
    assert [(d.verdict, d.note, d.at) for d in after] == [("same", "second", AT)]


@given(many, many)
def test_taking_back_is_exact(first: list[Decision], second: list[Decision]) -> None:
    decisions = tuple(ledger.current(first).values())
    change = ledger.Change(tuple(ledger.current(second).values()))
    before, after = acts.touched(change, decisions)
    there = ledger.apply(decisions, change)
    back = ledger.apply(there, ledger.restore(there, after, before))
    assert ledger.current(back) == ledger.current(decisions)
    again = ledger.apply(back, ledger.restore(back, before, after))
    assert ledger.current(again) == ledger.current(there)


def test_nothing_is_taken_back_that_another_window_has_changed() -> None:
    change = acts.change(Same((A, B)), (), (), "", AT)
    before, after = acts.touched(change, ())
    elsewhere = do(Scatter((A, B), "different"), ledger.apply((), change), minute=1)
    with pytest.raises(ledger.Stale):
        ledger.restore(elsewhere, after, before)


@given(many)
def test_sameness_is_symmetric_and_carried_on(decisions: list[Decision]) -> None:
    standing = Standing(decisions)
    for a, b, c in combinations("abcdef", 3):
        assert standing.says(a, b) == standing.says(b, a)
        if standing.says(a, b) == standing.says(b, c) == "same":
            assert standing.says(a, c) == "same"


@given(many)
def test_the_order_of_the_file_says_nothing(decisions: list[Decision]) -> None:
    unique = tuple({(d.a, d.b, d.at): d for d in decisions}.values())
    forth, back = Standing(unique), Standing(unique[::-1])
    assert all(forth.says(*two) == back.says(*two) for two in combinations("abcdef", 2))
