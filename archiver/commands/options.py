"""The options that several commands share, as one table, and how they become settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from archiver.commands import hosts
from archiver.errors import UsageError
from archiver.model import FetchSettings
from archiver.pipeline.settings import STRICTNESS, STRICTNESS_DEFAULT, Settings

F = TypeVar("F", bound=Callable[..., Any])


class Size(click.ParamType[int]):
    """A number of bytes, with K, M or G as powers of 1024."""

    name = "SIZE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgKMG]?)(?:i?[bB])?", str(value).strip())
        if match is None:
            self.fail(f"{value!r} is no size; write 500000, 800K, 64M or 2G", param, ctx)
        return int(float(match[1]) * 1024 ** " kmg".index(match[2].lower() or " "))


SIZE = Size()


def option(*names: str, **attributes: Any) -> Callable[[F], F]:
    """A click option that can also be set as ARCHIVER_<NAME> in the environment."""
    long = next(name for name in names if name.startswith("--")).split("/")[0]
    attributes.setdefault("envvar", "ARCHIVER_" + long.removeprefix("--").replace("-", "_").upper())
    return click.option(*names, **attributes)


FETCH_OPTIONS = (
    option("--per-host", type=click.IntRange(1), default=4, metavar="N", show_default=True, help="Connections to one host at a time."),
    option("--concurrency", type=click.IntRange(1), default=24, metavar="N", show_default=True, help="Connections in all."),
    option("--timeout", type=click.FloatRange(0.1), default=120.0, metavar="SECONDS", show_default=True, help="Longest time for one link."),
    option(
        "--connect-timeout",
        type=click.FloatRange(0.1),
        default=15.0,
        metavar="SECONDS",
        show_default=True,
        help="To connect, TLS included.",
    ),
    option(
        "--read-timeout",
        type=click.FloatRange(0.1),
        default=30.0,
        metavar="SECONDS",
        show_default=True,
        help="Longest silence of a server.",
    ),
    option("--retries", type=click.IntRange(0), default=2, metavar="N", show_default=True, help="Further attempts where one may help."),
    option("--max-size", type=SIZE, default="64M", show_default=True, help="Largest body that is kept."),
    option("--max-redirects", type=click.IntRange(0), default=10, metavar="N", show_default=True, help="Longest chain of redirects."),
    option("--delay", type=click.FloatRange(0), default=0.0, metavar="SECONDS", help="Pause between two requests to one host."),
    option("--limit-rate", type=SIZE, default=0, help="Bytes per second, over all connections; waiting for it counts towards --timeout."),
    option(
        "--allow-address",
        multiple=True,
        metavar="CIDR",
        help="Open this address range. Private, loopback, link-local, CGNAT and metadata addresses are refused otherwise. Repeatable.",
    ),
    option(
        "--proxy",
        default="",
        metavar="URL",
        help="http, https or socks5 proxy. The proxy then connects where it likes: the check of addresses does not apply behind it.",
    ),
    option("--resolve", multiple=True, metavar="HOST:PORT:ADDR", help="Use this address for this host and port, as curl does. Repeatable."),
    option(
        "--connect-to", multiple=True, metavar="HOST1:PORT1:HOST2:PORT2", help="Connect to HOST2:PORT2 instead, as curl does. Repeatable."
    ),
    option("--ipv4", is_flag=True, help="IPv4 addresses only."),
    option("--ipv6", is_flag=True, help="IPv6 addresses only."),
    option(
        "--ca-file", default=None, type=click.Path(exists=True, dir_okay=False), help="Trust these certificates (PEM) beside the system's."
    ),
    option("--insecure-host", multiple=True, metavar="HOST", help="Do not verify this host's certificate; the WARC says so. Repeatable."),
    option("--user-agent", default="", metavar="TEXT", help="Instead of the program's own honest one."),
    option("--contact", default="", metavar="URL", help="A page about you, named in the User-Agent."),
    option("--header", multiple=True, metavar="'NAME: VALUE'", help="Sent to the host of each link, never to another origin. Repeatable."),
    option(
        "--cookies", default=None, type=click.Path(exists=True, dir_okay=False), help="Cookies in Netscape format, each for its host only."
    ),
    option("--netrc", is_flag=True, help="Take log-ins from ~/.netrc, each for its host only."),
    option(
        "--robots",
        type=click.Choice(["ignore", "obey"]),
        default="ignore",
        show_default=True,
        help="robots.txt for pictures that the author of the post embedded; browsers ignore it for these.",
    ),
)

WORKERS = option("--workers", type=click.IntRange(0), default=0, metavar="N", help="Processes; 3 at most of them decode. 0 chooses.")


def strictness(default_words: str = STRICTNESS_DEFAULT) -> Callable[[F], F]:
    """--strictness; `default_words` says in the help what holds without it."""
    what = "How sure a pair must be before it is joined; docs/detection.md gives the measured precision of each."
    return option(
        "--strictness",
        type=click.Choice(STRICTNESS),
        default=STRICTNESS_DEFAULT,
        help=f"{what} [default: {default_words}]",
    )


JUDGE_OPTIONS = (strictness(), WORKERS)
JUDGE_AGAIN_OPTIONS = (strictness("as before"), WORKERS)


def as_before(folder: Path, asked: str) -> str:
    """The strictness that was asked for, else the one that the report in this folder was judged by."""
    from archiver.pipeline import folder as on_disk

    return asked if given("strictness") else on_disk.strictness(folder, asked)


def given(name: str) -> bool:
    """Whether this option was given, on the command line or in the settings."""
    return click.get_current_context().get_parameter_source(name) is not ParameterSource.DEFAULT


POST_OPTIONS = (
    option("--page-url", default="", metavar="URL", help="The address under which the post stands in the archive."),
    option("--base-url", default="", metavar="URL", help="Resolve relative links against this address."),
    option(
        "--srcset",
        type=click.Choice(["all", "largest"]),
        default="largest",
        show_default=True,
        help="Which candidates of a responsive picture.",
    ),
)


OUTPUT_OPTIONS = (
    click.option("--json", "json_", is_flag=True, help="Print report.json on standard output."),
    click.option("-q", "--quiet", is_flag=True, help="Say only what went wrong."),
    click.option("-v", "--verbose", count=True, help="Say what happens to every link; twice for every attempt."),
    option(
        "--log",
        default=None,
        type=click.Path(dir_okay=False, path_type=Path),
        help="Append every event as a JSON line to this file: time, event, url, host, attempt, reason, detail.",
    ),
)


def apply(options: tuple[Callable[[Any], Any], ...]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for one in reversed(options):
            function = one(function)
        return function

    return decorate


def fetch_settings(values: Mapping[str, Any]) -> FetchSettings:
    """What the options and the settings file's tables for single hosts say. Raises UsageError."""
    return hosts.with_hosts(_fetch_settings(values), click.get_current_context().find_root().obj or {})


def _fetch_settings(values: Mapping[str, Any]) -> FetchSettings:
    if values["ipv4"] and values["ipv6"]:
        raise UsageError("--ipv4 and --ipv6 exclude each other")
    return FetchSettings(
        per_host=values["per_host"],
        concurrency=values["concurrency"],
        connect_timeout_s=values["connect_timeout"],
        read_timeout_s=values["read_timeout"],
        total_timeout_s=values["timeout"],
        max_body_bytes=values["max_size"],
        max_redirects=values["max_redirects"],
        retries=values["retries"],
        delay_s=values["delay"],
        limit_rate_bytes_s=values["limit_rate"],
        user_agent=values["user_agent"],
        contact_url=values["contact"],
        headers=tuple(_header(text) for text in values["header"]),
        cookies_file=values["cookies"] or "",
        netrc=values["netrc"],
        proxy=values["proxy"],
        allow_addresses=tuple(values["allow_address"]),
        connect_to=tuple(values["connect_to"]),
        resolve=tuple(values["resolve"]),
        ca_file=values["ca_file"] or "",
        insecure_hosts=tuple(values["insecure_host"]),
        ip_version=4 if values["ipv4"] else 6 if values["ipv6"] else 0,
        robots=values["robots"],
        keep_secrets=values.get("keep_secrets", False),
    )


def archive_settings(values: Mapping[str, Any]) -> Settings:
    return Settings(
        fetch=fetch_settings(values),
        page_url=values["page_url"],
        base_url=values["base_url"],
        srcset=values["srcset"],
        local_images=values["local_images"],
        originals=values["originals"],
        strictness=values["strictness"],
        warc_max_size_bytes=values["warc_max_size"],
        wacz=values["wacz"],
        operator=values["operator"],
        keep_secrets=values["keep_secrets"],
        workers=values["workers"],
    )


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name.strip()) or re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value):
        raise UsageError(f"--header wants 'Name: value', not {text!r}")
    return name.strip(), value.strip()
