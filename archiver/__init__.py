"""archiver keeps the pictures of a post for good and says which of them are the same picture."""

__version__ = "0.1.0"
