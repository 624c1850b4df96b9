"""Runs a module of this folder as a program: `python tests/warc/run.py make_fixtures`.

Some installed packages bring a package called `tests`, which `python -m tests.warc...` would find instead of this folder.
"""

from __future__ import annotations

import runpy
import sys
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

if __name__ == "__main__":
    package = types.ModuleType("tests")
    package.__path__ = [str(ROOT / "tests")]
    sys.modules["tests"] = package
    sys.path[0] = str(ROOT)
    name = sys.argv.pop(1)
    runpy.run_module(f"tests.warc.{name}", run_name="__main__")
