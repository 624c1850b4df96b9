"""archiver keeps the pictures of a post for good and says which of them are the same picture."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from archiver.version import __version__

if TYPE_CHECKING:
    from archiver.api import archive, archive_async, archive_many, dedup, dedup_async, read_post
    from archiver.model import FetchSettings
    from archiver.pipeline.settings import Settings

__all__ = ["FetchSettings", "Settings", "__version__", "archive", "archive_async", "archive_many", "dedup", "dedup_async", "read_post"]

_ELSEWHERE = {"FetchSettings": "archiver.model", "Settings": "archiver.pipeline.settings"}


def __getattr__(name: str) -> Any:
    """What is asked for is imported then (PEP 562): every worker process passes here, and needs none of it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ELSEWHERE.get(name, "archiver.api")), name)


def __dir__() -> list[str]:
    return __all__
