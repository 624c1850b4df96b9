"""Where a post comes from: a file, standard input, or (through the client) a URL."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urlsplit

from archiver.errors import InputError
from archiver.pipeline.settings import Settings
from archiver.post.read import Document, read, slug

BYTES_MAX = 64 * 1024 * 1024


def slug_of(source: str) -> str:
    """A safe name for the folder and the files of a post."""
    return slug(source)


def is_url(source: str) -> bool:
    return urlsplit(source).scheme.lower() in ("http", "https")


def load(source: str) -> bytes:
    """The bytes of a post that is not a URL. Raises InputError."""
    if source == "-":
        return sys.stdin.buffer.read(BYTES_MAX + 1)
    try:
        with Path(source).open("rb") as file:
            return file.read(BYTES_MAX + 1)
    except IsADirectoryError as error:
        raise InputError(f"{source} is a folder; name the post in it") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"cannot read {source}: {reason[:1].lower() + reason[1:]}") from error


def parse(raw: bytes, source: str, settings: Settings, *, url: str = "", content_type: str = "") -> Document:
    """Read the document; links resolve against `--base-url`, else the page's own address. Raises InputError."""
    if len(raw) > BYTES_MAX:
        raise InputError(f"{source} is larger than {BYTES_MAX // 1024**2} MB; that is no post")
    return read(
        raw,
        source,
        page_url=settings.page_url or url,
        base_url=settings.base_url or url,
        content_type=content_type,
        srcset=settings.srcset,
        local_images=settings.local_images,
        folders=_folders(source) if settings.local_images else (),
    )


def _folders(source: str) -> tuple[str, ...]:
    """The absolute paths under which the folder of a post may be named; of standard input it is the working directory."""
    if is_url(source):
        return ()
    path = Path() / "post" if source == "-" else Path(source)
    return tuple(dict.fromkeys((path.absolute().parent.as_posix(), path.resolve().parent.as_posix())))
