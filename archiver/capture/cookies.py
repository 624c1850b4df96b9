"""A cookies.txt file (the Netscape format that browsers' exporters, curl and wget share), used read-only.

Cookies go where the file says and nowhere else: RFC 6265 sections 5.1.3 (domain), 5.1.4 (path), 5.4 (secure). What servers set
during a run is archived and not sent back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from archiver.capture.addresses import literal
from archiver.errors import UsageError

_HTTP_ONLY = "#HttpOnly_"


@dataclass(frozen=True, slots=True)
class Cookie:
    """One line of the file."""

    domain: str
    """Lower case, without a leading dot."""
    subdomains: bool
    path: str
    secure: bool
    expires_s: int
    """Unix time; 0 for a session cookie, which never expires here."""
    name: str
    value: str
    only_host: str = ""
    """The one host that this file was given for; empty for a file that was given for all."""

    def fits(self, scheme: str, host: str, path: str, now_s: float) -> bool:
        if self.secure and scheme != "https":
            return False
        if self.expires_s and self.expires_s <= now_s:
            return False
        if self.only_host and self.only_host != host:
            return False
        return self._fits_host(host) and self._fits_path(path.partition("?")[0])

    def _fits_host(self, host: str) -> bool:
        if host == self.domain:
            return True
        wide = self.subdomains and "." in self.domain  # nobody speaks for a whole top-level domain (RFC 6265 section 5.3, step 5)
        return wide and literal(host) is None and host.endswith("." + self.domain)

    def _fits_path(self, path: str) -> bool:
        return path == self.path or path.startswith(self.path if self.path.endswith("/") else self.path + "/")


def read_cookies(file: str, only_host: str = "") -> tuple[Cookie, ...]:
    """`only_host`: the file is for requests to this host only. Raises UsageError when it cannot be read or a line is no cookie."""
    if not file:
        return ()
    try:
        lines = Path(file).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise UsageError(f"cannot read the cookies file {file}: {exc}") from exc
    out: list[Cookie] = []
    for number, line in enumerate(lines, 1):
        text = line.removeprefix(_HTTP_ONLY)
        if not text.strip() or (text.startswith("#") and text == line):
            continue
        cookie = _cookie(text.split("\t"))
        if cookie is None:
            raise UsageError(f"{file}, line {number}: not a cookie in Netscape format (seven fields with tabs between them)")
        out.append(replace(cookie, only_host=only_host))
    return tuple(out)


def cookie_header(cookies: tuple[Cookie, ...], scheme: str, host: str, path: str, now_s: float) -> str:
    """The `Cookie` field for one request, longer paths first (RFC 6265 section 5.4); empty when none fits."""
    fitting = sorted((c for c in cookies if c.fits(scheme, host, path, now_s)), key=lambda c: -len(c.path))
    return "; ".join(f"{c.name}={c.value}" if c.name else c.value for c in fitting)


def _cookie(fields: list[str]) -> Cookie | None:
    if len(fields) == 6:  # an empty value loses its tab in some editors
        fields = [*fields, ""]
    if len(fields) != 7 or not fields[0] or any(not c.isprintable() for c in fields[5] + fields[6]) or ";" in fields[5] + fields[6]:
        return None
    domain, subdomains, path, secure, expires, name, value = fields
    try:
        expires_s = int(float(expires or "0"))
    except (ValueError, OverflowError):
        return None
    wide = subdomains.upper() == "TRUE" or domain.startswith(".")
    return Cookie(domain.lstrip(".").lower(), wide, path or "/", secure.upper() == "TRUE", max(0, expires_s), name, value)
