"""Tasks in processes of their own, where a crash, a hang or a flood of memory costs that one task.

Every worker is a process that serves one task at a time and a thread here that feeds it and watches the clock. A process that
dies, that had to be ended, or that lives under other limits than the next task asks for, is replaced at that task. What a process
was at when it was killed from outside is done once more. No process is started before there is something to do.

Processes are started afresh (not forked: the parent has threads). Measured with the modules a task needs: 0.21 s CPU and 52 MB each;
a fork server would save 0.15 s with two workers and cost a third process of 52 MB.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from types import TracebackType
from typing import Any, Literal, ParamSpec, Self, TypeVar

from archiver.pipeline import answers, gate, turns

P = ParamSpec("P")
T = TypeVar("T")

TASK_TIMEOUT_S = 30.0
MEMORY_BYTES = 320 * 2**20
"""Private memory of one process. Its modules take 71 MB of it, the largest picture that is decoded up to 190."""
ANSWER_BYTES_MAX = 64 * 2**20
"""A measured picture, with features and previews, is well below a megabyte."""
WORDS_MAX = 100
"""Of one task, before its answer: a picture asks for room once or twice."""
WORKERS_MAX = 4
"""Chosen by default at most."""
WAIT_S = 0.5
"""Between two looks for signals."""
FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM)
"""How a process ends that the system (short of memory) or a person ended; a decoder crashes with other signals."""

_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "OPENCV_FOR_THREADS_NUM": "1",
    "MALLOC_MMAP_THRESHOLD_": str(4 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(4 * 2**20),
}
"""One task, one core: the number of workers decides how much of the machine is used. And what a large picture took goes back to the system
at once instead of staying with the process, while what every step takes anew stays (glibc; measured: 36 MB less with two workers; and for
100 pictures 0.5 s in the kernel instead of 0.8 where the heap was cut down after each step)."""


@dataclass(frozen=True, slots=True)
class WorkerFailure:
    """A task that its process did not survive."""

    kind: Literal["crash", "timeout", "memory"]
    detail: str


@dataclass(frozen=True, slots=True)
class _Limits:
    """What a process may take."""

    task_s: float
    memory_bytes: int
    """0: no cap."""


_UNBOUNDED = _Limits(24 * 3600.0, 0)
"""A day: a task that hangs ends some time. Comparing takes memory by the number of pictures, so no fixed cap fits."""


def wait_for(future: Future[T]) -> T:
    """Its result, or what it raised. Waits a moment at a time: a Ctrl-C that comes just as a wait begins is heard when the wait ends."""
    while True:
        try:
            return future.result(timeout=WAIT_S)
        except TimeoutError:
            if future.done():  # it was the task that ran into a timeout of its own, or just ended
                return future.result()


class _Lost(Exception):
    """The process is gone; never leaves this module."""


class _Killed(_Lost):
    """It was ended from outside, by the system or by somebody: what it worked on is not to blame."""


def default_count() -> int:
    """Workers for this machine: one for each core we may use, WORKERS_MAX at most."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(usable, WORKERS_MAX))


@dataclass(frozen=True, slots=True)
class _Task:
    """One call in line, and under what it runs."""

    future: Future[Any]
    call: bytes
    limits: _Limits
    last: bool
    """Its process ends with it."""


class Workers:
    """A fixed number of worker processes.

    Functions must be importable by name (module level), arguments picklable, and results what `answers` lets through. Leaving a `with`
    block waits for what was submitted; leaving it by an exception (Ctrl-C too) ends every process at once.
    """

    def __init__(self, count: int = 0, *, task_timeout_s: float = TASK_TIMEOUT_S, memory_bytes: int = MEMORY_BYTES) -> None:
        """`count` 0 chooses by the machine; `memory_bytes` caps each process, 0 for no cap."""
        self.count = count or default_count()
        self._limits = _Limits(task_timeout_s, memory_bytes)
        self._tasks: turns.Line[_Task] = turns.Line()
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = False
        self._ending = False
        self._threads = [threading.Thread(target=self._serve, args=(n,), name=f"worker-{n}", daemon=True) for n in range(self.count)]
        for thread in self._threads:
            thread.start()

    def submit(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T | WorkerFailure]:
        """Queue one call, under limits. The future yields its result, raises what it raised, or yields a WorkerFailure.

        Raises RuntimeError after `close` or `terminate`.
        """
        if kwargs:
            raise TypeError("tasks take positional arguments")
        return self._queue(self._limits, function, args)

    def submit_unbounded(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T | WorkerFailure]:
        """The same without limits, for a task that meets no stranger's bytes. It never shares a process with one that does."""
        if kwargs:
            raise TypeError("tasks take positional arguments")
        return self._queue(_UNBOUNDED, function, args)

    def submit_vast(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T | WorkerFailure]:
        """The same for a task that takes much memory: its process ends with it, so that the system has all of that back."""
        if kwargs:
            raise TypeError("tasks take positional arguments")
        return self._queue(_UNBOUNDED, function, args, last=True)

    def _queue(
        self, limits: _Limits, function: Callable[..., T], args: tuple[Any, ...], *, last: bool = False
    ) -> Future[T | WorkerFailure]:
        call = pickle.dumps((function, args), pickle.HIGHEST_PROTOCOL)
        future: Future[T | WorkerFailure] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("the workers are closed")
            self._tasks.put(_Task(future, call, limits, last), limited=limits is not _UNBOUNDED)
        return future

    def close(self) -> None:
        """Wait for everything submitted, then end the processes."""
        self._refuse_more()

    def terminate(self) -> None:
        """End every process now; what is queued is cancelled, what was running yields a WorkerFailure."""
        with self._lock:
            self._ending = True
            for process in self._running:
                process.kill()
        for task in self._tasks.drop():
            task.future.cancel()
        self._refuse_more()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.terminate()

    def _refuse_more(self) -> None:
        with self._lock:
            self._closed = True
        self._tasks.close()
        for thread in self._threads:
            thread.join()

    def _serve(self, number: int) -> None:
        """The life of one thread: its process lives within it."""
        child: _Child | None = None
        while (task := self._tasks.take(limited=number < turns.DECODERS_MAX)) is not None:
            future = task.future
            if self._ending:
                future.cancel()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                child = self._ready(child, task.limits)
                try:
                    answer = child.ask(task.call)
                except _Killed:
                    child = self._ready(child, task.limits)
                    answer = child.ask(task.call)
            except _Lost as lost:
                self._end(child)
                child = None
                future.set_result(lost.args[0])
            except Exception as error:  # no process can be started: the task's owner must hear it
                self._end(child)
                child = None
                future.set_exception(error)
            else:
                if task.last:
                    self._end(child)
                    child = None
                _settle(future, answer)
        self._end(child)

    def _ready(self, child: _Child | None, limits: _Limits) -> _Child:
        """The thread's process, a new one when there is none, it died while it was idle, or its limits are others."""
        if child is not None and child.limits == limits and child.process.poll() is None:
            return child
        self._end(child)
        with self._lock:
            if self._ending:
                raise _Lost(WorkerFailure("crash", "the run was ended"))
            child = _Child(limits)
            self._running.add(child.process)
        return child

    def _end(self, child: _Child | None) -> None:
        if child is not None:
            child.end()
            with self._lock:
                self._running.discard(child.process)


def _settle(future: Future[Any], answer: answers.Answer) -> None:
    match answer:
        case ("ok", result):
            future.set_result(result)
        case ("memory", str(detail)):
            future.set_result(WorkerFailure("memory", detail))
        case ("error", found):
            future.set_exception(answers.exception(found))
        case _:
            raise AssertionError(f"a worker answered {answer[0]!r}")


class _Child:
    """One worker process, seen from here."""

    def __init__(self, limits: _Limits) -> None:
        ours, theirs = Pipe()
        self.limits = limits
        self._share = turns.Memory(0) if limits is _UNBOUNDED else turns.SHARED
        self._connection: Connection = ours
        arguments = [str(theirs.fileno()), str(int(limits.task_s) + 1), str(limits.memory_bytes)]
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "archiver.pipeline.child", *arguments],
                stdin=subprocess.PIPE,  # the life line: never written to
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # decoders chat there
                env={**os.environ, **_ENVIRONMENT, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
                pass_fds=[theirs.fileno()],
                process_group=0,  # Ctrl-C in the terminal is for the parent to act on
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._share.grow(-turns.IDLE_BYTES)

    def ask(self, call: bytes) -> answers.Answer:
        """Send one call and wait for its Answer. Raises _Lost with a WorkerFailure when there will be none."""
        held = turns.ORDINARY_BYTES
        self._share.take(held)
        try:
            self._connection.send_bytes(call)
            for _ in range(WORDS_MAX):
                answer = self._hear()
                if answer[0] not in (gate.LARGE, gate.SMALL):
                    return answer
                self._share.give(held)
                held = turns.LARGE_BYTES if answer[0] == gate.LARGE else turns.ORDINARY_BYTES
                self._share.take(held)
                if answer[0] == gate.LARGE:
                    self._connection.send_bytes(b"")
            raise _Lost(WorkerFailure("timeout", "it asked for room without end"))
        except (EOFError, OSError):
            failure, status = self._post_mortem()
            raise (_Killed if status in FROM_OUTSIDE else _Lost)(failure) from None
        finally:
            self._share.give(held)

    def _hear(self) -> answers.Answer:
        """The next word of the process; the time it waited for its turn does not count."""
        if not self._connection.poll(self.limits.task_s):
            raise _Lost(WorkerFailure("timeout", f"no answer within {self.limits.task_s:g} s"))
        try:
            return answers.unpack(self._connection.recv_bytes(None if self.limits is _UNBOUNDED else ANSWER_BYTES_MAX))
        except answers.NoAnswer as error:
            raise _Lost(WorkerFailure("crash", f"what the process answered is no answer: {error}")) from None

    def _post_mortem(self) -> tuple[WorkerFailure, int]:
        """What became of the process, and its status (0 while it still runs)."""
        try:
            status = self.process.wait(timeout=5.0)
        except subprocess.TimeoutExpired:
            return WorkerFailure("crash", "the process closed its connection"), 0
        if status == -signal.SIGXCPU:
            return WorkerFailure("timeout", "it used more CPU than a task may"), status
        if status < 0:
            return WorkerFailure("crash", f"the process was ended by {_signal_name(-status)}"), status
        return WorkerFailure("crash", f"the process ended with status {status}"), status

    def end(self) -> None:
        """End the process; a second time does nothing."""
        if self._connection.closed:
            return
        self._connection.close()
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        self._share.grow(turns.IDLE_BYTES)
        if self.process.stdin is not None:
            self.process.stdin.close()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
