"""What a person does on the page -> the words that go into the ledger. Pure; the clock is passed in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Literal, assert_never

from archiver.model import Decision, Pair, Verdict
from archiver.review import ledger
from archiver.review.ledger import Change, Key

Apart = Literal["different", "related"]


@dataclass(frozen=True, slots=True)
class Same:
    """All of these are one picture."""

    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """`out` is not the picture that `rest` is. `together`: what is taken out is one picture, else each of it is another."""

    out: tuple[str, ...]
    rest: tuple[str, ...]
    word: Apart
    together: bool = False


@dataclass(frozen=True, slots=True)
class Scatter:
    """No two of these are the same picture."""

    members: tuple[str, ...]
    word: Apart


@dataclass(frozen=True, slots=True)
class Best:
    """`member` is to be kept rather than any of `others`."""

    member: str
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Accept:
    """The program is right about these pairs."""

    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """`member` belongs to `to`, and not to `rest`."""

    member: str
    rest: tuple[str, ...]
    to: str


@dataclass(frozen=True, slots=True)
class Forget:
    """Nothing is decided between these any more."""

    members: tuple[str, ...]


Act = Same | Part | Scatter | Best | Accept | Move | Forget


def change(act: Act, pairs: Iterable[Pair], decisions: Sequence[Decision], note: str, at: datetime) -> Change:
    """The words for one act. `pairs`: what the program found between the payloads concerned."""
    words = _Words(note, at)
    match act:
        case Same(members):
            put = words.star(members)
        case Part():
            put = _part(words, act, pairs, decisions)
        case Scatter(members, word):
            put = [words.word(a, b, word) for a, b in combinations(members, 2)]
        case Best(member, others):
            put = [Decision(member, other, "better", note, at) for other in others if other != member]
        case Accept(accepted):
            put = [words.word(pair.a, pair.b, _accepted(pair)) for pair in accepted]
        case Move(member, rest, to):
            put = [*(words.word(member, other, "different") for other in rest), words.word(member, to, "same")]
        case Forget(members):
            return Change((), frozenset(map(ledger.key, ledger.among(decisions, members))))
        case _:
            assert_never(act)
    return Change(tuple({ledger.key(decision): decision for decision in put}.values()))


def annotate(decisions: Sequence[Decision], members: Sequence[str], note: str) -> Change:
    """The same words on these payloads with another note."""
    return Change(tuple(Decision(d.a, d.b, d.verdict, note, d.at) for d in ledger.among(decisions, members)))


def touched(change: Change, decisions: Sequence[Decision]) -> tuple[dict[Key, Decision | None], dict[Key, Decision | None]]:
    """(before, after) of every key a change touches: what undo and redo need."""
    before, put = ledger.current(decisions), {ledger.key(d): d for d in change.put}
    keys = sorted(change.keys)
    return {one: before.get(one) for one in keys}, {one: put.get(one) for one in keys}


@dataclass(frozen=True, slots=True)
class _Words:
    note: str
    at: datetime

    def word(self, a: str, b: str, verdict: Literal["same", "different", "related"]) -> Decision:
        a, b = sorted((a, b))
        return Decision(a, b, verdict, self.note, self.at)

    def star(self, members: Sequence[str]) -> list[Decision]:
        return [self.word(members[0], other, "same") for other in members[1:]]


def _part(words: _Words, act: Part, pairs: Iterable[Pair], decisions: Sequence[Decision]) -> list[Decision]:
    """Every pair across the cut gets its word; what hung together only through the other side is tied anew."""
    cross = [words.word(a, b, act.word) for a in act.out for b in act.rest]
    known = list(pairs)
    kept = [d for d in ledger.current(decisions).values() if d.verdict == "same"]
    sides = [act.rest, act.out] if act.together else [act.rest]
    ties = [tie for side in sides for tie in _tie(words, side, known, kept)]
    alone = [] if act.together else [words.word(a, b, act.word) for a, b in combinations(act.out, 2)]
    return [*cross, *alone, *ties]


def _tie(words: _Words, side: Sequence[str], pairs: Iterable[Pair], decisions: Iterable[Decision]) -> Iterator[Decision]:
    inside = set(side)
    group = {payload: payload for payload in side}

    def root(payload: str) -> str:
        while group[payload] != payload:
            payload = group[payload]
        return payload

    links = [(p.a, p.b) for p in pairs if p.verdict is Verdict.SAME] + [(d.a, d.b) for d in decisions]
    for a, b in links:
        if a in inside and b in inside:
            group[root(a)] = root(b)
    for other in side[1:]:
        if root(other) != root(side[0]):
            yield words.word(side[0], other, "same")
            group[root(other)] = root(side[0])


def _accepted(pair: Pair) -> Literal["same", "different"]:
    return "same" if pair.verdict is Verdict.SAME else "different"
