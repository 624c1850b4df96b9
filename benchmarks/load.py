"""Thousands of pictures on hundreds of hosts, one in a hundred with each fault there is, archived in one run.

    python benchmarks/load.py [--targets 5000] [--hosts 500]

A server of its own process (`faults.py`) plays all of it on 127.0.0.0/8, and counts the connections that it has open. `archiver archive`
takes the post that links them. It ends with 1 when a link has another status than its fault deserves, when the server saw more
connections than allowed, or when fetching needed more memory in its second half than in its first.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from benchmarks.faults import FAULTS, GOOD, link  # noqa: E402  (after the path it is found on)
from benchmarks.memory import pss_kib, tree  # noqa: E402  (after the path it is found on)

LOOK_S = 0.25
LIMITS = {"to_one_address": 4, "in_all": 24}
BOUNDS = ["--timeout", "6", "--read-timeout", "1.5", "--connect-timeout", "1.5", "--retries", "1", "--max-size", "4M"]
GROWTH_MB = 20


def kinds(targets: int, hosts: int) -> list[str]:
    """One in a hundred of each fault; those of one host differ."""
    faults = [name for name in FAULTS if name not in (GOOD, "page")]
    names = [*faults, *[GOOD] * (100 - len(faults))]
    return [names[(i + i // hosts * 37) % 100] for i in range(targets)]


def archive(post: Path, out: Path, authority: Path) -> tuple[list[float], list[float], float]:
    """Memory of all processes in MB every quarter of a second while they fetch, and after that; and the CPU seconds of all of them."""
    log = out.with_suffix(".log")
    command = [sys.executable, "-m", "archiver", "archive", str(post), "-o", str(out), "-q", "--allow-address", "127.0.0.0/8"]
    command += ["--ca-file", str(authority), "--log", str(log), *BOUNDS]
    seen: list[tuple[float, float]] = []
    with subprocess.Popen(command, cwd=ROOT) as process:
        while process.poll() is None:
            seen.append((time.time(), sum(pss_kib(pid) for pid in tree(process.pid)) * 1024 / 10**6))
            time.sleep(LOOK_S)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = (json.loads(line) for line in log.read_text().splitlines())
    stages = {row["detail"]: datetime.fromisoformat(row["time"]).timestamp() for row in told if row["event"] == "stage"}
    fetching = [memory for at, memory in seen if at < stages["Comparing"]]
    return fetching, [memory for _, memory in seen[len(fetching) :]], used.ru_utime + used.ru_stime


def judged(images: list[dict[str, Any]], expected: dict[str, str]) -> dict[str, object]:
    """What was not as it should be; hosts that were given up early are counted apart."""
    given_up = [image for image in images if "was given up after" in (image["error"] or "")]
    wrong = Counter(
        f"{expected[image['url']]}: {image['status']} instead of {FAULTS[expected[image['url']]].status} ({image['error']})"
        for image in images
        if image not in given_up and image["status"] != FAULTS[expected[image["url"]]].status
    )
    missing = set(expected) - {image["url"] for image in images}
    return {"targets": len(images), "missing": len(missing), "given_up": len(given_up), "wrong": dict(wrong)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", type=int, default=5000)
    parser.add_argument("--hosts", type=int, default=500)
    options = parser.parse_args()
    hosts = [f"127.0.{1 + n // 250}.{1 + n % 250}" for n in range(options.hosts)]
    command = [sys.executable, "-m", "benchmarks.faults", *hosts]
    with tempfile.TemporaryDirectory() as name, subprocess.Popen(command, cwd=ROOT, stdin=-1, stdout=-1, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        told = json.loads(server.stdout.readline())
        folder, began = Path(name), time.monotonic()
        (folder / "authority.pem").write_text(told["authority"])
        wanted = kinds(options.targets, options.hosts)
        expected = {link(kind, hosts[i % options.hosts], str(i), told["ports"]): kind for i, kind in enumerate(wanted)}
        (folder / "post.md").write_text("".join(f"![]({url})\n\n" for url in expected))
        fetching, after, cpu_s = archive(folder / "post.md", folder / "out", folder / "authority.pem")
        server.stdin.close()
        connections = json.loads(server.stdout.readline())
        images = json.loads((folder / "out" / "report.json").read_text())["images"]
    found = judged(images, expected)
    half = len(fetching) // 2
    peaks = [round(max(part, default=0)) for part in (fetching[:half], fetching[half:], after)]
    shown = {
        "connections_seen": connections,
        "peak_mb": dict(zip(("first half", "second half", "comparing and report"), peaks, strict=True)),
        "cpu_s": round(cpu_s, 1),
        "wall_s": round(time.monotonic() - began, 1),
    }
    print(json.dumps({**found, "statuses": Counter(image["status"] for image in images), **shown}, indent=2))
    crowded = any(connections[name] > most for name, most in LIMITS.items())
    return 1 if found["wrong"] or found["missing"] or crowded or peaks[1] - peaks[0] > GROWTH_MB else 0


if __name__ == "__main__":
    sys.exit(main())
