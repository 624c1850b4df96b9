"""archiver report"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archiver.commands import options
from archiver.commands.show import Progress, finish
from archiver.errors import UsageError
from archiver.pipeline.settings import Settings

if TYPE_CHECKING:
    from archiver.pipeline.means import Means


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@options.apply(options.JUDGE_AGAIN_OPTIONS)
@click.option("--preview", is_flag=True, help="Only show what --strictness would change: lines here, pictures in DIR/preview.html.")
@click.option(
    "--rewrite-post",
    metavar="OUT",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the post to the new file OUT as well, its links going to local copies of the best originals in images/ beside it.",
)
@options.apply(options.OUTPUT_OPTIONS)
def command(folder: Path, preview: bool, rewrite_post: Path | None, **values: Any) -> int:
    """Judge and render DIR again under your decisions, an archive from its WARC files, a `dedup` report from what it was made from.

    Fetches nothing.
    """
    from archiver.pipeline.means import Means
    from archiver.pipeline.rejudge import report

    if preview and rewrite_post:
        raise UsageError("--preview writes nothing but the preview, so it does not go with --rewrite-post")
    if preview and not options.given("strictness"):
        raise UsageError("--preview shows what another strictness would change: name it with --strictness")
    settings = Settings(strictness=options.as_before(folder, values["strictness"]), workers=values["workers"])
    with Progress(quiet=values["quiet"], verbose=values["verbose"], log=values["log"]) as progress:
        if preview:
            return _preview(folder, settings, Means(progress.event))
        run = report(folder, settings, Means(progress.event))
    code = finish([run], as_json=values["json_"], quiet=values["quiet"])
    if rewrite_post and run.report is not None:
        from archiver.pipeline.rewrite import rewrite

        done = rewrite(folder, run.report, rewrite_post, Means(progress.event))
        click.echo(f"{done.path}: {done.links} links go to {done.pictures} local pictures, {len(done.left)} stay as they were", err=True)
    return code


def _preview(folder: Path, settings: Settings, means: Means) -> int:
    from archiver.pipeline.preview import preview

    lines, page = preview(folder, settings, means)
    click.echo("\n".join(lines))
    click.echo(f"With pictures: {page.resolve().as_uri()}", err=True)
    return 0
