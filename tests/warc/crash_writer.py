"""Run in a process of its own: goes on with a capture of 40 pictures and says each one that is safely written.

python tests/warc/run.py crash_writer FOLDER FILE_SIZE_LIMIT_BYTES
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from archiver.errors import OutputError
from archiver.model import Archived
from archiver.warc import reader
from tests.warc.making import PREFIX, chunked, exchange, ids, jpeg_like, response, resumed, writer

COUNT = 40


def body(number: int) -> bytes:
    """Every fifth picture is the same."""
    return jpeg_like(30_000, number if number % 5 else 0)


def url(number: int) -> str:
    return f"https://e.example/{number}.jpg"


def main(folder: Path, limit_bytes: int) -> int:
    if limit_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
    open_file = folder / f"{PREFIX}-00000.warc.gz.open"
    if open_file.with_suffix("").exists():
        print("ready", flush=True)
        return 0
    w = resumed(open_file, new_id=ids(1000 * open_file.stat().st_size + 1000)) if open_file.exists() else writer(folder)
    have = {item.url for item in reader.responses([folder]) if isinstance(item, Archived)} if open_file.exists() else set()
    print("ready", flush=True)
    for number in range(COUNT):
        if url(number) in have:
            continue
        raw = chunked(body(number)) if number % 2 else response(body(number))
        try:
            w.write_exchange(exchange(url(number), raw))
        except OutputError as error:
            print(f"full: {error}", flush=True)
            return 3
        print(f"stored {number}", flush=True)
    w.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), int(sys.argv[2])))
