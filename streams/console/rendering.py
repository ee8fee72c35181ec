"""What handlers share: where the application keeps things, and a page with what stands on each."""

from __future__ import annotations

from typing import Any, Final

import jinja2
from aiohttp import web

from streams.console.access import COOKIE, Access
from streams.console.doing import Doing
from streams.console.live import Live
from streams.console.roles import Role, Who
from streams.console.sessions import LASTS_S
from streams.console.sources import Sources, Stopped

PAGES: Final = ("now", "customers", "decisions", "value", "proof", "model", "policy", "system")
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: a form would then be sent without its origin, which is what tells it from another site's.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
}
SOURCES: Final = web.AppKey("sources", Sources)
DOING: Final = web.AppKey("doing", Doing)
ACCESS: Final = web.AppKey("access", Access)
TEMPLATES: Final = web.AppKey("templates", jinja2.Environment)
LIVE: Final = web.AppKey("live", Live)
WHO: Final = web.RequestKey("who", Who)
STOPPED: Final = web.RequestKey("stopped", Stopped)


def role_of(request: web.Request) -> Role | None:
    """Of who asks; None: they may not look."""
    who = request.get(WHO)
    return None if who is None else who.role


def page(request: web.Request, name: str, values: dict[str, Any], status: int = 200) -> web.Response:
    """A template with its values. For whoever may act it has what a form must bring back."""
    access, who = request.app[ACCESS], request.get(WHO)
    acts = who is not None and who.role >= Role.ACT
    sees = who is not None and who.role >= Role.CUSTOMERS
    around = {
        "pages": [one for one in PAGES if sees or one != "customers"] if who is not None else [],
        "here": request.path.strip("/").partition("/")[0],
        "sees": sees,
        "acts": acts,
        "user": who.name if who is not None and acts else "",
        "form_token": access.sessions.form_token(who.name) if who is not None and acts else "",
        "leaves": access.in_session(request),
        "stopped": request.get(STOPPED, Stopped()),
    }
    body = request.app[TEMPLATES].get_template(name).render(**around, **values)
    return web.Response(text=body, content_type="text/html", status=status, headers=HEADERS)


def set_session(request: web.Request, response: web.StreamResponse, session: str) -> None:
    """Give the browser a session."""
    secure = request.app[ACCESS].secure(request)
    response.set_cookie(COOKIE, session, max_age=LASTS_S, httponly=True, samesite="Strict", secure=secure)


def refused(request: web.Request, message: str, remedy: str, status: int = 403) -> web.Response:
    """Why nothing was done or shown."""
    return page(request, "error.html", {"title": "Not done", "message": message, "remedy": remedy}, status)
