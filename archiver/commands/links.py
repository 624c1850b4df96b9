"""archiver links"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from archiver.commands import options
from archiver.commands.options import option
from archiver.errors import EXIT_OK
from archiver.pipeline.settings import Settings

if TYPE_CHECKING:
    from archiver.pipeline.planned import Plan

SHOWN_CHARS = 200
"""A longer data: URL is shortened on the terminal."""


@click.command()
@click.argument("posts", metavar="POST...", nargs=-1, required=True, type=click.Path())
@options.apply(options.POST_OPTIONS)
@option("--local-images/--no-local-images", default=False, help="Take pictures named by a path from below the post's own folder.")
@click.option("--json", "json_", is_flag=True, help="Print a list of url, role, line, caption and alt.")
def command(posts: tuple[str, ...], json_: bool, **values: Any) -> int:
    """List the pictures that each POST links, in its order; fetches nothing.

    Addresses are printed byte for byte as the author wrote them, after resolution against the base. Pictures that the post
    carries itself (data:) or, with --local-images, has beside it are listed as they stand in it.
    """
    from archiver.pipeline import planned

    settings = Settings(
        page_url=values["page_url"], base_url=values["base_url"], srcset=values["srcset"], local_images=values["local_images"]
    )
    for source in posts:
        show(planned.listed(source, settings), as_json=json_)
    return EXIT_OK


def show(plan: Plan, *, as_json: bool) -> None:
    """Print the pictures of one post, and on standard error what is out of reach."""
    from archiver.pipeline import present

    if as_json:
        rows = [{"url": link.url, "role": link.role, "line": link.line, "caption": link.caption, "alt": link.alt} for link in plan.links]
        click.echo(present.json_text(rows))
    else:
        for link in plan.links:
            click.echo(present.text(_short(link.url)) + (f"\t{present.text(link.caption)}" if link.caption else ""))
    for link in plan.unsupported:
        why = "is no web address" if ":" in link.url.split("/")[0] else "is relative, and there is no --base-url"
        click.echo(f"{present.text(plan.source)}:{link.line}: {present.text(_short(link.url))} {why}", err=True)
    if not plan.links and not plan.unsupported:
        click.echo(f"{present.text(plan.source)} links no pictures", err=True)


def _short(url: str) -> str:
    """A picture that stands in the post itself, by its beginning."""
    return f"{url[:60]}... ({len(url):,} characters in the post)" if url[:5].lower() == "data:" and len(url) > SHOWN_CHARS else url
