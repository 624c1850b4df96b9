from __future__ import annotations

import asyncio
import random
import ssl

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from hypothesis import given
from hypothesis import strategies as st

from archiver.capture.failures import no_connection
from archiver.capture.limits import Limits
from archiver.capture.throttle import Throttle
from archiver.capture.urls import Place
from archiver.model import FetchSettings, Reason

KEY = ConnectionKey("h", 80, False, True, None, None, None)
HERE = Place("http", "site.example", 80, "/")


@pytest.mark.parametrize("seed", range(5))
def test_slots_are_never_exceeded_nor_lost_whoever_is_cancelled(seed: int) -> None:
    dice = random.Random(seed)
    settings = FetchSettings(per_host=2, concurrency=5)
    limits = Limits(settings)
    active: dict[str, int] = {}
    peaks: dict[str, int] = {}

    async def work(host: str, address: str) -> None:
        async with limits.host(host), limits.connection(address, ("http", host, 80)):
            for name in (host, address, "all"):
                active[name] = active.get(name, 0) + 1
                peaks[name] = max(peaks.get(name, 0), active[name])
            try:
                await asyncio.sleep(dice.random() / 500)
            finally:
                for name in (host, address, "all"):
                    active[name] -= 1

    async def run() -> None:
        tasks = [asyncio.create_task(work(f"h{i % 9}", f"a{i % 9 // 2}")) for i in range(150)]
        for task in dice.sample(tasks, 60):
            asyncio.get_running_loop().call_later(dice.random() / 20, task.cancel)
        await asyncio.gather(*tasks, return_exceptions=True)
        again = [asyncio.create_task(work(f"h{i}", f"a{i}")) for i in range(9)]
        await asyncio.gather(*again)

    asyncio.run(asyncio.wait_for(run(), 30))
    assert set(active.values()) == {0}
    assert peaks.pop("all") == 5
    assert set(peaks.values()) <= {1, 2}


def test_an_address_grows_for_the_host_that_may_have_more_and_wakes_those_who_wait() -> None:
    limits = Limits(FetchSettings(per_host=2, host_connections={"many": 5}))
    held, peak, leave = 0, 0, asyncio.Event()

    async def work(host: str) -> None:
        nonlocal held, peak
        async with limits.connection("a", ("http", host, 80)):
            held += 1
            peak = max(peak, held)
            await leave.wait()
            held -= 1

    async def run() -> list[int]:
        tasks = [asyncio.create_task(work("plain")) for _ in range(4)]
        await asyncio.sleep(0)
        seen = [held]
        tasks += [asyncio.create_task(work("many")) for _ in range(4)]
        for _ in range(5):
            await asyncio.sleep(0)
        seen.append(held)
        leave.set()
        await asyncio.gather(*tasks)
        return [*seen, peak]

    assert asyncio.run(asyncio.wait_for(run(), 30)) == [2, 5, 5]


@given(st.integers(1, 10**6), st.lists(st.tuples(st.integers(0, 10**5), st.floats(0, 10)), max_size=20))
def test_who_waits_as_told_stays_within_the_rate(rate: int, pieces: list[tuple[int, float]]) -> None:
    throttle, now, taken = Throttle(rate), 0.0, 0
    for size, idle in pieces:
        wait = throttle.take(size, now)
        taken += size
        assert wait >= 0
        assert throttle.owed_s(now) == pytest.approx(wait)
        now += wait
        assert taken <= rate * now * 1.000001 + 1
        now += idle


def test_no_rate_means_no_waiting() -> None:
    assert Throttle(0).take(10**9, 0.0) == 0
    assert not Throttle(0).active


def caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


REFUSED = OSError(111, "refused")
ERRORS: dict[str, tuple[BaseException, Reason]] = {
    "refused": (caused(aiohttp.ClientConnectorError(KEY, REFUSED), REFUSED), Reason.NETWORK_ERROR),
    "no number": (caused(aiohttp.ClientConnectorError(KEY, OSError("odd\r\nX: y")), OSError("odd\r\nX: y")), Reason.NETWORK_ERROR),
    "certificate": (aiohttp.ClientConnectorCertificateError(KEY, ssl.CertificateError("bad\r\nX: y")), Reason.TLS_ERROR),
    "tls": (caused(aiohttp.ClientConnectorSSLError(KEY, OSError(1, "x")), ssl.SSLError(1, "[SSL: ODD] odd")), Reason.TLS_ERROR),
    "tls ends": (caused(aiohttp.ClientConnectorSSLError(KEY, OSError(1, "x")), ssl.SSLEOFError(8, "EOF")), Reason.NETWORK_ERROR),
    "connect timeout": (aiohttp.ConnectionTimeoutError("x"), Reason.TIMEOUT),
    "timeout": (TimeoutError(), Reason.TIMEOUT),
    "disconnected": (aiohttp.ServerDisconnectedError(), Reason.NETWORK_ERROR),
    "reset": (aiohttp.ClientOSError(104, "reset"), Reason.NETWORK_ERROR),
    "reset by the system": (ConnectionResetError(104, "reset"), Reason.NETWORK_ERROR),
    "reset without a word": (caused(aiohttp.ClientConnectorError(KEY, REFUSED), ConnectionResetError()), Reason.NETWORK_ERROR),
    "closing": (aiohttp.ClientConnectionResetError("Cannot write to closing transport"), Reason.NETWORK_ERROR),
    "payload": (aiohttp.ClientPayloadError("x" * 5000), Reason.NETWORK_ERROR),
    "proxy gone": (caused(aiohttp.ClientProxyConnectionError(KEY, REFUSED), REFUSED), Reason.NETWORK_ERROR),
    "url": (aiohttp.InvalidURL("http://x"), Reason.NETWORK_ERROR),
    "value": (ValueError("\x00\n"), Reason.NETWORK_ERROR),
    "anything": (RuntimeError(), Reason.NETWORK_ERROR),
}


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_of_the_layers_below_has_a_word(name: str) -> None:
    error, reason = ERRORS[name]
    refusal = no_connection(error, HERE, FetchSettings())
    assert refusal.reason is reason
    assert refusal.detail.isprintable()
    assert len(refusal.detail) < 300
    assert "ConnectionResetError" not in refusal.detail
