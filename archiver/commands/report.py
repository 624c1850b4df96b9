"""archiver report"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from archiver.commands import options
from archiver.commands.show import Progress, finish
from archiver.pipeline.settings import Settings


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@options.apply(options.JUDGE_OPTIONS)
@options.apply(options.OUTPUT_OPTIONS)
def command(folder: Path, **values: Any) -> int:
    """Judge and render the archive folder DIR again, from its WARC files and your decisions; fetches nothing."""
    from archiver.pipeline.archive import Means
    from archiver.pipeline.rejudge import report

    settings = Settings(strictness=values["strictness"], workers=values["workers"])
    with Progress(quiet=values["quiet"], verbose=values["verbose"], log=values["log"]) as progress:
        run = report(folder, settings, Means(progress.event))
    return finish([run], as_json=values["json_"], quiet=values["quiet"])
