"""The pages of the review, rendered on the server: the overview, one item, the bulk overview.

They show what the report room has worked out (letters, words, outlines, how the copies lie on each other) and add what was
decided. Strangers' words are escaped by the template engine; pictures come by their payload, under the token.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

from jinja2 import ChoiceLoader, Environment, FunctionLoader, StrictUndefined, TemplateNotFound

from archiver.model import Pair, Relation, Verdict
from archiver.report import harmless, view, wording
from archiver.report import html as report_html
from archiver.report.links import href
from archiver.report.places import report_title, site
from archiver.report.places import title as named
from archiver.review import ledger, originals
from archiver.review.items import KINDS, Agenda, Choice, Item, Status

STRIP_EACH_WAY = 25
"""Items beside the present one that are shown to choose from; the overview shows all."""
CARD_PICTURES = 3
BULK_MAX = 500
WORDS = {"same": "the same picture", "different": "not the same", "related": "one series", "": ""}
BUNDLES = {
    "review.css": (report_html.asset, ("report.css", "compare.css"), ("review.css",)),
    "review.js": (report_html.asset, ("compare.js",), ("review.js",)),
}


@dataclass(frozen=True)
class Room:
    """What every page is made from."""

    agenda: Agenda
    root: str
    """The path under which all addresses of this run stand."""
    warcs: frozenset[str] = frozenset()
    """WARC files of the folder: pictures in them can be had in full."""

    def link(self, path: str, wanted: Choice | None = None, **more: str) -> str:
        return f"{self.root}/{path}{self.query(wanted, **more)}"

    def query(self, wanted: Choice | None, **more: str) -> str:
        """`?show=open&...`, or empty."""
        words = {**(wanted.query if wanted else {}), **more}
        return f"?{urlencode(words)}" if words else ""

    def picture(self, payload: str, size: str = "thumbnail") -> str:
        return f"{self.root}/{size}/{payload}"

    @cached_property
    def state(self) -> str:
        return f"{self.agenda.report.finished.isoformat()} {ledger.digest(self.agenda.decisions)}"


@dataclass(frozen=True, slots=True)
class Small:
    """A thumbnail: in the strip, on a card, in a row."""

    payload: str
    src: str
    alt: str
    where: str
    """Its host, or the name of its file."""
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Card:
    """One item to choose from."""

    key: str
    href: str
    title: str
    kind: str
    tally: str
    pictures: tuple[Small, ...]
    more: int
    status: str
    """`open`, `part` or `done`."""
    status_words: str


@cache
def environment() -> Environment:
    """The report room's templates and this room's; everything is escaped, a misspelt name is an error."""
    loader = ChoiceLoader([FunctionLoader(_own), FunctionLoader(report_html.asset)])
    made = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=harmless.visible
    )
    made.filters.update(report_html.environment().filters)
    made.filters["kind"] = _kind
    return made


def _kind(relation: str) -> str:
    """A relation before a noun: an identical-pixel pair."""
    return {"identical-pixels": "identical-pixel", "identical-bytes": "identical-byte"}.get(relation, relation)


def _own(name: str) -> str | None:
    found = files("archiver.review").joinpath("templates", name)
    return found.read_text(encoding="utf-8") if found.is_file() else None


def bundle(name: str) -> str:
    """The style or the script of all pages: the report's, then this room's."""
    asset, shared, own = BUNDLES[name]
    parts = [asset(*shared), *(text for one in own if (text := _own(one)) is not None)]
    if len(parts) != 1 + len(own):
        raise TemplateNotFound(name)
    return "\n".join(parts)


def _render(template: str, room: Room, wanted: Choice, **values: Any) -> str:
    agenda = room.agenda
    return (
        environment()
        .get_template(template)
        .render(
            room=room,
            wanted=wanted,
            title=report_title(agenda.report),
            total=len(agenda.items),
            done=agenda.done,
            kinds=KINDS,
            words=WORDS,
            lazy=True,
            quoted=(),
            contradictions=[_contradiction(c.a, c.b, room) for c in agenda.standing.contradictions],
            **values,
        )
    )


# --- the overview -----------------------------------------------------------------------------------------------------


def overview(room: Room, wanted: Choice) -> str:
    """All items, with filters and what can be accepted at once."""
    agenda = room.agenda
    chosen = agenda.chosen(wanted)
    by_kind = {KINDS[kind]: [card(room, item, wanted) for item in chosen if item.kind == kind] for kind in KINDS}
    first = next((item for item in chosen if not agenda.statuses[item.key].done), None)
    return _render(
        "overview.html",
        room,
        wanted,
        sections={heading: cards for heading, cards in by_kind.items() if cards},
        shown=len(chosen),
        first=room.link(f"item/{first.key}", wanted) if first else "",
        relations=sorted({relation.value for item in agenda.items for relation in item.relations}),
        hosts=sorted({one for item in agenda.items for one in item.hosts}),
        offers=_offers(room, wanted, chosen),
        decided=len(ledger.current(agenda.decisions)),
    )


def card(room: Room, item: Item, wanted: Choice) -> Card:
    status = room.agenda.statuses[item.key]
    state = "done" if status.done else "part" if len(status.open_pairs) < len(item.pairs) else "open"
    return Card(
        key=item.key,
        href=room.link(f"item/{item.key}", wanted),
        title=item.title,
        kind=item.kind,
        tally=wording.count(len(item.members), "copy", "copies") if item.kind == "group" else _score(item),
        pictures=tuple(small(room, payload) for payload in item.members[:CARD_PICTURES]),
        more=max(0, len(item.members) - CARD_PICTURES),
        status=state,
        status_words=_status_words(status, item),
    )


def _score(item: Item) -> str:
    return f"score {item.score:.2f}" if item.score else "two pictures"


def _status_words(status: Status, item: Item) -> str:
    if not status.done:
        left = len(status.open_pairs)
        return "To decide" if left == len(item.pairs) else f"{wording.count(left, 'pair')} to decide"
    verdicts = {decision.verdict for decision in status.mine if decision.verdict != "better"}
    if verdicts == {"same"} or not verdicts:
        return "The same picture"
    if verdicts == {"related"}:
        return "One series"
    return "Not the same" if verdicts == {"different"} else "Split"


def small(room: Room, payload: str) -> Small:
    images = room.agenda.places.images(payload)
    picture = images[0].picture if images else None
    words = named(images)
    width, height = view.fit(picture, (200, 200)) if picture else (4, 3)
    where, name = site(room.agenda.places.url(payload))
    return Small(payload, room.picture(payload), words or "No caption", where or name, width, height)


def _offers(room: Room, wanted: Choice, chosen: Sequence[Item]) -> list[dict[str, str]]:
    """Sets of pairs that can be accepted together: what the program is sure of, by main relation."""
    tally = Counter((verdict, relation) for pair, verdict, relation in _sure(room.agenda, chosen) for _ in (pair,))
    found = []
    for (verdict, relation), number in sorted(tally.items(), key=lambda item: (-item[1], item[0])):
        found.append(
            {
                "words": _offer(verdict, relation, number),
                "href": room.link("bulk", replace(wanted, relation=relation, show="open"), verdict=verdict),
            }
        )
    return found


def _offer(verdict: str, relation: str, number: int) -> str:
    contains = relation == Relation.CONTAINS
    kind = "" if contains else f"{_kind(relation)} "
    if verdict == "same":
        return f"Accept this {kind}pair" if number == 1 else f"Accept all of these {number} {kind}pairs"
    which = "pair" if number == 1 else f"{number} {kind}pairs"
    return f"Keep {'this ' + kind if number == 1 else 'these '}{which} apart{': one contains the other' if contains else ''}"


def _sure(agenda: Agenda, chosen: Sequence[Item]) -> list[tuple[Pair, str, str]]:
    """(pair, verdict, main relation) of every open pair on which the program is sure."""
    found = []
    for item in chosen:
        if item.kind in ("group", "apart"):
            for pair in agenda.statuses[item.key].open_pairs:
                verdict = "same" if pair.verdict is Verdict.SAME else "different"
                found.append((pair, verdict, _main(pair)))
    return found


def _main(pair: Pair) -> str:
    """The relation that says most: of a pair held apart by a rule, the one the program saw before."""
    told = [relation.value for relation in pair.relations if relation is not Relation.UNSURE]
    return told[0] if told else "alike"


def bulk(room: Room, wanted: Choice) -> str:
    """The pairs that one press of a button would accept, to be looked at first."""
    rows = []
    for pair, verdict, relation in _sure(room.agenda, room.agenda.chosen(replace(wanted, relation=""))):
        if wanted.relation in ("", relation) and wanted.least <= pair.score <= wanted.most:
            rows.append(
                {
                    "a": small(room, pair.a),
                    "b": small(room, pair.b),
                    "verdict": verdict,
                    "relation": relation,
                    "score": f"{pair.score:.2f}",
                    "because": pair.because,
                }
            )
    by_verdict = {verdict: [row for row in rows if row["verdict"] == verdict] for verdict in ("same", "different")}
    parts = {verdict: found[:BULK_MAX] for verdict, found in by_verdict.items() if found}
    return _render("bulk.html", room, wanted, parts=parts, left=sum(max(0, len(found) - BULK_MAX) for found in by_verdict.values()))


# --- one item ---------------------------------------------------------------------------------------------------------


def item(room: Room, one: Item, wanted: Choice) -> str:
    """One cluster or pair, with the compare tools and the verdicts."""
    agenda = room.agenda
    status = agenda.statuses[one.key]
    gallery = view.Gallery(agenda.report, view.Album(_Previews(room), everywhere=True))
    number = int(one.name[1:]) if one.name else 0
    group = gallery.cluster(number, one.cluster) if one.cluster else gallery.pair("pair", one.pairs[0])
    letters = dict(zip(one.members, (member.letter for member in group.members), strict=True))
    chosen = agenda.chosen(wanted)
    before, after = agenda.neighbours(one, wanted)
    return _render(
        "item.html",
        room,
        wanted,
        item=one,
        status=status,
        group=group,
        frame=_frame(room, group, letters),
        heading=group.title if one.kind in ("unsure", "apart") else one.title,
        card=card(room, one, wanted),
        copies=[_copy(room, one, payload, letters[payload]) for payload in one.members],
        rows=[_pair_row(room, pair, letters) for pair in one.pairs],
        letters=letters,
        joined=[small(room, payload) for payload in status.joined if agenda.places.images(payload)],
        place=chosen.index(one) + 1 if one in chosen else 0,
        chosen=len(chosen),
        before=room.link(f"item/{before.key}", wanted) if before else "",
        after=room.link(f"item/{after.key}", wanted) if after else "",
        strip=[card(room, other, wanted) for other in _strip(one, chosen)],
        seen=ledger.digest(status.mine),
        note=next((decision.note for decision in status.mine if decision.note), ""),
    )


def _frame(room: Room, group: view.Group, letters: Mapping[str, str]) -> dict[str, object]:
    """The frame of the compare tools, with the addresses of the pictures that can be had in full."""
    places = room.agenda.places
    whole = {letter: room.picture(p, "original") for p, letter in letters.items() if originals.find(places.images(p), room.warcs)}
    return {**group.frame, "members": [{**one, "whole": whole.get(one["letter"], "")} for one in group.frame["members"]]}


class _Previews(Mapping[str, str]):
    """Payload -> address of its preview, for every payload."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def __getitem__(self, payload: str) -> str:
        return self._room.picture(payload, "preview")

    def __iter__(self) -> Any:
        return iter(self._room.agenda.places.by_payload)

    def __len__(self) -> int:
        return len(self._room.agenda.places.by_payload)


def _strip(one: Item, chosen: Sequence[Item]) -> Sequence[Item]:
    middle = chosen.index(one) if one in chosen else 0
    return chosen[max(0, middle - STRIP_EACH_WAY) : middle + STRIP_EACH_WAY + 1]


def _copy(room: Room, one: Item, payload: str, letter: str) -> dict[str, str]:
    """What was decided on one copy, seen from the first one."""
    agenda = room.agenda
    word = agenda.standing.says(one.members[0], payload) if payload != one.members[0] else ""
    best = any(d.verdict == "better" and d.a == payload for d in agenda.statuses[one.key].mine)
    return {"payload": payload, "letter": letter, "word": word, "best": "yes" if best else ""}


def _pair_row(room: Room, pair: Pair, letters: Mapping[str, str]) -> dict[str, Any]:
    first, second = sorted((pair.a, pair.b), key=lambda payload: list(letters).index(payload))
    return {
        "a": first,
        "b": second,
        "names": f"{letters[first]} – {letters[second]}",
        "frame_a": list(letters).index(first),
        "frame_b": list(letters).index(second),
        "relations": ", ".join(relation.value.replace("-", " ") for relation in pair.relations) or "not compared",
        "score": f"{pair.score:.2f}" if pair.score else "",
        "because": pair.because,
        "word": room.agenda.standing.says(pair.a, pair.b),
    }


def _contradiction(a: str, b: str, room: Room) -> tuple[Small, Small]:
    return small(room, a), small(room, b)


def pictures(room: Room) -> list[dict[str, Any]]:
    """Every different picture of the report, for the list to join with: the keeper of each cluster, and what stands alone."""
    agenda, found, seen = room.agenda, [], set()
    keeper = {payload: cluster.keeper for cluster in agenda.report.clusters for payload in cluster.members}
    size = Counter(keeper.values())
    for image in agenda.report.images:
        payload = keeper.get(image.payload, image.payload)
        if image.picture is None or payload in seen:
            continue
        seen.add(payload)
        shown = small(room, payload)
        copies = wording.count(size[payload], "copy", "copies") if size[payload] > 1 else ""
        found.append({"payload": payload, "src": shown.src, "title": shown.alt, "where": shown.where, "copies": copies})
    return found


__all__ = ["Room", "bulk", "bundle", "environment", "href", "item", "overview", "pictures"]
