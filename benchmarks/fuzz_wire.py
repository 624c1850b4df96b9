"""Feeds damaged HTTP responses to the framing of the downloader for a bounded time and stops at the first broken promise.

    python benchmarks/fuzz_wire.py --seconds 60 [--seed 1]

Each input is a well-made response with bytes changed, cut out, doubled, moved or spliced with another one, fed whole and again in random
pieces. Promises: nothing raises; the pieces do not matter; no more is taken than was given; what is complete stays complete when more
follows; buffers stay within their bounds.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from archiver.capture.framing import HEAD_BYTES_MAX, Framer, decoded_body  # noqa: E402  (after the path it is found on)

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n"
SAMPLES = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789",
    b"HTTP/1.0 200 OK\nContent-Type: image/png\n\nbody to the end",
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    CHUNKED + b"3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nT: 1\r\n\r\n",
    CHUNKED + b"a\r\n0123456789\r\n" * 5 + b"0\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: /a\r\nX-Folded: a\r\n  b\r\nContent-Length: 0\r\n\r\n",
    b"\r\n\r\nHTTP/1.1 204 No Content\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
)
TOKENS = (b"\r\n", b"\n", b"\r", b"0\r\n", b"\r\n\r\n", b";", b"\x00", b"HTTP/1.1 ", b"Content-Length: ", b"ffffffff", b"-1", b" ", b"\xff")


def damaged(dice: random.Random) -> bytes:
    raw = bytearray(dice.choice(SAMPLES))
    for _ in range(dice.randrange(6)):
        at, upto = sorted((dice.randrange(len(raw) + 1), dice.randrange(len(raw) + 1)))
        match dice.randrange(6):
            case 0:
                raw[at:at] = dice.choice(TOKENS)
            case 1:
                del raw[at : min(upto, at + 8)]
            case 2:
                raw[at:at] = raw[at:upto]
            case 3:
                raw[at : at + 1] = bytes([dice.randrange(256)])
            case 4:
                raw[at:] = dice.choice(SAMPLES)[dice.randrange(20) :]
            case _:
                raw[at:at] = bytes(dice.choices(b"0123456789abcdef;\r\n", k=dice.randrange(9)))
    return bytes(raw)


def fed(raw: bytes, cuts: list[int]) -> tuple[Framer, int]:
    framer, taken, at = Framer(), 0, 0
    for cut in [*cuts, len(raw)]:
        count = framer.feed(raw[at:cut])
        assert 0 <= count <= cut - at, "took more than was given"
        assert len(framer.held) <= HEAD_BYTES_MAX + len(raw), "held too much"
        taken += count
        at = cut
    return framer, taken


def check(raw: bytes, dice: random.Random) -> None:
    whole, taken = fed(raw, [])
    parts, taken_in_parts = fed(raw, sorted(dice.randrange(len(raw) + 1) for _ in range(dice.randrange(10))))
    assert bool(whole.fault) == bool(parts.fault), "the pieces decide on a fault"
    if not whole.fault:
        assert (whole.complete, whole.head, whole.body_bytes, taken) == (parts.complete, parts.head, parts.body_bytes, taken_in_parts), (
            "pieces"
        )
    if whole.complete:
        longer, taken_then = fed(raw[:taken] + b"surplus", [])
        assert longer.complete, "more to follow undid the end"
        assert taken_then == taken, "more to follow moved the end"
        assert len(decoded_body(raw)) <= whole.body_bytes, "more body than there was"
    decoded_body(raw)
    whole.end()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    dice, count, until = random.Random(options.seed), 0, time.monotonic() + options.seconds
    while time.monotonic() < until:
        raw = damaged(dice)
        try:
            check(raw, dice)
        except Exception:
            print(f"input {count}: {raw!r}", file=sys.stderr)
            raise
        count += 1
    print(f"{count} inputs, no broken promise")


if __name__ == "__main__":
    main()
