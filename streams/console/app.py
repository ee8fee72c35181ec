"""The web application: routes, who may look, what a browser may do with a page, and errors in words."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import jinja2
from aiohttp import web

from streams.console.access import COOKIE, SESSION_S, Access
from streams.console.live import Live
from streams.console.model_page import model_page
from streams.console.now_page import decisions_page, now_page, system_page
from streams.console.proof_page import proof_page
from streams.console.sources import Sources
from streams.console.story_page import story_page
from streams.console.value_page import value_page
from streams.errors import EngineError
from streams.text import printable

HERE: Final = Path(__file__).parent
PAGES: Final = ("now", "customers", "decisions", "value", "proof", "model", "policy", "system")
LONGEST_ID: Final = 512
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
}
SOURCES: Final = web.AppKey("sources", Sources)
ACCESS: Final = web.AppKey("access", Access)
TEMPLATES: Final = web.AppKey("templates", jinja2.Environment)
LIVE: Final = web.AppKey("live", Live)
USER: Final = web.RequestKey("user", str)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

logger = logging.getLogger(__name__)


def console_app(sources: Sources, access: Access) -> web.Application:
    """The pages over sources, for those whom `access` lets in."""
    app = web.Application(middlewares=[_guarded], client_max_size=16_384)
    app[SOURCES], app[ACCESS] = sources, access
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    app[TEMPLATES] = templates
    app[LIVE] = Live(sources, lambda view: templates.get_template("now_live.html").render(**now_page(view)))
    app.add_routes(
        [
            web.get("/", _home),
            web.get("/now", _now),
            web.get("/decisions", _decisions),
            web.get("/system", _system),
            web.get("/customers", _customer),
            web.get("/value", _value),
            web.get("/proof", _proof),
            web.get("/model", _model),
            web.get("/policy", _policy),
            web.get("/live", _live),
            web.post("/login", _login),
            web.static("/static", HERE / "static"),
        ]
    )
    return app


@web.middleware
async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Who may not look is asked for the token; what a service refuses is said with its remedy."""
    user = request.app[ACCESS].user(request)
    if user is None and not request.path.startswith("/static/") and request.path != "/login":
        values = {"title": "Who are you?", "asks": bool(request.app[ACCESS].token), "wrong": False}
        return _page(request, "login.html", values, 401)
    try:
        if user is not None:
            request[USER] = user
        response = await handler(request)
    except EngineError as error:
        values = {"title": "Not to be read", "message": printable(str(error)), "remedy": printable(error.remedy)}
        return _page(request, "error.html", values, 503)
    except web.HTTPNotFound:
        values = {"title": "No such page", "message": "There is no such page.", "remedy": "Choose one above."}
        return _page(request, "error.html", values, 404)
    if not response.prepared:
        response.headers.update(HEADERS)
    return response


async def _home(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("/now")


async def _now(request: web.Request) -> web.StreamResponse:
    return _page(request, "now.html", now_page(await request.app[SOURCES].now()))


async def _decisions(request: web.Request) -> web.StreamResponse:
    return _page(request, "decisions.html", decisions_page(await request.app[SOURCES].now()))


async def _system(request: web.Request) -> web.StreamResponse:
    return _page(request, "system.html", system_page(await request.app[SOURCES].now()))


async def _policy(request: web.Request) -> web.StreamResponse:
    found = await request.app[SOURCES].policy()
    return _page(request, "policy.html", {"title": "Policy", "policy": found})


async def _value(request: web.Request) -> web.StreamResponse:
    return _page(request, "value.html", value_page(await request.app[SOURCES].value()))


async def _model(request: web.Request) -> web.StreamResponse:
    return _page(request, "model.html", model_page(await request.app[SOURCES].model()))


async def _proof(request: web.Request) -> web.StreamResponse:
    return _page(request, "proof.html", proof_page(await request.app[SOURCES].proof()))


async def _customer(request: web.Request) -> web.StreamResponse:
    customer = request.query.get("customer", "").strip()[:LONGEST_ID]
    if not customer:
        return _page(request, "find.html", {"title": "Customers", "missing": ""})
    story = await request.app[SOURCES].story(customer)
    logger.info("%s looked at customer %s", printable(request[USER]), printable(customer))
    if story is None:
        return _page(request, "find.html", {"title": "Customers", "missing": printable(customer)}, 404)
    return _page(request, "customer.html", story_page(story))


async def _login(request: web.Request) -> web.StreamResponse:
    access, form = request.app[ACCESS], await request.post()
    if not access.is_token(str(form.get("token", ""))):
        return _page(request, "login.html", {"title": "Who are you?", "asks": True, "wrong": True}, 401)
    response = web.HTTPSeeOther("/now")
    response.set_cookie(
        COOKIE, access.session(), max_age=SESSION_S, httponly=True, samesite="Strict", secure=request.secure
    )
    raise response


async def _live(request: web.Request) -> web.StreamResponse:
    """Server-sent events: the header's words, and for `?page=now` the live part of that page."""
    response = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream"})
    await response.prepare(request)
    with contextlib.suppress(ConnectionResetError):
        async for event in request.app[LIVE].events(request.query.get("page") == "now"):
            await response.write(event)
    return response


def _page(request: web.Request, name: str, values: dict[str, Any], status: int = 200) -> web.Response:
    template = request.app[TEMPLATES].get_template(name)
    here = request.path.strip("/")
    body = template.render(pages=PAGES, here=here, **values)
    return web.Response(text=body, content_type="text/html", status=status, headers=HEADERS)
