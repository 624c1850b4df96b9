"""What went wrong, in the words of the report: every way in which an exchange can end is mapped here, and nowhere else."""

from __future__ import annotations

import os
import ssl

import aiohttp

from archiver.capture.framing import Body, Framer
from archiver.capture.policy import REDIRECTS, Refusal, status_recovers, status_refusal
from archiver.capture.tape import End
from archiver.capture.tls import why_refused
from archiver.capture.urls import Place, visible
from archiver.model import FetchSettings, Reason, Truncation


def no_connection(exc: BaseException, place: Place, settings: FetchSettings) -> Refusal:
    """No exchange took place: why the connection (or the tunnel through a proxy) did not come about."""
    cause = exc.__cause__ if isinstance(exc, aiohttp.ClientConnectorError) and exc.__cause__ else exc
    match exc:
        case TimeoutError():
            return Refusal(Reason.TIMEOUT, f"no connection to {place.host} within {settings.connect_timeout_s:g} s", recovers=True)
        case aiohttp.ClientHttpProxyError():
            return Refusal(Reason.NETWORK_ERROR, f"the proxy refused to connect to {place.host}: {exc.status}", recovers=exc.status >= 500)
        case aiohttp.ClientProxyConnectionError():
            return Refusal(Reason.NETWORK_ERROR, f"no connection to the proxy: {_words(cause)}", recovers=True)
    if isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError | ConnectionError):
        return Refusal(Reason.NETWORK_ERROR, f"no connection to {place.host}: {_words(cause)}", recovers=True)
    if isinstance(cause, ssl.SSLError | ssl.CertificateError):
        return Refusal(Reason.TLS_ERROR, why_refused(cause, place.host))
    return Refusal(Reason.NETWORK_ERROR, f"no connection to {place.host}: {_words(cause)}", recovers=True)


def verdict(end: End, framer: Framer) -> tuple[Truncation, Refusal | None]:
    """What an exchange that took place is worth: the mark for the archive, and why it is not a capture (None: it is, or redirects)."""
    truncated, refusal = _ended(end, framer)
    if framer.head is None:
        return truncated, refusal
    status = framer.head.status
    if status in REDIRECTS:
        return truncated, None
    by_status = status_refusal(status)
    if by_status is not None:
        return truncated, Refusal(by_status.reason, by_status.detail, recovers=status_recovers(status))
    if refusal is None and framer.body_bytes == 0:
        return truncated, Refusal(Reason.EMPTY, "the server sent an empty body")
    return truncated, refusal


def _ended(end: End, framer: Framer) -> tuple[Truncation, Refusal | None]:
    begun = framer.head is not None
    match end.kind:
        case "complete":
            return "", None
        case "silent":
            return "time", Refusal(Reason.TIMEOUT, f"{end.detail}{_progress(framer)}", recovers=True)
        case "slow":
            return "time", Refusal(Reason.TIMEOUT, f"{end.detail}{_progress(framer)}")
        case "too_large":
            return "length", Refusal(Reason.TOO_LARGE, end.detail)
        case "malformed":
            return "disconnect", _malformed(end, framer)
        case "cut":
            if begun:
                return "disconnect", Refusal(Reason.TRUNCATED, f"{end.detail}{_progress(framer)}", recovers=True)
            return "disconnect", Refusal(Reason.NETWORK_ERROR, f"{end.detail} before it had answered", recovers=True)


def _malformed(end: End, framer: Framer) -> Refusal:
    if framer.head is None:
        reason = Reason.TOO_LARGE if "larger" in end.detail else Reason.NETWORK_ERROR
        return Refusal(reason, end.detail)
    if framer.kind is Body.CHUNKED:
        return Refusal(Reason.TRUNCATED, f"{end.detail}{_progress(framer)}", recovers=True)
    return Refusal(Reason.NETWORK_ERROR, end.detail)


def _progress(framer: Framer) -> str:
    if framer.head is None:
        return " before a complete response head" if framer.started else ""
    if framer.kind is Body.LENGTH:
        return f" after {framer.body_bytes} of {framer.length_bytes} bytes"
    return f" after {framer.body_bytes} bytes"


def _words(exc: BaseException) -> str:
    """The system's own words, without addresses of objects or several lines."""
    if isinstance(exc, OSError) and exc.errno and not isinstance(exc, ssl.SSLError):
        return os.strerror(exc.errno) if exc.errno > 0 else visible(exc.strerror or "")
    if isinstance(exc, ssl.SSLError):
        return "closed during the TLS handshake"
    if isinstance(exc, ConnectionError) and not str(exc):
        return "closed before it was of any use"
    return visible(str(exc) or type(exc).__name__)
