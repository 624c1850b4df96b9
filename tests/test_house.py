"""The law of the house: which room may know which, which module opens the door to which outside package, how large things may grow."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "archiver"
MODULES = sorted(PACKAGE.rglob("*.py"))

ROOMS = ("post", "capture", "warc", "picture", "cluster", "report", "review", "pipeline")
JOINERS = {"pipeline": set(ROOMS) - {"review", "pipeline"}, "review": {"pipeline", "report"}}
"""Only these know other rooms."""

DOORS = {
    "aiohttp": ("archiver/capture/", "archiver/review/"),
    "aiohttp_socks": ("archiver/capture/",),
    "click": ("archiver/cli.py", "archiver/commands/"),
    "cv2": ("archiver/picture/features.py", "archiver/picture/compare", "archiver/picture/register", "archiver/picture/overlap"),
    "idna": ("archiver/capture/urls.py",),
    "imagehash": ("archiver/picture/fingerprint.py",),
    "jinja2": ("archiver/report/", "archiver/review/"),
    "markdown_it": ("archiver/post/",),
    "mdit_py_plugins": ("archiver/post/",),
    "multidict": ("archiver/capture/wire.py",),
    "numpy": ("archiver/picture/", "archiver/cluster/"),
    "PIL": ("archiver/picture/decode.py",),
    "python_socks": ("archiver/capture/connector.py",),
    "rich": ("archiver/report/terminal.py",),
    "selectolax": ("archiver/post/html",),
    "warcio": ("archiver/warc/second_reader.py",),
    "yaml": ("archiver/post/frontmatter.py",),
    "yarl": ("archiver/capture/",),
}
"""The one door of each outside package."""

HEAVY = {"numpy", "PIL", "cv2", "aiohttp", "imagehash", "jinja2", "rich", "markdown_it", "selectolax", "warcio"}
LINES_MAX = 400
FUNCTION_LINES_MAX = 60


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def room_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first if first in ROOMS else ""


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_rooms_do_not_import_each_other(path: Path) -> None:
    room = room_of(path)
    known = {other for name in imported(path) if name.startswith("archiver.") for other in [name.split(".")[1]] if other in ROOMS}
    allowed = JOINERS.get(room, set()) | {room}
    if room:
        assert known <= allowed, f"{name_of(path)} knows {sorted(known - allowed)}"


def test_the_command_line_knows_only_the_joiners() -> None:
    paths = [PACKAGE / "cli.py", *sorted((PACKAGE / "commands").glob("*.py"))]
    known = {name.split(".")[1] for path in paths for name in imported(path) if name.startswith("archiver.")}
    assert known & set(ROOMS) <= {"pipeline", "review"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_outside_package_has_one_door(path: Path) -> None:
    for name in imported(path):
        top = name.split(".")[0]
        if top == "archiver" or top in sys.stdlib_module_names:
            continue
        assert top in DOORS, f"{name_of(path)} imports {top}, which has no door"
        assert name_of(path).startswith(DOORS[top]), f"{name_of(path)} imports {top}; its door is {DOORS[top]}"


def test_the_values_know_nothing_but_the_standard_library() -> None:
    for module in ("model.py", "errors.py"):
        assert {name.split(".")[0] for name in imported(PACKAGE / module)} <= sys.stdlib_module_names


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_and_functions_stay_readable_in_one_sitting(path: Path) -> None:
    text = path.read_text()
    if path.name != "model.py":
        assert text.count("\n") <= LINES_MAX
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= FUNCTION_LINES_MAX, f"{name_of(path)}:{node.lineno} {node.name} has {length} lines"


def test_help_imports_nothing_heavy() -> None:
    """`archiver --help` must answer at once."""
    code = (
        "import sys; from archiver.cli import main\n"
        "try: main(['archive', '--help'])\n"
        "except SystemExit: pass\n"
        f"print('HEAVY', sorted({HEAVY!r} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.rstrip().endswith("HEAVY []")


def test_dedup_loads_no_client_and_nothing_that_decodes(tmp_path: Path) -> None:
    """What only looks at files pays for nothing else, and strangers' bytes are decoded in other processes."""
    (tmp_path / "pictures").mkdir()
    for number in range(2):
        Image.effect_noise((90, 60), 50 + number).save(tmp_path / "pictures" / f"{number}.png")
    code = (
        "import sys; from archiver.cli import main\n"
        f"try: main(['dedup', {str(tmp_path / 'pictures')!r}, '-o', {str(tmp_path / 'out')!r}])\n"
        "except SystemExit as end: assert end.code == 0\n"
        f"print('HEAVY', sorted({HEAVY!r} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "2 picture files compared" in out
    assert out.rstrip().endswith("HEAVY ['jinja2']")
