"""What fuzzing once found (`benchmarks/fuzz.py`) keeps its promises now; and a little fuzzing in every run of the tests."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parent.parent
FINDS = sorted(path for path in (ROOT / "fixtures" / "finds").glob("*/*") if path.is_file())

_spec = importlib.util.spec_from_file_location("fuzz", ROOT / "benchmarks" / "fuzz.py")
assert _spec is not None
assert _spec.loader is not None
fuzz = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fuzz)


def test_there_are_finds() -> None:
    assert FINDS


@pytest.mark.parametrize("path", FINDS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_was_found_keeps_the_promises_now(path: Path) -> None:
    fuzz.timed(path.parent.name, path.read_bytes())


EDITS = st.lists(st.tuples(st.floats(0, 1), st.sampled_from(["put", "cut", "twice", "splice"]), st.binary(max_size=24)), max_size=6)


@pytest.mark.parametrize("target", sorted(fuzz.TARGETS))
@settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(number=st.integers(0, 1000), edits=EDITS)
def test_damaged_samples_keep_the_promises(target: str, number: int, edits: list[tuple[float, str, bytes]]) -> None:
    seeds = fuzz.seeds(target)
    fuzz.timed(target, fuzz.edited(seeds[number % len(seeds)], seeds[-1], edits))
