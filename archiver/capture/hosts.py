"""Settings that are told for single hosts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from archiver.capture.urls import host_ascii, visible
from archiver.errors import UsageError

T = TypeVar("T")


def by_host(told: Mapping[str, T]) -> dict[str, T]:
    """The same under the names that requests are made to. Raises UsageError for what is no host.

    >>> by_host({"Bücher.Example": 2})
    {'xn--bcher-kva.example': 2}
    """
    found: dict[str, T] = {}
    for written, value in told.items():
        host = host_ascii(written)
        if host is None:
            raise UsageError(f"settings for {visible(written)!r}: that is no host; write a name like example.org, without scheme and port")
        found[host] = value
    return found
