"""archiver demo"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from archiver.commands.show import Progress, finish


@click.command()
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), default=Path("demo"), show_default=True, help="The archive folder."
)
@click.option("-q", "--quiet", is_flag=True, help="Say only what went wrong.")
def command(output: Path, quiet: bool) -> int:
    """Archive the sample post from a small web that this machine serves to itself, and say where the report is.

    Nothing outside is asked. Links that fail are part of the sample; the exit code is 0 when the run itself went well.
    """
    from archiver.pipeline.demo import demo

    with Progress(quiet=quiet, kept="what was fetched") as progress:
        run = demo(output, progress.event)
    code = finish([run], as_json=False, quiet=quiet)
    report = (output / "report.html").resolve()
    program = to_call(sys.argv[0])
    click.echo(f"\nLook at it:   {report.as_uri()}\nDecide on it: {program} review {output}\nReplay it:    {program} replay {output}")
    return 0 if code == 8 else code


def to_call(called: str) -> str:
    """What to type to call the program: its name where a shell finds that, else what was typed, as for a .venv that is not activated."""
    if shutil.which("archiver"):
        return "archiver"
    return called if Path(called).name == "archiver" else "python -m archiver"
