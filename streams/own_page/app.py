"""The web application: its table of routes, what a browser may do with a page, and faults in the customer's words."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import jinja2
from aiohttp import web

from streams.client.links import ONE_CLICK, LinkRefused
from streams.errors import EngineError
from streams.own_page import link_pages, me_pages
from streams.own_page.asked import (
    CODES,
    HEADERS,
    LIMITS,
    OFTEN,
    PARTS,
    READS,
    STRANGE,
    TEMPLATES,
    TRIES,
    Limits,
    Parts,
    Refused,
    address_of,
    limits_of,
    take,
    told,
)
from streams.own_page.forms import ANSWERS
from streams.own_page.limits import Limit
from streams.routes import Answer, Handler, Route, data, files, serve
from streams.web import NotToBeRead, is_from_elsewhere, shelter

HERE: Final = Path(__file__).parent

logger = logging.getLogger(__name__)


def own_page_app(parts: Parts, clock: Callable[[], float] = time.monotonic) -> web.Application:
    """The page; while it is served, erasures that are due are published."""
    app = web.Application(middlewares=[_guarded], client_max_size=16_384)
    app[PARTS] = parts
    app[LIMITS] = Limits(
        *(Limit(most, refill, clock) for most, refill in (OFTEN, OFTEN, OFTEN, STRANGE, CODES, TRIES, READS))
    )
    app[TEMPLATES] = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    serve(app, ROUTES)
    app.cleanup_ctx.append(_erasing)
    shelter(app, HEADERS)
    return app


async def _erasing(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(app[PARTS].service.erase_for_ever())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@web.middleware
async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever comes of it, the page that answers says so, and a browser is told what it may do with it."""
    try:
        _is_welcome(request)
        response = await handler(request)
    except Refused as refused:
        return _refusal(request, refused)
    except LinkRefused as refused:
        try:
            take(limits_of(request).strange, address_of(request))
        except Refused as too_often:
            return _refusal(request, too_often)
        logger.info("a link was refused: %s", refused)
        return told(request, "link_over", 410 if refused.expired else 404)
    except NotToBeRead:
        return told(request, "form_over", 400)
    except EngineError as error:
        logger.warning("%s %s: %s", request.method, request.match_info.handler.__name__, error)
        return told(request, "not_now", 503)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return told(request, "no_page", error.status)
    return response


def _is_welcome(request: web.Request) -> None:
    """Raises Refused."""
    if not request.app[PARTS].access.serves(request) and request.path != "/health":
        logger.warning("asked for under a host that is not own_page_url's: see that the proxy hands on the host")
        raise Refused("no_page", 421)
    if request.method == "POST" and is_from_elsewhere(request) and not request.path.endswith(f"/{ONE_CLICK}"):
        raise Refused("form_over", 403)


def _refusal(request: web.Request, refused: Refused) -> web.Response:
    response = told(request, refused.heading, refused.status)
    if refused.wait_s:
        response.headers["Retry-After"] = str(refused.wait_s)
    return response


async def _health(request: web.Request) -> web.StreamResponse:
    runs = request.app[PARTS].service.runs
    return web.json_response({"ok": runs}, status=200 if runs else 503)


async def _theme(request: web.Request) -> web.StreamResponse:
    theme = request.app[PARTS].theme
    return web.Response(text="", content_type="text/css") if theme is None else web.FileResponse(theme)


ROUTES: Final = (
    *link_pages.ROUTES,
    *me_pages.ROUTES,
    Route(
        "GET",
        "/health",
        _health,
        "Whether what customers say can be published.",
        {200: data("it can", "OwnPageHealth"), 503: data("it can't", "OwnPageHealth")},
    ),
    Route(
        "GET",
        "/static/theme.css",
        _theme,
        "The house's sheet; empty without one.",
        {200: Answer("a sheet", "text/css"), 304: Answer("the browser has it", ""), 421: ANSWERS[421]},
    ),
    files(HERE / "static", {404: Answer("there is no such file", ""), 421: ANSWERS[421]}),
)
