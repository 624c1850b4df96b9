"""Control characters of strangers, made visible: an escape sequence must reach neither a page nor the terminal that shows a file."""

from __future__ import annotations

import json
import re
from typing import Any

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_CONTROLS_OF_JSON = re.compile("[\x7f-\x9f]")
"""What a JSON encoder leaves as it is."""


def visible(value: Any) -> Any:
    """Text with control characters as the pictures Unicode has for them (C1 as U+FFFD), of the type it was; other values as they are.

    >>> visible("a\\x1b[31m\\x7f\\x9b"), visible(7)
    ('a␛[31m␡\ufffd', 7)
    """
    if not isinstance(value, str) or not _CONTROLS.search(value):
        return value
    return type(value)(_CONTROLS.sub(_picture, str(value)))


def json_text(value: Any, indent: int | None = 1) -> str:
    """JSON without any control character but the line ends of its indentation.

    >>> json_text({"a": "\\x1b\\x9b"})
    '{\\n "a": "\\\\u001b\\\\u009b"\\n}'
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=str)
    text = _CONTROLS_OF_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return text.encode("utf-8", "backslashreplace").decode()  # half of a surrogate pair becomes its JSON escape


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else "\ufffd"
