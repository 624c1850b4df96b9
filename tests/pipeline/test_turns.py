"""Whose turn it is: memory that is shared out, tasks in line. Threads, as in a run."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from archiver.pipeline import turns
from archiver.pipeline.turns import Line, Memory


def test_the_numbers_add_up() -> None:
    """Every process idle, and a large picture in one of them."""
    together = turns.MAIN_BYTES + turns.DECODERS_MAX * turns.IDLE_BYTES + turns.LARGE_BYTES
    assert turns.DECODERS_MAX >= 2
    assert together <= turns.ALL_BYTES
    assert turns.MAIN_BYTES + turns.DECODERS_MAX * (turns.IDLE_BYTES + turns.ORDINARY_BYTES) <= turns.ALL_BYTES


def test_no_more_is_taken_than_there_is() -> None:
    memory, lock = Memory(100), threading.Lock()
    held, most = [0], [0]

    def work(size: int) -> None:
        memory.take(size)
        with lock:
            held[0] += size
            most[0] = max(most[0], held[0])
        with lock:
            held[0] -= size
        memory.give(size)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, [30, 70, 10, 45, 100, 1] * 50))
    assert 0 < most[0] <= 100


def test_who_asked_first_gets_it_first_however_much_it_is() -> None:
    memory, order = Memory(100), list[str]()
    memory.take(60)
    large = threading.Thread(target=lambda: (memory.take(90), order.append("large"), memory.give(90)))
    large.start()
    while not memory._line:
        pass
    small = threading.Thread(target=lambda: (memory.take(10), order.append("small"), memory.give(10)))
    small.start()
    while len(memory._line) < 2:
        pass
    memory.give(60)
    large.join(10)
    small.join(10)
    assert order == ["large", "small"]


def test_what_is_more_than_there_is_gets_its_turn_alone() -> None:
    memory = Memory(100)
    memory.grow(-90)
    memory.take(50)
    done = threading.Event()
    threading.Thread(target=lambda: (memory.take(50), done.set())).start()
    assert not done.wait(0.05)
    memory.give(50)
    assert done.wait(10)


def test_tasks_under_limits_are_for_some_threads_only() -> None:
    line = Line[str]()
    for number in range(3):
        line.put(f"limited {number}", limited=True)
    line.put("free", limited=False)
    line.close()
    assert line.take(limited=False) == "free"
    assert line.take(limited=False) is None
    assert [line.take(limited=True) for _ in range(4)] == ["limited 0", "limited 1", "limited 2", None]


def test_what_waits_can_be_dropped() -> None:
    line = Line[int]()
    line.put(1, limited=True)
    line.put(2, limited=False)
    assert line.drop() == [1, 2]
    line.close()
    assert line.take(limited=True) is None
