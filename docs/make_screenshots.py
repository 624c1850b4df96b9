"""Makes the pictures of the documentation: the report and the review page of the sample post, light and dark.

    .venv/bin/python docs/make_screenshots.py

Needs Chromium on the PATH, like the browser tests. Writes docs/report.png, docs/report-dark.png, docs/review.png, docs/review-dark.png.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

DOCS = Path(__file__).resolve().parent
SIZE = {"width": 1280, "height": 1700}
SHOWN_PX = 960


@contextmanager
def reviewing(folder: Path) -> Iterator[str]:
    """The address of the review page for the time of a `with` block."""
    command = [sys.executable, "-m", "archiver", "review", str(folder), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().split()[-1]
        finally:
            server.terminate()


def shoot(browser: Browser, address: str, name: str, scheme: str) -> None:
    page = browser.new_page(viewport=SIZE, color_scheme=scheme)  # type: ignore[arg-type]  # one of its literals
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(300)
    path = DOCS / name
    page.screenshot(path=path)
    page.close()
    with Image.open(path) as shot:
        small = shot.convert("RGB").resize((SHOWN_PX, SHOWN_PX * shot.height // shot.width), Image.Resampling.LANCZOS)
    small.quantize(200, dither=Image.Dither.NONE).save(path, optimize=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as at, sync_playwright() as playwright:
        folder = Path(at) / "demo"
        subprocess.run([sys.executable, "-m", "archiver", "demo", "-q", "-o", str(folder)], check=True, stdout=subprocess.DEVNULL)
        browser = playwright.chromium.launch(executable_path=which("chromium"), args=["--no-sandbox", "--hide-scrollbars"])
        with reviewing(folder) as review:
            for scheme, ending in (("light", ""), ("dark", "-dark")):
                shoot(browser, f"{(folder / 'report.html').as_uri()}", f"report{ending}.png", scheme)
                shoot(browser, review, f"review{ending}.png", scheme)
        browser.close()


if __name__ == "__main__":
    main()
