"""The web application: who may look and act, what a browser may do with a page, and errors in words."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import jinja2
from aiohttp import web

from streams.console import actions, pages, policy_actions, signing
from streams.console.access import Access
from streams.console.doing import Doing
from streams.console.live import Live
from streams.console.now_page import now_page
from streams.console.rendering import (
    ACCESS,
    DOING,
    HEADERS,
    LIVE,
    SOURCES,
    STOPPED,
    TEMPLATES,
    WHO,
    page,
    refused,
)
from streams.console.roles import Role
from streams.console.sources import Sources
from streams.console.table import ELSEWHERE
from streams.errors import EngineError, ExitCode
from streams.routes import Answer, Handler, files, serve
from streams.text import printable
from streams.web import NotToBeRead, is_from_elsewhere, named_by, shelter

HERE: Final = Path(__file__).parent
MOST_BYTES: Final = 256 << 10
"""Of a form: the text of a policy is 48 KiB at most, and three times that in a form."""
ASIDE: Final = ("/live", "/login", "/logout")
"""Beside the pages: nothing is looked up for what stands on each."""
ROUTES: Final = (
    *pages.ROUTES,
    *actions.ROUTES,
    *policy_actions.ROUTES,
    *signing.ROUTES,
    files(HERE / "static", {403: ELSEWHERE, 404: Answer("there is no such file", "")}),
)


def console_app(sources: Sources, access: Access, doing: Doing) -> web.Application:
    """The pages over sources, for those whom `access` lets in."""
    app = web.Application(middlewares=[_guarded], client_max_size=MOST_BYTES)
    app[SOURCES], app[ACCESS], app[DOING] = sources, access, doing
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    app[TEMPLATES] = templates
    shown = templates.get_template("now_live.html")
    app[LIVE] = Live(sources, lambda view, role: shown.render(**now_page(view, role >= Role.CUSTOMERS)))
    serve(app, ROUTES)
    shelter(app, HEADERS)
    return app


@web.middleware
async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Who may not look is asked for the token; what a service refuses is said with its remedy."""
    access = request.app[ACCESS]
    who = access.who(request)
    static = request.path.startswith("/static/")
    if is_from_elsewhere(request):
        return refused(request, "Another site's page asked for this.", "Open the console in a tab of its own.")
    if who is None and not static and request.path != "/login":
        if access.asks and named_by(request, "Authorization"):
            await signing.wrong(request)
        return signing.asked(request)
    try:
        if who is not None:
            request[WHO] = who
        if not static and request.path not in ASIDE:
            request[STOPPED] = await request.app[SOURCES].stopped()
        if request.method == "POST" and not access.is_own(request):
            return refused(
                request,
                "This form was not sent from one of the console's own pages.",
                "Load the page again. Behind a proxy that changes the host, start the console with --origin.",
            )
        response = await handler(request)
    except EngineError as error:
        message, _, remedy = str(error).rpartition(" | remedy: ")
        title = "Not to be read" if request.method == "GET" else "Not done"
        values = {"title": title, "message": printable(message), "remedy": printable(remedy)}
        return page(request, "error.html", values, 400 if error.code == ExitCode.USAGE else 503)
    except NotToBeRead as error:
        values = {"title": "Not done", "message": f"What was sent can't be read: {error}.", "remedy": "Send the form."}
        return page(request, "error.html", values, 400)
    except web.HTTPNotFound:
        values = {"title": "No such page", "message": "There is no such page.", "remedy": "Choose one above."}
        return page(request, "error.html", values, 404)
    return response
