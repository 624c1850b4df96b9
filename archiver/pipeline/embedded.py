"""Pictures of a post that no server gives: carried in it as `data:` URLs, lying beside it on disk, or out of reach.

The first two are archived as `resource` records below the page's own address; the last are listed with the reason.
"""

from __future__ import annotations

import hashlib
import mimetypes
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from urllib.parse import quote

from archiver.model import Captured, Link, Missed, Outcome, Reason, RecordRef, Target
from archiver.pipeline import folder
from archiver.pipeline.reopening import Held, wire
from archiver.post.read import Document

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
LOCAL_BYTES_MAX = 256 * 1024 * 1024

Store = Callable[[str, str, bytes], RecordRef]
"""(url, content type, payload) -> where it now stands in the archive."""


@dataclass(frozen=True, slots=True)
class _Refused:
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class _Carried:
    """One picture, and the address it gets in the archive."""

    target: Target
    content_type: str
    load: Callable[[], bytes | _Refused]


def outcomes(found: Document, held: Held, at: datetime, store: Store | None) -> Iterator[Outcome]:
    """What became of each: from the archive where it holds it, else stored now; without `store` only what the archive holds."""
    taken: set[str] = set()
    for item in _carried(found):
        if item.target.url not in taken:
            taken.add(item.target.url)
            yield from _outcome(item, held, at, store)
    for link in found.unsupported:
        if link.url not in taken:
            taken.add(link.url)
            yield _out_of_reach(link, at)


def _outcome(item: _Carried, held: Held, at: datetime, store: Store | None) -> Iterator[Outcome]:
    known = held.responses.get(wire(item.target.url))
    if known is not None:
        yield Captured(item.target, (), known.at or at, known.payload_sha256, known.size_bytes, known.ref, known.payload_ref, 0)
        return
    payload = item.load() if store is not None else _Refused(Reason.NETWORK_ERROR, "it is not in the archive")
    if store is None or isinstance(payload, _Refused):
        assert isinstance(payload, _Refused)
        yield Missed(item.target, (), at, payload.reason, payload.detail, 0)
        return
    ref = store(item.target.url, item.content_type, payload)
    yield Captured(item.target, (), at, hashlib.sha256(payload).hexdigest(), len(payload), ref, ref, 0)


def _out_of_reach(link: Link, at: datetime) -> Missed:
    scheme = link.url.partition(":")[0].lower() if _SCHEME.match(link.url) else ""
    why = f"{scheme}: cannot be fetched" if scheme else "a relative address without a base; --base-url or --local-images may help"
    return Missed(Target(link.url, (link,)), (), at, Reason.UNSUPPORTED, why, 0)


def _carried(found: Document) -> Iterator[_Carried]:
    page = found.post.url
    for image in found.data_images:
        digest = hashlib.sha256(image.payload).hexdigest()[:16]
        url = folder.below(page, f"data/{digest}{mimetypes.guess_extension(image.content_type) or ''}")
        yield _Carried(Target(url, (replace(image.link, url=url),)), image.content_type, partial(bytes, image.payload))
    beside = Path(found.post.source).resolve().parent
    for local in found.local_images:
        url = folder.below(page, quote(local.path))
        kind = mimetypes.guess_type(local.path)[0] or "application/octet-stream"
        yield _Carried(Target(url, (replace(local.link, url=url),)), kind, partial(_read_beside, beside, local.path))


def _read_beside(beside: Path, name: str) -> bytes | _Refused:
    """Read a picture beside the post; a symbolic link must not lead out of the post's folder."""
    try:
        path = (beside / name).resolve(strict=True)
        if not path.is_relative_to(beside) or not path.is_file():
            return _Refused(Reason.BLOCKED, "it does not lie below the folder of the post")
        if path.stat().st_size > LOCAL_BYTES_MAX:
            return _Refused(Reason.TOO_LARGE, f"larger than {LOCAL_BYTES_MAX // 1024**2} MB")
        return path.read_bytes()
    except OSError as error:
        return _Refused(Reason.NETWORK_ERROR, f"cannot be read: {error.strerror or error}")
