"""The Python interface: the same runs as on the command line, as functions.

>>> import archiver
>>> post = archiver.read_post(b"![a chair](https://example.org/chair.jpg) A chair", "post.md")
>>> [(link.url, link.alt, link.caption) for link in post.links]
[('https://example.org/chair.jpg', 'a chair', 'A chair')]

Every function raises `archiver.errors.ArchiverError` for what the command line ends in one sentence. Nothing heavy is imported
before a function is called.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.model import Event, FetchSettings, Report

if TYPE_CHECKING:
    from archiver.pipeline.settings import Settings
    from archiver.post.read import Document

OnEvent = Callable[[Event], None]


def read_post(raw: bytes, source: str, *, base_url: str = "") -> Document:
    """Read a Markdown or HTML document; `source` is its name, whose ending tells the kind. Fetches nothing."""
    from archiver.post.read import read

    return read(raw, source, base_url=base_url)


def archive(source: str, folder: str | Path, *, fetch: FetchSettings | None = None, on_event: OnEvent | None = None) -> Report:
    """Archive the pictures of a post (a file's path or an http(s) URL) into `folder`, as `archiver archive` does."""
    from archiver.pipeline.archive import archive as run
    from archiver.pipeline.means import Means

    report = run(source, Path(folder), _settings(fetch), Means(on_event or _silent)).report
    assert report is not None
    return report


async def archive_async(source: str, folder: str | Path, *, fetch: FetchSettings | None = None, on_event: OnEvent | None = None) -> Report:
    """As `archive`, for a program with an event loop of its own; the run has a thread to itself."""
    return await asyncio.to_thread(archive, source, folder, fetch=fetch, on_event=on_event)


def dedup(paths: Sequence[str | Path], folder: str | Path, *, strictness: str = "normal", on_event: OnEvent | None = None) -> Report:
    """Find the same pictures in WARC or WACZ files or folders of pictures and write the report into `folder`. No network."""
    from archiver.pipeline.means import Means
    from archiver.pipeline.rejudge import dedup as run

    settings = _settings(None, strictness)
    report = run([Path(path) for path in paths], Path(folder), settings, Means(on_event or _silent)).report
    assert report is not None
    return report


async def dedup_async(
    paths: Sequence[str | Path], folder: str | Path, *, strictness: str = "normal", on_event: OnEvent | None = None
) -> Report:
    """As `dedup`, for a program with an event loop of its own."""
    return await asyncio.to_thread(dedup, paths, folder, strictness=strictness, on_event=on_event)


def _settings(fetch: FetchSettings | None, strictness: str = "normal") -> Settings:
    from archiver.pipeline.settings import Settings

    return Settings(fetch=fetch or FetchSettings(), strictness=strictness)


def _silent(event: Event) -> None:
    """Tells nobody."""
