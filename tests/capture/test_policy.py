from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.capture import policy
from archiver.model import FetchSettings, Reason

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        (" 17 ", 17.0),
        ("99999999999999999999", 999999999.0),
        ("Thu, 01 Jan 2026 12:01:00 GMT", 60.0),
        ("Thursday, 01-Jan-26 12:01:00 GMT", 60.0),
        ("Thu Jan  1 12:01:00 2026", 60.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("١٢", None),
    ],
)
def test_retry_after_is_read_in_both_forms(value: str, seconds: float | None) -> None:
    assert policy.retry_after_s(value, NOW) == seconds


@given(st.text())
def test_retry_after_never_raises(value: str) -> None:
    seconds = policy.retry_after_s(value, NOW)
    assert seconds is None or seconds >= 0


@given(st.integers(0, 10**6))
def test_retry_after_as_a_date_equals_the_same_in_seconds(seconds: int) -> None:
    as_date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    assert policy.retry_after_s(as_date, NOW) == policy.retry_after_s(str(seconds), NOW)


@given(st.integers(1, 100), st.floats(0, 1))
def test_backoff_grows_and_stays_within_its_cap(attempt: int, chance: float) -> None:
    settings = FetchSettings(backoff_base_s=0.5, backoff_cap_s=20)
    wait = policy.backoff_s(attempt, settings, chance)
    assert 0.25 <= wait <= 20
    assert policy.backoff_s(attempt + 1, settings, chance) >= wait


def test_what_the_server_asks_outranks_our_backoff_up_to_the_cap() -> None:
    settings = FetchSettings(backoff_base_s=1, retry_after_cap_s=60)
    assert policy.wait_before_retry_s(1, None, settings, 1.0) == 1
    assert policy.wait_before_retry_s(1, 30, settings, 1.0) == 30
    assert policy.wait_before_retry_s(1, 3600, settings, 1.0) == 60
    assert policy.wait_before_retry_s(1, 0, settings, 1.0) == 1


@pytest.mark.parametrize("status", [200, 203, 206, 226])
def test_success_with_a_body_is_not_refused(status: int) -> None:
    assert policy.status_refusal(status) is None


@pytest.mark.parametrize("status", [204, 205, 304])
def test_statuses_without_a_body_are_empty(status: int) -> None:
    refusal = policy.status_refusal(status)
    assert refusal is not None
    assert refusal.reason is Reason.EMPTY


@pytest.mark.parametrize("status", [300, 305, 306, 400, 401, 403, 404, 410, 418, 429, 451, 500, 503, 599, 600, 999])
def test_all_other_statuses_are_errors_of_the_server(status: int) -> None:
    refusal = policy.status_refusal(status)
    assert refusal is not None
    assert refusal.reason is Reason.HTTP_ERROR
    assert str(status) in refusal.detail


def test_only_what_may_recover_is_tried_again() -> None:
    assert {status for status in range(200, 600) if policy.status_recovers(status)} == {408, 425, 429, *range(500, 600)}


@pytest.mark.parametrize("port", [1, 22, 25, 110, 143, 465, 587, 993, 6000, 6667, 10080])
def test_bad_ports_are_refused_even_when_written_in_the_post(port: int) -> None:
    assert policy.port_refused(port, written={port})
    assert policy.port_refused(port, written={port}, redirected=True)


@pytest.mark.parametrize("port", [81, 631, 8080, 8443, 9200, 65535])
def test_a_redirect_opens_no_port_but_those_of_the_web_and_of_the_post(port: int) -> None:
    assert policy.port_refused(port) == ""
    assert f"port {port}" in policy.port_refused(port, redirected=True)
    assert policy.port_refused(port, redirected=True, written={port}) == ""
    assert not any(policy.port_refused(web, redirected=True) for web in (80, 443))


def test_loops_and_long_chains_of_redirects_end() -> None:
    settings = FetchSettings(max_redirects=2)
    assert policy.redirect_refusal("http://a/3", ["http://a/1", "http://a/2"], settings) is None
    loop = policy.redirect_refusal("http://a/1", ["http://a/1", "http://a/2"], settings)
    assert loop is not None
    assert "loop" in loop.detail
    long = policy.redirect_refusal("http://a/4", ["http://a/1", "http://a/2", "http://a/3"], settings)
    assert long is not None
    assert long.detail == "more than 2 redirects"
