"""What servers say of logins stands nowhere in what a run leaves behind."""

from __future__ import annotations

import gzip
import io
from dataclasses import replace
from pathlib import Path

from archiver.model import Event, FetchSettings
from archiver.pipeline.archive import archive
from archiver.pipeline.means import Means
from archiver.pipeline.settings import Settings
from archiver.warc.reader import Record, records
from archiver.warc.records import NOTE
from archiver.warc.verify import verify
from tests.servers import redirect, response, routes, serve
from tests.small_pictures import scene

SETTINGS = replace(Settings(), workers=1, fetch=FetchSettings(allow_addresses=("127.0.0.0/8",), backoff_base_s=0.01))


def test_userinfo_that_a_server_redirects_with_stands_nowhere_and_the_record_says_so(tmp_path: Path) -> None:
    png = io.BytesIO()
    scene(1, 120, 90).save(png, "PNG")
    with serve(routes({"/1": response(png.getvalue())})) as web:
        led = {
            "/moved": web.url("/1").replace("//", "//them:pssst@"),
            "/refused": "ftp://them:pssst@h.example/",
            "/dead": "//pssst@x.invalid/",
        }
        with serve(routes({path: redirect(location) for path, location in led.items()})) as first:
            (tmp_path / "post.md").write_text("\n".join(f"![]({one})" for one in [web.url("/1"), *map(first.url, led)]))
            events: list[Event] = []
            run = archive(str(tmp_path / "post.md"), tmp_path / "out", SETTINGS, Means(events.append))
    assert run.report is not None
    assert [image.status for image in run.report.images] == ["ok", "ok", "redirect_error", "dns_error"]
    assert "pssst" not in str(events)
    for path in (tmp_path / "out").iterdir():
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        assert b"pssst" not in data, path.name
    (warc,) = (tmp_path / "out").glob("*.warc.gz")
    notes = [note for record in records(warc) if isinstance(record, Record) for note in record.fields.all(NOTE)]
    assert notes == ["userinfo blanked: Location"] * 3
    assert [finding.line for finding in verify(tmp_path / "out")] == []
