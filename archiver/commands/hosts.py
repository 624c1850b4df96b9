"""The tables of a settings file that hold for one host: `[host."example.org"]` with headers, cookies and limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from archiver.model import FetchSettings

Told = Mapping[str, Mapping[str, Any]]
"""Host -> key -> value, checked; keys with `_` for `-`."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a host's table."""

    wants: str
    """What its value must be, in words."""
    fits: Callable[[Any], bool]
    shown: Callable[[Any], str] = str
    """How the value may be printed: secrets are not."""


def _is_headers(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(text, str) for text in value.values())


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_seconds(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")


KEYS = {
    "headers": Key('a table of texts, headers = {NAME = "VALUE"}', _is_headers, lambda value: ", ".join(value) + " (values not shown)"),
    "cookies": Key("the name of a file", lambda value: isinstance(value, str) and bool(value)),
    "per_host": Key("a whole number from 1 on", _is_count),
    "delay": Key("a number of seconds", _is_seconds),
}
"""Every key that a host's table may have."""


def with_hosts(fetch: FetchSettings, told: Told) -> FetchSettings:
    """The settings with what is told for single hosts."""
    return replace(
        fetch,
        host_headers={host: tuple(values.items()) for host, values in _of(told, "headers")},
        host_cookies=dict(_of(told, "cookies")),
        host_connections=dict(_of(told, "per_host")),
        host_delay_s={host: float(delay) for host, delay in _of(told, "delay")},
    )


def rows(told: Told) -> list[tuple[str, str]]:
    """(key, value) of each setting as they may be printed."""
    return [
        (f'host."{host}".{key.replace("_", "-")}', KEYS[key].shown(value)) for host, values in told.items() for key, value in values.items()
    ]


def _of(told: Told, key: str) -> list[tuple[str, Any]]:
    return [(host, values[key]) for host, values in told.items() if key in values]
