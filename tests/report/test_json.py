"""report.json: what it says, that its schema describes it, and that it can be read back."""

from __future__ import annotations

import copy
import json as stdlib_json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from archiver.errors import InputError
from archiver.model import Report, Transform
from archiver.report import json
from archiver.report.places import totals
from tests.report.samples import EVIL, sample

VALIDATOR = Draft202012Validator(json.schema(), format_checker=Draft202012Validator.FORMAT_CHECKER)


@pytest.fixture(scope="module")
def report() -> Report:
    return sample()[0]


@pytest.fixture(scope="module")
def built(report: Report) -> dict[str, Any]:
    return json.build(report)


def empty(report: Report) -> Report:
    return replace(
        report, post=None, images=(), clusters=(), unsure=(), held_apart=(), decisions=(), warcs=(), wacz="", settings={}, tool={}
    )


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(json.schema())


def test_the_schema_describes_full_and_empty_reports(report: Report, built: dict[str, Any]) -> None:
    VALIDATOR.validate(built)
    VALIDATOR.validate(json.build(empty(report)))
    VALIDATOR.validate(stdlib_json.loads(json.render(report)))


def test_every_key_of_an_image_is_there_for_every_image(built: dict[str, Any]) -> None:
    wanted = "url status error final_url hops http_status sha256 bytes format width height frames fingerprints links warc cluster keeper"
    assert {key for image in built["images"] for key in image} >= set(wanted.split())
    assert len({tuple(image) for image in built["images"]}) == 1, "all images have the same keys"


@pytest.mark.parametrize(
    ("where", "wrong"),
    [
        (("schema_version",), 2),
        (("images", 0, "status"), "fine"),
        (("images", 0, "sha256"), "abc"),
        (("images", 0, "links", 0, "role"), "hero"),
        (("images", 0, "warc", "offset"), -1),
        (("clusters", 0, "id"), "7"),
        (("clusters", 0, "members"), []),
        (("clusters", 0, "pairs", 0, "verdict"), "maybe"),
        (("clusters", 0, "pairs", 0, "score"), 1.2),
        (("clusters", 0, "pairs", 0, "transform", "matrix"), [1, 0, 0]),
        (("unsure", 0, "relations"), ["cousin"]),
        (("decisions", 0, "verdict"), "never"),
        (("summary", "archived"), "many"),
    ],
)
def test_the_schema_refuses(built: dict[str, Any], where: tuple[Any, ...], wrong: object) -> None:
    spoilt = copy.deepcopy(built)
    place: Any = spoilt
    for step in where[:-1]:
        place = place[step]
    place[where[-1]] = wrong
    assert list(VALIDATOR.iter_errors(spoilt)), f"{where} = {wrong!r} should not be valid"


def test_every_listed_key_is_required(built: dict[str, Any]) -> None:
    for key in built:
        assert list(VALIDATOR.iter_errors({k: v for k, v in built.items() if k != key})), key


def test_what_was_written_can_be_read_back(report: Report) -> None:
    for original in (report, empty(report)):
        again = json.parse(json.render(original))
        assert json.build(again) == json.build(original)
        assert again.images == original.images
        assert again.clusters == original.clusters
        assert (again.unsure, again.held_apart, again.decisions) == (original.unsure, original.held_apart, original.decisions)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema_version": 2}', '{"schema_version": 1}', '{"schema_version": 1, "tool": 3}', "\x00"]
)
def test_what_is_no_report_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(InputError, match="report"):
        json.parse(text)


def test_a_report_spoilt_anywhere_is_read_or_refused_but_never_crashes(built: dict[str, Any]) -> None:
    for key in built:
        for wrong in (None, 7, "x", [3], {"a": 1}):
            try:
                json.parse(stdlib_json.dumps({**built, key: wrong}, default=str))
            except InputError:
                continue


def test_members_are_urls_and_the_best_copy_comes_first(built: dict[str, Any]) -> None:
    first = built["clusters"][0]
    assert first["representative"] == "https://images.indianexpress.com/2018/05/neck-pain-1200.jpg" == first["members"][0]
    assert len(first["members"]) == 5
    assert [image["url"] for image in built["images"] if image["keeper"]] == [cluster["representative"] for cluster in built["clusters"]]


def test_one_payload_under_two_urls_is_a_cluster_with_an_identical_bytes_pair(built: dict[str, Any]) -> None:
    second = built["clusters"][1]
    assert second["members"] == ["https://one.example/tall.jpg", "https://two.example/tall.jpg?w=1"]
    (pair,) = second["pairs"]
    assert (pair["a"], pair["b"]) == tuple(second["members"])
    assert (pair["verdict"], pair["relations"], pair["score"]) == ("same", ["identical-bytes"], 1.0)
    assert pair["a_sha256"] == pair["b_sha256"] == second["payloads"][0]


def test_every_pair_speaks_of_urls_of_its_cluster(built: dict[str, Any]) -> None:
    for cluster in built["clusters"]:
        for pair in cluster["pairs"]:
            assert {pair["a"], pair["b"]} <= set(cluster["members"])


def test_the_sums_add_up(built: dict[str, Any]) -> None:
    sums = built["summary"]
    assert sums["targets"] == len(built["images"]) == sum(sums["by_status"].values())
    assert sums["archived"] + sums["failed"] == sums["targets"]
    assert sums["pictures"] + sums["duplicates"] == sums["archived"]
    assert (sums["clusters"], sums["duplicates"], sums["unsure"], sums["held_apart"]) == (3, 6, 1, 1)
    assert sums["saved_bytes"] == sum(image["bytes"] for image in built["images"] if image["revisit"]) > 0


def test_only_the_lines_of_the_post_that_hold_links_are_quoted(built: dict[str, Any]) -> None:
    lines = built["post"]["lines"]
    assert set(lines) == {str(link["line"]) for image in built["images"] for link in image["links"]}
    assert "neck-pain-1200.jpg" in lines["12"]


def test_words_of_strangers_stay_as_they_are(report: Report) -> None:
    image = replace(report.images[0], error=EVIL + "\u2028 \U0001f600 half a pair: \ud83d")
    text = json.render(replace(report, images=(image, *report.images[1:])))
    assert text.encode()
    assert stdlib_json.loads(text)["images"][0]["error"] == image.error


def test_what_could_not_be_measured_is_left_out(report: Report) -> None:
    pair = replace(report.unsure[0], scores={"overlap": float("nan"), "gain": float("inf"), "matches": 3})
    text = json.render(replace(report, unsure=(pair,)))
    loaded = stdlib_json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert loaded["unsure"][0]["scores"] == {"matches": 3}


number = st.floats(-1e6, 1e6, allow_nan=False)
box = st.tuples(number, number, number, number)
transforms = st.builds(
    Transform,
    fuller=st.sampled_from(["a", "b"]),
    crop=box,
    scale=number,
    angle_deg=number,
    mirrored=st.booleans(),
    matrix=st.tuples(number, number, number, number, number, number),
    region=st.none() | box,
)


@given(transform=transforms, because=st.text(), score=st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_any_pair_survives_writing_and_reading(transform: Transform, because: str, score: float) -> None:
    report = sample()[0]
    pair = replace(report.unsure[0], transform=transform, because=because, score=score)
    assert json.parse(json.render(replace(empty(report), unsure=(pair,)))).unsure == (pair,)


def test_the_documentation_names_every_key(built: dict[str, Any]) -> None:
    text = (Path(__file__).parents[2] / "docs" / "report.md").read_text(encoding="utf-8")
    assert [key for key in built if f"`{key}`" not in text] == []


def test_several_addresses_of_one_record_are_stored_once() -> None:
    report = sample()[0]
    first = next(image for image in report.images if image.status == "ok" and not image.revisit)
    again = replace(first, target=replace(first.target, url="https://other.example/again.jpg"))
    before, after = totals(report), totals(replace(report, images=(*report.images, again)))
    assert after.size_bytes == before.size_bytes + first.size_bytes
    assert after.saved_bytes == before.saved_bytes + first.size_bytes


def test_a_group_of_what_was_not_decoded_counts_as_no_picture() -> None:
    report = sample()[0]
    drawing = replace(next(image for image in report.images if image.status != "ok"), payload="5" * 64)
    known = replace(report, images=(*report.images, drawing, drawing))
    group = replace(report.clusters[0], keeper=drawing.payload, members=(drawing.payload,), pairs=())
    before, after = totals(known), totals(replace(known, clusters=(*report.clusters, group)))
    assert (after.pictures, after.duplicates, after.clusters) == (before.pictures, before.duplicates, before.clusters + 1)
