"""archiver links"""

from __future__ import annotations

from typing import Any

import click

from archiver.commands import options
from archiver.commands.options import option
from archiver.errors import EXIT_OK, UsageError
from archiver.pipeline.settings import Settings


@click.command()
@click.argument("posts", metavar="POST...", nargs=-1, required=True, type=click.Path())
@options.apply(options.POST_OPTIONS)
@option("--local-images/--no-local-images", default=False, help="Take pictures named by a path from below the post's own folder.")
@click.option("--json", "json_", is_flag=True, help="Print a list of url, role, line, caption and alt.")
def command(posts: tuple[str, ...], json_: bool, **values: Any) -> int:
    """List the pictures that each POST links, in its order; fetches nothing.

    Addresses are printed byte for byte as the author wrote them, after resolution against the base.
    """
    settings = Settings(
        page_url=values["page_url"], base_url=values["base_url"], srcset=values["srcset"], local_images=values["local_images"]
    )
    return max(show_plan(source, settings, as_json=json_) for source in posts)


def show_plan(source: str, settings: Settings, *, as_json: bool) -> int:
    """Print what would be fetched for one post."""
    from archiver.pipeline import document, present

    if document.is_url(source):
        raise UsageError(f"{source} would have to be fetched first; save the page and name the file")
    found = document.parse(document.load(source), source, settings)
    if as_json:
        rows = [{"url": link.url, "role": link.role, "line": link.line, "caption": link.caption, "alt": link.alt} for link in found.links]
        click.echo(present.json_text(rows))
    else:
        for link in found.links:
            click.echo(present.text(link.url) + (f"\t{present.text(link.caption)}" if link.caption else ""))
    for link in found.unsupported:
        why = "is no web address" if ":" in link.url.split("/")[0] else "is relative, and there is no --base-url"
        click.echo(f"{present.text(source)}:{link.line}: {present.text(link.url)} {why}", err=True)
    if not found.links:
        click.echo(f"{present.text(source)} links no pictures", err=True)
    return EXIT_OK
