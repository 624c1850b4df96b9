"""The local server of the review: one person, one folder, this machine only.

Rules
- It listens on 127.0.0.1. Every address begins with a token of this run; without it there is nothing to see.
- `Host` must be the server's own (a stranger's name that resolves to 127.0.0.1 is refused), and so must `Origin` and
  `Sec-Fetch-Site` where a browser sends them; what changes something must have an Origin (OWASP, Cross-Site Request Forgery).
- The token is part of the path and not a cookie, because cookies are shared between all ports of a host (RFC 6265 section 8.5).
- It serves its own pages, JPEGs that the program encoded itself, and for comparing the archived still pictures of this folder that
  the program decoded, in formats that can hold no script; never an archived page or SVG, never a file by its name.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets
import signal
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from archiver.errors import ArchiverError
from archiver.model import Decision, Event
from archiver.review import acts, asking, export, ledger, pages
from archiver.review.asking import Asked, Unclear
from archiver.review.desk import Desk, Written
from archiver.review.items import choice
from archiver.review.ledger import Change, Stale

ADDRESS = "127.0.0.1"
BODY_MAX_BYTES = 4 * 1024 * 1024
POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_PAYLOAD = re.compile(r"[0-9a-f]{64}")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """The pages and acts of one folder, as an aiohttp application."""

    def __init__(self, desk: Desk, token: str) -> None:
        self._desk = desk
        self._token = token
        self._origin = ""
        self._renewing = asyncio.Lock()

    @property
    def url(self) -> str:
        """Where the review begins."""
        return f"{self._origin}/{self._token}/"

    async def start(self, port: int) -> web.AppRunner:
        """Listen. Raises OSError when the port is taken."""
        app = web.Application(middlewares=[self._guard], client_max_size=BODY_MAX_BYTES)
        routes: list[tuple[str, str, Handler]] = [
            ("GET", "/", self._overview),
            ("GET", "/item/{key}", self._item),
            ("GET", "/bulk", self._bulk),
            ("GET", "/pictures", self._pictures),
            ("GET", "/state", self._state),
            ("GET", "/{size:thumbnail|preview}/{payload}", self._picture),
            ("GET", "/original/{payload}", self._original),
            ("GET", "/{name:review.css|review.js}", self._asset),
            ("GET", "/export.{kind:json|csv}", self._export),
            ("POST", "/decide", self._decide),
            ("POST", "/restore", self._restore),
            ("POST", "/report", self._report),
        ]
        for method, path, handler in routes:
            app.router.add_route(method, "/{token}" + path, handler)
        runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await runner.setup()
        site = web.TCPSite(runner, ADDRESS, port, reuse_address=True)
        await site.start()
        self._origin = f"http://{ADDRESS}:{runner.addresses[0][1]}"
        return runner

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        refusal = self._refusal(request)
        if refusal:
            return web.Response(status=403, text=refusal, headers=HEADERS)
        token = request.match_info.get("token", "")
        if not hmac.compare_digest(token.encode(), self._token.encode()):
            return web.Response(
                status=404, text="There is nothing here. The address of the review stands in the terminal.", headers=HEADERS
            )
        try:
            response = await handler(request)
        except Stale:
            response = web.json_response({"error": "Decided in another window meanwhile; look again."}, status=409)
        except Unclear as error:
            response = web.json_response({"error": f"That cannot be decided here: {error}."}, status=400)
        except ArchiverError as error:
            words = str(error)
            response = web.Response(text=words, status=500) if request.method == "GET" else web.json_response({"error": words}, status=500)
        except web.HTTPException as answer:
            answer.headers.update(HEADERS)
            raise
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    def _refusal(self, request: web.Request) -> str:
        if request.headers.get("Host", "") != self._origin.removeprefix("http://"):
            return "This server answers under its own address only."
        origin = request.headers.get("Origin")
        if origin not in (None, self._origin) or (origin is None and request.method not in ("GET", "HEAD")):
            return "Only the review's own page may ask."
        if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            return "Another site may not ask."
        return ""

    # --- pages ---

    async def _overview(self, request: web.Request) -> web.StreamResponse:
        return self._html(pages.overview(self._room(), choice(request.query)))

    async def _item(self, request: web.Request) -> web.StreamResponse:
        room, wanted = self._room(), choice(request.query)
        item = room.agenda.item(request.match_info["key"])
        if item is None:
            raise web.HTTPSeeOther(room.link("", wanted))
        return self._html(pages.item(room, item, wanted))

    async def _bulk(self, request: web.Request) -> web.StreamResponse:
        return self._html(pages.bulk(self._room(), choice(request.query)))

    def _room(self) -> pages.Room:
        return pages.Room(self._desk.agenda(), f"/{self._token}", self._desk.warcs())

    @staticmethod
    def _html(text: str) -> web.Response:
        return web.Response(text=text, content_type="text/html", charset="utf-8")

    async def _pictures(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(pages.pictures(self._room()))

    async def _state(self, request: web.Request) -> web.StreamResponse:
        """A short name for report and decisions, by which a window sees that another one has written."""
        return web.json_response({"state": self._room().state})

    async def _picture(self, request: web.Request) -> web.StreamResponse:
        payload = request.match_info["payload"]
        size = "preview" if request.match_info["size"] == "preview" else "thumbnail"
        jpeg = self._desk.picture(payload, size) if _PAYLOAD.fullmatch(payload) else None  # type: ignore[arg-type]  # a literal, chosen above
        if jpeg is None:
            raise web.HTTPNotFound
        return web.Response(body=jpeg, content_type="image/jpeg", headers={"Cache-Control": "private, max-age=86400, immutable"})

    async def _original(self, request: web.Request) -> web.StreamResponse:
        """For the compare tools. The type is ours and is not guessed at (nosniff); opened on its own the picture stands in a sandbox."""
        payload = request.match_info["payload"]
        found = self._desk.original(payload) if _PAYLOAD.fullmatch(payload) else None
        if found is None:
            raise web.HTTPNotFound
        data, media_type = found
        fixed = {"Cache-Control": "private, max-age=86400, immutable", "Content-Security-Policy": "default-src 'none'; sandbox"}
        return web.Response(body=data, content_type=media_type, headers=fixed)

    async def _asset(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        kind = "text/css" if name.endswith(".css") else "text/javascript"
        return web.Response(text=pages.bundle(name), content_type=kind, charset="utf-8")

    async def _export(self, request: web.Request) -> web.StreamResponse:
        kind = request.match_info["kind"]
        agenda = self._desk.agenda()
        text = export.as_json(agenda) if kind == "json" else export.as_csv(agenda)
        named = {"Content-Disposition": f'attachment; filename="decisions-export.{kind}"'}
        return web.Response(text=text, content_type="application/json" if kind == "json" else "text/csv", charset="utf-8", headers=named)

    # --- acts ---

    async def _decide(self, request: web.Request) -> web.StreamResponse:
        agenda = self._desk.agenda()
        asked = asking.read(await _json(request), agenda)
        wanted = choice(request.query)
        pairs = list(agenda.known_pairs.values())

        def decide(decisions: tuple[Decision, ...]) -> Change:
            _expect(asked, decisions)
            if asked.act is None:
                assert asked.item is not None
                return acts.annotate(decisions, asked.item.members, asked.note)
            return acts.change(asked.act, pairs, decisions, asked.note, self._desk.now())

        written = self._desk.change(decide)  # type: ignore[arg-type]  # the desk hands over what it read: a tuple
        room = self._room()
        following = room.agenda.item(asked.item.key) if asked.item else None
        if following and room.agenda.statuses[following.key].done and asked.act is not None:
            following = room.agenda.next_open(following, wanted) or following
        target = room.link(f"item/{following.key}", wanted) if following else room.link("", wanted)
        return web.json_response({**_undo(written), "said": asked.said, "next": target, "state": room.state})

    async def _restore(self, request: web.Request) -> web.StreamResponse:
        """Undo, and redo: back to the words before, if they are still what this window has written."""
        body = await _json(request)
        if not isinstance(body, dict):
            raise Unclear("not an object")
        expected, wanted = asking.words(body.get("expected")), asking.words(body.get("wanted"))
        self._desk.change(lambda decisions: ledger.restore(decisions, expected, wanted))
        return web.json_response({"state": self._room().state})

    async def _report(self, request: web.Request) -> web.StreamResponse:
        async with self._renewing:
            await asyncio.to_thread(self._desk.renew, _unheard)
        return web.json_response(
            {"said": "report.html, report.json and clusters.csv follow your decisions now.", "state": self._room().state}
        )


def _unheard(event: Event) -> None:
    """The page shows that it waits; single steps are not told."""


def _expect(asked: Asked, decisions: tuple[Decision, ...]) -> None:
    """Raises Stale when the item was decided on since the window has shown it."""
    if asked.item is not None and asked.seen and ledger.digest(ledger.among(decisions, asked.item.members)) != asked.seen:
        raise Stale


def _undo(written: Written) -> dict[str, Any]:
    return {"before": asking.rows(written.before), "after": asking.rows(written.after)}


async def _json(request: web.Request) -> Any:
    """The body. Raises Unclear."""
    if request.content_type != "application/json":
        raise Unclear("not JSON")
    try:
        return await request.json()
    except ValueError as error:
        raise Unclear("not JSON") from error


async def _serve(desk: Desk, port: int, on_ready: Callable[[str], None]) -> None:
    server = Server(desk, secrets.token_urlsafe(24))
    runner = await server.start(port)
    try:
        ended = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        on_ready(server.url)
        await ended.wait()
    finally:
        await runner.cleanup()


def serve(desk: Desk, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve until Ctrl-C or SIGTERM; `on_ready` is told the address. Raises OSError when the port is taken."""
    asyncio.run(_serve(desk, port, on_ready))
