"""Pairs -> clusters: connected components over the links that count.

Rules, in this order:
1. What a person decided outranks every pair: "same" joins, "different" keeps apart whatever else links the two.
2. A container joins nothing: what holds another picture as a part of its page (a collage, an infographic) is linked to no part.
3. A link that stands alone against evidence that its two sides differ does not join them (a chain's weakest member).
4. The rest joins, the surest link first; ties are settled by the payloads, so the order of the input says nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from archiver.model import Decision, Pair, Picture, Relation, Verdict

PART_SHARE_MAX = 0.85
"""Share of a page beyond which what it shows is not one of its parts but all of it."""
INSIDE_SHARE = 0.8
APART_SHARE = 0.2
"""Two footprints that overlap by less of the smaller one lie apart."""
AGAINST_LONE = 2
"""Pairs that say otherwise against which one link is too little."""

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Group:
    """Payloads held to be one picture."""

    members: tuple[str, ...]
    """Sorted."""
    pairs: tuple[Pair, ...]
    """The accepted pairs among them, sorted."""
    because: str


@dataclass(frozen=True, slots=True)
class Groups:
    clusters: tuple[Group, ...]
    """Of two members and more, sorted."""
    unsure: tuple[Pair, ...]
    """For a person to look at, the likeliest first."""
    held_apart: tuple[Pair, ...]
    """Pairs that look the same and were not joined by a rule or a decision; the reason is in `because`."""


def group(pictures: Sequence[Picture], pairs: Sequence[Pair], decisions: Sequence[Decision]) -> Groups:
    """Join what is the same. Independent of the order of all three arguments.

    Pairs and decisions about payloads that are not among `pictures` are passed over.
    """
    payloads = sorted({picture.payload for picture in pictures})
    known = {pair_key(pair.a, pair.b): pair for pair in sorted(pairs, key=lambda pair: (pair.a, pair.b, pair.score)) if pair.a != pair.b}
    known = {key: pair for key, pair in known.items() if {*key} <= {*payloads}}
    decided = {key: verdict for key, verdict in latest(decisions).items() if {*key} <= {*payloads}}
    contained = parts(known)
    forest = _Forest(payloads, [key for key, verdict in decided.items() if verdict == "different"])
    held: list[Pair] = []
    for key in sorted(key for key, verdict in decided.items() if verdict == "same"):
        if not forest.join(*key):
            held.append(_held(known.get(key), key, "decided to be the same, but another decision keeps their copies apart"))
    against = [key for key, pair in known.items() if pair.verdict is not Verdict.SAME and Relation.SAME_SERIES in pair.relations]
    links = [pair for key, pair in known.items() if pair.verdict is Verdict.SAME and key not in decided]
    for pair in sorted(links, key=lambda pair: (-pair.score, pair.a, pair.b)):
        if (pair.a, pair.b) in contained:
            held.append(
                replace(
                    pair, verdict=Verdict.UNSURE, relations=(Relation.CONTAINS,), because=f"{contained[pair.a, pair.b]}; {pair.because}"
                )
            )
        elif forest.find(pair.a) != forest.find(pair.b) and _stands_alone(pair, forest, links, against, contained):
            held.append(_held(pair, (pair.a, pair.b), "the only link between two sets of pictures that otherwise differ"))
        elif not forest.join(pair.a, pair.b):
            held.append(_held(pair, (pair.a, pair.b), "a person decided that these pictures, or copies of them, are different"))
    held += [
        _held(pair, key, "a person decided that these are different") for key, pair in known.items() if _overruled(pair, decided.get(key))
    ]
    return Groups(
        _clusters(forest, known, decided, contained),
        _unsure(known, decided, forest),
        tuple(sorted(held, key=lambda pair: (pair.a, pair.b))),
    )


def pair_key(a: str, b: str) -> Key:
    return (a, b) if a <= b else (b, a)


def latest(decisions: Iterable[Decision]) -> dict[Key, str]:
    """What was last decided about each pair; `better` says nothing on sameness. "related" keeps apart like "different"."""
    found: dict[Key, str] = {}
    for decision in sorted(decisions, key=lambda decision: (decision.at, decision.a, decision.b, decision.verdict)):
        if decision.verdict != "better":
            found[pair_key(decision.a, decision.b)] = "same" if decision.verdict == "same" else "different"
    return found


def parts(known: Mapping[Key, Pair]) -> dict[Key, str]:
    """Pairs that are a page and one of its parts, with the reason.

    A part is known by a seam around it (the pair says `contains`), and with it what lies in the same place, however much of the page
    that is; or by two parts that lie apart on the page, of which one has a seam, and that are not the same picture.
    """
    shown: dict[str, list[Pair]] = defaultdict(list)
    for pair in known.values():
        if pair.verdict is Verdict.SAME or Relation.CONTAINS in pair.relations:
            shown[_page(pair)].append(pair)
    found: dict[Key, str] = {}
    for page, pairs in shown.items():
        seamed = [pair for pair in pairs if Relation.CONTAINS in pair.relations]
        small = [pair for pair in pairs if _share(pair) <= PART_SHARE_MAX]
        several = any(_apart(one, other, page, known) for i, one in enumerate(small) for other in small[:i])
        for pair in pairs:
            if several and _share(pair) <= PART_SHARE_MAX:
                found[pair.a, pair.b] = "a page that shows several different pictures"
            elif any(_inside(pair, part) for part in seamed):
                found[pair.a, pair.b] = "a page that contains the picture among other things"
    return found


def _inside(pair: Pair, part: Pair) -> bool:
    """Does a pair lie on the page where `part` lies?"""
    if pair.transform is None or part.transform is None:
        return False
    one, other = pair.transform.crop, part.transform.crop
    return pair is part or (_common(one, other) > INSIDE_SHARE and _area(one) <= _area(other) * 1.1)


def _area(box: tuple[float, float, float, float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _page(pair: Pair) -> str:
    return pair.a if pair.transform is not None and pair.transform.fuller == "a" else pair.b


def _share(pair: Pair) -> float:
    """Share of the fuller picture that the other one shows; 1 when it is not known."""
    return pair.scores.get("shown", 1.0) if pair.transform is not None else 1.0


def _apart(one: Pair, other: Pair, page: str, known: Mapping[Key, Pair]) -> bool:
    if one.transform is None or other.transform is None or max(one.scores.get("seams", 0), other.scores.get("seams", 0)) < 1:
        return False
    first, second = (pair.b if pair.a == page else pair.a for pair in (one, other))
    linked = known.get(pair_key(first, second))
    if linked is not None and linked.verdict is Verdict.SAME:
        return False
    return _common(one.transform.crop, other.transform.crop) < APART_SHARE


def _common(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    smaller = min(_area(one), _area(other))
    return max(0.0, width) * max(0.0, height) / max(1e-9, smaller)


def _stands_alone(pair: Pair, forest: _Forest, links: Sequence[Pair], against: Sequence[Key], contained: Mapping[Key, str]) -> bool:
    sides = {forest.find(pair.a), forest.find(pair.b)}
    contrary = sum({forest.find(a), forest.find(b)} == sides for a, b in against)
    if contrary < AGAINST_LONE:
        return False
    links_across = sum({forest.find(link.a), forest.find(link.b)} == sides for link in links if (link.a, link.b) not in contained)
    return links_across < contrary


def _overruled(pair: Pair, decision: str | None) -> bool:
    return pair.verdict is Verdict.SAME and decision == "different"


def _held(pair: Pair | None, key: Key, reason: str) -> Pair:
    if pair is None:
        return Pair(*key, Verdict.UNSURE, (Relation.UNSURE,), 0.0, reason)
    return replace(pair, verdict=Verdict.UNSURE, relations=(Relation.UNSURE, *pair.relations), because=f"{reason}; {pair.because}")


def _clusters(forest: _Forest, known: Mapping[Key, Pair], decided: Mapping[Key, str], contained: Mapping[Key, str]) -> tuple[Group, ...]:
    pairs: dict[str, list[Pair]] = defaultdict(list)
    for key, pair in sorted(known.items()):
        if pair.verdict is Verdict.SAME and key not in contained and forest.find(pair.a) == forest.find(pair.b):
            pairs[forest.find(pair.a)].append(pair)
    for key in sorted(key for key, verdict in decided.items() if verdict == "same"):
        if forest.find(key[0]) == forest.find(key[1]) and not _has(known, key):
            by_hand = Pair(*key, Verdict.SAME, (), 1.0, "a person decided that they are the same")
            pairs[forest.find(key[0])].append(by_hand)
    found = []
    for root, members in forest.trees().items():
        if len(members) > 1:
            inside = tuple(sorted(pairs[root], key=lambda pair: (pair.a, pair.b)))
            found.append(Group(tuple(members), inside, _because(members, inside)))
    return tuple(sorted(found, key=lambda group: group.members))


def _has(known: Mapping[Key, Pair], key: Key) -> bool:
    pair = known.get(key)
    return pair is not None and pair.verdict is Verdict.SAME


def _because(members: Sequence[str], pairs: Sequence[Pair]) -> str:
    if len(members) == 2 and pairs:
        return pairs[0].because
    weakest = min((pair.score for pair in pairs), default=0.0)
    return f"{len(members)} pictures joined by {len(pairs)} comparisons; the least sure of them has a score of {weakest:.2f}"


def _unsure(known: Mapping[Key, Pair], decided: Mapping[Key, str], forest: _Forest) -> tuple[Pair, ...]:
    """Unsure pairs whose pictures were not joined by other links, the likeliest first.

    Of all between two sets of copies the likeliest one is asked about, for its answer holds for them; and none where it was given.
    """
    open_ = [p for key, p in known.items() if p.verdict is Verdict.UNSURE and key not in decided and forest.may_join(p.a, p.b)]
    asked: dict[frozenset[str], Pair] = {}
    for pair in sorted(open_, key=lambda pair: (-pair.score, pair.a, pair.b)):
        asked.setdefault(frozenset((forest.find(pair.a), forest.find(pair.b))), pair)
    return tuple(asked.values())


class _Forest:
    """Union-find (Tarjan 1975) that refuses to bring two payloads together that must stay apart."""

    def __init__(self, payloads: Sequence[str], apart: Iterable[Key]) -> None:
        self._parent = {payload: payload for payload in payloads}
        self._apart: dict[str, set[str]] = defaultdict(set)
        for a, b in apart:
            self._apart[a].add(b)
            self._apart[b].add(a)

    def find(self, payload: str) -> str:
        while self._parent[payload] != payload:
            self._parent[payload] = self._parent[self._parent[payload]]
            payload = self._parent[payload]
        return payload

    def may_join(self, a: str, b: str) -> bool:
        """Are they in two trees that nothing keeps apart?"""
        first, second = sorted((self.find(a), self.find(b)))
        return first != second and second not in {self.find(payload) for payload in self._apart[first]}

    def join(self, a: str, b: str) -> bool:
        """Bring two trees together; False when a payload of one must stay apart from a payload of the other."""
        first, second = sorted((self.find(a), self.find(b)))
        if first == second:
            return True
        if not self.may_join(a, b):
            return False
        self._parent[second] = first
        self._apart[first] |= self._apart[second]
        return True

    def trees(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for payload in sorted(self._parent):
            found[self.find(payload)].append(payload)
        return found
