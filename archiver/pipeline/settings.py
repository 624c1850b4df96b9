"""What a run is told. Plain values; the command line, a config file and the Python interface all end here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from archiver.errors import UsageError
from archiver.model import FetchSettings
from archiver.version import __version__

STRICTNESS = ("lax", "normal", "strict")
STRICTNESS_DEFAULT = "normal"


@dataclass(frozen=True, slots=True)
class Settings:
    """One run's settings; every default is the program's own."""

    fetch: FetchSettings = field(default_factory=FetchSettings)
    page_url: str = ""
    base_url: str = ""
    srcset: Literal["all", "largest"] = "largest"
    local_images: bool = False
    originals: bool = False
    """Also try where the originals of resized pictures probably are."""
    strictness: str = STRICTNESS_DEFAULT
    warc_max_size_bytes: int = 1024**3
    wacz: bool = True
    operator: str = ""
    keep_secrets: bool = False
    workers: int = 0
    """Worker processes that decode and compare; 0: as many as the work and the machine call for."""

    def __post_init__(self) -> None:
        """Raises UsageError for a word that is none of those known."""
        for name, words in (("strictness", STRICTNESS), ("srcset", ("all", "largest"))):
            if getattr(self, name) not in words:
                raise UsageError(f"{name} is one of {', '.join(words)}; {getattr(self, name)!r} is none")

    def shown(self) -> dict[str, Any]:
        """What report.json and warcinfo may say of the settings: everything but secrets."""
        fetch = asdict(self.fetch)
        for name in ("headers", "host_headers", "host_cookies", "cookies_file", "ca_file", "proxy"):
            fetch[name] = _blanked(name, fetch[name])
        rest = {name: value for name, value in asdict(self).items() if name != "fetch"}
        return {**rest, "fetch": fetch, "version": __version__}


def _blanked(name: str, value: Any) -> Any:
    if name == "headers":
        return [[header, "(blanked)"] for header, _ in value]
    if name == "host_headers":
        return {host: [[header, "(blanked)"] for header, _ in rows] for host, rows in value.items()} if isinstance(value, Mapping) else {}
    if name == "host_cookies":
        return dict.fromkeys(value, "(given)")
    if name == "proxy" and value:
        parts = urlsplit(value)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return "(given)" if value else ""
