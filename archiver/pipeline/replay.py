"""Showing an archive in pywb, which is installed or not; the collection is made in a temporary folder and deleted with it."""

from __future__ import annotations

import importlib.util
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from archiver.errors import ArchiverError, InputError
from archiver.pipeline import folder, reopening

COLLECTION = "archive"
START_TIMEOUT_S = 90.0


def installed() -> bool:
    return importlib.util.find_spec("pywb") is not None


def how_to_open(where: Path) -> str:
    """Two lines for somebody who has no pywb."""
    wacz = next(iter(sorted(where.glob("*.wacz"))), where / "ARCHIVE.wacz")
    return (
        f"Open https://replayweb.page/ in a browser and choose the file {wacz.resolve()};\n"
        f"or: pip install 'archiver[replay]', then archiver replay {where}"
    )


@contextmanager
def serving(where: Path, port: int) -> Iterator[str]:
    """pywb on 127.0.0.1 with the folder's WARCs for the time of a `with` block; yields the address of the post.

    Raises InputError when the folder holds no finished WARC, ArchiverError when pywb does not start.
    """
    files = [path for path in folder.warcs(where) if not path.name.endswith(".open")]
    if not files:
        raise InputError(f"{where} holds no finished WARC")
    page = reopening.reading(files).page
    with tempfile.TemporaryDirectory(prefix="archiver-replay-") as home:
        _collection(Path(home), files)
        port = port or _free_port()
        command = [sys.executable, "-c", "from pywb.apps.cli import wayback; wayback()", "-b", "127.0.0.1", "-p", str(port)]
        server = subprocess.Popen(command, cwd=home, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_until_up(server, port)
            yield f"http://127.0.0.1:{port}/{COLLECTION}/{page}"
        finally:
            server.terminate()
            server.wait()


def wait() -> None:
    """Until Ctrl-C or SIGTERM."""
    with suppress(KeyboardInterrupt):
        signal.pause()


def _collection(home: Path, files: list[Path]) -> None:
    tool = [sys.executable, "-c", "from pywb.manager.manager import main_wrap_exc; main_wrap_exc()"]
    subprocess.run([*tool, "init", COLLECTION], cwd=home, check=True, capture_output=True)
    copies = [shutil.copy2(path, home) for path in files]  # pywb may move what it is given
    done = subprocess.run([*tool, "add", COLLECTION, *map(str, copies)], cwd=home, check=False, capture_output=True, text=True)
    if done.returncode:
        raise ArchiverError(f"pywb could not index the archive: {done.stderr.strip()[-300:]}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _wait_until_up(server: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        with suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2).close()
            return
        time.sleep(0.1)
    raise ArchiverError("pywb did not start")
