"""What a worker process says, as bytes: plain values and the value types of the model, and nothing that could name code.

A worker holds strangers' bytes, and whoever takes one over may send what he likes. So of all that a pickle can ask for only this is
granted: to make one of the values listed here from its fields. Not even their classes are handed out.
"""

from __future__ import annotations

import builtins
import io
import pickle
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Literal

from archiver import errors, model
from archiver.pipeline.tasks import Grouped

Answer = tuple[Literal["ok", "error", "memory", "large", "small"], Any]
"""`ok` with the result, `error` with a `Raised`, `memory` with a sentence; and the two words of `gate`."""
Raised = tuple[str, str, str]
"""Name of the exception, what it says, and where it came from."""

_VALUES = {
    (kind.__module__, kind.__name__): kind
    for kind in (*vars(model).values(), Grouped)
    if isinstance(kind, type) and kind.__module__ in (model.__name__, Grouped.__module__) and (is_dataclass(kind) or issubclass(kind, Enum))
}


class NoAnswer(Exception):
    """The bytes are none; never leaves the pipeline."""


class _Packer(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        """A value is its class and its fields."""
        kind = type(value)
        if (kind.__module__, kind.__name__) not in _VALUES or isinstance(value, Enum):
            return NotImplemented
        return kind, tuple(getattr(value, field.name) for field in fields(value))


class _Unpacker(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Callable[..., object]:
        kind = _VALUES.get((module, name))
        if kind is None:
            raise NoAnswer(f"it named {module}.{name}"[:200])

        def make(*values: object) -> object:  # never the class itself: a pickle can change what it is given
            return kind(*values)

        return make


def pack(answer: Answer) -> bytes:
    held = io.BytesIO()
    _Packer(held, pickle.HIGHEST_PROTOCOL).dump(answer)
    return held.getvalue()


def unpack(data: bytes) -> Answer:
    """Raises NoAnswer."""
    try:
        answer: Answer = _Unpacker(io.BytesIO(data)).load()
    except Exception as error:  # what strangers make of a pickle can fail in any way
        raise NoAnswer(str(error)) from None
    match answer:
        case ("ok", _) | ("memory", str()) | ("large" | "small", None) | ("error", (str(), str(), str())):
            return answer
    raise NoAnswer("it is of another form")


def raised(error: Exception) -> Raised:
    return type(error).__name__, str(error), "in a worker process:\n" + "".join(traceback.format_exception(error))


def exception(found: Raised) -> Exception:
    """The exception again, when it is one of Python's own or ours; else a RuntimeError that names it."""
    name, said, origin = found
    kind = getattr(errors, name, None) or getattr(builtins, name, None)
    error: Exception = RuntimeError(f"{name}: {said}")
    if isinstance(kind, type) and issubclass(kind, Exception):
        with suppress(TypeError):  # some of Python's own want more than words
            error = kind(said)
    error.add_note(origin)
    return error
