"""Decisions and clusters for other programs: JSON with both, CSV with one row for each pair anyone has spoken of."""

from __future__ import annotations

import csv
import json
from io import StringIO
from typing import Any

from archiver.model import Decision, Pair
from archiver.report.csv import safe
from archiver.review import ledger
from archiver.review.items import Agenda

EXPORT_VERSION = 1
COLUMNS = (
    "a_url",
    "b_url",
    "a_cluster",
    "b_cluster",
    "program",
    "relations",
    "score",
    "decision",
    "better",
    "note",
    "decided_at",
    "a_sha256",
    "b_sha256",
)


def as_json(agenda: Agenda) -> str:
    """`{"schema_version": 1, "clusters": [...], "decisions": [...]}`; pictures are named by payload and by their addresses."""
    clusters = [
        {
            "id": f"c{number}",
            "representative": agenda.places.url(cluster.keeper),
            "payloads": list(cluster.members),
            "members": [image.target.url for image in agenda.places.members(cluster)],
        }
        for number, cluster in enumerate(agenda.report.clusters, 1)
    ]
    decisions = [_decision(decision, agenda) for decision in ledger.current(agenda.decisions).values()]
    body = {"schema_version": EXPORT_VERSION, "clusters": clusters, "decisions": decisions}
    return json.dumps(body, ensure_ascii=False, indent=1) + "\n"


def _decision(decision: Decision, agenda: Agenda) -> dict[str, Any]:
    return {
        "a": agenda.places.url(decision.a) or None,
        "b": agenda.places.url(decision.b) or None,
        "verdict": decision.verdict,
        "note": decision.note,
        "at": decision.at.isoformat(),
        "a_sha256": decision.a,
        "b_sha256": decision.b,
    }


def as_csv(agenda: Agenda) -> str:
    """RFC 4180 with a header row; no cell can become a formula."""
    out = StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    words = ledger.current(agenda.decisions)
    spoken_of = sorted({*agenda.known_pairs, *((a, b) for a, b, _ in words)})
    for a, b in spoken_of:
        said, best = words.get((a, b, "sameness")), words.get((a, b, "best"))
        writer.writerow([safe(cell) for cell in _row(a, b, agenda, said, best)])
    return out.getvalue()


def _row(a: str, b: str, agenda: Agenda, said: Decision | None, best: Decision | None) -> list[object]:
    pair: Pair | None = agenda.known_pairs.get((a, b))
    last = max((d for d in (said, best) if d), key=lambda d: d.at, default=None)
    return [
        agenda.places.url(a),
        agenda.places.url(b),
        agenda.places.cluster_ids.get(a, ""),
        agenda.places.cluster_ids.get(b, ""),
        pair.verdict.value if pair else "",
        " ".join(relation.value for relation in pair.relations) if pair else "",
        f"{pair.score:.3f}" if pair else "",
        said.verdict if said else "",
        agenda.places.url(best.a) if best else "",
        " / ".join(dict.fromkeys(d.note for d in (said, best) if d and d.note)),
        last.at.isoformat() if last else "",
        a,
        b,
    ]
