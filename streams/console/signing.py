"""Signing in with a token, and out again; a wrong one is logged, and answered late."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from aiohttp import web

from streams.console.access import COOKIE
from streams.console.rendering import ACCESS, page, set_session
from streams.console.table import ANYBODY, SIGNED_IN, TOO_LONG, UNKNOWN
from streams.routes import Answer, Field, Form, Route, leads_to
from streams.text import printable
from streams.web import posted

WRONG_S: Final = 0.5
"""Whoever gives a wrong token waits so long."""

logger = logging.getLogger(__name__)


async def login(request: web.Request) -> web.StreamResponse:
    access, form = request.app[ACCESS], await posted(request)
    holder = access.holder(form.get("token", "")) if access.asks else None
    if holder is None:
        await wrong(request)
        return asked(request, wrong=True)
    logger.info("%s signed in from %s", printable(holder.name), request.remote)
    response = web.HTTPSeeOther("/now")
    set_session(request, response, access.sessions.issue(holder.name))
    raise response


async def logout(request: web.Request) -> web.StreamResponse:
    """Ends the browser's session, also where its cookie was copied. Whom a proxy names, it names on."""
    access, session = request.app[ACCESS], request.cookies.get(COOKIE, "")
    logger.info("%s signed out", printable(access.sessions.name(session) or ""))
    access.sessions.end(session)
    response = web.HTTPSeeOther("/now")
    response.del_cookie(COOKIE)
    raise response


def asked(request: web.Request, *, wrong: bool = False) -> web.Response:
    """The page that asks who somebody is."""
    return page(request, "login.html", {"title": "Who are you?", "asks": request.app[ACCESS].asks, "wrong": wrong}, 401)


async def wrong(request: web.Request) -> None:
    """A token that is nobody's was given."""
    logger.warning("a token that is nobody's was given from %s", request.remote)
    await asyncio.sleep(WRONG_S)


_NOT_OWN: Final = Answer("the form is of none of the console's own pages")
_IN: Final = "Sign in: the answer sets a session for twelve hours."
_OUT: Final = "Sign out: the session ends, in copies of its cookie too."

ROUTES: Final = (
    Route(
        "POST",
        "/login",
        login,
        _IN,
        {
            303: leads_to("`/now`"),
            400: Answer("what was sent can't be read"),
            401: Answer("the token is nobody's, half a second late; or a token lets nobody in"),
            403: _NOT_OWN,
            413: TOO_LONG,
        },
        ANYBODY,
        forms=(
            Form(
                _IN,
                {
                    "token": Field("that somebody was given"),
                    "username": Field("for those who keep passwords; not read", needed=False),
                },
            ),
        ),
    ),
    Route(
        "POST",
        "/logout",
        logout,
        _OUT,
        {303: leads_to("`/now`"), 401: UNKNOWN, 403: _NOT_OWN},
        SIGNED_IN,
    ),
)
