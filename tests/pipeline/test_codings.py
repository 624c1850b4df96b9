"""Bodies under a content coding: undone, not known, damaged, or swelling without end. What is said holds whenever it is judged."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

from archiver.model import FetchSettings, Report
from archiver.pipeline.archive import archive
from archiver.pipeline.means import Means
from archiver.pipeline.rejudge import report as judge_again
from archiver.pipeline.settings import Settings
from tests.servers import response, routes, serve
from tests.small_pictures import scene

MAX_BYTES = 2_000_000


def jpeg(seed: int) -> bytes:
    out = io.BytesIO()
    scene(seed).save(out, "JPEG")
    return out.getvalue()


def damaged(data: bytes) -> bytes:
    packed = bytearray(gzip.compress(data))
    packed[len(packed) // 2 : len(packed) // 2 + 40] = bytes(40)
    return bytes(packed)


def under(coding: str, body: bytes) -> bytes:
    return response(body, headers=[("Content-Type", "image/jpeg"), ("Content-Encoding", coding)])


BODIES = {
    "/gzip": under("gzip", gzip.compress(jpeg(1))),
    "/plain-called-gzip": under("gzip", jpeg(2)),
    "/plain-called-br": under("br", jpeg(3)),
    "/br": under("br", b"\x1b\x03\x00\xf8" + bytes(range(200))),
    "/zstd": under("zstd", b"\x28\xb5\x2f\xfd" + bytes(range(200))),
    "/unheard-of": under("\x1bx", bytes(range(200))),
    "/damaged": under("gzip", damaged(jpeg(4))),
    "/swells": under("gzip", gzip.compress(bytes(MAX_BYTES + 1))),
    "/large-enough": under("gzip", gzip.compress(b"\xff\xd8" + bytes(MAX_BYTES - 2))),
}


def statuses(report: Report | None) -> dict[str, tuple[str, str]]:
    assert report is not None
    return {"/" + image.target.url.rpartition("/")[2]: (image.status, image.error) for image in report.images}


def test_each_coding_has_its_word_and_its_sentence(tmp_path: Path) -> None:
    settings = Settings(fetch=FetchSettings(allow_addresses=("127.0.0.0/8",), max_body_bytes=MAX_BYTES), workers=1)
    with serve(routes(BODIES)) as web:
        (tmp_path / "post.md").write_text("\n\n".join(f"![]({web.url(path)})" for path in BODIES))
        run = archive(str(tmp_path / "post.md"), tmp_path / "out", settings, Means(lambda _: None))
    found = statuses(run.report)
    assert {path: status for path, (status, _) in found.items()} == {
        "/gzip": "ok",
        "/plain-called-gzip": "ok",
        "/plain-called-br": "ok",
        "/br": "unsupported",
        "/zstd": "unsupported",
        "/unheard-of": "unsupported",
        "/damaged": "corrupt",
        "/swells": "too_large",
        "/large-enough": "corrupt",
    }
    assert found["/br"][1] == "the content coding br is not decoded"
    assert found["/zstd"][1] == "the content coding zstd is not decoded"
    assert found["/unheard-of"][1] == "the content coding ?x is not decoded"
    assert found["/damaged"][1].startswith("the content coding cannot be undone")
    assert found["/swells"][1] == f"{MAX_BYTES + 1} bytes once its encoding is undone, the limit is {MAX_BYTES}"
    again = judge_again(tmp_path / "out", settings, Means(lambda _: None))
    assert statuses(again.report) == found
