"""archiver archive"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from archiver.commands import options
from archiver.commands.options import option
from archiver.commands.show import Progress, finish
from archiver.errors import EXIT_OK, EXIT_SOME_FAILED, UsageError
from archiver.pipeline.settings import Settings


@click.command()
@click.argument("posts", metavar="POST...", nargs=-1, type=click.Path())
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), help="The archive folder; else one named after the post.")
@click.option("-i", "--input-list", type=click.File("r"), help="A file that names one POST a line; - for standard input.")
@options.apply(options.POST_OPTIONS)
@option("--local-images/--no-local-images", default=False, help="Take pictures named by a path from below the post's own folder.")
@option(
    "--originals",
    is_flag=True,
    help="Where an address is that of a resizing proxy or a size variant, try the likely original too; both are archived.",
)
@options.apply(options.JUDGE_OPTIONS)
@options.apply(options.FETCH_OPTIONS)
@option("--warc-max-size", type=options.SIZE, default="1G", show_default=True, help="Begin another WARC file beyond this.")
@option("--wacz/--no-wacz", default=True, show_default=True, help="Write a WACZ for viewers as well.")
@option("--operator", default="", metavar="TEXT", help="Who archives; stands in every WARC file.")
@option("--keep-secrets", is_flag=True, help="Keep Authorization, Cookie and the like in request records; blanked otherwise.")
@option("--limit", type=click.IntRange(1), default=20, metavar="N", show_default=True, help="Posts taken from a feed or sitemap.")
@option(
    "--jobs", type=click.IntRange(1), default=1, metavar="N", show_default=True, help="Posts worked on at a time; hosts see one visitor."
)
@click.option(
    "-s",
    "--simulate",
    is_flag=True,
    help="Say what would be fetched; of a post on the web only the page is asked for. Nothing is written.",
)
@click.option("--fail-on-duplicates", is_flag=True, help="Exit with 9 when pictures of the post are copies of each other.")
@options.apply(options.OUTPUT_OPTIONS)
def command(posts: tuple[str, ...], output: Path | None, input_list: Any, simulate: bool, fail_on_duplicates: bool, **values: Any) -> int:
    """Archive the pictures of each POST: a Markdown or HTML file, an http(s) URL, or - for standard input. The URL of a feed (RSS, Atom,
    JSON Feed) or sitemap stands for the posts it lists.

    The folder then holds the WARC (the truth), a WACZ for viewers, report.html, report.json and clusters.csv. The same command
    again continues a run that was cut off, and captures anew what is finished.
    """
    from archiver.pipeline import many

    sources = [*posts, *(line.strip() for line in input_list or () if line.strip() and not line.startswith("#"))]
    if not sources:
        raise UsageError("name a POST: a Markdown or HTML file, an http(s) URL, or -")
    settings = options.archive_settings(values)
    if simulate:
        return _simulate(sources, settings, values)
    with Progress(quiet=values["quiet"], verbose=values["verbose"], log=values["log"], kept="what was fetched") as progress:
        runs = many.archive(sources, output, settings, progress.event, limit=values["limit"], jobs=values["jobs"])
    return finish(runs, as_json=values["json_"], quiet=values["quiet"], fail_on_duplicates=fail_on_duplicates)


def _simulate(sources: list[str], settings: Settings, values: dict[str, Any]) -> int:
    from archiver.commands.links import show
    from archiver.pipeline import planned, present
    from archiver.pipeline.means import Means

    code = EXIT_OK
    with Progress(quiet=values["quiet"], verbose=values["verbose"], log=values["log"]) as progress:
        plans = list(planned.simulate(sources, settings, Means(progress.event), limit=values["limit"]))
    for plan in plans:
        if plan.error is not None:
            click.echo(f"archiver: {present.text(str(plan.error))}", err=True)
            code = plan.error.exit_code if len(plans) == 1 else EXIT_SOME_FAILED
        else:
            show(plan, as_json=values["json_"])
    return code
