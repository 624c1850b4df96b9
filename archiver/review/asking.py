"""What the page asks for, as JSON -> acts. Nothing that comes from outside is taken for more than it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from archiver.model import Decision
from archiver.report.wording import count
from archiver.review.acts import Accept, Act, Apart, Best, Forget, Move, Part, Same, Scatter
from archiver.review.items import Agenda, Item
from archiver.review.ledger import About, Key

NOTE_CHARS_MAX = 2000


class Unclear(Exception):
    """The question makes no sense in this folder."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One act as asked for by one window."""

    act: Act | None
    """None: only the note is new."""
    item: Item | None
    note: str
    seen: str
    """The state of the item's decisions that the window has shown; empty where it does not matter."""
    said: str
    """What was done, in words for the person who did it."""


def read(body: Any, agenda: Agenda) -> Asked:
    """Raises Unclear."""
    if not isinstance(body, dict):
        raise Unclear("not an object")
    name, note = _text(body, "act"), _text(body, "note")[:NOTE_CHARS_MAX]
    if name == "accept":
        accept = _accept(body, agenda)
        return Asked(accept, None, note, "", f"Accepted: {count(len(accept.pairs), 'pair')}")
    item = agenda.item(_text(body, "item"))
    if item is None:
        raise Unclear("no such item")
    if name == "note":
        return Asked(None, item, note, _text(body, "seen"), "The note is saved")
    act, said = _act(name, body, agenda, item)
    return Asked(act, item, note, _text(body, "seen"), said)


def _act(name: str, body: Mapping[str, Any], agenda: Agenda, item: Item) -> tuple[Act, str]:
    chosen = _members(body, item)
    rest = tuple(payload for payload in item.members if payload not in chosen)
    copies = count(len(chosen or item.members), "copy", "copies")
    if name == "same" and len(chosen) != 1:
        return Same(chosen or item.members), f"{copies} are the same picture"
    if name in ("different", "related"):
        return _apart(name, body, chosen, rest, item)
    if name == "best" and len(chosen) == 1:
        elsewhere = tuple(payload for payload in agenda.standing.joined(item.members) if agenda.places.images(payload))
        return Best(chosen[0], (*rest, *elsewhere)), "This one is kept as the best copy"
    if name == "merge":
        return Same(((chosen or item.members)[0], _known(body, agenda, item))), "Joined: all of it is one picture"
    if name == "move" and len(chosen) == 1:
        return Move(chosen[0], rest, _known(body, agenda, item)), "Moved over to the other picture"
    if name == "forget":
        return Forget(chosen or item.members), "Nothing is decided here any more"
    raise Unclear(f"no such act: {name}")


def _apart(name: str, body: Mapping[str, Any], chosen: tuple[str, ...], rest: tuple[str, ...], item: Item) -> tuple[Act, str]:
    word: Apart = "related" if name == "related" else "different"
    series = ", but of one series" if word == "related" else ""
    if body.get("scope") == "pair" and len(chosen) == 2:
        return Scatter(chosen, word), f"These two are not the same{series}"
    if not chosen or not rest:
        return Scatter(item.members, word), f"No two of these are the same picture{series}"
    together = body.get("together") is True and len(chosen) > 1
    said = f"Split off: {count(len(chosen), 'copy', 'copies')}" if together else f"Taken out: {count(len(chosen), 'copy', 'copies')}"
    return Part(chosen, rest, word, together), f"{said}{series}"


def _accept(body: Mapping[str, Any], agenda: Agenda) -> Accept:
    rows = body.get("pairs")
    if not isinstance(rows, list) or not rows:
        raise Unclear("no pairs")
    found = []
    for row in rows:
        pair = agenda.known_pairs.get((str(row[0]), str(row[1]))) if isinstance(row, list) and len(row) == 2 else None
        if pair is None:
            raise Unclear("the report knows no such pair")
        if not agenda.standing.says(pair.a, pair.b):
            found.append(pair)
    return Accept(tuple(found))


def _members(body: Mapping[str, Any], item: Item) -> tuple[str, ...]:
    wanted = body.get("members") or []
    if not isinstance(wanted, list) or not all(isinstance(one, str) and one in item.members for one in wanted):
        raise Unclear("not a copy of this item")
    return tuple(payload for payload in item.members if payload in wanted)


def _known(body: Mapping[str, Any], agenda: Agenda, item: Item) -> str:
    payload = _text(body, "to")
    if not agenda.places.images(payload) or payload in item.members:
        raise Unclear("no such picture to join with")
    return payload


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise Unclear(f"{name} is not text")
    return value


# --- undo and redo ---------------------------------------------------------------------------------------------------


def rows(words: Mapping[Key, Decision | None]) -> list[dict[str, Any]]:
    """Words as JSON, for the window that may want them back."""
    return [{"a": a, "b": b, "about": about, "word": _row(decision)} for (a, b, about), decision in words.items()]


def _row(decision: Decision | None) -> dict[str, str] | None:
    if decision is None:
        return None
    return {"a": decision.a, "b": decision.b, "verdict": decision.verdict, "note": decision.note, "at": decision.at.isoformat()}


def words(value: Any) -> dict[Key, Decision | None]:
    """The inverse of `rows`. Raises Unclear."""
    try:
        found: dict[Key, Decision | None] = {}
        for row in value:
            about: About = "best" if row["about"] == "best" else "sameness"
            found[str(row["a"]), str(row["b"]), about] = _decision(row["word"])
        return found
    except (KeyError, TypeError, ValueError) as error:
        raise Unclear("not the words of a decision") from error


def _decision(row: Mapping[str, Any] | None) -> Decision | None:
    if row is None:
        return None
    if row["verdict"] not in ("same", "different", "related", "better"):
        raise ValueError(row["verdict"])
    note = str(row["note"])[:NOTE_CHARS_MAX]
    return Decision(str(row["a"]), str(row["b"]), row["verdict"], note, datetime.fromisoformat(row["at"]))
