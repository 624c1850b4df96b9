"""Certificates: which are trusted, and in plain words why one is not."""

from __future__ import annotations

import ssl
from pathlib import Path

from archiver.capture.hosts import by_host
from archiver.capture.urls import visible
from archiver.errors import UsageError
from archiver.model import FetchSettings

# X509_V_ERR_* of OpenSSL (x509_vfy.h)
_VERIFY_TEXTS = {
    9: "the certificate is not yet valid",
    10: "the certificate has expired",
    18: "the certificate is self-signed",
    19: "the certificate is signed by an unknown authority (self-signed certificate in its chain)",
    20: "the certificate is signed by an unknown authority",
    21: "the certificate is signed by an unknown authority",
    62: "the certificate is for another host",
    64: "the certificate is for another address",
}


class Trust:
    """One context for the run, and one that checks nothing for the hosts that the user exempted."""

    def __init__(self, settings: FetchSettings) -> None:
        """Raises UsageError when the CA file cannot be read, or an exempted host is none."""
        self._exempt = frozenset(by_host(dict.fromkeys(settings.insecure_hosts)))
        self._checked = ssl.create_default_context()
        self._unchecked: ssl.SSLContext | None = None
        if settings.ca_file:
            try:
                self._checked.load_verify_locations(Path(settings.ca_file))
            except (OSError, ssl.SSLError) as exc:
                raise UsageError(f"cannot read the CA file {settings.ca_file}: {exc}") from exc

    def exempt(self, host: str) -> bool:
        return host in self._exempt

    def context(self, host: str) -> ssl.SSLContext:
        if not self.exempt(host):
            return self._checked
        if self._unchecked is None:
            self._unchecked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self._unchecked.check_hostname = False
            self._unchecked.verify_mode = ssl.CERT_NONE
        return self._unchecked


def why_refused(exc: BaseException, host: str) -> str:
    """One sentence on a TLS failure: expired, not yet valid, self-signed, unknown authority, other host, or OpenSSL's own words."""
    if isinstance(exc, ssl.SSLCertVerificationError):
        text = _VERIFY_TEXTS.get(getattr(exc, "verify_code", 0), getattr(exc, "verify_message", "the certificate is not trusted"))
        return f"TLS with {host} failed: {visible(text)}"
    if isinstance(exc, ssl.CertificateError):
        return f"TLS with {host} failed: {_VERIFY_TEXTS[62]}"
    reason = (getattr(exc, "reason", None) or str(exc) or type(exc).__name__).replace("_", " ").lower()
    return f"TLS with {host} failed: {visible(reason)}"
