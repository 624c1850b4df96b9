from __future__ import annotations

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from archiver.capture.tls import Trust
from archiver.errors import UsageError
from archiver.model import Captured, FetchSettings, Missed, Reason
from tests.capture.harness import QUICK, fetch, fetch_all, with_ca
from tests.servers import Connection, certificate, response, routes, self_signed, serve, then_close

OK = response(b"picture")
TODAY = datetime.now(UTC)


def contexts() -> dict[str, tuple[ssl.SSLContext, str]]:
    day = timedelta(days=1)
    return {
        "expired": (certificate("127.0.0.1", not_before=TODAY - 9 * day, not_after=TODAY - day), "the certificate has expired"),
        "not yet valid": (certificate("127.0.0.1", not_before=TODAY + day, not_after=TODAY + 9 * day), "the certificate is not yet valid"),
        "other address": (certificate("127.0.0.2"), "the certificate is for another address"),
        "unknown authority": (certificate("127.0.0.1", ca=trustme.CA()), "the certificate is signed by an unknown authority"),
        "self-signed": (self_signed(), "the certificate is self-signed"),
    }


@pytest.mark.parametrize("fault", ["expired", "not yet valid", "other address", "unknown authority", "self-signed"])
def test_a_certificate_that_cannot_be_trusted_is_named_and_nothing_is_sent(fault: str, tmp_path: Path) -> None:
    context, words = contexts()[fault]
    with serve(routes({"/a": OK}), tls=context) as web:
        outcome, book = fetch(web.url("/a"), with_ca(tmp_path))
    assert isinstance(outcome, Missed)
    assert outcome.reason is Reason.TLS_ERROR
    assert outcome.detail == f"TLS with 127.0.0.1 failed: {words}"
    assert (outcome.attempts, web.connections, web.requests, book.kept) == (1, 1, [], [])


def test_a_certificate_for_another_name(tmp_path: Path) -> None:
    with serve(routes({"/a": OK}), tls=certificate("other.example")) as web:
        settings = with_ca(tmp_path, replace(QUICK, connect_to=(f"::127.0.0.1:{web.port}",)))
        outcome, _ = fetch("https://site.example/a", settings)
    assert isinstance(outcome, Missed)
    assert outcome.detail == "TLS with site.example failed: the certificate is for another host"


def test_the_name_is_said_in_the_handshake_and_trailing_dots_do_not_hurt(tmp_path: Path) -> None:
    said: list[str | None] = []
    context = certificate("site.example")
    context.sni_callback = lambda sock, name, ctx: said.append(name)  # type: ignore[assignment]  # what append returns is None, as asked
    with serve(routes({"/a": OK}), tls=context) as web:
        settings = with_ca(tmp_path, replace(QUICK, connect_to=(f"::127.0.0.1:{web.port}",)))
        outcomes, _ = fetch_all(["https://site.example/a", "https://site.example./a"], settings)
    assert all(isinstance(outcome, Captured) for outcome in outcomes), outcomes
    assert said == ["site.example", "site.example"]


@pytest.mark.parametrize("fault", ["expired", "other address", "unknown authority", "self-signed"])
def test_an_exempted_host_is_fetched_and_the_archive_says_so(fault: str, tmp_path: Path) -> None:
    with serve(routes({"/a": OK}), tls=contexts()[fault][0]) as web:
        outcome, book = fetch(web.url("/a"), with_ca(tmp_path, replace(QUICK, insecure_hosts=("127.0.0.1",))))
    assert isinstance(outcome, Captured)
    assert book.kept[0].exchange.notes == ("certificate not verified",)


def test_the_exemption_of_one_host_is_not_that_of_another(tmp_path: Path) -> None:
    with serve(routes({"/a": OK}), tls=self_signed()) as web:
        settings = with_ca(tmp_path, replace(QUICK, connect_to=(f"::127.0.0.1:{web.port}",), insecure_hosts=("One.example",)))
        outcomes, _ = fetch_all(["https://one.example/a", "https://two.example/a"], settings)
    assert [type(outcome) for outcome in outcomes] == [Captured, Missed]


def test_the_exemption_of_a_host_holds_however_its_name_is_written(tmp_path: Path) -> None:
    with serve(routes({"/a": OK}), tls=self_signed()) as web:
        for written, url in (("B\u00fccher.Example", "https://xn--bcher-kva.example/a"), ("[2001:DB8:0::1]", "https://[2001:db8::1]/a")):
            settings = with_ca(tmp_path, replace(QUICK, connect_to=(f"::127.0.0.1:{web.port}",), insecure_hosts=(written,)))
            outcome, _ = fetch(url, settings)
            assert isinstance(outcome, Captured), outcome


def test_an_exemption_for_what_is_no_host_is_refused() -> None:
    with pytest.raises(UsageError, match="that is no host"):
        Trust(replace(QUICK, insecure_hosts=("one.example:8443",)))


def test_a_handshake_that_hangs_times_out(tmp_path: Path) -> None:
    def hang(connection: Connection) -> None:
        connection.sock.settimeout(20)
        while connection.sock.recv(4096):
            pass

    with serve(routes({}), tls=certificate("127.0.0.1"), greeting=hang) as web:
        outcome, _ = fetch(web.url("/a"), with_ca(tmp_path, replace(QUICK, connect_timeout_s=0.3, retries=0)))
    assert isinstance(outcome, Missed)
    assert (outcome.reason, outcome.detail) == (Reason.TIMEOUT, "no connection to 127.0.0.1 within 0.3 s")


@pytest.mark.parametrize("end", ["close", "reset"])
def test_a_handshake_that_breaks_off_is_a_network_error_and_tried_again(end: str, tmp_path: Path) -> None:
    def leave(connection: Connection) -> None:
        connection.sock.recv(4096)
        getattr(connection, end)()

    with serve(routes({}), tls=certificate("127.0.0.1"), greeting=leave) as web:
        outcome, _ = fetch(web.url("/a"), with_ca(tmp_path))
    assert isinstance(outcome, Missed)
    assert (outcome.reason, outcome.attempts) == (Reason.NETWORK_ERROR, 3), outcome.detail


def test_plain_http_where_tls_was_expected_is_a_tls_error() -> None:
    with serve(then_close(b""), greeting=lambda c: c.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as web:
        outcome, _ = fetch(web.url("/a").replace("http:", "https:"))
    assert isinstance(outcome, Missed)
    assert outcome.reason is Reason.TLS_ERROR
    assert outcome.detail.startswith("TLS with 127.0.0.1 failed: ")


def test_tls_where_plain_http_was_expected_is_no_http(tmp_path: Path) -> None:
    with serve(routes({}), tls=certificate("127.0.0.1")) as web:
        outcome, _ = fetch(web.url("/a").replace("https:", "http:"), replace(QUICK, retries=0))
    assert isinstance(outcome, Missed)
    assert outcome.reason is Reason.NETWORK_ERROR


def test_the_systems_authorities_can_be_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = with_ca(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", settings.ca_file)
    with serve(routes({"/a": OK}), tls=certificate("127.0.0.1")) as web:
        outcome, _ = fetch(web.url("/a"), QUICK)
    assert isinstance(outcome, Captured)


def test_a_ca_file_that_cannot_be_read_ends_with_a_clear_word(tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("no certificate")
    for name in ("bad.pem", "none.pem"):
        with pytest.raises(UsageError, match="cannot read the CA file"):
            Trust(FetchSettings(ca_file=str(tmp_path / name)))
