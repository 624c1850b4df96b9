"""archiver dedup"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from archiver.commands import options
from archiver.commands.show import Progress, finish
from archiver.pipeline.settings import Settings


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), help="The report's folder; else NAME-duplicates.")
@options.apply(options.JUDGE_OPTIONS)
@click.option("--fail-on-duplicates", is_flag=True, help="Exit with 9 when pictures are copies of each other.")
@options.apply(options.OUTPUT_OPTIONS)
def command(paths: tuple[Path, ...], output: Path | None, fail_on_duplicates: bool, **values: Any) -> int:
    """Find the same pictures in each PATH: a WARC, a WACZ, an archive folder, a folder of pictures, or a picture.

    Needs no network and changes nothing in PATH. In folders each picture is named by its path relative to PATH. What is damaged is named
    and passed over; ends with 3, without a report, when nothing at all could be read, with 4 when no file is a picture, and with 8 when
    some pictures are damaged. Hidden files are not looked at.
    """
    from archiver.pipeline.dedup import dedup
    from archiver.pipeline.means import Means

    where = output or Path(f"{paths[0].resolve().name or 'pictures'}-duplicates")
    settings = Settings(strictness=values["strictness"], workers=values["workers"], wacz=False)
    kept = "what was measured and compared"
    with Progress(quiet=values["quiet"], verbose=values["verbose"], log=values["log"], kept=kept) as progress:
        run = dedup(paths, where, settings, Means(progress.event))
    return finish([run], as_json=values["json_"], quiet=values["quiet"], fail_on_duplicates=fail_on_duplicates)
