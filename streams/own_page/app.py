"""The web application: routes, what a browser may do with a page, and faults in the customer's words."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import jinja2
from aiohttp import web

from streams.client.links import ONE_CLICK, Linked, LinkRefused
from streams.errors import EngineError
from streams.operations.access.places import ENGLISH, GERMAN
from streams.own_page.access import BY_CODE, LINK, ME
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
    asked_language,
    form_of,
    limits_of,
    linked_of,
    page,
    say_to,
    signed_in,
    take,
    told,
    what_of,
)
from streams.own_page.codes import CodeNotSent
from streams.own_page.facts import Times
from streams.own_page.limits import Limit
from streams.own_page.page import confirmed, off_page, whole_page
from streams.own_page.wishes import NotPossible, Wish
from streams.web import NotToBeRead, is_from_elsewhere, posted, shelter

HERE: Final = Path(__file__).parent

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
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
    app.add_routes(
        [
            web.get("/o/{token}", _off),
            web.post("/o/{token}", _switch_off),
            web.get(f"/o/{{token}}/{ONE_CLICK}", _off),
            web.post(f"/o/{{token}}/{ONE_CLICK}", _one_click),
            web.post("/o/{token}/code", _send_code),
            web.post("/o/{token}/enter", _enter),
            web.get("/o/{token}/code", _back),
            web.get("/o/{token}/enter", _back),
            web.get("/leave", _back),
            web.get("/me", _me),
            web.post("/me", _change),
            web.post("/leave", _leave),
            web.get("/health", _health),
            web.get("/static/theme.css", _theme),
            web.static("/static", HERE / "static"),
        ]
    )
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


async def _back(request: web.Request) -> web.StreamResponse:
    """The address of a form that was sent, asked for as a page: by a choice of language, or a reload."""
    raise web.HTTPSeeOther(f"{_link(request)}{asked_language(request)}")


def _link(request: web.Request) -> str:
    token = request.match_info.get("token", "")
    return f"/o/{quote(token)}" if token else "/me"


# -- with a link


async def _off(request: web.Request) -> web.StreamResponse:
    linked = linked_of(request)
    take(limits_of(request).reads, f"link {linked.customer}")
    return await _off_page(request, linked)


async def _switch_off(request: web.Request) -> web.StreamResponse:
    linked, service = linked_of(request), request.app[PARTS].service
    form, once = await form_of(request, LINK, linked.customer)
    try:
        wish = await service.switch_off(linked.customer, what_of(form), form, once, "by link", linked.channel)
    except NotPossible as error:
        return await _off_page(request, linked, fault=error.message, status=422)
    return await _off_page(request, linked, wish)


async def _one_click(request: web.Request) -> web.StreamResponse:
    """RFC 8058: a mail program's POST, without cookies and of no form of ours."""
    linked, say = linked_of(request), say_to(request)
    if (await posted(request)).get("List-Unsubscribe") != "One-Click":
        raise Refused("form_over", 400)
    take(limits_of(request).one_click, linked.customer)
    try:
        wish = await request.app[PARTS].service.one_click(linked.customer, linked.channel)
    except NotPossible:  # a link of an id or channel that no touchpoint takes
        raise Refused("link_over", 404) from None
    return page(request, "told.html", {"heading": confirmed(wish, say, Times(say, "")), "words": say("in_force")})


async def _off_page(
    request: web.Request, linked: Linked, wish: Wish | None = None, *, fault: str = "", status: int = 200, **more: Any
) -> web.StreamResponse:
    parts, say = request.app[PARTS], say_to(request)
    options = await parts.service.options(linked.customer)
    done = "" if wish is None else confirmed(wish, say, Times(say, ""))
    here, _ = parts.access.signed_in(request, parts.service.clock())
    values = {
        **off_page(options, linked.channel, say),
        "link": _link(request),
        "form": parts.access.form(LINK, linked.customer, parts.service.clock()),
        "done": done,
        "fault": say(f"fault_{fault}") if fault else "",
        "by_code": parts.sender is not None,
        "by_login": parts.signs_in,
        "code_sent": request.query.get("code") == "sent",
        "somebody_else": bool(here) and here != linked.customer,
        **more,
    }
    return page(request, "off.html", values, status)


# -- a code


async def _send_code(request: web.Request) -> web.StreamResponse:
    linked, parts = linked_of(request), request.app[PARTS]
    await form_of(request, LINK, linked.customer)
    if parts.sender is None:
        raise Refused("no_page", 404)
    take(limits_of(request).codes, linked.customer)
    code, mark = parts.access.ask(linked.customer, parts.service.clock())
    who = parts.service.pseudonym(linked.customer)
    try:
        await parts.sender.send_code(linked.customer, code, say_to(request).language)
    except CodeNotSent as error:
        logger.warning("no code for customer %s: %s", who, error)
        return await _off_page(request, linked, fault="code_not_sent", status=503)
    logger.info("customer %s: a code was sent", who)
    asked = asked_language(request)
    response = web.HTTPSeeOther(f"{_link(request)}{f'{asked}&' if asked else '?'}code=sent#more")
    parts.access.keep_mark(response, mark)
    raise response


async def _enter(request: web.Request) -> web.StreamResponse:
    linked, parts = linked_of(request), request.app[PARTS]
    form, _ = await form_of(request, LINK, linked.customer)
    if parts.sender is None:
        raise Refused("no_page", 404)
    limits, address = limits_of(request), address_of(request)
    if not limits.strange.has(address):
        raise Refused("too_often", 429, limits.strange.every_s)
    now, who = parts.service.clock(), parts.service.pseudonym(linked.customer)
    given = "".join(form.get("code", ()))
    mark = parts.access.mark_of(request, linked.customer, now)
    if mark:  # of another browser's code no try is taken
        take(limits.tries, mark)
    if not parts.access.is_code(given, linked.customer, mark):
        take(limits.strange, address)
        logger.info("customer %s: a wrong code", who)
        return await _off_page(request, linked, fault="wrong_code", status=401)
    logger.info("customer %s: signed in by a code", who)
    response = web.HTTPSeeOther(f"/me{asked_language(request)}")
    parts.access.let_in(response, linked.customer, now)
    raise response


# -- signed in


async def _me(request: web.Request) -> web.StreamResponse:
    customer, _ = signed_in(request)
    take(limits_of(request).reads, f"me {customer}")
    return await _whole_page(request, customer)


async def _change(request: web.Request) -> web.StreamResponse:
    customer, via = signed_in(request)
    form, once = await form_of(request, ME, customer)
    try:
        wish = await request.app[PARTS].service.change(customer, what_of(form), form, once, via)
    except NotPossible as error:
        return await _whole_page(request, customer, fault=error.message, status=422)
    return await _whole_page(request, customer, wish)


async def _leave(request: web.Request) -> web.StreamResponse:
    """Signs out whoever came by a code; whom a proxy names, it names."""
    response = told(request, "signed_out", 200)
    request.app[PARTS].access.let_out(response)
    return response


async def _whole_page(
    request: web.Request, customer: str, wish: Wish | None = None, *, fault: str = "", status: int = 200
) -> web.StreamResponse:
    parts = request.app[PARTS]
    known = await parts.service.known(customer)
    say = say_to(request, known.tail.language)
    waits = await parts.service.waiting(customer)
    places = await parts.service.source.places(known, GERMAN if say.language == "de" else ENGLISH)
    times = Times(say, known.zone)
    values = {
        **whole_page(known, waits, places, say),
        "form": parts.access.form(ME, customer, parts.service.clock()),
        "can_leave": parts.access.signed_in(request, parts.service.clock())[1] == BY_CODE,
        "done": "" if wish is None else confirmed(wish, say, times),
        "fault": say(f"fault_{fault}") if fault else "",
    }
    return page(request, "me.html", values, status, say)


# -- beside them


async def _health(request: web.Request) -> web.StreamResponse:
    runs = request.app[PARTS].service.runs
    return web.json_response({"ok": runs}, status=200 if runs else 503)


async def _theme(request: web.Request) -> web.StreamResponse:
    theme = request.app[PARTS].theme
    return web.Response(text="", content_type="text/css") if theme is None else web.FileResponse(theme)
