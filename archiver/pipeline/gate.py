"""One worker at a time: the memory of several workers together is that of one large task and the small rest.

`Workers` opens a nameless file and hands its descriptor to every process it starts. A record lock on it belongs to a process and is
let go of by the kernel however that process ends (POSIX fcntl).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

VARIABLE = "ARCHIVER_GATE"
"""Environment variable of a worker that holds the descriptor."""


@contextmanager
def alone() -> Iterator[None]:
    """While inside, no other worker of the same `Workers` is inside. Outside of workers it is open to all."""
    descriptor = os.environ.get(VARIABLE)
    if descriptor is None:
        yield
        return
    fcntl.lockf(int(descriptor), fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.lockf(int(descriptor), fcntl.LOCK_UN)
