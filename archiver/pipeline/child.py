"""A worker process: takes one task after another from its parent and sends back what came of each.

Started by `archiver.pipeline.workers` as `python -m archiver.pipeline.child FD CPU_S MEMORY_BYTES`. FD is its end of a socket
pair, over which pickled tasks come and answers go (`answers.py`); standard input is a life line that ends when the parent does,
however that dies.
"""

from __future__ import annotations

import os
import pickle
import resource
import signal
import sys
import threading
from multiprocessing.connection import Connection

from archiver.pipeline import answers, gate


def main(arguments: list[str]) -> None:
    """Serve until the parent hangs up."""
    descriptor, cpu_s, memory_bytes = (int(argument) for argument in arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limit_memory(memory_bytes)
    threading.Thread(target=_follow_parent, daemon=True).start()
    with Connection(descriptor) as parent:
        gate.answer_to(parent)
        while True:
            try:
                task = parent.recv_bytes()
            except (EOFError, OSError):
                os._exit(0)
            limit_cpu(cpu_s)
            parent.send_bytes(perform(task))


def _follow_parent() -> None:
    os.read(0, 1)
    os._exit(1)


def limit_memory(most_bytes: int) -> None:
    """Cap what this process may allocate, 0 for no cap. Linux counts private memory (RLIMIT_DATA), others the whole address space."""
    if most_bytes:
        _lower(resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS, most_bytes)


def limit_cpu(more_s: int) -> None:
    """Let the kernel end the process (SIGXCPU) after so many further seconds of CPU: it needs no parent to watch."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _lower(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + more_s + 1)


def _lower(kind: int, soft: int) -> None:
    _, hard = resource.getrlimit(kind)
    try:
        resource.setrlimit(kind, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))
    except (OSError, ValueError):
        return  # a platform that does not know this limit still has the parent's clock


def perform(task: bytes) -> bytes:
    """Run one pickled `(function, arguments)` and pack its answer."""
    try:
        function, arguments = pickle.loads(task)  # noqa: S301  (written by our parent)
        return answers.pack(("ok", function(*arguments)))
    except MemoryError:
        return answers.pack(("memory", "it needs more memory than a worker may have"))
    except Exception as error:  # whatever a task raises belongs to who asked for it
        return answers.pack(("error", answers.raised(error)))


if __name__ == "__main__":
    main(sys.argv[1:])
