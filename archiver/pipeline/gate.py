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


_inside: list[bool] = []
"""One entry for each `alone` that this process is in: the inner ones of a nest change nothing."""


@contextmanager
def alone() -> Iterator[None]:
    """While inside, no other worker of the same `Workers` is inside. Outside of workers it is open to all."""
    descriptor = os.environ.get(VARIABLE)
    if descriptor is None or _inside:
        yield
        return
    fcntl.lockf(int(descriptor), fcntl.LOCK_EX)
    _inside.append(True)
    try:
        yield
    finally:
        _inside.pop()
        fcntl.lockf(int(descriptor), fcntl.LOCK_UN)
