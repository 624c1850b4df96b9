"""The settings file: TOML whose keys are the names of options, for all commands or for one of them in a table of its own; and tables for
single hosts."""

from __future__ import annotations

import difflib
import importlib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from archiver.commands import hosts
from archiver.errors import EXIT_OK, UsageError

PREFIX = "ARCHIVER_"
"""Variables of the environment that begin so are settings."""
HOST = "host"
"""The table whose tables hold for one host each."""


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """What a settings file says, checked."""

    defaults: dict[str, Any]
    """Command -> option -> value: click's default map."""
    hosts: hosts.Told


def read(path: Path) -> SettingsFile:
    """Raises UsageError for what is no TOML, for a misspelt key, with the likely one, and for a host's value of the wrong kind."""
    from archiver.cli import COMMANDS

    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"cannot read the settings {path}: {error}") from error
    for key, value in told.items():
        if isinstance(value, Mapping):
            _check(f"{path}", key, {*COMMANDS, HOST}, kind="table")
    return SettingsFile(_defaults(path, told), _hosts(path, told.get(HOST, {})))


def _defaults(path: Path, told: Mapping[str, Any]) -> dict[str, Any]:
    from archiver.cli import COMMANDS

    common = {key: value for key, value in told.items() if not isinstance(value, Mapping)}
    known = {name: _options(name) for name in COMMANDS}
    everywhere = set().union(*known.values())
    anywhere = {key: option for options in known.values() for key, option in options.items()}
    for key in common:
        _check(f"{path}", key, everywhere)
        common[key] = _value(f"{path}", key, common[key], anywhere[_key(key)])
    result: dict[str, Any] = {}
    for name, options in known.items():
        own = dict(told.get(name, {}))
        for key in own:
            _check(f"{path}: [{name}]", key, set(options))
            own[key] = _value(f"{path}: [{name}]", key, own[key], options[_key(key)])
        merged = {**{key: value for key, value in common.items() if _key(key) in options}, **own}
        result[name] = {_key(key): value for key, value in merged.items()}
    return result


def _hosts(path: Path, told: Mapping[str, Any]) -> hosts.Told:
    result: dict[str, dict[str, Any]] = {}
    for host, values in told.items():
        where = f'{path}: [{HOST}."{host}"]'
        if not isinstance(values, Mapping):
            raise UsageError(f'{path}: settings for a host stand in a table of its own, [{HOST}."example.org"]; {host!r} is none')
        for key, value in values.items():
            _check(where, key, set(hosts.KEYS))
            if not hosts.KEYS[_key(key)].fits(value):
                raise UsageError(f"{where}: {key} must be {hosts.KEYS[_key(key)].wants}")
        result[host] = {_key(key): value for key, value in values.items()}
    return result


def _key(name: str) -> str:
    return name.replace("-", "_")


def _options(command: str) -> dict[str, click.Option]:
    found = importlib.import_module(f"archiver.commands.{command}").command
    return {str(parameter.name): parameter for parameter in found.params if isinstance(parameter, click.Option)}


def _value(where: str, key: str, value: Any, option: click.Option) -> Any:
    """What the option makes of it; one word for an option that takes several is a list of one. Raises UsageError."""
    if option.multiple and isinstance(value, str):
        value = [value]
    if isinstance(value, list) != option.multiple:
        raise UsageError(f"{where}: {key} must be {'a list' if option.multiple else 'one value'}")
    if isinstance(option.type, click.Path | click.File):  # looked at by the command that needs it
        return value
    try:
        for each in value if option.multiple else [value]:
            option.type.convert(each, option, None)
    except click.BadParameter as error:
        raise UsageError(f"{where}: {key}: {error.message}") from None
    return value


def check_environment() -> None:
    """Raises UsageError for a variable that looks like a misspelt setting; other programs may have variables of that beginning."""
    from archiver.cli import COMMANDS

    known = {str(option.envvar) for name in COMMANDS for option in _options(name).values() if option.envvar} | {f"{PREFIX}CONFIG"}
    for variable in sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known):
        if near := difflib.get_close_matches(variable, known, 1, cutoff=0.85):
            raise UsageError(f"the environment has {variable}, which is no setting; did you mean {near[0]}?")


def _check(where: str, key: str, known: set[str], *, kind: str = "setting") -> None:
    if _key(key) not in known:
        near = difflib.get_close_matches(_key(key), known, 1)
        hint = f"; did you mean {near[0].replace('_', '-')}?" if near else ""
        raise UsageError(f"{where}: there is no {kind} {key!r}{hint}")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Settings: where each value comes from.

    A settings file is archiver.toml in the working directory, or --config FILE. Its keys are the names of options without dashes in
    front, for all commands or for one in a table of its own: per-host = 2, [archive] operator = "me". What `archiver config show` lists
    can be set in the environment too, as ARCHIVER_PER_HOST. The command line outranks the environment, that the file, that the defaults.

    A table [host."example.org"] holds for the requests to one host: headers = {NAME = "VALUE"}, cookies = "FILE" (of which only that
    host's are sent), per-host = N connections, delay = SECONDS between two requests.
    """


@command.command()
@click.argument("name", metavar="[COMMAND]", default="archive")
@click.pass_context
def show(ctx: click.Context, name: str) -> int:
    """Print every setting of COMMAND (archive when none is named), its value and where that comes from."""
    from archiver.cli import COMMANDS

    if name not in COMMANDS or name == "config":
        raise UsageError(f"there is no command {name!r} with settings")
    chosen = (ctx.find_root().default_map or {}).get(name, {})
    options = [option for option in importlib.import_module(f"archiver.commands.{name}").command.params if isinstance(option, click.Option)]
    rows = [_row(option, chosen) for option in options if option.envvar]
    if any(option.name == "per_host" for option in options):  # a command that fetches
        rows += [(key, value, "settings file") for key, value in hosts.rows(ctx.find_root().obj or {})]
    width = max((len(row[0]) for row in rows), default=0)
    for key, value, origin in rows:
        click.echo(f"{key:{width}}  {value:<24}  {origin}")
    return EXIT_OK


def _row(option: click.Option, chosen: Mapping[str, Any]) -> tuple[str, str, str]:
    key = max(option.opts, key=len).removeprefix("--")
    variable = str(option.envvar)
    if os.environ.get(variable):
        return key, os.environ[variable], f"environment {variable}"
    if option.name in chosen:
        return key, str(chosen[option.name]), "settings file"
    default = "" if option.default is None or repr(option.default) == "Sentinel.UNSET" else str(option.default)
    return key, default, "default"
