"""What a run would fetch, without the run: of a post on the web only the page itself is asked for, of a feed also the list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archiver.errors import ArchiverError, UsageError
from archiver.model import Link
from archiver.pipeline import assemble, document, feeds
from archiver.pipeline.archive import wanted
from archiver.pipeline.discretion import bare
from archiver.pipeline.many import posts_of
from archiver.pipeline.means import Means
from archiver.pipeline.settings import Settings
from archiver.post.read import Document


@dataclass(frozen=True, slots=True)
class Plan:
    """One post and its pictures."""

    source: str
    links: tuple[Link, ...] = ()
    """What would be fetched, and what the post carries or has beside it, in the order of their lines."""
    unsupported: tuple[Link, ...] = ()
    error: ArchiverError | None = None
    """What would end the run."""


def simulate(sources: Sequence[str], settings: Settings, means: Means, *, limit: int) -> Iterator[Plan]:
    """What `archive` would do with each post. What ends one of them stands in its Plan."""
    for source in sources:
        try:
            named = posts_of(source, limit, settings, means)
        except ArchiverError as error:
            yield Plan(bare(source), error=error)
            continue
        for post in named:
            try:
                found = _fetched(post, settings, means) if document.is_url(post) else _loaded(post, settings)
            except ArchiverError as error:
                yield Plan(bare(post), error=error)
            else:
                links = [link for target in wanted(found, settings) for link in target.links]
                yield _plan(bare(post), sorted(links, key=lambda link: link.line), found)


def listed(source: str, settings: Settings) -> Plan:
    """The pictures of a post that is at hand. Raises UsageError for a URL, InputError for what cannot be read."""
    if document.is_url(source):
        raise UsageError(f"{bare(source)} would have to be fetched first; `archiver archive --simulate` does that")
    found = _loaded(source, settings)
    return _plan(source, found.links, found)


def _loaded(source: str, settings: Settings) -> Document:
    return document.parse(document.load(source), source, settings)


def _fetched(url: str, settings: Settings, means: Means) -> Document:
    page = feeds.fetch(url, settings, means)
    return document.parse(page.raw, url, settings, url=page.url, content_type=page.content_type)


def _plan(source: str, links: Sequence[Link], found: Document) -> Plan:
    at_hand = [*(image.link for image in found.data_images), *(image.link for image in found.local_images)]
    return Plan(source, tuple(assemble.by_line(links, sorted(at_hand, key=lambda link: link.line))), found.unsupported)
