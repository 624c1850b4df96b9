"""archiver keeps the pictures of a post for good and says which of them are the same picture."""

from archiver.api import archive, archive_async, archive_many, dedup, dedup_async, read_post
from archiver.model import FetchSettings
from archiver.pipeline.settings import Settings
from archiver.version import __version__

__all__ = ["FetchSettings", "Settings", "__version__", "archive", "archive_async", "archive_many", "dedup", "dedup_async", "read_post"]
