"""archiver compare"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archiver.commands import options
from archiver.errors import EXIT_OK
from archiver.pipeline.settings import Settings

if TYPE_CHECKING:
    from archiver.pipeline.comparing import Compared


@click.command()
@click.argument("first", metavar="A", type=click.Path())
@click.argument("second", metavar="B", type=click.Path())
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Draw the pair into this file.")
@click.option("--json", "json_", is_flag=True, help="Print the verdict as JSON.")
@options.apply(options.JUDGE_OPTIONS)
@options.apply(options.FETCH_OPTIONS)
def command(first: str, second: str, html: Path | None, json_: bool, **values: Any) -> int:
    """Say whether A and B, files or http(s) URLs, are the same picture, how one became the other, and on what evidence."""
    from archiver.pipeline.comparing import compare
    from archiver.pipeline.folder import write
    from archiver.pipeline.means import Means

    settings = Settings(fetch=options.fetch_settings(values), strictness=values["strictness"], workers=values["workers"])
    compared = compare((first, second), settings, Means(lambda _: None))
    if json_:
        click.echo(_json(compared))
    else:
        click.echo("\n".join(_lines(compared)))
    if html is not None:
        write(html, compared.html)
    return EXIT_OK


def _json(compared: Compared) -> str:
    from dataclasses import asdict

    from archiver.pipeline import present

    pictures = [asdict(picture) for picture in compared.pictures]
    for picture in pictures:
        picture["fingerprint"]["hashes"] = {bits["kind"]: f"{bits['value']:016x}" for bits in picture["fingerprint"]["hashes"]}
    return present.json_text({"names": compared.names, **asdict(compared.pair), "pictures": pictures})


def _lines(compared: Compared) -> list[str]:
    from archiver.pipeline.present import text

    pair = compared.pair
    lines = [f"{pair.verdict.value}  ({', '.join(pair.relations) or 'no relation'}; score {pair.score:.3f})", text(pair.because), ""]
    for letter, name, picture in zip("AB", compared.names, compared.pictures, strict=False):
        facts = [f"{picture.width_px} × {picture.height_px}", picture.format]
        facts += [f"quality {picture.evidence.jpeg_quality}"] if picture.evidence.jpeg_quality else []
        facts += ["too little in it to compare by look"] if not picture.fingerprint.informative else []
        lines.append(f"{letter}  {text(name)}  ({', '.join(facts)})")
    if not compared.pictures:
        return [*lines, *(f"{letter}  {text(name)}  (not decoded)" for letter, name in zip("AB", compared.names, strict=True))]
    lines.append("")
    for one, other in zip(*(picture.fingerprint.hashes for picture in compared.pictures), strict=False):
        lines.append(f"{one.kind:24} {one.distance_bits(other)} of {one.length_bits} bits differ")
    lines += [f"{name:24} {value:.4g}" for name, value in pair.scores.items()]
    if pair.transform is not None:
        left, top, right, bottom = pair.transform.crop
        fuller = "A" if (pair.transform.fuller == "a") == (pair.a == compared.pictures[0].payload) else "B"
        lines += [f"{'fuller picture':24} {fuller}", f"{'crop in it':24} {left:.0f},{top:.0f} to {right:.0f},{bottom:.0f}"]
        lines += [f"{'scale, angle':24} {pair.transform.scale:.3f}, {pair.transform.angle_deg:.2f} degrees"]
    return lines
