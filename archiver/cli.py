"""The `archiver` command. Data goes to stdout, progress and words to stderr; every expected end has its exit code (errors.py)."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

import click

from archiver.errors import EXIT_INTERRUPTED, ArchiverError
from archiver.version import __version__

COMMANDS = {
    "archive": "Archive the pictures of a post: WARC, WACZ and a report of its duplicates.",
    "links": "List the pictures a post links, fetching nothing.",
    "dedup": "Find the same pictures in WARC or WACZ files or folders of images, without network.",
    "compare": "The verdict on two pictures, with all its evidence.",
    "report": "Judge and render a folder again, with your decisions.",
    "review": "Decide in the browser which pictures are the same.",
    "retry": "Fetch again only what failed.",
    "verify": "Check digests, structure, index and revisits of an archive.",
    "replay": "Show an archive in a viewer.",
    "config": "Show where each setting comes from.",
    "demo": "Archive the sample post from a small web on this machine.",
}
"""Name -> what `archiver --help` says of it; each is a module of archiver.commands with a function `command`."""


class Commands(click.Group):
    """Imports a command only when it is called, so that --help stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"archiver.commands.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"there is no command {args[0]!r}; there are {', '.join(COMMANDS)}")
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="archiver")
@click.option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), envvar="ARCHIVER_CONFIG", help="Settings (TOML).")
@click.pass_context
def group(ctx: click.Context, config: Path | None) -> None:
    """Keep the pictures of a post for good, and know which of them are the same picture."""
    if any(name.startswith("ARCHIVER_") for name in os.environ):
        from archiver.commands.config import check_environment

        check_environment()
    if config is not None or Path("archiver.toml").is_file():
        from archiver.commands.config import read

        found = read(config or Path("archiver.toml"))
        ctx.default_map, ctx.obj = found.defaults, found.hosts


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # SIGTERM ends a run the way Ctrl-C does
    try:
        result: Any = group.main(args=arguments, prog_name="archiver", standalone_mode=False)
    except click.exceptions.Exit as exit_:
        code = exit_.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt) as stop:
        advice = str(stop if isinstance(stop, KeyboardInterrupt) else stop.__cause__ or "")  # click turns the one into the other
        click.echo(f"interrupted: {advice}" if advice else "interrupted", err=True)
        code = EXIT_INTERRUPTED
    except ArchiverError as error:
        click.echo(f"archiver: {error}", err=True)
        code = error.exit_code
    except BrokenPipeError:
        sys.stderr.close()
        code = 0
    else:
        code = result if isinstance(result, int) else 0
    sys.exit(code)
