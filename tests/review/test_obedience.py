"""The program obeys: whatever is decided on the page, and whatever the program thinks, the next report follows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import combinations

from hypothesis import assume, given
from hypothesis import strategies as st

from archiver.cluster.groups import group
from archiver.model import Decision, Fingerprint, Pair, Picture, PictureEvidence, Relation, Verdict
from archiver.review import acts, ledger
from archiver.review.acts import Act, Move, Part, Same, Scatter
from archiver.review.ledger import Standing

PAYLOADS = tuple(character * 64 for character in "abcdefg")
AT = datetime(2026, 11, 22, tzinfo=UTC)
PICTURES = [Picture(payload, "jpeg", 100, 100, 1, Fingerprint(payload, (), True), PictureEvidence()) for payload in PAYLOADS]

pairs = st.lists(
    st.builds(
        lambda two, verdict, score: Pair(*two, verdict, (Relation.RESIZED,), score, ""),
        st.sampled_from(list(combinations(PAYLOADS, 2))),
        st.sampled_from(list(Verdict)),
        st.floats(0, 1),
    ),
    max_size=15,
    unique_by=lambda pair: (pair.a, pair.b),
)


@st.composite
def act(draw: st.DrawFn) -> Act:
    members = tuple(draw(st.lists(st.sampled_from(PAYLOADS), min_size=2, max_size=6, unique=True)))
    cut = draw(st.integers(1, len(members) - 1))
    kind = draw(st.sampled_from([Same, Scatter, Part, Move]))
    if kind is Same:
        return Same(members)
    if kind is Scatter:
        return Scatter(members, draw(st.sampled_from(["different", "related"])))
    if kind is Part:
        return Part(members[:cut], members[cut:], draw(st.sampled_from(["different", "related"])), draw(st.booleans()))
    return Move(members[0], members[1:-1], members[-1])


def decide(todo: list[Act], known: list[Pair]) -> tuple[Decision, ...]:
    decisions: tuple[Decision, ...] = ()
    for minute, one in enumerate(todo):
        decisions = ledger.apply(decisions, acts.change(one, known, decisions, "", AT + timedelta(minutes=minute)))
    return decisions


@given(st.lists(act(), max_size=4), pairs)
def test_the_next_report_says_what_was_decided(todo: list[Act], known: list[Pair]) -> None:
    decisions = decide(todo, known)
    standing = Standing(decisions)
    assume(not standing.contradictions)
    cluster = {payload: n for n, found in enumerate(group(PICTURES, known, decisions).clusters) for payload in found.members}
    for a, b in combinations(PAYLOADS, 2):
        together = a in cluster and cluster[a] == cluster.get(b)
        if word := standing.says(a, b):
            assert together == (word == "same"), (word, a[0], b[0])


@given(pairs, st.data())
def test_what_is_taken_out_of_a_group_is_out_and_the_rest_stays(known: list[Pair], data: st.DataObject) -> None:
    found = group(PICTURES, known, ()).clusters
    assume(any(len(one.members) > 2 for one in found))
    members = next(one.members for one in found if len(one.members) > 2)
    out = tuple(data.draw(st.lists(st.sampled_from(members), min_size=1, max_size=len(members) - 1, unique=True)))
    rest = tuple(payload for payload in members if payload not in out)
    decisions = decide([Part(out, rest, "different", together=True)], known)
    after = {frozenset(one.members) for one in group(PICTURES, known, decisions).clusters}
    assert {side for side in (frozenset(out), frozenset(rest)) if len(side) > 1} == after & {frozenset(out), frozenset(rest)}
    assert not any({*out} & group_ and {*rest} & group_ for group_ in after)
