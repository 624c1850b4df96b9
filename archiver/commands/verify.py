"""archiver verify"""

from __future__ import annotations

from pathlib import Path

import click

from archiver.errors import EXIT_OK, InputError, UsageError

EXIT_FAULTS = 3


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "json_", is_flag=True, help="Print a list of findings.")
@click.option("--second-reader", is_flag=True, help="Read it with warcio as well, and say where that sees something else.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing; the exit code tells.")
def command(paths: tuple[Path, ...], json_: bool, second_reader: bool, quiet: bool) -> int:
    """Check each PATH, a WARC, a WACZ or an archive folder, written by this program or another.

    One line for each finding, with file, offset and record. Ends with 0 when nothing is wrong (warnings apart), with 3 when something
    is, and with 2 when a PATH holds nothing that could be checked.
    """
    from archiver.pipeline import present, verifying

    faults, rows, said = False, [], False
    try:
        for path in paths:
            for finding in verifying.verify(path, second_reader=second_reader):
                faults = faults or verifying.is_fault(finding)
                if json_:
                    rows.append(verifying.as_row(finding))
                elif not quiet:
                    said = True
                    click.echo(present.text(verifying.line(finding)))
    except InputError as error:
        raise UsageError(str(error)) from error
    if json_:
        click.echo(present.json_text(rows))
    elif not (quiet or said):
        click.echo(f"{', '.join(str(path) for path in paths)}: sound", err=True)
    return EXIT_FAULTS if faults else EXIT_OK
