"""Tasks for worker processes that do what pictures of strangers may make a decoder do. Imported by name in the workers."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from archiver.model import Pair, Picture
from archiver.pipeline import gate, tasks
from archiver.pipeline.gate import alone


class Unpicklable(Exception):
    """Pickles, and fails to unpickle: its constructor wants more than an exception remembers."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one + two)


def add(left: int, right: int) -> int:
    return left + right


def process_id() -> int:
    return os.getpid()


def leave() -> None:
    os._exit(3)


def fault() -> None:
    ctypes.string_at(0)


def killed(first: str) -> int:
    """Is killed from outside, as by a system short of memory, until the file `first` is gone; gives the process that lived."""
    if Path(first).exists():
        Path(first).unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


def always_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def loop() -> None:
    while True:
        pass


def sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def hoard(size_bytes: int) -> int:
    return len(bytearray(size_bytes))


def fail(message: str) -> None:
    raise ValueError(message)


def fail_oddly() -> None:
    raise Unpicklable("a", "b")


def interrupt_handling() -> bool:
    return signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def thread_settings() -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in ("OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")}


def echo_bytes(data: bytes) -> bytes:
    return data


def count_company(path: str) -> int:
    """How many others were seen inside the gate; the file holds a line for each who is in."""
    with alone():
        with alone():
            pass
        file = Path(path)
        file.write_text(file.read_text() + "in\n")
        time.sleep(0.02)
        company = file.read_text().count("in\n") - 1
        file.write_text(file.read_text().replace("in\n", "", 1))
    return company


def leave_inside() -> None:
    with alone():
        os._exit(4)


def sleep_inside(seconds: float) -> None:
    with alone():
        time.sleep(seconds)


def process_id_after(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def say(said: bytes) -> None:
    """What a decoder that was taken over could do: answer in place of its process."""
    (parent,) = gate._parents
    parent.send_bytes(said)
    time.sleep(1000)


def beg() -> None:
    """Ask for room, and give it back, for ever."""
    while True:
        with alone():
            pass


def compare_until(payload: str, shelf: tasks.Shelf, pairs: Sequence[tuple[Picture, Picture]], strictness: str) -> list[Pair]:
    """Compares as ever; the process dies of pairs with `payload`, as of a fault in a library."""
    if any(payload in (a.payload, b.payload) for a, b in pairs):
        fault()
    return tasks.compare_pairs(shelf, pairs, strictness)


def compare_none(shelf: tasks.Shelf, pairs: Sequence[tuple[Picture, Picture]], strictness: str) -> None:
    """As where comparing itself is broken."""
    fault()
