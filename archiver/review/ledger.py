"""A person's decisions as a ledger: one word per pair of payloads, and what follows from all of them. Pure.

Rules
- On the sameness of two payloads the last word counts; which of two is the better copy is a word of its own.
- `same` is carried on: who says A = B and B = C has said A = C. A `different` or `related` between two such sets parts them.
- Two windows never overwrite each other unseen: what is written says what it expects to find (`Stale` otherwise).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from archiver.model import Decision

About = Literal["sameness", "best"]
Key = tuple[str, str, About]
"""The two payloads in order, and what the word is about."""
Word = Literal["same", "different", "related", ""]


class Stale(Exception):
    """The ledger no longer says what the window that wants to change it has shown."""


@dataclass(frozen=True, slots=True)
class Change:
    """Words to write and words to take back."""

    put: tuple[Decision, ...] = ()
    drop: frozenset[Key] = frozenset()

    @property
    def keys(self) -> frozenset[Key]:
        return frozenset(map(key, self.put)) | self.drop


def key(decision: Decision) -> Key:
    a, b = sorted((decision.a, decision.b))
    return a, b, "best" if decision.verdict == "better" else "sameness"


def sameness(a: str, b: str) -> Key:
    """The key of a word on the sameness of two payloads, given in any order."""
    return (a, b, "sameness") if a < b else (b, a, "sameness")


def current(decisions: Iterable[Decision]) -> dict[Key, Decision]:
    """The word that counts on each pair: the latest."""
    found: dict[Key, Decision] = {}
    for decision in sorted(decisions, key=lambda decision: (decision.at, decision.a, decision.b, decision.verdict)):
        found[key(decision)] = decision
    return found


def apply(decisions: Sequence[Decision], change: Change) -> tuple[Decision, ...]:
    """The ledger after a change: replaced words go, the rest keeps its order, new words stand at the end."""
    gone = change.keys
    return (*(decision for decision in decisions if key(decision) not in gone), *change.put)


def restore(decisions: Sequence[Decision], expected: Mapping[Key, Decision | None], wanted: Mapping[Key, Decision | None]) -> Change:
    """The change that brings these keys back to an earlier state. Raises Stale when one of them is not as expected any more."""
    now = current(decisions)
    if any(now.get(one) != decision for one, decision in expected.items()):
        raise Stale
    return Change(tuple(d for d in wanted.values() if d is not None), frozenset(one for one, d in wanted.items() if d is None))


def among(decisions: Iterable[Decision], payloads: Collection[str]) -> tuple[Decision, ...]:
    """The words that count between these payloads, in a fixed order."""
    known = set(payloads)
    found = current(d for d in decisions if d.a in known and d.b in known)
    return tuple(found[one] for one in sorted(found))


def digest(decisions: Iterable[Decision]) -> str:
    """A short name for the state of some decisions."""
    text = "\n".join(f"{d.a} {d.b} {d.verdict} {d.at.isoformat()} {d.note!r}" for d in decisions)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two payloads held apart by one word and joined by others."""

    a: str
    b: str


class Standing:
    """What the ledger says of any two payloads, with all that follows."""

    def __init__(self, decisions: Iterable[Decision]) -> None:
        self._parent: dict[str, str] = {}
        self._apart: dict[frozenset[str], Word] = {}
        self.contradictions: list[Contradiction] = []
        words = [d for d in current(decisions).values() if d.verdict != "better"]
        for decision in words:
            if decision.verdict == "same":
                self._parent[self.root(decision.a)] = self.root(decision.b)
        self._sets: dict[str, set[str]] = {}
        for decision in words:
            for payload in (decision.a, decision.b):
                self._sets.setdefault(self.root(payload), set()).add(payload)
        for decision in words:
            if decision.verdict == "same":
                continue
            roots = frozenset((self.root(decision.a), self.root(decision.b)))
            if len(roots) == 1:
                self.contradictions.append(Contradiction(decision.a, decision.b))
            else:
                self._apart[roots] = "related" if decision.verdict == "related" else "different"

    def root(self, payload: str) -> str:
        """One payload that stands for all that are the same."""
        while (up := self._parent.get(payload, payload)) != payload:
            self._parent[payload] = self._parent.get(up, up)
            payload = up
        return payload

    def says(self, a: str, b: str) -> Word:
        """What is decided on two payloads, directly or by what follows; empty when nothing is."""
        if self.root(a) == self.root(b):
            return "same"
        return self._apart.get(frozenset((self.root(a), self.root(b))), "")

    def joined(self, payloads: Collection[str]) -> tuple[str, ...]:
        """Payloads beyond these that decisions join to one of them."""
        found = {other for payload in payloads for other in self._sets.get(self.root(payload), ())}
        return tuple(sorted(found.difference(payloads)))
