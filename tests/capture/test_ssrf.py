"""No connection to a forbidden address, however it is written, named or redirected to."""

from __future__ import annotations

import asyncio
import socket
import threading
from dataclasses import replace

import pytest

from archiver.capture.resolver import Resolver, Route
from archiver.errors import UsageError
from archiver.model import Captured, FetchSettings, Missed, Outcome, Reason
from tests.capture.harness import QUICK, fetch, fetch_all
from tests.servers import full_port, redirect, response, routes, serve

OK = response(b"picture")
CLOSED = replace(QUICK, allow_addresses=())
ONLY_FIRST = replace(QUICK, allow_addresses=("127.0.0.1/32",))


def blocked(outcome: Outcome, *words: str) -> None:
    assert isinstance(outcome, Missed), outcome
    assert outcome.reason is Reason.BLOCKED, outcome.detail
    for word in words:
        assert word in outcome.detail


SPELLINGS = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "127.0.0.1.", "0.0.0.0", "0",
    "localhost", "localhost.", "LOCALHOST", "%6cocalhost", "１２７.0.0.1", "127。0。0。1", "ⓛocalhost",
    "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]",
]  # fmt: skip


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_spelling_of_loopback_is_connected_to(host: str) -> None:
    with serve(routes({"/a": OK})) as web:
        outcome, book = fetch(web.url("/a", host), CLOSED)
    blocked(outcome, "no connection to")
    assert web.connections == 0
    assert book.kept == []


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "10.0.0.1", "192.168.0.1", "100.64.0.1", "[fe80::1]", "[fd00::1]", "[fd00:ec2::254]", "224.0.0.1"]
)
def test_the_address_is_named(host: str) -> None:
    outcome, _ = fetch(f"http://{host}/latest/meta-data/", CLOSED)
    blocked(outcome, host.strip("[]"))


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_redirect_leads_to_loopback(host: str) -> None:
    with serve(routes({"/a": OK})) as inner, serve(routes({"/r": redirect(inner.url("/a", host))}), host="127.0.0.2") as web:
        outcome, book = fetch(web.url("/r"), replace(QUICK, allow_addresses=("127.0.0.2/32",)), ports={inner.port})
    blocked(outcome, "no connection to")
    assert inner.connections == 0
    assert len(book.kept) == 1


def test_a_redirect_to_a_closed_address_is_blocked_and_the_way_there_kept() -> None:
    with serve(routes({"/a": OK}), host="127.0.0.2") as inner, serve(routes({"/r": redirect(inner.url("/a"))})) as web:
        outcome, book = fetch(web.url("/r"), ONLY_FIRST, ports={inner.port})
    blocked(outcome, "127.0.0.2", "loopback")
    assert inner.connections == 0
    assert [hop.status for hop in outcome.hops] == [302, 0]
    assert len(book.kept) == 1


def test_a_name_with_one_closed_address_is_reached_through_the_other_only() -> None:
    with serve(routes({"/a": OK})) as open_one, serve(routes({"/a": OK}), host="127.0.0.2", port=open_one.port) as closed:
        given = f"two.example:{open_one.port}:127.0.0.2,127.0.0.1"
        outcome, _ = fetch(f"http://two.example:{open_one.port}/a", replace(ONLY_FIRST, resolve=(given,)))
    assert isinstance(outcome, Captured)
    assert (open_one.connections, closed.connections) == (1, 0)
    assert outcome.hops[-1].ip == "127.0.0.1"


def test_a_name_with_closed_addresses_only_is_blocked_with_all_of_them() -> None:
    outcome, _ = fetch("http://two.example/a", replace(CLOSED, resolve=("two.example:80:10.1.2.3,fd00::7",)))
    blocked(outcome, "two.example", "10.1.2.3 is private", "fd00::7 is unique local")


def test_a_second_answer_of_the_name_server_is_never_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the first answer is judged and used; were the name looked up again, it would lead elsewhere."""
    asked: list[str] = []
    system = socket.getaddrinfo

    def rebinding(host: str, *args: object, **kwargs: object) -> object:
        asked.append(host)
        return system("127.0.0.1" if len(asked) == 1 else "127.0.0.2", *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with serve(routes({"/a": OK, "/b": OK, "/r": redirect("/a")})) as web, serve(routes({}), host="127.0.0.2", port=web.port) as inner:
        urls = [web.url(path, "rebind.example") for path in ("/a", "/b", "/r")]
        outcomes, _ = fetch_all(urls, ONLY_FIRST)
    assert all(isinstance(outcome, Captured) for outcome in outcomes)
    assert asked == ["rebind.example"]
    assert inner.connections == 0


def test_diverted_connections_are_judged_where_they_go() -> None:
    with serve(routes({"/a": OK})) as web:
        outcome, _ = fetch("http://public.example/a", replace(CLOSED, connect_to=(f"public.example:80:127.0.0.1:{web.port}",)))
    blocked(outcome, "127.0.0.1")
    assert web.connections == 0


@pytest.mark.parametrize("port", [22, 25, 6000, 6667])
def test_ports_of_other_services_are_never_opened(port: int) -> None:
    outcome, _ = fetch(f"http://127.0.0.1:{port}/a")
    blocked(outcome, f"port {port}")


def test_a_redirect_to_a_port_of_another_service_is_blocked() -> None:
    with serve(routes({"/a": redirect("http://127.0.0.1:25/"), "/b": redirect("http://127.0.0.1:631/")})) as web:
        outcomes, _ = fetch_all([web.url("/a"), web.url("/b")])
    blocked(outcomes[0], "port 25 is not used for the web")
    blocked(outcomes[1], "a redirect may not open port 631")


def test_a_redirect_to_a_high_port_that_the_post_does_not_name_is_blocked() -> None:
    with serve(routes({"/admin": OK})) as inner, serve(routes({"/r": redirect(inner.url("/admin"))})) as web:
        outcome, _ = fetch(web.url("/r"))
        blocked(outcome, f"a redirect may not open port {inner.port}")
        assert inner.connections == 0
        outcome, _ = fetch(web.url("/r"), ports={inner.port})
        assert isinstance(outcome, Captured)


# --- the user's own ways --------------------------------------------------------------------------------------------------


def test_connect_to_changes_the_connection_and_nothing_that_is_said() -> None:
    with serve(routes({"/a": OK})) as web:
        outcome, book = fetch("http://site.example/a", replace(QUICK, connect_to=(f"site.example:80:127.0.0.1:{web.port}",)))
    assert isinstance(outcome, Captured)
    assert web.requests[0].host == "site.example"
    assert outcome.hops[0].url == "http://site.example/a"
    assert outcome.hops[0].ip == "127.0.0.1"
    assert book.kept[0].exchange.notes == (f"connected to 127.0.0.1:{web.port} instead of site.example:80",)


def test_resolve_gives_a_name_its_addresses_for_one_port() -> None:
    with serve(routes({"/a": OK})) as web:
        outcome, _ = fetch(web.url("/a", "named.example"), replace(QUICK, resolve=(f"named.example:{web.port}:127.0.0.1",)))
    assert isinstance(outcome, Captured)
    assert web.requests[0].host == f"named.example:{web.port}"


@pytest.mark.parametrize(
    ("rule", "host", "port", "expected"),
    [
        ("a.example:80:b.example:8080", "a.example", 80, ("b.example", 8080)),
        ("a.example:80:b.example:8080", "a.example", 81, ("a.example", 81)),
        ("a.example::b.example:", "a.example", 81, ("b.example", 81)),
        (":443::8443", "x.example", 443, ("x.example", 8443)),
        ("::127.0.0.1:99", "x.example", 5, ("127.0.0.1", 99)),
        ("[::1]:80:[::2]:81", "::1", 80, ("::2", 81)),
    ],
)
def test_connect_to_is_read_as_curl_reads_it(rule: str, host: str, port: int, expected: tuple[str, int]) -> None:
    async def run() -> tuple[str, int]:
        return Resolver(FetchSettings(connect_to=(rule,)))._diverted(host, port)

    assert asyncio.run(run()) == expected


@pytest.mark.parametrize(
    "settings",
    [{"connect_to": ("a:b",)}, {"resolve": ("a:80",)}, {"resolve": ("a:80:b.example",)}, {"allow_addresses": ("all",)}],
    ids=str,
)
def test_settings_that_cannot_be_read_end_with_a_clear_word(settings: dict[str, tuple[str, ...]]) -> None:
    async def run() -> None:
        Resolver(FetchSettings(**settings))  # type: ignore[arg-type]

    with pytest.raises(UsageError):
        asyncio.run(run())


# --- names and IP versions ------------------------------------------------------------------------------------------------


def test_a_name_that_does_not_exist_is_a_dns_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    outcomes, book = fetch_all(["http://gone.example/a", "http://gone.example/b"])
    for outcome in outcomes:
        assert isinstance(outcome, Missed)
        assert outcome.reason is Reason.DNS_ERROR
        assert outcome.detail == "the name gone.example does not resolve: Name or service not known"
        assert outcome.attempts == 1
    assert book.kept == []


def test_a_name_server_that_is_down_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    system, asked = socket.getaddrinfo, []

    def flaky(host: str, *args: object, **kwargs: object) -> object:
        asked.append(host)
        if len(asked) < 3:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return system("127.0.0.1", *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", flaky)
    with serve(routes({"/a": OK})) as web:
        outcome, _ = fetch(web.url("/a", "flaky.example"))
    assert isinstance(outcome, Captured)
    assert outcome.attempts == 3


def test_a_lookup_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: release.wait(20) and [])
    outcome, _ = fetch("http://slow.example/a", replace(QUICK, connect_timeout_s=0.1, retries=0))
    release.set()
    assert isinstance(outcome, Missed)
    assert outcome.reason is Reason.DNS_ERROR
    assert outcome.detail == "no answer for the name slow.example within 0.1 s"


def test_ipv6_alone_is_enough() -> None:
    with serve(routes({"/a": OK}), host="::1") as web:
        outcome, _ = fetch(web.url("/a"))
    assert isinstance(outcome, Captured)
    assert outcome.hops[0].ip == "::1"
    assert web.requests[0].host == f"[::1]:{web.port}"


def both(port: int) -> FetchSettings:
    return replace(QUICK, resolve=(f"both.example:{port}:::1,127.0.0.1",))


def test_the_other_address_is_used_when_the_first_is_closed() -> None:
    with serve(routes({"/a": OK})) as web:
        outcome, _ = fetch(web.url("/a", "both.example"), both(web.port))
    assert isinstance(outcome, Captured)
    assert (outcome.hops[0].ip, outcome.attempts) == ("127.0.0.1", 1)


def test_the_other_address_is_used_when_the_first_one_hangs() -> None:
    with serve(routes({"/a": OK})) as web, full_port("::1", web.port):
        outcome, _ = fetch(web.url("/a", "both.example"), both(web.port))
    assert isinstance(outcome, Captured)
    assert (outcome.hops[0].ip, outcome.attempts) == ("127.0.0.1", 1)


@pytest.mark.parametrize(("version", "family", "port"), [(4, socket.AF_INET, 80), (6, socket.AF_INET6, 80)])
def test_the_chosen_ip_version_is_the_only_one_looked_up(version: int, family: int, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def note(host: str, service: object, wanted: int, *args: object) -> object:
        asked.append(wanted)
        return [(wanted, 1, 6, "", ("93.184.216.34" if wanted == socket.AF_INET else "2606:2800::1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", note)

    async def run() -> object:
        return await Resolver(FetchSettings(ip_version=version)).route("x.example", port)  # type: ignore[arg-type]

    route = asyncio.run(run())
    assert isinstance(route, Route)
    assert asked == [family]


@pytest.mark.parametrize(("version", "host"), [(4, "127.0.0.1"), (6, "::1")])
def test_the_chosen_ip_version_holds_for_given_addresses_too(version: int, host: str) -> None:
    with serve(routes({"/a": OK}), host=host) as web:
        outcome, _ = fetch(web.url("/a", "both.example"), replace(both(web.port), ip_version=version))  # type: ignore[arg-type]
    assert isinstance(outcome, Captured)
    assert outcome.hops[0].ip == host


def test_a_name_given_without_an_address_of_the_chosen_ip_version_is_a_dns_error() -> None:
    outcome, _ = fetch("http://six.example/a", replace(QUICK, resolve=("six.example:80:::1",), ip_version=4))
    assert isinstance(outcome, Missed)
    assert outcome.reason is Reason.DNS_ERROR
    assert outcome.detail == "no address given for six.example is of the chosen IP version"


def test_a_literal_of_the_other_ip_version_is_refused() -> None:
    outcome, _ = fetch("http://127.0.0.1:9999/a", replace(QUICK, ip_version=6))
    assert isinstance(outcome, Missed)
    assert outcome.reason is Reason.DNS_ERROR
