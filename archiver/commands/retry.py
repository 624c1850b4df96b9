"""archiver retry"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from archiver.commands import options
from archiver.commands.options import option
from archiver.commands.show import Progress, finish
from archiver.pipeline.settings import Settings


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@options.apply(options.JUDGE_AGAIN_OPTIONS)
@options.apply(options.FETCH_OPTIONS)
@option("--warc-max-size", type=options.SIZE, default="1G", show_default=True, help="Begin another WARC file beyond this.")
@option("--wacz/--no-wacz", default=None, help="Write a WACZ for viewers as well; unless told, where there is one.")
@option("--operator", default="", metavar="TEXT", help="Who archives; stands in every WARC file.")
@option("--keep-secrets", is_flag=True, help="Keep Authorization, Cookie and the like in request records; blanked otherwise.")
@options.apply(options.OUTPUT_OPTIONS)
def command(folder: Path, **values: Any) -> int:
    """Fetch again only what failed in the archive folder DIR, into a further WARC, and renew WACZ and report."""
    from archiver.pipeline import folder as on_disk
    from archiver.pipeline.means import Means
    from archiver.pipeline.retry import retry

    before = on_disk.read_report(folder) or {}
    settings = Settings(
        fetch=options.fetch_settings(values),
        strictness=options.as_before(folder, values["strictness"]),
        workers=values["workers"],
        warc_max_size_bytes=values["warc_max_size"],
        wacz=bool(before.get("wacz")) if values["wacz"] is None else values["wacz"],
        operator=values["operator"],
        keep_secrets=values["keep_secrets"],
    )
    with Progress(quiet=values["quiet"], verbose=values["verbose"], log=values["log"]) as progress:
        run = retry(folder, settings, Means(progress.event))
    return finish([run], as_json=values["json_"], quiet=values["quiet"])
