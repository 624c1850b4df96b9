"""archiver replay"""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from archiver.errors import EXIT_OK


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--port", type=click.IntRange(0, 65535), default=0, metavar="N", help="Port on 127.0.0.1; 0 takes a free one.")
@click.option("--no-browser", is_flag=True, help="Only print the address.")
def command(folder: Path, port: int, no_browser: bool) -> int:
    """Show the archive folder DIR in pywb, when it is installed (pip install 'archiver[replay]'), until Ctrl-C."""
    from archiver.pipeline import replay

    if not replay.installed():
        click.echo(replay.how_to_open(folder), err=True)
        return EXIT_OK
    with replay.serving(folder, port) as address:
        click.echo(address)
        if not no_browser:
            webbrowser.open(address)
        replay.wait()
    return EXIT_OK
