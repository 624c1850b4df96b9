"""archiver review"""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from pathlib import Path

import click

from archiver.commands.show import Progress
from archiver.errors import OutputError


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, metavar="N", help="Listen here; 0 takes a free port.")
@click.option("--no-browser", is_flag=True, help="Only say the address.")
@click.option("--export", "export_as", type=click.Choice(["json", "csv"]), help="Print decisions and clusters instead, and end.")
def command(folder: Path, port: int, no_browser: bool, export_as: str | None) -> int:
    """Decide in the browser which pictures of DIR are the same: an archive folder, or the folder of a `dedup` report.

    The page is served on this machine only, under an address that holds a secret of this run. Every decision is saved at once in
    DIR/decisions.json; Ctrl-C ends the review.
    """
    from archiver.review import export
    from archiver.review.desk import Desk
    from archiver.review.server import serve

    with Desk(folder) as desk:
        if not desk.complete():
            click.echo(
                "archiver: the report or its small pictures are not at hand (deleted, or of another version): judging the folder again",
                err=True,
            )
            with Progress() as progress:
                desk.renew(progress.event)
        agenda = desk.agenda()
        if export_as:
            click.echo(export.as_json(agenda) if export_as == "json" else export.as_csv(agenda), nl=False)
            return 0

        def ready(url: str) -> None:
            click.echo(url)
            click.echo(f"{agenda.done} of {len(agenda.items)} decided. Ctrl-C ends the review; all decisions are saved by then.", err=True)
            if not no_browser and _has_screen():
                threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()

        try:
            serve(desk, port, ready)
        except OSError as error:
            raise OutputError(f"cannot listen on port {port}: {error.strerror or error}") from error
    if (folder / "decisions.json").exists():
        click.echo(f"\nSaved in {folder / 'decisions.json'}. `archiver report {folder}` brings the report up to date.", err=True)
    return 0


def _has_screen() -> bool:
    """Without one, the standard library would start a text browser in this terminal."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
