"""Makes the pictures in docs/images: the report and the review of the sample post, in light and dark.

    python docs/make_screenshots.py

Needs a checkout with its development packages, and Chromium; asks nothing outside this machine.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).resolve().parent / "images"
SIZE = {"width": 1280, "height": 860}
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run"]


def main() -> None:
    path = next(found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name)))
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        subprocess.run([sys.executable, "-m", "archiver", "demo", "-o", folder, "-q"], check=True, capture_output=True)
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        with reviewing(folder) as url:
            for scheme in ("light", "dark"):
                report(window(browser, scheme, (Path(folder) / "report.html").as_uri()), scheme)
                review(window(browser, scheme, url), scheme)
        browser.close()


@contextmanager
def reviewing(folder: str) -> Iterator[str]:
    """The address of a review of the folder."""
    command = [sys.executable, "-m", "archiver", "review", folder, "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.terminate()


def window(browser: Browser, scheme: str, url: str) -> Page:
    page = browser.new_context(viewport=SIZE, color_scheme=scheme, reduced_motion="reduce").new_page()
    page.goto(url)
    return page


def report(page: Page, scheme: str) -> None:
    page.screenshot(path=IMAGES / f"report-{scheme}.jpg", quality=82)
    sizes = page.eval_on_selector_all(".cluster", "all => all.map(one => [one.querySelectorAll('.copy').length, one.id])")
    page.evaluate("id => document.getElementById(id).scrollIntoView()", max(sizes)[1])
    page.wait_for_timeout(300)
    page.screenshot(path=IMAGES / f"cluster-{scheme}.jpg", quality=82)


def review(page: Page, scheme: str) -> None:
    cards = page.eval_on_selector_all(
        ".card.group", "all => all.map(one => [parseInt(one.querySelector('.card-facts').textContent), one.href])"
    )
    page.goto(max(cards)[1])
    page.wait_for_load_state("networkidle")
    page.screenshot(path=IMAGES / f"review-{scheme}.jpg", quality=82)


if __name__ == "__main__":
    main()
