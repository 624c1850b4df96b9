"""A worker that was taken over can say what it likes, and nothing comes of it but values."""

from __future__ import annotations

import importlib
import pickle
import struct
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import InputError
from archiver.model import Bits, Fingerprint, Measured, Pair, Picture, PictureEvidence, Reason, Relation, Unreadable, Verdict
from archiver.pipeline.answers import NoAnswer, exception, pack, raised, unpack
from archiver.pipeline.tasks import Grouped
from archiver.pipeline.workers import WorkerFailure, Workers

sys.path.append(str(Path(__file__).parent))  # workers import tasks by name and are given our path
tasks = importlib.import_module("hostile_tasks")

PICTURE = Picture("ab", "jpeg", 4, 3, 1, Fingerprint("cd", (Bits("phash", 5, 8),), informative=True), PictureEvidence(grey=True))
PAIR = Pair("ab", "cd", Verdict.SAME, (Relation.CROPPED,), 0.5, "because", scores={"x": 1.0})


@pytest.mark.parametrize(
    "value",
    [
        None,
        (1, "two", b"three", 4.5, [True], {"k": frozenset({1})}),
        Measured(PICTURE, b"f" * 1000, b"p", b"t"),
        Unreadable("ab", Reason.CORRUPT, "damaged"),
        [PAIR],
        Grouped((), (PAIR,), ()),
    ],
)
def test_what_a_task_gives_arrives_as_it_was(value: object) -> None:
    found = unpack(pack(("ok", value)))
    assert found == ("ok", value)
    assert type(found[1]) is type(value)


def calling(module: str, name: str, *arguments: Any) -> bytes:
    """A pickle that asks for a call."""

    class Call:
        def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
            return getattr(importlib.import_module(module), name), arguments

    return pickle.dumps(("ok", Call()))


@pytest.mark.parametrize("target", [("os", "system"), ("builtins", "eval"), ("archiver.model", "field"), ("archiver.model", "Any")])
def test_no_name_of_code_is_followed(target: tuple[str, str], tmp_path: Path) -> None:
    mark = tmp_path / "touched"
    said = calling("os", "system", f"touch {mark}")
    with pytest.raises(NoAnswer, match="it named"):
        unpack(said)
    named = b"\x80\x02c" + "\n".join((*target, "")).encode() + b"."
    with pytest.raises(NoAnswer, match="it named"):
        unpack(named)
    assert not mark.exists()


def test_the_classes_of_values_cannot_be_changed() -> None:
    """GLOBAL hands out a class, BUILD sets attributes of what it was handed."""
    said = b"\x80\x02carchiver.model\nVerdict\n(N}X\x04\x00\x00\x00evilK\x01stb."
    with pytest.raises(NoAnswer):
        unpack(said)
    assert not hasattr(Verdict, "evil")


@pytest.mark.parametrize(
    "said", [b"", b"\x80\x05.", pickle.dumps("ok"), pickle.dumps(("ok",)), pickle.dumps(("error", 1)), pickle.dumps(("large", 2))]
)
def test_what_is_of_another_form_is_no_answer(said: bytes) -> None:
    with pytest.raises(NoAnswer):
        unpack(said)


@given(st.binary(max_size=200), st.integers(0, 2**40))
def test_any_bytes_are_an_answer_or_none(noise: bytes, claimed: int) -> None:
    for said in (noise, b"\x80\x05" + noise, b"\x80\x05\x96" + struct.pack("<Q", claimed) + noise):
        try:
            unpack(said)
        except NoAnswer:
            continue


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (InputError("cannot read"), InputError, "cannot read"),
        (KeyError("k"), KeyError, "\"'k'\""),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), RuntimeError, "UnicodeDecodeError: 'utf-8' codec"),
        (tasks.Unpicklable("a", "b"), RuntimeError, "Unpicklable: ab"),
    ],
)
def test_an_exception_arrives_as_what_it_is_or_is_named(error: Exception, kind: type[Exception], said: str) -> None:
    found = exception(raised(error))
    assert type(found) is kind
    assert str(found).startswith(said)


def test_a_process_that_answers_with_code_costs_its_own_task_only(tmp_path: Path) -> None:
    mark = tmp_path / "touched"
    with Workers(1) as workers:
        lost = workers.submit(tasks.say, calling("os", "system", f"touch {mark}")).result()
        assert isinstance(lost, WorkerFailure)
        assert (lost.kind, "no answer: it named" in lost.detail) == ("crash", True)
        assert workers.submit(tasks.add, 1, 2).result() == 3
    assert not mark.exists()


def test_a_process_that_never_comes_to_its_answer_costs_its_own_task_only() -> None:
    with Workers(1) as workers:
        assert workers.submit(tasks.beg).result() == WorkerFailure("timeout", "it asked for room without end")
        assert workers.submit(tasks.add, 1, 2).result() == 3
