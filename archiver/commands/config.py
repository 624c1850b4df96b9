"""The settings file: TOML whose keys are the names of options, for all commands or for one of them in a table of its own."""

from __future__ import annotations

import difflib
import importlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from archiver.errors import UsageError


def defaults(path: Path) -> dict[str, Any]:
    """The file as click's default map. Raises UsageError for what is no TOML, and for a misspelt key, with the likely one."""
    from archiver.cli import COMMANDS

    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"cannot read the settings {path}: {error}") from error
    common = {key: value for key, value in told.items() if not isinstance(value, Mapping)}
    known = {name: _options(name) for name in COMMANDS}
    everywhere = set().union(*known.values())
    for key in common:
        _check(path, key, everywhere)
    result: dict[str, Any] = {}
    for name, options in known.items():
        own = told.get(name, {})
        for key in own:
            _check(path, key, options)
        merged = {**{key: value for key, value in common.items() if _key(key) in options}, **own}
        result[name] = {_key(key): value for key, value in merged.items()}
    for key, value in told.items():
        if isinstance(value, Mapping) and key not in COMMANDS:
            _check(path, key, set(COMMANDS))
    return result


def _key(name: str) -> str:
    return name.replace("-", "_")


def _options(command: str) -> set[str]:
    found = importlib.import_module(f"archiver.commands.{command}").command
    return {str(parameter.name) for parameter in found.params if isinstance(parameter, click.Option)}


def _check(path: Path, key: str, known: set[str]) -> None:
    if _key(key) not in known:
        near = difflib.get_close_matches(_key(key), known, 1)
        hint = f"; did you mean {near[0].replace('_', '-')}?" if near else ""
        raise UsageError(f"{path}: there is no setting {key!r}{hint}")
