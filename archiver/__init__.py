"""archiver keeps the pictures of a post for good and says which of them are the same picture."""

from archiver.api import archive, archive_async, dedup, dedup_async, read_post
from archiver.version import __version__

__all__ = ["__version__", "archive", "archive_async", "dedup", "dedup_async", "read_post"]
