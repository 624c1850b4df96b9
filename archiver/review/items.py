"""What there is to decide: the groups and pairs of a report as items, one for each screen, and how they are chosen from. Pure.

An item's key is made of payloads, so an address of the page outlives a new report, renamed files and other thresholds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isnan
from typing import Literal

from archiver.model import Cluster, Decision, Pair, Relation, Report, Verdict
from archiver.report.places import Places, caption, host
from archiver.report.places import title as named
from archiver.report.wording import count
from archiver.review import ledger
from archiver.review.ledger import Standing

Kind = Literal["unsure", "group", "apart", "decided"]
KINDS: Mapping[Kind, str] = {
    "unsure": "Not sure",
    "group": "Held to be the same",
    "apart": "Alike, held apart",
    "decided": "Decided before",
}
"""Kind -> its heading, in the order in which a person is led through them."""
KEY_CHARS = 16


@dataclass(frozen=True, slots=True)
class Item:
    """One screen: a cluster or a pair."""

    key: str
    kind: Kind
    name: str
    """`c3` for a cluster as the report counts it; empty for a pair."""
    title: str
    members: tuple[str, ...]
    """Payloads; of a cluster the keeper first."""
    pairs: tuple[Pair, ...]
    cluster: Cluster | None
    hosts: frozenset[str]

    @property
    def relations(self) -> frozenset[Relation]:
        """The main relation of each pair."""
        return frozenset(pair.relations[0] for pair in self.pairs if pair.relations)

    @property
    def score(self) -> float:
        """The score of its least sure pair, 0..1."""
        return min((pair.score for pair in self.pairs), default=0.0)


@dataclass(frozen=True, slots=True)
class Status:
    """How far a person has come with one item."""

    open_pairs: tuple[Pair, ...]
    """Pairs of the program on which nothing is decided yet, not even by what follows from other words."""
    mine: tuple[Decision, ...]
    """What was decided between its members."""
    joined: tuple[str, ...]
    """Payloads from elsewhere that were decided to be the same as one of its members."""

    @property
    def done(self) -> bool:
        return not self.open_pairs


@dataclass(frozen=True, slots=True)
class Choice:
    """Which items are wanted; empty fields want all."""

    show: Literal["", "open", "done"] = ""
    kind: str = ""
    relation: str = ""
    host: str = ""
    least: float = 0.0
    most: float = 1.0

    @property
    def query(self) -> dict[str, str]:
        """As it stands in an address."""
        words = {"show": self.show, "kind": self.kind, "relation": self.relation, "host": self.host}
        numbers = {"least": self.least if self.least > 0 else None, "most": self.most if self.most < 1 else None}
        return {name: str(value) for name, value in {**words, **numbers}.items() if value}


def choice(query: Mapping[str, str]) -> Choice:
    """What an address asks for; what it cannot mean is left out."""
    show = query.get("show", "")
    return Choice(
        show="open" if show == "open" else "done" if show == "done" else "",
        kind=query.get("kind", "") if query.get("kind", "") in KINDS else "",
        relation=query.get("relation", ""),
        host=query.get("host", ""),
        least=_fraction(query.get("least", ""), 0.0),
        most=_fraction(query.get("most", ""), 1.0),
    )


def _fraction(text: str, default: float) -> float:
    try:
        value = float(text)
    except ValueError:
        return default
    return default if isnan(value) else min(1.0, max(0.0, value))


class Agenda:
    """All items of one report under the decisions as they stand."""

    def __init__(self, report: Report, decisions: Sequence[Decision]) -> None:
        self.report = report
        self.decisions = tuple(decisions)
        self.places = Places(report)
        self.standing = Standing(decisions)
        self.items: tuple[Item, ...] = tuple(_items(report, self.places, decisions))
        self._by_key = {item.key: item for item in self.items}

    def item(self, key: str) -> Item | None:
        return self._by_key.get(key)

    @cached_property
    def statuses(self) -> Mapping[str, Status]:
        """Item key -> status."""
        return {item.key: self._status(item) for item in self.items}

    def _status(self, item: Item) -> Status:
        open_pairs = tuple(pair for pair in item.pairs if not self.standing.says(pair.a, pair.b))
        if item.kind == "unsure" and open_pairs and self._meet(*item.members):
            open_pairs = ()
        return Status(open_pairs, self._mine(item), self.standing.joined(item.members))

    def _meet(self, a: str, b: str) -> bool:
        """Whether two that the program is not sure of come together all the same: through copies of each that were decided to be one."""
        first, second = ({self.standing.root(copy) for copy in self._copies.get(payload, (payload,))} for payload in (a, b))
        return not first.isdisjoint(second)

    @cached_property
    def _copies(self) -> Mapping[str, tuple[str, ...]]:
        return {payload: cluster.members for cluster in self.report.clusters for payload in cluster.members}

    def _mine(self, item: Item) -> tuple[Decision, ...]:
        known = [decision for payload in item.members for decision in self._by_payload.get(payload, ())]
        return ledger.among(dict.fromkeys(known), item.members)

    @cached_property
    def _by_payload(self) -> Mapping[str, tuple[Decision, ...]]:
        found: dict[str, tuple[Decision, ...]] = {}
        for decision in self.decisions:
            for payload in (decision.a, decision.b):
                found[payload] = (*found.get(payload, ()), decision)
        return found

    @property
    def done(self) -> int:
        return sum(1 for status in self.statuses.values() if status.done)

    def chosen(self, wanted: Choice) -> tuple[Item, ...]:
        """The items a choice wants, in order."""
        return tuple(item for item in self.items if self._wanted(item, wanted))

    def _wanted(self, item: Item, wanted: Choice) -> bool:
        return (
            (not wanted.show or self.statuses[item.key].done == (wanted.show == "done"))
            and (not wanted.kind or item.kind == wanted.kind)
            and (not wanted.relation or wanted.relation in item.relations)
            and (not wanted.host or wanted.host in item.hosts)
            and wanted.least <= item.score <= wanted.most
        )

    def neighbours(self, item: Item, wanted: Choice) -> tuple[Item | None, Item | None]:
        """(previous, next) among the wanted ones, also for an item that is itself no longer wanted."""
        kept = {one.key for one in self.chosen(wanted)}
        place = self.items.index(item)
        before = next((one for one in reversed(self.items[:place]) if one.key in kept), None)
        after = next((one for one in self.items[place + 1 :] if one.key in kept), None)
        return before, after

    def next_open(self, item: Item, wanted: Choice) -> Item | None:
        """The next wanted item on which something is open, from the start again after the end."""
        place = self.items.index(item)
        kept = {one.key for one in self.chosen(wanted)}
        ahead = (*self.items[place + 1 :], *self.items[:place])
        return next((one for one in ahead if one.key in kept and not self.statuses[one.key].done), None)

    @cached_property
    def known_pairs(self) -> Mapping[tuple[str, str], Pair]:
        """Every pair the report speaks of."""
        clusters = (pair for cluster in self.report.clusters for pair in cluster.pairs)
        return {(pair.a, pair.b): pair for pair in (*clusters, *self.report.unsure, *self.report.held_apart)}


def _items(report: Report, places: Places, decisions: Sequence[Decision]) -> Iterable[Item]:
    groups = [cluster for cluster in report.clusters if len(_present(cluster.members, places)) > 1]
    numbers = {id(cluster): f"c{number}" for number, cluster in enumerate(report.clusters, 1)}
    shown: set[frozenset[str]] = set()
    for pair in report.unsure:
        yield from _pair_item(pair, "unsure", places, shown)
    for cluster in groups:
        members = _present(cluster.members, places)
        shown |= {frozenset((a, b)) for a in members for b in members if a < b}
        title = caption(images := places.members(cluster)) or f"{named(images)} and {count(len(images) - 1, 'more copy', 'more copies')}"
        pairs = tuple(pair for pair in cluster.pairs if pair.a in members and pair.b in members)
        key = f"g-{min(members)[:KEY_CHARS]}"
        yield Item(key, "group", numbers[id(cluster)], title, members, pairs or _star(cluster, members), cluster, _hosts(members, places))
    for pair in report.held_apart:
        yield from _pair_item(pair, "apart", places, shown)
    for decision in ledger.current(decisions).values():
        if decision.verdict != "better":
            a, b = sorted((decision.a, decision.b))
            verdict = Verdict.SAME if decision.verdict == "same" else Verdict.DIFFERENT
            yield from _pair_item(Pair(a, b, verdict, (), 0.0, ""), "decided", places, shown)


def _star(cluster: Cluster, members: Sequence[str]) -> tuple[Pair, ...]:
    """A cluster that came without pairs: each member against the first."""
    best = members[0]
    return tuple(Pair(min(best, other), max(best, other), Verdict.SAME, (), 0.0, cluster.because) for other in members[1:])


def _pair_item(pair: Pair, kind: Kind, places: Places, shown: set[frozenset[str]]) -> Iterable[Item]:
    members = _present((pair.a, pair.b), places)
    if len(members) < 2 or frozenset(members) in shown:
        return
    shown.add(frozenset(members))
    words = [named(places.images(payload)) for payload in members]
    title = words[0] if words[0] == words[1] else " / ".join(word for word in words if word)
    key = f"p-{pair.a[:KEY_CHARS]}-{pair.b[:KEY_CHARS]}"
    yield Item(key, kind, "", title, members, (pair,), None, _hosts(members, places))


def _present(payloads: Iterable[str], places: Places) -> tuple[str, ...]:
    return tuple(payload for payload in payloads if places.images(payload))


def _hosts(payloads: Iterable[str], places: Places) -> frozenset[str]:
    return frozenset(host(image.target.url) for payload in payloads for image in places.images(payload)) - {""}
