"""Passwords from .netrc, each for the one host that its entry names. A `default` entry would go to strangers and is not used."""

from __future__ import annotations

import netrc
from dataclasses import dataclass
from pathlib import Path

from archiver.errors import UsageError


@dataclass(frozen=True, slots=True)
class Password:
    host: str
    user: str
    word: str


def read_passwords(file: Path) -> tuple[Password, ...]:
    """Entries of a netrc file; none when there is no file. Raises UsageError when it cannot be read."""
    if not file.exists():
        return ()
    try:
        hosts = netrc.netrc(str(file)).hosts
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError) as exc:
        raise UsageError(f"cannot read {file}: {exc}") from exc
    return tuple(Password(host.lower(), user, word or "") for host, (user, _, word) in hosts.items() if host != "default")
