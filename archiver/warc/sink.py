"""The file under a writer: what is flushed is with the system, what failed is cut off again."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable
from pathlib import Path

_WRITE_BYTES = 1024 * 1024


class Sink:
    """An append-only file without hidden buffers: after `flush` the bytes are with the system, after a failure they are not kept."""

    def __init__(self, path: Path, size_bytes: int | None) -> None:
        """`size_bytes` None makes a new file, else the file is cut to that size and continued."""
        self.path = path
        flags = os.O_WRONLY | os.O_APPEND | (os.O_CREAT | os.O_EXCL if size_bytes is None else 0)
        self._fd = os.open(path, flags, 0o644)
        self._held = bytearray()
        self.offset = size_bytes or 0
        if size_bytes is not None:
            os.ftruncate(self._fd, size_bytes)

    def write(self, data: bytes) -> None:
        self.offset += len(data)
        if len(data) < _WRITE_BYTES // 2:
            self._held += data
            data = b""
        if data or len(self._held) >= _WRITE_BYTES:
            self.flush()
            self._write_all(data)

    def flush(self) -> None:
        held, self._held = self._held, bytearray()
        self._write_all(held)

    def _write_all(self, data: bytes | bytearray) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]

    def settle(self) -> Callable[[], None]:
        """What brings all that is flushed by now to the disk. It takes its time, and may take it in a thread while more is written."""
        own = os.dup(self._fd)

        def bring() -> None:
            try:
                os.fdatasync(own)
            finally:
                os.close(own)

        return bring

    def cut(self, offset: int) -> None:
        self._held.clear()
        self.offset = offset
        with contextlib.suppress(OSError):
            os.ftruncate(self._fd, offset)

    def close(self, final: Path) -> None:
        """Brings everything to the disk, then gives the file its final name. May be called again when that could not be had."""
        if self._fd >= 0:
            self.flush()
            os.fsync(self._fd)
            self.abandon()
        if final.exists():
            raise FileExistsError(errno.EEXIST, "a complete file of that name exists")
        self.path.rename(final)
        with contextlib.suppress(OSError):  # not every file system can sync a folder
            folder = os.open(final.parent, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)

    def abandon(self) -> None:
        """Lets go of the file as it is."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def discard(self) -> None:
        self.abandon()
        with contextlib.suppress(OSError):
            self.path.unlink()
