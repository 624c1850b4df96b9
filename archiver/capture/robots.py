"""robots.txt as RFC 9309 reads it: which paths of an origin may be asked for.

The default of the program is to ignore it for pictures that an author embedded, as browsers do; this serves those who choose to obey.
"""

from __future__ import annotations

import re
import zlib
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from archiver.capture.framing import decoded_body

ROBOTS_BYTES_MAX = 512 * 1024
"""Section 2.5 asks for at least 500 KiB."""
PRODUCT = "archiver"
_PORTION_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules for us, in the order of the file: (allow?, path pattern)."""

    rules: tuple[tuple[bool, str], ...] = ()
    closed: bool = False
    """Everything is forbidden, because robots.txt could not be read."""

    def allow(self, path: str) -> bool:
        """Section 2.2.2: the longest pattern that matches decides, allow before disallow; robots.txt itself is always allowed."""
        if self.closed:
            return False
        plain = _plain(path)
        best = max(((len(pattern), allow) for allow, pattern in self.rules if _matches(pattern, plain)), default=(0, True))
        return best[1] or path == "/robots.txt"


def read_rules(status: int, raw: bytes, product: str = PRODUCT) -> Rules:
    """Rules from the raw HTTP response; see `rules_of`."""
    return rules_of(status, _inflated(decoded_body(raw)) if 200 <= status < 300 else b"", product)


def _inflated(body: bytes) -> bytes:
    """We accept gzip, and many servers make use of it; nothing else begins like it. As much as there is of a damaged one counts."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    inflate, text = zlib.decompressobj(31), b""
    with suppress(zlib.error):
        for start in range(0, len(body), _PORTION_BYTES):
            text += inflate.decompress(body[start : start + _PORTION_BYTES], ROBOTS_BYTES_MAX - len(text))
            if len(text) == ROBOTS_BYTES_MAX:
                break
    return text


def rules_of(status: int, body: bytes, product: str = PRODUCT) -> Rules:
    """Rules from the decoded body. Section 2.3.1: 4xx means none at all, anything unreachable that all is forbidden."""
    if 400 <= status < 500:
        return Rules()
    if not 200 <= status < 300:
        return Rules(closed=True)
    return parse_rules(body.decode("utf-8", "replace"), product)


def parse_rules(text: str, product: str = PRODUCT) -> Rules:
    """The groups for `product`, or those for `*` when none names it (section 2.2.1)."""
    named: list[tuple[bool, str]] = []
    general: list[tuple[bool, str]] = []
    agents: list[str] = []
    found = False
    in_rules = False
    name = re.sub(r"[^A-Za-z_-].*", "", product, flags=re.DOTALL).lower()
    for key, value in _lines(text):
        if key == "user-agent":
            agents = [value.lower()] if in_rules else [*agents, value.lower()]
            in_rules = False
            found = found or (bool(name) and value.lower() == name)
        elif key in ("allow", "disallow"):
            in_rules = True
            if value and name and name in agents:
                named.append((key == "allow", _plain(value)))
            elif value and "*" in agents:
                general.append((key == "allow", _plain(value)))
    return Rules(tuple(named if found else general))


def _lines(text: str) -> list[tuple[str, str]]:
    pairs = (line.partition("#")[0].partition(":") for line in text.removeprefix("\ufeff").splitlines())
    return [(key.strip().lower(), value.strip()) for key, colon, value in pairs if colon]


def _plain(path: str) -> str:
    """Escapes undone, so that `%7E` and `~` are one (section 2.2.2); reserved characters keep theirs."""
    return re.sub(r"%[0-9A-Fa-f]{2}|[^!-~]", lambda m: _octets(m[0]), path)


def _octets(text: str) -> str:
    octets = unquote_to_bytes(text)
    return text.upper() if octets in b"%/?#*$" else octets.decode("latin-1")


def _matches(pattern: str, path: str) -> bool:
    """`*` stands for anything and `$` at the end for the end; linear in the length of the path for each star."""
    anchored = pattern.endswith("$")
    parts = pattern.removesuffix("$").split("*")
    if not path.startswith(parts[0]):
        return False
    at = len(parts[0])
    for part in parts[1:-1]:
        at = path.find(part, at)
        if at < 0:
            return False
        at += len(part)
    if len(parts) == 1:
        return not anchored or at == len(path)
    if anchored:
        return len(path) - len(parts[-1]) >= at and path.endswith(parts[-1])
    return path.find(parts[-1], at) >= 0
