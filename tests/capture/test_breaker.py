from __future__ import annotations

from archiver.capture.breaker import PROVEN, REST_S, Breaker
from archiver.capture.policy import Refusal
from archiver.capture.urls import Place
from archiver.model import Reason

DOWN = Refusal(Reason.NETWORK_ERROR, "refused")


def at(path: int, port: int = 80) -> Place:
    return Place("http", "h.example", port, f"/{path}")


def test_links_in_a_row_count_and_not_the_tries_of_one() -> None:
    breaker = Breaker(3)
    for _ in range(50):
        breaker.failed(at(1), DOWN, 0)
        breaker.failed(at(2), DOWN, 0)
    assert breaker.refusal(at(3), 0) is None
    breaker.failed(at(3), DOWN, 0)
    assert breaker.refusal(at(4), 0) == Refusal(
        Reason.NETWORK_ERROR, "h.example was given up after 3 links in a row failed; the last: refused"
    )


def test_another_port_of_the_host_is_another_matter() -> None:
    breaker = Breaker(1)
    breaker.failed(at(1, 8080), DOWN, 0)
    assert breaker.refusal(at(1), 0) is None
    refusal = breaker.refusal(at(2, 8080), 0)
    assert refusal is not None
    assert refusal.detail.startswith("h.example:8080 was given up")


def test_more_is_borne_from_a_host_that_has_answered_well() -> None:
    breaker = Breaker(2)
    breaker.failed(at(0), DOWN, 0)
    breaker.answered(at(1))
    for path in range(2 * PROVEN):
        assert breaker.refusal(at(99), 0) is None
        breaker.failed(at(path), DOWN, 0)
    assert breaker.refusal(at(99), 0) is not None


def test_a_host_that_was_given_up_gets_one_more_try_after_its_rest() -> None:
    breaker = Breaker(3)
    for path in range(3):
        breaker.failed(at(path), DOWN, 1000.0)
    asked = [breaker.refusal(at(9), now) is None for now in (1000.0, 1000.0 + REST_S - 1, 1000.0 + REST_S)]
    breaker.failed(at(9), DOWN, 1000.0 + REST_S)
    asked.append(breaker.refusal(at(10), 1000.0 + REST_S) is None)
    asked.append(breaker.refusal(at(10), 1000.0 + 2 * REST_S) is None)
    breaker.answered(at(10))
    breaker.failed(at(11), DOWN, 5000.0)
    asked.append(breaker.refusal(at(12), 5000.0) is None)
    assert asked == [False, False, True, False, True, True]


def test_none_is_given_up_when_the_number_is_zero() -> None:
    breaker = Breaker(0)
    for path in range(100):
        breaker.failed(at(path), DOWN, 0)
    assert breaker.refusal(at(1), 0) is None


def test_of_links_that_were_never_asked_for_nobody_says_that_a_part_came() -> None:
    breaker = Breaker(1)
    breaker.failed(at(1), Refusal(Reason.TRUNCATED, "cut"), 0)
    refusal = breaker.refusal(at(2), 0)
    assert refusal is not None
    assert refusal.reason is Reason.NETWORK_ERROR
