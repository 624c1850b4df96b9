"""The Python interface: the same runs as on the command line, as functions.

>>> import archiver
>>> post = archiver.read_post(b"![a chair](https://example.org/chair.jpg) A chair", "post.md")
>>> [(link.url, link.alt, link.caption) for link in post.links]
[('https://example.org/chair.jpg', 'a chair', 'A chair')]

What the options of the command line say is said in `Settings`, and of the network in its `fetch`:

>>> polite = archiver.FetchSettings(per_host=1, delay_s=2.0, headers=(("Accept-Language", "de"),))
>>> settings = archiver.Settings(fetch=polite, base_url="https://example.org/blog/", local_images=True, strictness="strict")
>>> settings.fetch.retries, settings.wacz
(2, True)
>>> archiver.Settings(strictness="sure")
Traceback (most recent call last):
archiver.errors.UsageError: strictness is one of lax, normal, strict; 'sure' is none

Every function raises `archiver.errors.ArchiverError` for what the command line ends in one sentence. Nothing heavy is imported
before a function is called.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from archiver.model import Event, Report
from archiver.pipeline.settings import Settings

if TYPE_CHECKING:
    from archiver.pipeline.means import Means
    from archiver.pipeline.runs import Run
    from archiver.post.read import Document

T = TypeVar("T")
OnEvent = Callable[[Event], None]


def read_post(
    raw: bytes,
    source: str,
    *,
    page_url: str = "",
    base_url: str = "",
    content_type: str = "",
    srcset: Literal["all", "largest"] = "largest",
    local_images: bool = False,
) -> Document:
    """Read a Markdown or HTML document; `source` is its name, whose ending tells the kind. Fetches nothing and opens no file.

    >>> post = read_post(b"<img src=s.jpg srcset='m.jpg 2x, l.jpg 3x'>", "a.html", base_url="https://example.org/", srcset="all")
    >>> [link.url for link in post.links]
    ['https://example.org/s.jpg', 'https://example.org/m.jpg', 'https://example.org/l.jpg']
    """
    from archiver.post.read import read

    return read(raw, source, page_url=page_url, base_url=base_url, content_type=content_type, srcset=srcset, local_images=local_images)


def archive(source: str, folder: str | Path, *, settings: Settings | None = None, on_event: OnEvent | None = None) -> Report:
    """Archive the pictures of a post (a file's path or an http(s) URL) into `folder`, as `archiver archive` does."""
    return _archive(source, Path(folder), settings or Settings(), _means(on_event))


async def archive_async(source: str, folder: str | Path, *, settings: Settings | None = None, on_event: OnEvent | None = None) -> Report:
    """As `archive`, for a program with an event loop of its own; the run has a thread to itself, and `on_event` is called there.

    Cancelling it ends the run and waits until it has let go of the folder: the WARC is whole, and the next run goes on with it.
    """
    means = _means(on_event)
    return await _in_thread(partial(_archive, source, Path(folder), settings or Settings(), means), means)


def archive_many(
    sources: Sequence[str],
    folder: str | Path,
    *,
    settings: Settings | None = None,
    limit: int = 20,
    jobs: int = 1,
    on_event: OnEvent | None = None,
) -> list[Run]:
    """Archive several posts into a folder each below `folder`, with an overview over all, `jobs` of them at a time. A feed or sitemap
    stands for the first `limit` posts it lists. What ended one of them is the `error` of its Run.
    """
    from archiver.pipeline import many

    return many.archive(sources, Path(folder), settings or Settings(), on_event or _silent, limit=limit, jobs=jobs)


def dedup(paths: Sequence[str | Path], folder: str | Path, *, settings: Settings | None = None, on_event: OnEvent | None = None) -> Report:
    """Find the same pictures in WARC or WACZ files or folders of pictures and write the report into `folder`. No network."""
    return _dedup([Path(path) for path in paths], Path(folder), settings or Settings(), _means(on_event))


async def dedup_async(
    paths: Sequence[str | Path], folder: str | Path, *, settings: Settings | None = None, on_event: OnEvent | None = None
) -> Report:
    """As `dedup`, for a program with an event loop of its own; it can be cancelled like `archive_async`."""
    means = _means(on_event)
    return await _in_thread(partial(_dedup, [Path(path) for path in paths], Path(folder), settings or Settings(), means), means)


def _archive(source: str, folder: Path, settings: Settings, means: Means) -> Report:
    from archiver.pipeline.archive import archive as run

    report = run(source, folder, settings, means).report
    assert report is not None
    return report


def _dedup(paths: list[Path], folder: Path, settings: Settings, means: Means) -> Report:
    from archiver.pipeline.dedup import dedup as run

    report = run(paths, folder, settings, means).report
    assert report is not None
    return report


async def _in_thread(run: Callable[[], T], means: Means) -> T:
    """Have the run done by a thread; when the caller is cancelled the run is ended first."""
    done = asyncio.get_running_loop().run_in_executor(None, partial(_caught, run))
    try:
        result = await asyncio.shield(done)
    except asyncio.CancelledError:
        means.stop.ask()
        while not done.done():  # a second cancel must not leave the run alone in its thread
            with suppress(asyncio.CancelledError, Exception):
                await asyncio.shield(done)
        raise
    if isinstance(result, _Ended):
        raise asyncio.CancelledError
    return result


class _Ended:
    """The run was asked to end."""


def _caught(run: Callable[[], T]) -> T | _Ended:
    """KeyboardInterrupt in a thread's result would end the whole program."""
    try:
        return run()
    except KeyboardInterrupt:
        return _Ended()


def _means(on_event: OnEvent | None) -> Means:
    from archiver.pipeline.means import Means

    return Means(on_event or _silent)


def _silent(event: Event) -> None:
    """Tells nobody."""
