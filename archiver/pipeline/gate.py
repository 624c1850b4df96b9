"""How a task in a worker process says that it is about to hold something large, and waits for its turn.

The main process shares the memory out (`turns.py`): a worker asks over the connection on which its tasks come and answers go.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

LARGE, SMALL = "large", "small"
"""What is said: wait for room for something large; it is gone."""

_parents: list[Connection] = []
_inside: list[bool] = []
"""One entry for each `alone` that this process is in: the inner ones of a nest change nothing."""


def answer_to(parent: Connection) -> None:
    """This process is a worker, and that its parent."""
    _parents[:] = [parent]


@contextmanager
def alone() -> Iterator[None]:
    """While inside, no other worker of this run is inside. Outside of workers it is open to all."""
    if not _parents or _inside:
        yield
        return
    (parent,) = _parents
    parent.send_bytes(pickle.dumps((LARGE, None)))
    parent.recv_bytes()
    _inside.append(True)
    try:
        yield
    finally:
        _inside.pop()
        parent.send_bytes(pickle.dumps((SMALL, None)))
