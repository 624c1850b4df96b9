"""archiver verify"""

from __future__ import annotations

import json
from pathlib import Path

import click

from archiver.errors import EXIT_OK

EXIT_FAULTS = 3


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "json_", is_flag=True, help="Print a list of findings.")
@click.option("--second-reader", is_flag=True, help="Read it with warcio as well, and say where that sees something else.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing; the exit code tells.")
def command(paths: tuple[Path, ...], json_: bool, second_reader: bool, quiet: bool) -> int:
    """Check each PATH, a WARC, a WACZ or an archive folder, written by this program or another.

    One line for each finding, with file, offset and record. Ends with 0 when nothing is wrong (warnings apart), else with 3.
    """
    from archiver.pipeline import present, verifying

    findings = [finding for path in paths for finding in verifying.verify(path, second_reader=second_reader)]
    if json_:
        click.echo(json.dumps([verifying.as_row(finding) for finding in findings], ensure_ascii=False, indent=1))
    elif not quiet:
        for finding in findings:
            click.echo(present.text(verifying.line(finding)))
        if not findings:
            click.echo(f"{', '.join(str(path) for path in paths)}: sound", err=True)
    return EXIT_FAULTS if any(verifying.is_fault(finding) for finding in findings) else EXIT_OK
