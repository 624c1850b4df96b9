from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from archiver.pipeline import turns
from archiver.pipeline.workers import WorkerFailure, Workers, default_count

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(Path(__file__).parent))  # workers import tasks by name and are given our path
tasks = importlib.import_module("hostile_tasks")


def alive(process_id: int) -> bool:
    """Runs, and is no zombie that waits to be collected."""
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process_id}/stat")
    return not (state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] == "Z")


def wait_gone(process_id: int) -> bool:
    for _ in range(500):
        if not alive(process_id):
            return True
        time.sleep(0.02)
    return False


def test_results_come_back_in_their_own_futures() -> None:
    with Workers(2) as workers:
        futures = [workers.submit(tasks.add, number, 1) for number in range(40)]
        assert [future.result() for future in futures] == list(range(1, 41))


def test_large_arguments_and_results_cross_the_pipe() -> None:
    data = os.urandom(5_000_000)
    with Workers(1) as workers:
        assert workers.submit(tasks.echo_bytes, data).result() == data


def test_one_process_serves_many_tasks() -> None:
    with Workers(1) as workers:
        assert len({workers.submit(tasks.process_id).result() for _ in range(5)}) == 1


def test_no_process_is_started_without_a_task() -> None:
    with Workers(2) as workers:
        assert not workers._running


@pytest.mark.parametrize(
    ("task", "arguments", "kind", "words"),
    [
        (tasks.leave, (), "crash", "status 3"),
        (tasks.fault, (), "crash", "SIGSEGV"),
        (tasks.always_killed, (), "crash", "SIGKILL"),
        (tasks.loop, (), "timeout", "4 s"),
        (tasks.sleep, (1000.0,), "timeout", "4 s"),
        (tasks.hoard, (4 << 30,), "memory", "memory"),
    ],
)
def test_a_fatal_task_costs_that_task_only(task, arguments, kind: str, words: str) -> None:
    with Workers(1, task_timeout_s=4) as workers:
        before = workers.submit(tasks.add, 1, 1)
        fatal = workers.submit(task, *arguments)
        after = workers.submit(tasks.add, 2, 2)
        found = fatal.result()
        assert before.result() == 2
        assert isinstance(found, WorkerFailure)
        assert found.kind == kind
        assert words in found.detail
        assert after.result() == 4


def test_what_meets_no_strangers_bytes_may_take_more_than_what_does_and_shares_no_process_with_it() -> None:
    with Workers(1, memory_bytes=200 << 20) as workers:
        bounded = workers.submit(tasks.process_id).result()
        assert isinstance(workers.submit(tasks.hoard, 300 << 20).result(), WorkerFailure)
        assert workers.submit_unbounded(tasks.hoard, 300 << 20).result() == 300 << 20
        unbounded = workers.submit_unbounded(tasks.process_id).result()
        assert isinstance(workers.submit(tasks.hoard, 300 << 20).result(), WorkerFailure)
        assert len({bounded, unbounded, workers.submit(tasks.process_id).result()}) == 3


def test_a_busy_loop_ends_by_the_cpu_limit_even_without_the_parents_clock() -> None:
    code = "from archiver.pipeline.child import limit_cpu; limit_cpu(0)\nwhile True: pass"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGXCPU


def test_an_exception_of_a_task_reaches_its_owner_with_the_place_it_came_from() -> None:
    with Workers(1) as workers:
        error = workers.submit(tasks.fail, "no such thing").exception()
        assert isinstance(error, ValueError)
        assert str(error) == "no such thing"
        assert "hostile_tasks.py" in "".join(error.__notes__)
        assert workers.submit(tasks.add, 1, 2).result() == 3


def test_an_exception_that_cannot_travel_is_described() -> None:
    with Workers(1) as workers:
        error = workers.submit(tasks.fail_oddly).exception()
        assert isinstance(error, RuntimeError)
        assert "Unpicklable: ab" in str(error)


def test_a_process_that_dies_idle_is_replaced() -> None:
    with Workers(1) as workers:
        first = workers.submit(tasks.process_id).result()
        (process,) = workers._running
        process.kill()
        process.wait()
        second = workers.submit(tasks.process_id).result()
        assert isinstance(second, int)
        assert second != first


def test_a_vast_task_takes_its_process_with_it_and_leaves_nothing_behind() -> None:
    with Workers(1) as workers:
        small = workers.submit_unbounded(tasks.process_id).result()
        vast = workers.submit_vast(tasks.process_id).result()
        assert vast == small
        assert isinstance(vast, int)
        assert wait_gone(vast)
        assert not workers._running
        assert workers.submit_unbounded(tasks.add, 1, 1).result() == 2


@pytest.mark.parametrize("submit", ["submit", "submit_unbounded"])
def test_what_a_process_was_at_when_it_was_killed_from_outside_is_done_once_more(tmp_path: Path, submit: str) -> None:
    (first := tmp_path / "first").touch()
    with Workers(1) as workers:
        found = getattr(workers, submit)(tasks.killed, str(first)).result()
        assert isinstance(found, int)
        assert getattr(workers, submit)(tasks.process_id).result() == found


def test_terminate_ends_at_once_and_cancels_what_waits() -> None:
    workers = Workers(1)
    started = workers.submit(tasks.process_id).result()
    running = workers.submit(tasks.sleep, 1000.0)
    while not running.running():
        time.sleep(0.01)
    waiting = [workers.submit(tasks.add, 1, 1) for _ in range(20)]
    workers.terminate()
    assert isinstance(running.result(), WorkerFailure)
    for future in waiting:
        with pytest.raises(CancelledError):
            future.result()
    assert isinstance(started, int)
    assert not alive(started)
    with pytest.raises(RuntimeError):
        workers.submit(tasks.add, 1, 1)


def test_terminate_after_close_and_twice_is_harmless() -> None:
    workers = Workers(2)
    workers.submit(tasks.add, 1, 1).result()
    workers.close()
    workers.close()
    workers.terminate()
    workers.terminate()


def test_closing_leaves_no_process() -> None:
    with Workers(2) as workers:
        found = {workers.submit(tasks.process_id).result() for _ in range(6)}
    assert not any(alive(process_id) for process_id in found if isinstance(process_id, int))


def test_workers_leave_interrupts_to_the_parent_and_use_one_core_each() -> None:
    with Workers(1) as workers:
        assert workers.submit(tasks.interrupt_handling).result() is True
        assert workers.submit(tasks.thread_settings).result() == {"OPENBLAS_NUM_THREADS": "1", "OPENCV_FOR_THREADS_NUM": "1"}


def test_one_worker_at_a_time_is_inside_the_gate(tmp_path: Path) -> None:
    path = tmp_path / "inside"
    path.touch()
    with Workers(3) as workers:
        futures = [workers.submit(tasks.count_company, str(path)) for _ in range(12)]
        assert [future.result() for future in futures] == [0] * 12


def test_who_dies_inside_the_gate_leaves_it_open(tmp_path: Path) -> None:
    path = tmp_path / "inside"
    path.touch()
    with Workers(2) as workers:
        assert isinstance(workers.submit(tasks.leave_inside).result(), WorkerFailure)
        assert workers.submit(tasks.count_company, str(path)).result() == 0


def test_waiting_for_the_gate_is_no_time_of_the_task(tmp_path: Path) -> None:
    with Workers(3, task_timeout_s=3.0) as workers:
        futures = [workers.submit(tasks.sleep_inside, 1.2) for _ in range(4)]
        assert [future.result() for future in futures] == [None] * 4


def test_no_more_processes_hold_the_bytes_of_strangers_than_fit_into_memory() -> None:
    with Workers(8) as workers:
        futures = [workers.submit(tasks.process_id_after, 0.05) for _ in range(40)]
        assert len({future.result() for future in futures}) == turns.DECODERS_MAX
        assert len({workers.submit_unbounded(tasks.add, 1, 1).result() for _ in range(8)}) == 1


def test_outside_of_workers_the_gate_is_open(tmp_path: Path) -> None:
    path = tmp_path / "inside"
    path.touch()
    assert tasks.count_company(str(path)) == 0


def test_keyword_arguments_are_refused() -> None:
    with Workers(1) as workers, pytest.raises(TypeError):
        workers.submit(tasks.add, 1, right=2)


def test_at_least_one_worker_is_chosen() -> None:
    assert default_count() >= 1


PARENT = """
    import hostile_tasks as tasks
    from archiver.pipeline.workers import Workers, wait_for
    with Workers(1) as workers:
        print(wait_for(workers.submit(tasks.process_id)), flush=True)
        wait_for(workers.submit(tasks.{task}))
"""


def start_parent(task: str) -> tuple[subprocess.Popen[str], int]:
    code = textwrap.dedent(PARENT.format(task=task))
    path = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(__file__).parent)])}
    parent = subprocess.Popen([sys.executable, "-c", code], env=path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    return parent, int(parent.stdout.readline())


def test_a_killed_parent_takes_its_workers_along() -> None:
    parent, worker = start_parent("loop")
    parent.kill()
    parent.communicate()
    assert wait_gone(worker)


def test_an_interrupt_ends_parent_and_workers() -> None:
    parent, worker = start_parent("loop")
    parent.send_signal(signal.SIGINT)
    _, words = parent.communicate(timeout=20)
    assert "KeyboardInterrupt" in words
    assert wait_gone(worker)
